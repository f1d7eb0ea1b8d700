"""The pools of several studies share the workers of one command, and one Ctrl-C."""

import signal
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from emotion_hpo.search import worker_pool
from emotion_hpo.search.observers import silent_display
from emotion_hpo.search.optuna.jobs import batch_config
from emotion_hpo.search.places import Places, open_places, shared_places
from emotion_hpo.search.stop import Stop, stop_signals
from emotion_hpo.search.worker_pool import WorkerPool
from emotion_hpo.study import Trial, TrialState
from emotion_hpo.training.launch.ends import WorkerEnd


@dataclass
class Queue:
    """A study and its launcher in one: each worker trains one trial, in a moment."""

    trials_left: list[Trial]
    running_everywhere: list[int]
    most: list[int]
    began: dict[str, float] = field(default_factory=dict)

    def trials(self):
        return list(self.trials_left)

    def start(self, names):
        for name in names:
            self.began[name] = time.monotonic()
            self._change(TrialState.WAITING, TrialState.RUNNING)
            self.running_everywhere.append(1)
        self.most.append(len(self.running_everywhere))

    def ended(self):
        over = [name for name, began in self.began.items() if time.monotonic() - began > 0.05]
        for name in over:
            del self.began[name]
            self._change(TrialState.RUNNING, TrialState.COMPLETE)
            self.running_everywhere.pop()
        return dict.fromkeys(over, WorkerEnd(0))

    @property
    def running(self):
        return tuple(self.began)

    def _change(self, before, after):
        index = [trial.state for trial in self.trials_left].index(before)
        self.trials_left[index] = Trial(index, after, job=f"job_{index}")

    def n_set_aside(self):
        return 0

    def requeue_orphans(self, **_more):
        return None

    def kill(self):
        return ()

    def close(self):
        return None


def test_pools_on_several_threads_share_the_places(make_study, monkeypatch):
    home, config = make_study("study")
    running, most, queues = [], [], []
    for _ in range(3):
        waiting = [Trial(number, TrialState.WAITING, job=f"job_{number}") for number in range(4)]
        queues.append(Queue(waiting, running, most))
    opened = iter(queues)
    monkeypatch.setattr(worker_pool, "open_launcher", lambda *_: next(opened))
    monkeypatch.setattr(worker_pool, "_LOOK_S", 0.01)
    jobs = batch_config(config)
    n_waiting = len(queues[0].trials_left)
    jobs = jobs.model_copy(update={"study": jobs.study.model_copy(update={"n_trials": n_waiting})})
    with shared_places(2):
        pools = [
            WorkerPool(jobs, home, queue, silent_display(), Stop(), n_workers=2) for queue in queues
        ]
        threads = [threading.Thread(target=pool.work) for pool in pools]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert open_places().are_free()
    states = {trial.state for queue in queues for trial in queue.trials_left}
    assert states == {TrialState.COMPLETE}
    assert max(most) == 2, "never more than there are, and at times as many"


def test_a_pool_alone_has_as_many_places_as_it_asks_for():
    assert open_places().take(100) == 100
    few = Places(2)
    assert [few.take(-1), few.take(1), few.take(3), few.take(1)] == [0, 1, 1, 0]
    assert not few.are_free()
    few.give_back(2)
    assert few.are_free()


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
    with stop_signals() as later:
        assert not later.politely
