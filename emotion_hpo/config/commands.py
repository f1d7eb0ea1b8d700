"""What each command takes beside the study: one model a root file of `conf/`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

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


class NestedCommand(SearchCommand):
    """`emotion-hpo nested`."""

    rescore: bool


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
    max_epochs: Any = None
    max_hours: Any = None
    max_failures: Any = None
    keep_weights: Any = None
    second_objective: Any = None
    n_seeds: Any = None
    objective: Any = None
    value: Any = None
    final_seeds: Any = None
    confirm_leaders: Any = None
    confirm_seeds: Any = None
    retrain: Any = None
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
    warm_start: Any = None


class FinalCommand(StudyCommand):
    """`emotion-hpo final`."""

    best: str | None
    rescore: bool
    rule: Literal["greedy", "average", "weighted", "maximum_confidence"] = Field(
        "greedy", description="of best=ensemble: how trials are chosen and combined"
    )
    n_members: int = Field(5, ge=2, description="of best=ensemble: at most so many trials")
    paper_protocol: bool = Field(
        False, description="also the reference's figure, the best epoch on the test session"
    )


class ReportCommand(StudyCommand):
    """`emotion-hpo report`."""

    studies: tuple[StudyFolder, ...] = Field(
        description="studies to compare instead, all of study.directory; empty: the one study"
    )


class CompareCommand(StudyCommand):
    """`emotion-hpo compare`."""

    studies: tuple[StudyFolder, ...] = Field(
        description="two studies or more, all of study.directory"
    )


class ModelsCommand(Section):
    """`emotion-hpo models`."""

    output: Path | None = Field(description="also write the parameter counts there, as JSON")
    model: ModelConfig | None = Field(None, description="show this one alone")
    features: Any
    space: Any


class ReplayCommand(StudyCommand):
    """`emotion-hpo replay`."""

    trial: str | None
    final: str | None = Field(None, description="a final model to train again instead")


class UiCommand(StudyCommand):
    """`emotion-hpo ui`."""

    port: int = Field(ge=1, le=65535)


class PredictCommand(Section):
    """`emotion-hpo predict`."""

    model_file: Path = Field(
        description="a model.pt, or a folder above some, of which the latest is taken"
    )
    wav: Path | None = Field(description="recording of the utterance")
    text: str | None = Field(description="its words")
    motion: Path | None = Field(description="its motion capture, a .npy of (frames, 189)")
    features: Mapping[str, Path] = Field(
        description="modality to ready-made features, as in training: .npy of the utterance, or "
        "of all `utterances` as corpus.features takes it"
    )
    speaker: str = Field(description="who speaks, where the model scales by speaker")
    utterances: Path | None = Field(
        description="many instead: a folder of .wav files, or a .csv, .tsv or .parquet table"
    )
    output: Path | None = Field(description="write the answer there: CSV of many, JSON of one")


class ServeCommand(Section):
    """`emotion-hpo serve`."""

    model_file: Path = Field(
        description="a model.pt, or a folder above some, of which the latest is taken"
    )
    port: int = Field(ge=1, le=65535)


#: What judges the keys of each command.
MODELS: Mapping[str, type[Section]] = {
    "prepare": PrepareCommand,
    "search": SearchCommand,
    "final": FinalCommand,
    "report": ReportCommand,
    "compare": CompareCommand,
    "predict": PredictCommand,
    "serve": ServeCommand,
    "nested": NestedCommand,
    "models": ModelsCommand,
    "status": StudyCommand,
    "replay": ReplayCommand,
    "sync": StudyCommand,
    "ui": UiCommand,
}
