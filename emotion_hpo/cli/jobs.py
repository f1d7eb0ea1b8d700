"""Trainings that a command needs: where they run, and what a person sees of them."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from emotion_hpo.config import SearchConfig, build, dump, flatten
from emotion_hpo.config.base import Section
from emotion_hpo.config.places import LauncherConfig
from emotion_hpo.study import StudyHome

if TYPE_CHECKING:
    from emotion_hpo.training.job import Train


class _LauncherChoice(Section):
    """Where workers run."""

    launcher: LauncherConfig


def with_launcher(
    config: SearchConfig, composed: object, requested: Mapping[str, Any]
) -> SearchConfig:
    """Return a stored study with the launcher that the command line asks for, if it does.

    Args:
        config: The study.
        composed: The launcher as the command line and `conf/` have it together.
        requested: Path → value that the command line sets.

    Raises:
        ConfigError: It is no launcher.
    """
    values = {
        path.removeprefix("launcher."): value
        for path, value in flatten(requested).items()
        if path.startswith("launcher.")
    }
    if not values:
        return config
    plain = composed if "name" in values else {**dump(config.launcher), **values}
    launcher = build(_LauncherChoice, {"launcher": plain}).launcher
    return config.model_copy(update={"launcher": launcher})


def job_trainer(home: StudyHome, config: SearchConfig, title: str) -> "Train":
    """Return what trains jobs of a study on its launcher, and shows them under a title."""
    from emotion_hpo.console.batch import BatchScreen
    from emotion_hpo.search.batch import train_batch

    screen = partial(BatchScreen, title, is_local=config.launcher.name == "local")
    return partial(train_batch, home, config, open_display=screen)
