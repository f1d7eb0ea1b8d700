"""What a pruner sees of a trial: steps with a value each, and only of trials alike.

One training: an epoch is a step, its value the objective after it. Several trainings, over folds
or seeds: a step is a training that has finished, for the epochs of one fold say nothing about the
next. Trials go through folds and seeds in the same order, so that at one step all have seen the
same folds; the value is the mean so far, which is what the trial's value would be if it ended
there. `wilcoxon` compares fold by fold instead: a step is a fold, its value the mean over the
fold's seeds, for seeds of one fold are no independent evidence about the folds.
"""

import statistics

from emotion_hpo.config import SearchConfig
from emotion_hpo.config.pruner import PatientPruner, PrunerConfig, WilcoxonPruner
from emotion_hpo.errors import ConfigError
from emotion_hpo.training.trial_run import Outcomes


def steps(outcomes: Outcomes, objective: str, pruner: PrunerConfig) -> dict[int, float]:
    """Return step → value, in order, of all that can be compared so far."""
    if len(outcomes.planned) == 1:
        return {epoch.epoch: epoch.metrics[objective] for epoch in outcomes.curve}
    values = [outcome.value for outcome in outcomes.finished]
    if not isinstance(pruner, WilcoxonPruner):
        return {n: statistics.fmean(values[:n]) for n in range(1, len(values) + 1)}
    n_seeds = sum(planned.fold == 0 for planned in outcomes.planned)
    return {
        fold: statistics.fmean(values[fold * n_seeds : (fold + 1) * n_seeds])
        for fold in range(len(values) // n_seeds)
    }


def check_pruner(config: SearchConfig, n_folds: int) -> None:
    """Refuse a pruner that could never end a trial, or only for no reason.

    Raises:
        ConfigError: It needs other folds than there are.
    """
    match config.pruner:
        case WilcoxonPruner() as wilcoxon if 0.5 ** (n_folds - 1) >= wilcoxon.p_threshold:
            raise ConfigError(
                f"pruner: with {n_folds} fold{'s' * (n_folds > 1)}, wilcoxon's p is at least "
                f"{0.5 ** (n_folds - 1):g} before the last one, which p_threshold="
                f"{wilcoxon.p_threshold:g} never calls worse; take split=loso or another pruner"
            )
        case WilcoxonPruner() if config.warm_start is not None:
            raise ConfigError(
                "pruner: wilcoxon compares with the best trial's folds, which a trial from "
                "warm_start does not bring; take another pruner"
            )
        case PatientPruner() if n_folds * config.study.n_seeds > 1:
            raise ConfigError(
                "pruner: patient waits for epochs, but a trial of several trainings is judged "
                "between them; take training.patience=EPOCHS and another pruner"
            )
