"""A study: what is searched, by which sampler, on how many workers, and where it is kept."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from emotion_hpo.config.base import Section
from emotion_hpo.config.building import dump, flatten
from emotion_hpo.config.corpus import CorpusConfig
from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.config.model import ModelConfig
from emotion_hpo.config.space import SEARCHABLE, Scalar, Space, by_path, is_partial
from emotion_hpo.config.split import SplitConfig
from emotion_hpo.config.training import TrainingConfig
from emotion_hpo.errors import unknown_name


def _checked_name(value: Any) -> str:  # noqa: ANN401 (whatever a user wrote)
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    if not is_text or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", str(value)):
        raise ValueError(
            "a study's name is its folder's: at most 100 of the letters a to z, digits, '.', '_' "
            f"and '-', the first a letter or a digit, but got {value!r}"
        )
    return str(value)


#: Names a study's folder: safe on every file system, in a URL and on a command line.
StudyFolder = Annotated[str, BeforeValidator(_checked_name)]


class StudyConfig(Section):
    """The study's name, question, budget and seeds."""

    name: StudyFolder
    directory: Path = Field(description="where studies, features and the MLflow database lie")
    question: str = Field(description="what the study asks, in words; heads its report")
    seed: int = Field(ge=0, description="fixes the sampler and every trial's training")
    n_trials: int = Field(ge=1, description="exact budget of finished trials")
    objective: Literal["val/accuracy", "val/uar", "val/macro_f1", "val/loss"]
    value: Literal["best", "last", "smoothed"] = Field(
        description="a trial's value: of its best epoch, its last, or the best mean of three epochs"
    )
    final_seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        min_length=1, description="trainings of the final model; their probabilities are averaged"
    )
    enqueue: tuple[dict[str, Scalar], ...] = Field(
        description="known configurations to try right after the default one"
    )

    @field_validator("final_seeds")
    @classmethod
    def _no_seed_twice(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"the same seed trains the same network again, but got {[*value]}")
        return value


class RandomSampler(Section):
    """Independent random draws, the reference's proposer."""

    name: Literal["random"]


class TpeSampler(Section):
    """Tree-structured Parzen estimator; every argument explicit, for Optuna's defaults change."""

    name: Literal["tpe"]
    n_startup_trials: int = Field(ge=0)
    n_ei_candidates: int = Field(ge=1)
    multivariate: bool
    group: bool
    constant_liar: bool


class GpSampler(Section):
    """Gaussian process with expected improvement; for few, dear trials."""

    name: Literal["gp"]
    n_startup_trials: int = Field(ge=1)
    deterministic_objective: bool


class CmaesSampler(Section):
    """Covariance matrix adaptation (Hansen 2016); for many trials over numbers."""

    name: Literal["cmaes"]
    n_startup_trials: int = Field(ge=1)
    sigma0: float | None = Field(gt=0, description="first step as a share of the ranges; null: 1/6")
    consider_pruned_trials: bool
    with_margin: bool


class QmcSampler(Section):
    """Quasi-Monte Carlo: random search that fills the space evenly (Bergstra & Bengio 2012)."""

    name: Literal["qmc"]
    qmc_type: Literal["sobol", "halton"]
    scramble: bool


class GridSampler(Section):
    """Every combination, in random order, so that a grid cut short still covers the space."""

    name: Literal["grid"]
    points: int = Field(ge=2, description="values of a range of numbers, its ends included")


SamplerConfig = Annotated[
    RandomSampler | TpeSampler | GpSampler | CmaesSampler | QmcSampler | GridSampler,
    Field(discriminator="name"),
]


class NoPruner(Section):
    """Every trial runs to its last epoch."""

    name: Literal["none"]


class HyperbandPruner(Section):
    """Successive halving over several brackets (Li et al. 2018)."""

    name: Literal["hyperband"]
    min_epochs: int = Field(ge=1)
    reduction_factor: int = Field(ge=2)


class MedianPruner(Section):
    """A trial ends that is worse than the median of the others at the same epoch."""

    name: Literal["median"]
    n_startup_trials: int = Field(ge=0)
    n_warmup_epochs: int = Field(ge=0)
    n_min_trials: int = Field(ge=1)


class AshaPruner(Section):
    """Asynchronous successive halving in one bracket (Li et al. 2020)."""

    name: Literal["asha"]
    min_epochs: int = Field(ge=1)
    reduction_factor: int = Field(ge=2)


class PatientPruner(Section):
    """A trial ends that has not improved on itself for some epochs."""

    name: Literal["patient"]
    patience: int = Field(ge=0)
    min_delta: float = Field(ge=0)


PrunerConfig = Annotated[
    NoPruner | MedianPruner | AshaPruner | HyperbandPruner | PatientPruner,
    Field(discriminator="name"),
]


class SqliteStorage(Section):
    """Optuna's tables in the study's own `study.db`."""

    name: Literal["sqlite"]


StorageConfig = Annotated[SqliteStorage, Field()]


class LocalLauncher(Section):
    """Worker processes on this machine; the cores are divided among them."""

    name: Literal["local"]
    n_workers: int = Field(ge=1, description="processes that train trials")


LauncherConfig = Annotated[LocalLauncher, Field()]


class MlflowTracking(Section):
    """MLflow mirrors the study; a null uri is the SQLite file beside the studies."""

    name: Literal["mlflow"]
    uri: str | None
    experiment: str


class NoTracking(Section):
    """Nothing is mirrored."""

    name: Literal["none"]


TrackingConfig = Annotated[MlflowTracking | NoTracking, Field(discriminator="name")]


class ExperimentConfig(Section):
    """All that decides what one training computes, its seed apart."""

    corpus: CorpusConfig
    features: FeaturesConfig
    split: SplitConfig
    model: ModelConfig
    training: TrainingConfig


class SearchConfig(ExperimentConfig):
    """A study, complete."""

    study: StudyConfig
    space: Space
    sampler: SamplerConfig
    pruner: PrunerConfig
    storage: StorageConfig
    launcher: LauncherConfig
    tracking: TrackingConfig

    @field_validator("space", mode="before")
    @classmethod
    def _no_part_of_an_unknown_range(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        """A bound of a range that is not there is a slip in its path, not a range cut short."""
        ranges = by_path(value)
        parts = {name: dump(info.data[name]) for name in SEARCHABLE if name in info.data}
        if not isinstance(ranges, Mapping) or len(parts) < len(SEARCHABLE):
            return value
        for path, one in ranges.items():
            if is_partial(one) and path not in (known := flatten(parts)):
                raise ValueError(unknown_name("path", path, known))
        return ranges

    def experiment(self) -> ExperimentConfig:
        """The part that a trial varies."""
        fields = ExperimentConfig.model_fields
        return ExperimentConfig(**{name: getattr(self, name) for name in fields})
