"""What each command takes beside the study: one model a root file of `conf/`."""

from pathlib import Path
from typing import Any

from pydantic import Field

from emotion_hpo.config.base import Section
from emotion_hpo.config.model import ModelConfig
from emotion_hpo.config.search import SearchConfig, StudyFolder, TrackingConfig


class PrepareCommand(SearchConfig):
    """`emotion-hpo prepare`."""

    output: Path | None = Field(description="also write the result there, as JSON")


class SearchCommand(SearchConfig):
    """`emotion-hpo search`."""

    output: Path | None = Field(description="also write the result there, as JSON")

    def search(self) -> SearchConfig:
        """The study alone."""
        return SearchConfig(**{name: getattr(self, name) for name in SearchConfig.model_fields})


class TrackingChoice(Section):
    """Where a command is to mirror what it does, if that is not where the study was mirrored."""

    tracking: TrackingConfig


class StudyName(Section):
    """Which study a command is about; the rest of the preset is not looked at."""

    name: StudyFolder
    directory: Path
    question: Any = None
    seed: Any = None
    n_trials: Any = None
    objective: Any = None
    value: Any = None
    final_seeds: Any = None
    enqueue: Any = None


class StudyCommand(Section):
    """A command on a study that exists: its own configuration counts, not the one composed here."""

    study: StudyName
    output: Path | None = None
    corpus: Any
    features: Any
    split: Any
    model: Any
    training: Any
    space: Any
    sampler: Any
    pruner: Any
    storage: Any
    launcher: Any
    tracking: Any


class FinalCommand(StudyCommand):
    """`emotion-hpo final`."""

    best: str | int | None
    rescore: bool


class ModelsCommand(Section):
    """`emotion-hpo models`."""

    output: Path | None = Field(description="also write the parameter counts there, as JSON")
    model: ModelConfig | None = Field(None, description="show this one alone")
    features: Any
    space: Any


class ReplayCommand(StudyCommand):
    """`emotion-hpo replay`."""

    trial: str | int | None


class UiCommand(StudyCommand):
    """`emotion-hpo ui`."""

    port: int = Field(ge=1, le=65535)
