"""The pools of several studies share the workers of one command, and one Ctrl-C."""

import signal
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from emotion_hpo.search import worker_pool
from emotion_hpo.search.observers import silent_display
from emotion_hpo.search.optuna.jobs import batch_config
from emotion_hpo.search.places import Places, open_places, shared_places
from emotion_hpo.search.stop import BatchStopped, Stop, check_not_stopped, stop_signals
from emotion_hpo.search.worker_pool import WorkerPool
from emotion_hpo.study import Trial, TrialState
from emotion_hpo.training.launch.ends import WorkerEnd


@dataclass
class Queue:
    """A study and its launcher in one: each worker trains one trial, in a moment."""

    trials_left: list[Trial]
    running_everywhere: list[int]
    most: list[int]
    n_last: int = 0
    beside: list[int] = field(default_factory=list)
    began: dict[str, float] = field(default_factory=dict)

    def trials(self):
        return list(self.trials_left)

    def start(self, names):
        for name in names:
            self.began[name] = time.monotonic()
            self._change(TrialState.WAITING, TrialState.RUNNING)
            self.running_everywhere.append(self.is_last)
        self.most.append(len(self.running_everywhere))
        if any(self.running_everywhere):
            self.beside.append(len(self.running_everywhere) - 1)

    def ended(self):
        over = [name for name, began in self.began.items() if time.monotonic() - began > 0.05]
        for name in over:
            del self.began[name]
            self._change(TrialState.RUNNING, TrialState.COMPLETE)
            self.running_everywhere.remove(self.is_last)
        return dict.fromkeys(over, WorkerEnd(0))

    @property
    def running(self):
        return tuple(self.began)

    def _change(self, before, after):
        index = [trial.state for trial in self.trials_left].index(before)
        self.trials_left[index] = Trial(index, after, job=f"job_{index}")

    is_last = False

    def n_set_aside(self):
        return self.n_last

    def take_up_set_aside(self):
        self.n_last -= 1
        self.is_last = True

    def requeue_orphans(self, **_more):
        return None

    def kill(self):
        return ()

    def close(self):
        return None


def test_pools_on_several_threads_share_the_places(make_study, monkeypatch):
    """And a trial that is set aside has none beside it, of whichever pool."""
    home, config = make_study("study")
    running, most, beside, queues = [], [], [], []
    for n_trials, n_last in ((1, 1), (4, 0), (4, 0)):
        waiting = [Trial(n, TrialState.WAITING, job=f"job_{n}") for n in range(n_trials)]
        queues.append(Queue(waiting, running, most, n_last, beside))
    opened = iter(queues)
    monkeypatch.setattr(worker_pool, "open_launcher", lambda *_: next(opened))
    monkeypatch.setattr(worker_pool, "_LOOK_S", 0.01)
    config, pools = batch_config(config), []
    with shared_places(2):
        for queue in queues:
            study = config.study.model_copy(update={"n_trials": len(queue.trials_left)})
            jobs = config.model_copy(update={"study": study})
            pools.append(WorkerPool(jobs, home, queue, silent_display(), Stop(), n_workers=2))
        threads = [threading.Thread(target=pool.work) for pool in pools]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert open_places().take(3) == 2, "all are given back, and open to everybody"
    states = {trial.state for queue in queues for trial in queue.trials_left}
    assert states == {TrialState.COMPLETE}
    assert max(most) == 2, "never more than there are, and at times as many"
    assert beside == [0]


def test_a_pool_alone_has_as_many_places_as_it_asks_for():
    assert open_places().take(100) == 100
    few = Places(2)
    assert [few.take(-1), few.take(1), few.take(3), few.take(1)] == [0, 1, 1, 0]
    assert not few.close(1), "another pool has one"
    few.give_back(1)
    assert few.close(1)
    assert not few.close(1), "a pool has closed them"
    assert few.take(1) == 0
    assert few.take(2, is_alone=True) == 1
    few.open()
    few.give_back(2)
    assert few.take(2) == 2


def test_one_ctrl_c_stops_all_that_one_command_runs():
    """Outside, on the thread that gets signals; inside, on those that train."""
    inner = []

    def run():
        with stop_signals() as stop:
            inner.append(stop)

    with ExitStack() as stack:
        outer = stack.enter_context(stop_signals())
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        signal.raise_signal(signal.SIGINT)
        assert inner[0].politely
        assert not inner[0].at_once
        assert inner == [outer]
        with pytest.raises(BatchStopped):
            check_not_stopped()
    check_not_stopped()
    with stop_signals() as later:
        assert not later.politely
