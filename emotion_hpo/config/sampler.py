"""Who proposes configurations: the samplers that a study may have."""

from typing import Annotated, Literal

from pydantic import Field

from emotion_hpo.config.base import Section


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
    points: int = Field(
        ge=2, le=1000, description="values of a range of numbers, its ends included"
    )


class Nsga2Sampler(Section):
    """A genetic algorithm (Deb et al. 2002), made for two objectives (`study.second_objective`)."""

    name: Literal["nsga2"]
    population_size: int = Field(ge=2)
    mutation_prob: float | None = Field(ge=0, le=1, description="null: one parameter a child")
    crossover_prob: float = Field(ge=0, le=1)
    swapping_prob: float = Field(ge=0, le=1)


SamplerConfig = Annotated[
    RandomSampler | TpeSampler | GpSampler | CmaesSampler | QmcSampler | GridSampler | Nsga2Sampler,
    Field(discriminator="name"),
]
