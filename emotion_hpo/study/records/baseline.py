"""`baseline.json`: what the plain model that every trial is compared with reaches on validation."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.study.records.base import Part, Record, is_absent
from emotion_hpo.study.records.metrics import with_metrics


class _NamedScores(Part):
    accuracy: float | None = Field(description="share of right answers")

    def value_of(self, metric: str) -> float | None:
        """Return the value by a metric, or by an objective; None where none was stored."""
        value: float | None = getattr(self, find_metric(metric).name)
        return value


if TYPE_CHECKING:

    class ValidationScores(_NamedScores):
        """Scores of the plain model on validation: means over the folds."""

else:
    ValidationScores = with_metrics("ValidationScores", _NamedScores, {"": float})
    ValidationScores.__doc__ = "Scores of the plain model on validation: means over the folds."


class Baseline(Record):
    """What the plain model reaches on the validation part."""

    version: Literal[1] = Field(1, description="of this file's layout")
    model: str = Field(description="what kind of model it is")
    parts: tuple[str, ...] = Field(description="modalities that it reads")
    n_train: int = Field(description="utterances that it learns from; of several folds the mean")
    validation: ValidationScores = Field(description="with all its modalities")
    alone: ValidationScores | None = Field(
        None,
        exclude_if=is_absent,
        description="without the turns before; absent where it reads none",
    )
    by_part: dict[str, ValidationScores] = Field(description="modality → with that one alone")
