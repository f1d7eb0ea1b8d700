"""A study on a server belongs to one folder: two of one name must not mix their trials."""

import uuid

import optuna

from emotion_hpo.errors import StudyError
from emotion_hpo.records import StudyHome, write_bytes

_KEY = "home"


def check_identity(study: optuna.Study, home: StudyHome) -> None:
    """Make sure that a study on a server and a folder belong together; tie them if both are new.

    Raises:
        StudyError: One of them belongs to another.
    """
    mine = home.identity.read_text("utf-8") if home.identity.exists() else None
    theirs = study.user_attrs.get(_KEY)
    if theirs is None and study.get_trials(deepcopy=False) == []:
        if any(home.path.glob("trials/*/trial.json")):
            raise StudyError(
                f"the storage holds no trials of study {home.name!r}, but {home.path / 'trials'} "
                "does; take the storage back that it was searched with, or search under another "
                "study.name"
            )
        mine = mine or uuid.uuid4().hex
        write_bytes(home.identity, mine.encode())
        study.set_user_attr(_KEY, mine)
    elif theirs != mine:
        raise StudyError(
            f"the storage holds another study named {home.name!r}, which does not belong to "
            f"{home.path}; search under another study.name"
        )
