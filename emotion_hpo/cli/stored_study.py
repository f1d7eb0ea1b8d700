"""A study as stored, held against what a command line requests of it."""

import os
from collections.abc import Mapping
from typing import Any

from emotion_hpo.config import dump, flatten
from emotion_hpo.config.auto import is_unresolved
from emotion_hpo.config.free import FREE_SECTIONS
from emotion_hpo.console.progress import preparing
from emotion_hpo.errors import StudyError
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.study.study_file import StudyFile


def read_study(home: StudyHome, requested: Mapping[str, Any]) -> StudyFile:
    """Read a study, its corpus's files where a command says that they lie now.

    Args:
        home: The study.
        requested: Path → value that the command line sets.

    Raises:
        StudyError: There is no such study, an override contradicts it, or another corpus lies in
            the new place.
    """
    from emotion_hpo.features.preparation import prepare_features

    stored = study_file.read(home)
    overrides = flatten(requested)
    moved = {
        path: overrides[path]
        for path, place in stored.config.places().items()
        if overrides.get(path, str(place)) != str(place)
    }
    rest = {path: value for path, value in overrides.items() if path not in moved}
    refuse_contradiction(home, dump(stored.config), rest)
    if moved:
        stored = study_file.with_places(stored, moved)
        sealed = stored.config.split.test_session
        with preparing(f"Preparing {stored.config.corpus.name}") as on_features:
            store = prepare_features(stored.config, home.features, on_features, leave_out=sealed)
        study_file.write_places(home, stored, store.keys)
    return stored


def refuse_contradiction(
    home: StudyHome, stored: Mapping[str, Any], requested: Mapping[str, Any]
) -> None:
    """Refuse an override that contradicts the study, for it would be ignored.

    Raises:
        StudyError: With a line for each such override.
    """
    known = flatten(stored)
    wrong = [
        f"{path}: the study has {known.get(path)!r}, the command says {value!r}"
        for path, value in flatten(requested).items()
        if path in known
        and path.split(".")[0] not in FREE_SECTIONS
        and known[path] != value
        and not is_unresolved(path, value)
        and str(known[path]) != os.path.expanduser(str(value))  # noqa: PTH111 (as paths are stored)
    ]
    if wrong:
        listed = "".join(f"\n  {line}" for line in wrong)
        raise StudyError(
            f"study {home.name!r} was searched with another configuration:{listed}\n"
            "`final` trains what was searched; leave these out, or name another study.name"
        )
