"""`search.json`: what a search came to."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from emotion_hpo.study.records.base import Part, Record
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.intervals import StoredInterval
from emotion_hpo.study.records.selection import WRITE_ANEW, Selection


class SearchedScore(Part):
    """What the best trial is expected to reach on new utterances, and on whose."""

    value: float = Field(description="expected value of the objective")
    interval: StoredInterval = Field(description="90 % interval")
    plain: float = Field(description="best validation value, as it stands")
    optimism: float = Field(description="what choosing the best had added: `plain` − `value`")
    winner: str = Field(description="the trial that is meant")
    holds_for: str = Field(description="for whom: speakers already heard, or new ones")
    speakers: tuple[str, ...] = Field(description="whose utterances were validated on")
    n_trials: int = Field(description="complete trials that were chosen from")
    n_folds: int = Field(description="folds of the validation")
    n_dialogues: int = Field(description="dialogues of the validation")
    sentence: str = Field(description="for whom it holds, in words")


class EnsembleMember(Part):
    """A trial of the ensemble."""

    trial: str = Field(description="its name")
    weight: float = Field(description="of its answers; those of all members sum to 1")


class ExpectedEnsemble(Part):
    """What the greedy ensemble of the trials is expected to reach, for whom the winner's holds."""

    value: float = Field(description="expected value of the objective")
    interval: StoredInterval = Field(description="90 % interval")
    plain: float = Field(description="its value on the answers that it was chosen on")
    optimism: float = Field(description="what choosing it had added: `plain` − `value`")
    members: tuple[EnsembleMember, ...] = Field(min_length=2, description="the best trial first")
    n_trials: int = Field(description="complete trials that it was chosen from")


class FrontPoint(Part):
    """A trial that none beats in the objective without a higher cost."""

    trial: str = Field(description="its name")
    value: float = Field(description="the objective")
    cost: float = Field(description="the second objective")
    params: dict[str, Any] = Field(description="path in the configuration → value")


class WarmStart(Part):
    """Which earlier study's trials the sampler was given."""

    study: str = Field(description="name of the earlier study")
    n_prior_trials: int = Field(description="trials of it that fit this space")


class SearchSummary(Record):
    """What a search came to; written whenever it ends, in whatever way."""

    remedy: ClassVar[str] = WRITE_ANEW

    version: Literal[2] = Field(2, description="of this file's layout")
    study: str = Field(description="name of the study")
    corpus: str = Field(description="name of the corpus")
    synthetic: bool = Field(description="whether the corpus is invented")
    objective: str = Field(description="metric that was searched for")
    n_trials: int = Field(description="budget of finished trials")
    n_finished: int = Field(description="trials that are complete, pruned or failed")
    n_complete: int = Field(description="trials that ran to their end")
    n_pruned: int = Field(description="trials that were stopped as hopeless")
    n_failed: int = Field(description="trials that failed")
    n_interrupted: int = Field(description="trials that another one continues")
    n_folds: int = Field(description="folds of the validation")
    n_train: int = Field(description="utterances of a training; of several folds the mean")
    n_validation: int = Field(description="utterances that every trial is judged on")
    n_epochs: int = Field(description="epochs trained in all")
    best_trial: str | None = Field(description="null where no trial is complete")
    best_value: float | None = Field(description="its value of the objective")
    best_epoch: int | None = Field(description="the epoch that the value is from")
    best_params: dict[str, Any] | None = Field(description="path in the configuration → value")
    training_seconds: float = Field(description="time of all trainings")
    second_objective: str | None = Field(description="what is minimised beside the objective")
    front: tuple[FrontPoint, ...] = Field(description="the Pareto front, cheapest first")
    class_remarks: tuple[str, ...] = Field(description="classes that a part of the data lacks")
    warm_start: WarmStart | None = Field(description="null where there was none")
    baseline: Baseline = Field(description="what `baseline.json` holds")
    expected: SearchedScore | None = Field(description="null where no trial is complete")
    ensemble: ExpectedEnsemble | None = Field(
        description="the ensemble; null where one trial is best alone"
    )
    confirmed: Selection | None = Field(
        None, description="what `selection.json` holds, once the leaders are trained again"
    )
