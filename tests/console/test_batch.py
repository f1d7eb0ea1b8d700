"""What a person sees of jobs while they are trained, and of what they cost."""

import time

import pytest

from emotion_hpo.console.batch import BatchScreen, busy_cores
from emotion_hpo.study import Epoch, Trial, TrialState
from emotion_hpo.training.job import Job, Purpose
from tests.pipeline import SMALL, compose_config


@pytest.fixture
def jobs():
    experiment = compose_config(*SMALL).experiment()
    return [Job(Purpose.FINAL, name, experiment, seed=0, epochs=2) for name in "ab"]


#: Later than any screen begins.
LATER = time.time() + 1e6


def epochs(n, seconds=2.0):
    return tuple(
        Epoch(1 + i, {}, seconds, LATER + i * seconds, usage={"cpu_cores": 0.9}) for i in range(n)
    )


def test_plain_lines_tell_each_end_and_how_busy_the_machine_was(jobs, capsys):
    with BatchScreen("Retraining", jobs, is_local=False) as screen:
        screen.show([Trial(0, TrialState.WAITING, job="a"), Trial(1, TrialState.WAITING, job="b")])
        first = Trial(0, TrialState.COMPLETE, curve=epochs(2), job="a")
        screen.show([first, Trial(1, TrialState.RUNNING, curve=epochs(1), job="b")])
        second = Trial(1, TrialState.FAILED, curve=epochs(2), job="b", reason="out of memory")
        screen.show([first, second, Trial(2, TrialState.COMPLETE, job="of another plan")])
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "Retraining: 1 of 2 a trained, 2 epochs in 4 s",
        "Retraining: 1 of 2 b failed: out of memory",
    ]
    assert lines[2].startswith("Retraining: 1 of 2 trained after ")
    assert lines[2].endswith("; 1.8 cores busy while training")


def test_jobs_that_end_together_are_counted_one_after_the_other(jobs, capsys):
    with BatchScreen("Retraining", jobs, is_local=False) as screen:
        screen.show([Trial(0, TrialState.WAITING, job="a"), Trial(1, TrialState.WAITING, job="b")])
        ends = {"a": 20.0, "b": 10.0}
        screen.show(
            [
                Trial(i, TrialState.COMPLETE, curve=epochs(1), job=job, finished_at=ends[job])
                for i, job in enumerate("ab")
            ]
        )
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(" in ")[0] for line in lines[:2]] == [
        "Retraining: 1 of 2 b trained, 1 epoch",
        "Retraining: 2 of 2 a trained, 1 epoch",
    ]


def test_a_terminal_has_a_row_for_each_worker(jobs, terminal):
    with BatchScreen("Retraining", jobs, is_local=True) as screen:
        running = Trial(0, TrialState.RUNNING, curve=epochs(1), worker="worker_1", job="a")
        screen.show([running], "stopping")
    text = terminal.getvalue()
    assert all(word in text for word in ("worker_1", "2/2", "0 of 2 trained", "stopping"))


def test_an_epoch_that_measured_nothing_counts_as_a_core():
    assert busy_cores([[Epoch(1, {}, 2.0, 2.0)], [Epoch(1, {}, 2.0, 2.0)]]) == pytest.approx(2.0)


def test_what_is_computed_between_two_epochs_is_busy():
    def epoch(end, cpu_seconds):
        return Epoch(1, {}, 2.0, end, usage={"cpu_cores": 0.5, "cpu_seconds": cpu_seconds})

    assert busy_cores([[epoch(2.0, 7.0), epoch(5.0, 8.7)]]) == pytest.approx((1.0 + 0.7 + 1.0) / 5)
    assert busy_cores([[epoch(2.0, 7.0), epoch(5.0, 9.9)]]) == pytest.approx(3 / 5), "never more"
    assert busy_cores([[epoch(2.0, 7.0), epoch(5.0, 1.0)]]) == pytest.approx(2 / 5), "a new process"


def test_an_epoch_that_two_lives_have_is_counted_once(jobs, capsys):
    with BatchScreen("Retraining", jobs, is_local=False) as screen:
        shared = epochs(2)
        cut = Trial(0, TrialState.INTERRUPTED, curve=shared[:1], worker="w", job="a")
        screen.show([cut, Trial(1, TrialState.COMPLETE, curve=shared, worker="v", job="a")])
    assert capsys.readouterr().err.endswith("; 0.9 cores busy while training\n")
