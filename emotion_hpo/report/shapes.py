"""What a report relies on in the files of a study, so that a damaged one is known when it is read.

Each shape names only what some page uses; more may stand in a file. What an older version did not
write has a default here and is left out where it is missing. A file that was written otherwise is
no file of ours, or not all of it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from emotion_hpo.records import read_json

Shares = Annotated[list[float], Field(min_length=2, max_length=2)]
MaybeShares = Annotated[list[float | None], Field(min_length=2, max_length=2)]

#: Names of files are made of it.
Name = Annotated[str, Field(pattern=r"^[\w-]+$")]


class Shape(BaseModel):
    """A mapping of a file; what is written as a number is no string."""

    model_config = ConfigDict(extra="ignore", strict=True, protected_namespaces=())


def as_written(shape: type[Shape]) -> Callable[[Path], Mapping[str, Any]]:
    """How to read a JSON file of this shape."""

    def read(path: Path) -> Mapping[str, Any]:
        found: Mapping[str, Any] = read_json(path)
        shape.model_validate(found)
        return found

    return read


class Training(Shape):
    """A part of `trial.json`."""

    fold: str
    value: float
    best_epoch: int


class TrialRecord(Shape):
    """`trial.json`."""

    number: int = Field(ge=0)
    state: str
    params: dict[str, Any]
    value: float | None = None
    best_epoch: int | None = None
    worker: str | None = None
    reason: str | None = None
    continues: int | None = None
    seed: int | None = None
    n_threads: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    trainings: list[Training] = []
    cost: float | None = None

    @model_validator(mode="after")
    def _continues_an_earlier_one(self) -> Self:
        if self.continues is not None and self.continues >= self.number:
            raise ValueError(f"trial {self.number} cannot continue trial {self.continues}")
        return self


class Epoch(Shape):
    """A part of `curve.json`."""

    epoch: int
    metrics: dict[str, float | None]
    seconds: float
    finished_at: float
    training: int = 0


class Curve(RootModel[list[Epoch]]):
    """`curve.json`."""

    model_config = ConfigDict(strict=True)


class Hardware(Shape):
    """A part of `study.yaml`."""

    gpus: list[str] | None = None


class Facts(Shape):
    """A part of `study.yaml`."""

    synthetic: bool = False
    hardware: Hardware | None = None
    fingerprint: dict[str, Any] | None = None
    versions: dict[str, Any] | None = None


class Promised(Shape):
    """What `search` or the confirmation expects of a model."""

    value: float
    interval: Shares


class Searched(Promised):
    """What `search` expects of its best trial."""

    plain: float
    n_trials: int
    sentence: str
    winner: str = ""


class WarmStart(Shape):
    """A part of `search.json`."""

    n_lessons: int


class Summary(Shape):
    """`search.json`."""

    n_train: int | None = None
    n_validation: int | None = None
    expected: Searched | None = None
    warm_start: WarmStart | None = None


class Figures(Shape):
    """Figures of a model on some part."""

    accuracy: float | None
    uar: float | None
    macro_f1: float | None


class Baseline(Shape):
    """`baseline.json`."""

    model: str
    parts: list[str]
    validation: Figures
    by_part: dict[str, Figures]


class Cost(Shape):
    """`cost.json`; a latency says how it was timed."""

    n_parameters: int
    latency_ms: float = 0.0
    n_threads: int = 1
    device: str = ""
    n_timed: int = 0

    @model_validator(mode="after")
    def _is_timed(self) -> Self:
        told = {"n_threads", "device", "n_timed"}
        if "latency_ms" in self.model_fields_set and not told <= self.model_fields_set:
            raise ValueError("it does not say how latency_ms was timed")
        return self


class Candidate(Shape):
    """A part of `selection.json`."""

    trial: str
    is_default: bool
    values: list[float] = Field(min_length=1)
    mean: float
    n_parameters: int
    seconds: float


class Selection(Shape):
    """`selection.json`."""

    winner: str
    standard_error: float
    candidates: list[Candidate]
    expected: Promised | None = None


class Gain(Shape):
    """A paired difference."""

    difference: float
    interval: Shares


class Gains(Shape):
    """Paired differences by metric."""

    accuracy: Gain


class Default(Shape):
    """The default configuration on the test session."""

    trial: str
    accuracy: float
    uar: float
    gain: Gains


class Without(Shape):
    """A model without one modality."""

    accuracy: float
    uar: float
    loss_of_accuracy: Gain


class Recall(Shape):
    """Of one class."""

    recall: float | None
    interval: MaybeShares
    n: int
    by_utterance: bool = False


class Part(Shape):
    """Of the test session."""

    n: int
    accuracy: float | None
    accuracy_interval: MaybeShares
    by_utterance: bool = False
    uar: float | None

    @model_validator(mode="after")
    def _is_of_utterances(self) -> Self:
        if self.n > 0 and self.accuracy is None:
            raise ValueError("a part of some utterances has an accuracy")
        return self


class Confusion(Shape):
    """Counts, a row a true class."""

    classes: list[str]
    counts: list[list[int]]

    @model_validator(mode="after")
    def _is_square(self) -> Self:
        if {len(self.classes)} != {len(self.counts), *map(len, self.counts)}:
            raise ValueError("a row and a column for each class must stand here")
        return self


class Bin(Shape):
    """Of a reliability diagram."""

    confidence: float
    accuracy: float
    n: int


class Calibration(Shape):
    """How sure a model is."""

    ece: float
    brier: float
    reliability: list[Bin]


class Held(Shape):
    """What was promised, beside what came."""

    value: float
    interval: Shares
    test: float
    is_inside: bool


class Plain(Shape):
    """The baseline on the test session."""

    parts: list[str]
    accuracy: float
    uar: float
    macro_f1: float | None = None
    accuracy_interval: MaybeShares = [None, None]
    uar_interval: MaybeShares = [None, None]


class FinalCost(Shape):
    """What the final model costs to use."""

    latency_ms: float
    n_timed: int
    n_networks: int
    n_parameters: int
    n_threads: int
    device: str


class PaperProtocol(Shape):
    """The reference's own figure, the best epoch on the test session."""

    warning: str
    accuracy: float


class Scoring(Shape):
    """A part of `result.json`: one opening of its holdout."""

    study: str
    trial: str
    at: str
    by: str | None = None
    accuracy: float | None = None


class Validated(Shape):
    """What the trial had reached in the search."""

    value: float | None


class Result(Shape):
    """`result.json`."""

    study: str = ""
    trial: Name
    synthetic: bool
    test_session: str
    test_speakers: list[str]
    n_train: int
    n_test: int
    n_dialogues: int
    epochs: int
    seeds: list[int]
    validation: Validated
    accuracy: float
    accuracy_interval: Shares
    uar: float
    uar_interval: MaybeShares = [None, None]
    macro_f1: float | None = None
    macro_f1_interval: MaybeShares = [None, None]
    recall_by_class: dict[str, Recall]
    confusion: Confusion
    accuracy_by_seed: list[float] = []
    baseline: Plain | None = None
    default: Default | None = None
    without: dict[str, Without] | None = None
    by: dict[str, dict[str, Part]] | None = None
    calibration: Calibration | None = None
    expected: Held | None = None
    cost: FinalCost | None = None
    paper_protocol: PaperProtocol | None = None
    scorings: list[Scoring] = []
    opening: str = ""
    model: str = ""


class Opening(Shape):
    """A line of the ledger."""

    holdout: str
    opening: str
    model: str
    study: str
    trial: str
    at: str
    accuracy: float | None
    commit: str | None = None
    by: str | None = None
