"""A storage and a folder belong together: no trials of two studies mix, none are written over."""

import uuid

import optuna

from emotion_hpo.errors import StudyError
from emotion_hpo.study import StudyHome, write_bytes

_KEY = "home"


def check_identity(study: optuna.Study, home: StudyHome) -> None:
    """Make sure that a study on a server and a folder belong together; tie them if both are new.

    Raises:
        StudyError: One of them belongs to another.
    """
    own_id = home.identity.read_text("utf-8") if home.identity.exists() else None
    stored_id = study.user_attrs.get(_KEY)
    if stored_id is None and study.get_trials(deepcopy=False) == []:
        check_records(study, home)
        own_id = own_id or uuid.uuid4().hex
        write_bytes(home.identity, own_id.encode())
        study.set_user_attr(_KEY, own_id)
    elif stored_id != own_id:
        raise StudyError(
            f"the storage holds another study named {home.name!r}, which does not belong to "
            f"{home.path}; search under another study.name"
        )


def check_records(study: optuna.Study, home: StudyHome) -> None:
    """Make sure that the storage knows every trial here: a new one would take its folder.

    It does not know them if its database was removed, emptied, or replaced by an older copy.

    Raises:
        StudyError: It lacks one.
    """
    # First the folders, then the storage: one that is claimed meanwhile is known by then.
    names = [path.name.removeprefix("trial_") for path in home.path.glob("trials/trial_*")]
    n_known = len(study.get_trials(deepcopy=False))
    if unknown := [int(name) for name in names if name.isdecimal() and int(name) >= n_known]:
        raise StudyError(
            f"the storage holds no trial_{min(unknown)} of study "
            f"{home.name!r}, but {home.path / 'trials'} does; take the storage back that it was "
            "searched with, or search under another study.name"
        )
