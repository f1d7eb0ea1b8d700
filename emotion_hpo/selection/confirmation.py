"""The leaders of a search, trained again over fresh seeds; the confirmed winner.

The best trial is best by its seed, too. So the k best trials and the default configuration are
trained again on the same folds, as a batch of jobs (`search.batch`); the winner has the best mean,
and among those within one standard error of it the cheapest wins. All of it is validation data.
Killed anywhere, the same command goes on.
"""

import statistics
from collections.abc import Sequence

from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.selection.confirmed_score import estimate_confirmed_score
from emotion_hpo.selection.leaders import PlannedConfirmation, plan_confirmations
from emotion_hpo.study import StudyHome, Trial, TrialHome, study_file
from emotion_hpo.study.records.base import read_if_there, read_record, write_record
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.selection import Candidate, Confirmation, Selection
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training.job import Job, Purpose, Train


def confirm(home: StudyHome, config: SearchConfig, train: Train) -> Selection:
    """Train the leaders again, as far as that is not done, and name the winner.

    Args:
        home: The study.
        config: Its configuration.
        train: Trains jobs that are not stored.

    Raises:
        StudyError: The training was stopped or failed, or no leader could be trained.
    """
    trials = read_trials(home)
    confirmations = plan_confirmations(home, config, trials)
    _train_all(home, confirmations, train)
    candidates = _list_candidates(home, trials, confirmations)
    objective = config.study.objective
    error = standard_error([candidate.values for candidate in candidates])
    winner = pick_winner(candidates, find_metric(objective).sign, error)
    baseline = read_if_there(home.baseline, Baseline)  # it has no seed, and cannot win
    selection = Selection(
        winner=winner.trial,
        epochs=winner.epochs,
        value=winner.mean,
        objective=objective,
        n_seeds=config.study.confirm_seeds,
        standard_error=error,
        candidates=tuple(candidates),
        expected=estimate_confirmed_score(home, config, winner.mean, confirmations),
        baseline=None if baseline is None else baseline.validation.value_of(objective),
    )
    write_record(home.selection, selection)
    return selection


def _train_all(home: StudyHome, confirmations: Sequence[PlannedConfirmation], train: Train) -> None:
    """Train whatever has no record yet."""

    def is_stored(job: Job, _files: TrialHome | None) -> bool:
        return home.confirmation_named(job.name).record.exists()

    jobs = [
        Job(
            Purpose.CONFIRMATION,
            home.confirmation(each.number, each.index).path.name,
            study_file.trial_config(home, each.number),
            each.seed,
        )
        for each in confirmations
    ]
    if not all(is_stored(job, None) for job in jobs):
        train(jobs, is_stored)


def _list_candidates(
    home: StudyHome, trials: Sequence[Trial], confirmations: Sequence[PlannedConfirmation]
) -> list[Candidate]:
    """Return the leaders of which a training has ended, with what their trainings reached.

    Raises:
        StudyError: None of them could be trained.
    """
    by_number = {trial.number: trial for trial in trials}
    candidates = []
    for number in dict.fromkeys(confirmation.number for confirmation in confirmations):
        own = [confirmation for confirmation in confirmations if confirmation.number == number]
        records = [
            read_record(home.confirmation(number, each.index).record, Confirmation) for each in own
        ]
        values = [record.value for record in records if record.value is not None]
        if not values:
            continue
        epochs = [record.best_epoch for record in records if record.best_epoch is not None]
        first = by_number[number].best_epoch
        candidates.append(
            Candidate(
                trial=by_number[number].name,
                is_default=own[0].is_default,
                values=tuple(values),
                mean=statistics.fmean(values),
                epochs=statistics.median_low([*epochs, *([first] if first else [])]),
                n_parameters=next(filter(None, (record.n_parameters for record in records))),
                seconds=statistics.fmean(
                    record.seconds for record in records if record.seconds is not None
                ),
            )
        )
    if not candidates:
        raise StudyError(f"no leader of study {home.name!r} could be trained again")
    return candidates


def standard_error(values: Sequence[Sequence[float]]) -> float:
    """Return the standard error of a candidate's mean, pooled over the candidates.

    It comes from the spread between seeds. Two or three values alone say little about their
    spread; those of all candidates together do. A candidate of one value, as a model without a
    seed has, says nothing of it.
    Zero where every candidate has one value: then nothing is a tie.

    >>> round(standard_error([[0.60, 0.62], [0.55, 0.55]]), 4)
    0.0071
    """
    repeated = [by_seed for by_seed in values if len(by_seed) > 1]
    if not repeated:
        return 0.0
    pooled = statistics.fmean(statistics.variance(by_seed) for by_seed in repeated)
    n_seeds = statistics.fmean(len(by_seed) for by_seed in repeated)
    return float((pooled / n_seeds) ** 0.5)


def pick_winner(candidates: Sequence[Candidate], sign: int, error: float) -> Candidate:
    """Return the winner: within one standard error of the best mean, the fewest parameters.

    Of as many parameters the better mean wins, then the earlier candidate: no measured time
    decides, so that the same seed names the same winner again.
    """
    best = max(sign * candidate.mean for candidate in candidates)
    ties = [candidate for candidate in candidates if sign * candidate.mean >= best - error]
    return min(ties, key=lambda tie: (tie.n_parameters, -sign * tie.mean))
