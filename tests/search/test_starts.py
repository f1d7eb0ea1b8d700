"""Four workers meet an empty study at the same moment, again and again.

`make test-faults` does it 20 times; `EMOTION_HPO_STARTS` sets any number. The workers are processes
of their own, forked from one that has imported everything, so that they do start together.
"""

import os

import pytest

from emotion_hpo.features.preparation import quiet
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.worker import Worker
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import TrialState
from emotion_hpo.training.fold_run import DataModule
from tests.forking import fork_server

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover

N_STARTS = int(os.environ.get("EMOTION_HPO_STARTS", "2"))
N_WORKERS, N_TRIALS = 4, 10
SIZE = (f"study.n_trials={N_TRIALS}", "sampler=random", "pruner=none", "training.epochs=1")


def work(home, config, name, start):
    """A worker's life in its own process."""
    _, development = open_development(config, home.features, quiet)
    worker = Worker(home, config, DataModule(development), name)
    start.wait(timeout=120)
    worker.work()


@pytest.mark.parametrize("start", range(N_STARTS))
def test_nothing_is_claimed_twice_or_missed(make_study, start):
    home, config = make_study("study", *SIZE, f"study.seed={start}")
    home.path.mkdir()
    Study(home, config).open_slots()
    processes = fork_server()
    barrier = processes.Barrier(N_WORKERS)
    workers = [
        processes.Process(target=work, args=(home, config, f"worker_{i}", barrier))
        for i in range(N_WORKERS)
    ]
    for one in workers:
        one.start()
    for one in workers:
        one.join(timeout=120)
    assert [one.exitcode for one in workers] == [0] * N_WORKERS
    trials = Study(home, config).trials()
    assert [one.state for one in trials] == [TrialState.COMPLETE] * N_TRIALS
    points = {tuple(sorted(one.params.items())) for one in trials}
    assert len(points) == N_TRIALS
    assert {one.seed for one in trials} == {one.seed for one in trials if one.seed is not None}
    assert len({one.seed for one in trials}) == N_TRIALS
