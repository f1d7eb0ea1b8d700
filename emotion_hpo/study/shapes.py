"""What a report relies on in the files of a study, so that a damaged one is known when it is read.

Each shape names only what some page uses; more may stand in a file. What an older version did not
write has a default here and is left out where it is missing. A file that was written otherwise is
no file of ours, or not all of it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from emotion_hpo.metrics.intervals import Interval
from emotion_hpo.study import read_json


def _is_interval(stored: Any) -> Any:  # noqa: ANN401 (as read from JSON)
    Interval.read(stored)
    return stored


#: As `Interval.as_json` writes it, or the two ends that older versions wrote.
StoredInterval = Annotated[Any, AfterValidator(_is_interval)]


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
    interval: StoredInterval


class Searched(Promised):
    """What `search` expects of its best trial."""

    plain: float
    n_trials: int
    sentence: str
    winner: str = ""


class WarmStart(Shape):
    """A part of `search.json`."""

    n_prior_trials: int


class Summary(Shape):
    """`search.json`."""

    n_train: int | None = None
    n_validation: int | None = None
    expected: Searched | None = None
    warm_start: WarmStart | None = None
    class_remarks: list[str] = []


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
