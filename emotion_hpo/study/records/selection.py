"""`selection.json` and `selection/*/confirmation.json`: the leaders, trained over fresh seeds."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from emotion_hpo.study.records.base import Part, Record
from emotion_hpo.study.records.intervals import StoredInterval

#: What is computed from the trials' files is computed again, if it is not there.
WRITE_ANEW = "delete it, and `make search` writes it anew in a moment"


class ConfirmedScore(Part):
    """What the confirmed winner is expected to reach on new utterances."""

    value: float = Field(description="expected value of the objective")
    interval: StoredInterval = Field(description="90 % interval")
    optimism: float = Field(description="what choosing among the candidates had added")


class Candidate(Part):
    """A leader, or the default configuration, over fresh seeds."""

    trial: str = Field(description="its name")
    is_default: bool = Field(description="whether it is the study's own configuration")
    values: tuple[float, ...] = Field(min_length=1, description="the objective, a seed each")
    mean: float = Field(description="mean of `values`")
    epochs: int = Field(description="median of the best epochs of its trainings")
    n_parameters: int = Field(description="trainable weights")
    seconds: float = Field(description="mean time of a training")


class Selection(Record):
    """What the leaders of a search reach over fresh seeds, and which of them is confirmed."""

    remedy: ClassVar[str] = WRITE_ANEW

    version: Literal[1] = Field(1, description="of this file's layout")
    winner: str = Field(description="trial with the best mean; of equals the cheapest")
    epochs: int = Field(description="epochs of the winner's retraining")
    value: float = Field(description="the winner's mean")
    objective: str = Field(description="metric that decides")
    n_seeds: int = Field(description="fresh seeds of each candidate")
    standard_error: float = Field(description="of a mean, pooled over the candidates")
    candidates: tuple[Candidate, ...] = Field(description="who was trained again")
    expected: ConfirmedScore | None = Field(description="null where nothing can be told")
    baseline: float | None = Field(description="value of the plain model, which has no seed")


class Confirmation(Record):
    """A leader's training over one fresh seed; after a failure all but `reason` is null."""

    version: Literal[1] = Field(1, description="of this file's layout")
    value: float | None = Field(description="the objective, a mean over the folds")
    reason: str | None = Field(None, description="why it failed")
    best_epoch: int | None = Field(None, description="median of the folds' best epochs")
    by_fold: tuple[float, ...] | None = Field(None, description="the objective, a fold each")
    best_epochs: tuple[tuple[str, int], ...] | None = Field(
        None, description="fold and best epoch of each training"
    )
    n_parameters: int | None = Field(None, description="trainable weights")
    seconds: float | None = Field(None, description="time of the training")
    seed: int | None = Field(None, description="of the training")

    @model_validator(mode="after")
    def _is_whole_or_failed(self) -> Self:
        facts = {name: value for name, value in self if name not in ("version", "reason")}
        if len({value is None for value in facts.values()}) > 1:
            missing = next(name for name, value in facts.items() if value is None)
            raise ValueError(f"a training that has ended has a value, and {missing} is null")
        return self
