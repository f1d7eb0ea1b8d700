"""`trials/trial_N/trial.json` and `curve.json`: how a trial ended, and its every epoch."""

from dataclasses import fields
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from emotion_hpo.study.records.base import Record, is_absent
from emotion_hpo.study.trial import Epoch, Training, Trial, TrialState


class TrialRecord(Record):
    """How a trial ended; its curve lies beside it, in `curve.json`."""

    version: Literal[1] = Field(1, description="of this file's layout")
    number: int = Field(description="Optuna's")
    state: TrialState = Field(description="complete, pruned, failed or interrupted")
    params: dict[str, Any] = Field(description="path in the configuration → value drawn")
    value: float | None = Field(description="the objective, a mean over the trainings")
    best_epoch: int | None = Field(description="the epoch of `value`; of several the median")
    worker: str | None = Field(description="who trained it")
    reason: str | None = Field(description="why it failed")
    continues: int | None = Field(description="number of the interrupted trial that it took up")
    seed: int | None = Field(description="of its training")
    n_threads: int | None = Field(description="threads that it was trained on")
    started_at: float | None = Field(description="seconds since 1970")
    finished_at: float | None = Field(description="seconds since 1970")
    trainings: tuple[Training, ...] = Field(description="over folds and seeds, in order")
    commit: str | None = Field(description="of the code that trained it")
    cost: float | None = Field(description="the second objective, where the study has one")
    job: str | None = Field(
        None, exclude_if=is_absent, description="name of what it trains, in a batch of trainings"
    )

    @model_validator(mode="after")
    def _continues_an_earlier_trial(self) -> Self:
        if self.continues is not None and self.continues >= self.number:
            raise ValueError(f"trial_{self.number} cannot continue trial_{self.continues}")
        return self

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """Return the record of a trial that has ended."""
        values = {field.name: getattr(trial, field.name) for field in fields(trial)}
        del values["curve"]
        return cls(**values)

    def trial(self, curve: tuple[Epoch, ...] = ()) -> Trial:
        """Return the trial, with the curve that lies beside its record."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        del values["version"]
        return Trial(**values, curve=curve)


class Curve(Record):
    """Every epoch of a trial, one training after the other."""

    version: Literal[1] = Field(1, description="of this file's layout")
    epochs: tuple[Epoch, ...] = Field(description="in the order of training")
