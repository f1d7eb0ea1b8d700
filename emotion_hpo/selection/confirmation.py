"""The leaders of a search, trained again over fresh seeds; the confirmed winner.

The best trial is best by its seed, too. So the k best trials and the default configuration are
trained again on the same folds, by processes that each take the next training that nobody holds
(`rerun`); the winner has the best mean, and among those within one standard error of it the
cheapest wins. All of it is validation data. Killed anywhere, the same command goes on.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import StudyError
from emotion_hpo.features.preparation import n_cores
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.selection.leaders import Confirmation, plan_confirmations
from emotion_hpo.selection.promise import expected_of_confirmed
from emotion_hpo.study import StudyHome, Trial, read_baseline, read_json, write_json
from emotion_hpo.study.trials import read_trials

#: Between two looks at the processes.
_LOOK_S = 0.3

#: Trainings done, trainings in all: what a screen shows.
OnConfirming = Callable[[int, int], None]


def confirm(home: StudyHome, config: SearchConfig, on_confirming: OnConfirming) -> dict[str, Any]:
    """Train the leaders again, as far as that is not done, and name the winner.

    Returns:
        What `selection.json` holds: `winner`, `epochs`, `standard_error`, `objective`, `n_seeds`,
        `expected` (what the winner's mean is worth), `baseline` (the plain model's value: it has no
        seed, and cannot win), and of each of `candidates`: `trial`, `is_default`, `values`, `mean`,
        `epochs`, `n_parameters`, `seconds`.

    Raises:
        StudyError: A process died, or no leader could be trained.
    """
    trials = read_trials(home)
    wanted = plan_confirmations(home, config, trials)
    _work_off(home, config, wanted, on_confirming)
    found = chosen(home, config, trials, wanted)
    found["expected"] = expected_of_confirmed(home, config, found["value"], wanted)
    plain_model = read_baseline(home.baseline)["validation"] if home.baseline.exists() else {}
    found["baseline"] = plain_model.get(config.study.objective.removeprefix("val/"))
    write_json(home.selection, found)
    return found


def _work_off(
    home: StudyHome,
    config: SearchConfig,
    wanted: Sequence[Confirmation],
    on_confirming: OnConfirming,
) -> None:
    """Start processes and wait until every training has ended."""

    def n_open() -> int:
        return sum(not home.confirmation(one.number, one.index).record.exists() for one in wanted)

    n_processes = min(config.launcher.n_workers, n_open())
    n_threads = max(1, n_cores() // max(n_processes, 1))
    processes = [_started(home, index, n_threads) for index in range(n_processes)]
    try:
        while any(one.poll() is None for one in processes):
            on_confirming(len(wanted) - n_open(), len(wanted))
            time.sleep(_LOOK_S)
    finally:
        for one in processes:
            one.kill()
            one.wait()
            if one.stdin is not None:
                one.stdin.close()
    if n_open():
        log = home.worker_log("confirmation_0").parent
        raise StudyError(
            f"{n_open()} of {len(wanted)} confirming trainings did not end; see {log}; the same "
            "command goes on with them"
        )
    on_confirming(len(wanted), len(wanted))


def _started(home: StudyHome, index: int, n_threads: int) -> "subprocess.Popen[bytes]":
    threads = {name: str(n_threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    log = home.worker_log(f"confirmation_{index}")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "emotion_hpo.selection.worker", str(home.path), str(n_threads)],
            stdin=subprocess.PIPE,  # closes when we die, in whatever way: then it ends, too
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **threads},
        )


def chosen(
    home: StudyHome, config: SearchConfig, trials: Sequence[Trial], wanted: Sequence[Confirmation]
) -> dict[str, Any]:
    """The winner among the candidates, from what their trainings came to.

    Raises:
        StudyError: None of them could be trained.
    """
    by_number = {one.number: one for one in trials}
    candidates = []
    for number in dict.fromkeys(one.number for one in wanted):
        mine = [one for one in wanted if one.number == number]
        records = [read_json(home.confirmation(number, one.index).record) for one in mine]
        ended = [one for one in records if one["value"] is not None]
        if not ended:
            continue
        epochs = [one["best_epoch"] for one in ended]
        first = by_number[number].best_epoch
        values = [one["value"] for one in ended]
        candidates.append(
            {
                "trial": by_number[number].name,
                "is_default": mine[0].is_default,
                "values": values,
                "mean": statistics.fmean(values),
                "epochs": statistics.median_low([*epochs, *([first] if first else [])]),
                "n_parameters": ended[0]["n_parameters"],
                "seconds": statistics.fmean(one["seconds"] for one in ended),
            }
        )
    if not candidates:
        raise StudyError(f"no leader of study {home.name!r} could be trained again")
    objective = config.study.objective
    error = standard_error([one["values"] for one in candidates])
    winner = winner_of(candidates, find_metric(objective).sign, error)
    return {
        "winner": winner["trial"],
        "epochs": winner["epochs"],
        "value": winner["mean"],
        "objective": objective,
        "n_seeds": config.study.confirm_seeds,
        "standard_error": error,
        "candidates": candidates,
    }


def standard_error(values: Sequence[Sequence[float]]) -> float:
    """Of a candidate's mean, from the spread between seeds, pooled over the candidates.

    Two or three values alone say little about their spread; those of all candidates together do.
    Zero where every candidate has one value: then nothing is a tie.

    >>> round(standard_error([[0.60, 0.62], [0.55, 0.55]]), 4)
    0.0071
    """
    spread = [one for one in values if len(one) > 1]
    if not spread:
        return 0.0
    pooled = statistics.fmean(statistics.variance(one) for one in spread)
    n_seeds = statistics.fmean(len(one) for one in spread)
    return float((pooled / n_seeds) ** 0.5)


def winner_of(candidates: Sequence[dict[str, Any]], sign: int, error: float) -> dict[str, Any]:
    """The best mean; of those within one standard error of it the one with fewest parameters.

    Of as many parameters the faster one wins, then the better one.
    """
    best = max(sign * one["mean"] for one in candidates)
    ties = [one for one in candidates if sign * one["mean"] >= best - error]
    return min(ties, key=lambda one: (one["n_parameters"], one["seconds"], -sign * one["mean"]))
