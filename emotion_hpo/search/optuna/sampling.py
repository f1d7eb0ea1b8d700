"""Who proposes points and who ends trials early: Optuna's samplers and pruners, fully specified.

A sampler is made anew for every claim, seeded by the study's seed and the trial's number. What it
has learnt lies in the storage, where all of Optuna's samplers look for it.
"""

import warnings

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from emotion_hpo.config import Range, Scalar, SearchConfig
from emotion_hpo.config.auto import resolved
from emotion_hpo.config.pruner import (
    AshaPruner,
    HyperbandPruner,
    MedianPruner,
    NoPruner,
    PatientPruner,
    WilcoxonPruner,
)
from emotion_hpo.config.sampler import (
    CmaesSampler,
    GpSampler,
    GridSampler,
    Nsga2Sampler,
    QmcSampler,
    RandomSampler,
    TpeSampler,
)
from emotion_hpo.errors import StudyError
from emotion_hpo.runtime.seeds import derive


def sampler(config: SearchConfig, number: int) -> BaseSampler:
    """Return the sampler that proposes the point of trial `number`."""
    seed = derive(config.study.seed, "sampler", number)
    with warnings.catch_warnings():  # several samplers and arguments are marked experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match config.sampler:
            case RandomSampler() | GridSampler():  # a grid's points are enqueued, not drawn
                return optuna.samplers.RandomSampler(seed=seed)
            case TpeSampler() as tpe:
                return optuna.samplers.TPESampler(
                    n_startup_trials=tpe.n_startup_trials,
                    n_ei_candidates=tpe.n_ei_candidates,
                    multivariate=tpe.multivariate,
                    group=tpe.group,
                    constant_liar=tpe.constant_liar,
                    seed=seed,
                )
            case GpSampler() as gp:
                return optuna.samplers.GPSampler(
                    n_startup_trials=gp.n_startup_trials,
                    deterministic_objective=gp.deterministic_objective,
                    warn_independent_sampling=False,
                    independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                    seed=seed,
                )
            case CmaesSampler() as cmaes:
                return optuna.samplers.CmaEsSampler(
                    n_startup_trials=cmaes.n_startup_trials,
                    sigma0=cmaes.sigma0,
                    consider_pruned_trials=cmaes.consider_pruned_trials,
                    with_margin=cmaes.with_margin,
                    warn_independent_sampling=False,
                    independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                    seed=seed,
                )
            case QmcSampler() as qmc:
                # One sequence for the whole study: the storage counts how far it has been used.
                return optuna.samplers.QMCSampler(
                    qmc_type=qmc.qmc_type,
                    scramble=qmc.scramble,
                    warn_asynchronous_seeding=False,
                    warn_independent_sampling=False,
                    independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                    seed=derive(config.study.seed, "sampler"),
                )
            case Nsga2Sampler() as nsga2:
                return optuna.samplers.NSGAIISampler(
                    population_size=nsga2.population_size,
                    mutation_prob=nsga2.mutation_prob,
                    crossover_prob=nsga2.crossover_prob,
                    swapping_prob=nsga2.swapping_prob,
                    seed=seed,
                )


def pruner(config: SearchConfig, n_trainings: int) -> BasePruner:
    """Return the pruner: it counts epochs, or trainings where a trial has several."""
    match config.pruner:
        case NoPruner():
            return optuna.pruners.NopPruner()
        case MedianPruner() as median:
            return optuna.pruners.MedianPruner(
                n_startup_trials=median.n_startup_trials,
                n_warmup_steps=resolved(median.n_warmup_epochs),
                n_min_trials=median.n_min_trials,
            )
        case AshaPruner() as asha:
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=resolved(asha.min_epochs),
                reduction_factor=asha.reduction_factor,
            )
        case HyperbandPruner() as hyperband:
            return optuna.pruners.HyperbandPruner(
                min_resource=resolved(hyperband.min_epochs),
                max_resource=resolved(config.training.epochs) if n_trainings == 1 else n_trainings,
                reduction_factor=hyperband.reduction_factor,
            )
        case PatientPruner() as patient:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return optuna.pruners.PatientPruner(
                    None, patience=resolved(patient.patience), min_delta=patient.min_delta
                )
        case WilcoxonPruner() as wilcoxon:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return optuna.pruners.WilcoxonPruner(
                    p_threshold=wilcoxon.p_threshold, n_startup_steps=wilcoxon.n_startup_folds
                )


def draw(trial: optuna.Trial, path: str, values: Range) -> Scalar:
    """Draw a trial's value in a range.

    Raises:
        StudyError: It lies outside: Optuna takes what was queued for a trial as it is.
    """
    drawn = _suggest(trial, path, values)
    if not values.contains(drawn):
        raise StudyError(
            f"trial_{trial.number} was queued with {path}={drawn!r}, which lies outside {values}; "
            "begin a new study (study.name=…)"
        )
    return drawn


def _suggest(trial: optuna.Trial, path: str, values: Range) -> Scalar:
    match distribution(values):
        case CategoricalDistribution(choices=choices):
            choice: Scalar = trial.suggest_categorical(path, choices)
            return choice
        case IntDistribution() as integers:
            return trial.suggest_int(
                path, integers.low, integers.high, step=integers.step, log=integers.log
            )
        case FloatDistribution() as floats:
            return trial.suggest_float(
                path, floats.low, floats.high, step=floats.step, log=floats.log
            )
        case unknown:
            raise AssertionError(f"no range becomes a {type(unknown).__name__}")


def distribution(values: Range) -> BaseDistribution:
    """Return a range in Optuna's terms."""
    if values.choices is not None:
        return CategoricalDistribution(values.choices)
    assert values.low is not None
    if values.is_integer:
        step = int(values.step or 1)
        return IntDistribution(int(values.low), int(values.last), log=values.log, step=step)
    return FloatDistribution(values.low, values.last, log=values.log, step=values.step)
