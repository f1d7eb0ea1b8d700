"""What the models of commands share: a study that exists, whose own configuration counts.

A command on such a study composes the whole of `conf/` and looks only at the study's name. The
other keys stay valid there, with any value, so that one command line serves every command.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, create_model

from emotion_hpo.config.base import Section
from emotion_hpo.config.search import SearchConfig, StudyConfig
from emotion_hpo.config.study_name import StudyFolder


def unchecked(model: type[BaseModel]) -> type[Section]:
    """Return a section that has the keys of a model and takes any value for them.

    >>> unchecked(StudyConfig)(n_trials="many").n_trials
    'many'
    """
    fields: dict[str, Any] = dict.fromkeys(model.model_fields, (Any, None))
    return create_model(f"Unchecked{model.__name__}", __base__=Section, **fields)


if TYPE_CHECKING:  # a type checker knows no class that is made while the program runs

    class _AnyStudy(Section): ...

    class _AnySearch(Section): ...

else:
    _AnyStudy, _AnySearch = unchecked(StudyConfig), unchecked(SearchConfig)


class StudyName(_AnyStudy):
    """Which study a command is about; the rest of the preset is not looked at."""

    name: StudyFolder
    directory: Path


class StudyCommand(_AnySearch):
    """A command on a study that exists: its own configuration counts, not the one composed."""

    study: StudyName
    output: Path | None = None
