"""What a report relies on in what `final` writes: `result.json` and the ledger's lines."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from emotion_hpo.metrics.intervals import Interval
from emotion_hpo.metrics.registry import METRICS
from emotion_hpo.study.shapes import Promised, Shape, StoredInterval

#: Names of files are made of it.
Name = Annotated[str, Field(pattern=r"^[\w-]+$")]


class Gain(Shape):
    """A paired difference."""

    difference: float
    interval: StoredInterval


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
    interval: StoredInterval
    n: int


class Part(Shape):
    """Of the test session."""

    n: int
    accuracy: float | None
    accuracy_interval: StoredInterval
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


class Held(Promised):
    """What was promised, beside what came."""

    test: float
    is_inside: bool | None


class Scored(Shape):
    """What a model reaches: accuracy and UAR, and any other metric that is stored beside them."""

    accuracy: float
    uar: float

    @model_validator(mode="before")
    @classmethod
    def _has_scores(cls, stored: Any) -> Any:  # noqa: ANN401 (as read from JSON)
        for name in METRICS if isinstance(stored, dict) else ():
            value = stored.get(name)
            if name not in cls.model_fields and not isinstance(value, int | float | None):
                raise ValueError(f"{name} is a number, not {value!r}")
            if f"{name}_interval" in cls.model_fields:
                continue
            try:
                Interval.read(stored.get(f"{name}_interval", ()))
            except ValueError as error:
                raise ValueError(f"{name}_interval: {error}") from None
        return stored


class Plain(Scored):
    """The baseline on the test session."""

    parts: list[str]


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


class Result(Scored):
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
    modalities: list[str] = Field(default_factory=list)
    validation: Validated
    accuracy_interval: StoredInterval
    uar_interval: StoredInterval
    recall_by_class: dict[str, Recall]
    confusion: Confusion
    accuracy_by_seed: list[float] = Field(default_factory=list)
    baseline: Plain | None = None
    default: Default | None = None
    without: dict[str, Without] | None = None
    by: dict[str, dict[str, Part]] | None = None
    calibration: Calibration | None = None
    expected: Held | None = None
    cost: FinalCost | None = None
    paper_protocol: PaperProtocol | None = None
    scorings: list[Scoring] = Field(default_factory=list)
    opening: str = ""
    model: str = ""
    scored_at: str = ""


class Look(Shape):
    """A line of the ledger."""

    study: str
    trial: str
    at: str
    by: str | None = None


class Overlap(Look):
    """A part of a line of the ledger: an earlier holdout with some of the same utterances."""

    n_shared: int


class Opening(Look):
    """A line of the ledger, with the score that came of it."""

    holdout: str
    opening: str
    model: str
    accuracy: float | None
    commit: str | None = None
    overlaps: list[Overlap] = Field(default_factory=list)
