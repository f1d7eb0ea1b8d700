"""Which trials end early: the pruners that a study may have."""

from typing import Annotated, Literal

from pydantic import Field

from emotion_hpo.config.auto import Auto
from emotion_hpo.config.base import Section

MinEpochs = Annotated[
    Annotated[int, Field(ge=1)] | Auto,
    Field(
        description="epochs (of several trainings a trial: trainings) before the first comparison; "
        "auto: a sixth of all"
    ),
]


class NoPruner(Section):
    """Every trial runs to its last epoch."""

    name: Literal["none"]


class HyperbandPruner(Section):
    """Successive halving over several brackets (Li et al. 2018)."""

    name: Literal["hyperband"]
    min_epochs: MinEpochs
    reduction_factor: int = Field(ge=2)


class MedianPruner(Section):
    """A trial ends that is worse than the median of the others at the same epoch."""

    name: Literal["median"]
    n_startup_trials: int = Field(ge=0)
    n_warmup_epochs: Annotated[int, Field(ge=0)] | Auto = Field(
        description="epochs (of several trainings a trial: trainings) before any is pruned; auto: "
        "a sixth of all"
    )
    n_min_trials: int = Field(ge=1)


class AshaPruner(Section):
    """Asynchronous successive halving in one bracket (Li et al. 2020)."""

    name: Literal["asha"]
    min_epochs: MinEpochs
    reduction_factor: int = Field(ge=2)


class PatientPruner(Section):
    """A trial ends that has not improved on itself for some epochs."""

    name: Literal["patient"]
    patience: Annotated[int, Field(ge=0)] | Auto = Field(description="auto: half of all epochs")
    min_delta: float = Field(ge=0)


class WilcoxonPruner(Section):
    """A trial ends that is worse than the best one, fold by fold (Wilcoxon's signed-rank test)."""

    name: Literal["wilcoxon"]
    p_threshold: float = Field(gt=0, le=1, description="a p-value below it ends the trial")
    n_startup_folds: int = Field(ge=2, description="folds that are never pruned")


PrunerConfig = Annotated[
    NoPruner | MedianPruner | AshaPruner | HyperbandPruner | PatientPruner | WilcoxonPruner,
    Field(discriminator="name"),
]
