"""Trainings that a command needs: where they run, and what a person sees of them."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from emotion_hpo.config import SearchConfig, build, dump, flatten, with_value
from emotion_hpo.study import StudyHome

if TYPE_CHECKING:
    from emotion_hpo.training.job import Train


def with_launcher(
    config: SearchConfig, composed: Mapping[str, Any], requested: Mapping[str, Any]
) -> SearchConfig:
    """Return a stored study with the launcher and the storage that the command line asks for.

    Args:
        config: The study.
        composed: Both, as the command line and `conf/` have them together.
        requested: Path → value that the command line sets.

    Raises:
        ConfigError: There is no such place, or the workers there cannot use the storage.
    """
    paths = flatten(requested)
    plain = dump(config)
    for section in ("launcher", "storage"):
        values = {path: paths[path] for path in paths if path.startswith(f"{section}.")}
        if f"{section}.name" in values:
            plain[section] = composed[section]
            continue
        for path, value in values.items():
            plain = with_value(plain, path, value)
    return build(SearchConfig, plain)


def job_trainer(home: StudyHome, config: SearchConfig, title: str) -> "Train":
    """Return what trains jobs of a study on its launcher, and shows them under a title."""
    from emotion_hpo.console.batch import BatchScreen
    from emotion_hpo.search.batch import train_batch

    screen = partial(BatchScreen, title, is_local=config.launcher.name == "local")
    return partial(train_batch, home, config, open_display=screen)
