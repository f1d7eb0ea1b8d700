"""What the end of a worker says of its trial, and when such ends are too many."""

import signal
from pathlib import Path

import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.search.deaths import DeathCount
from emotion_hpo.study import Epoch, Trial, TrialState
from emotion_hpo.training.launch.ends import NO_FAULT_STATUS, MemoryWatch, WorkerEnd
from emotion_hpo.training.launch.slurm import end_of_job

KERNEL = WorkerEnd(-9, memory_witness="the kernel")

ENDS = [
    # end, evidence against its trial, in words
    (WorkerEnd(-signal.SIGSEGV), "SIGSEGV", "SIGSEGV"),
    (WorkerEnd(-signal.SIGABRT), "SIGABRT", "SIGABRT"),
    (WorkerEnd(-signal.SIGBUS), "SIGBUS", "SIGBUS"),
    (WorkerEnd(-signal.SIGILL), "SIGILL", "SIGILL"),
    (WorkerEnd(-signal.SIGFPE), "SIGFPE", "SIGFPE"),
    (WorkerEnd(1), "exit status 1", "exit status 1"),
    (WorkerEnd(NO_FAULT_STATUS), None, "exit status 75"),
    (KERNEL, "out of memory, says the kernel", "out of memory, says the kernel"),
    (WorkerEnd(-signal.SIGKILL), None, "killed by SIGKILL"),
    (WorkerEnd(-signal.SIGTERM), None, "killed by SIGTERM"),
    (WorkerEnd(-signal.SIGHUP), None, "killed by SIGHUP"),
    (WorkerEnd(-40), None, "killed by signal 40"),
    (WorkerEnd(lost="place lost, NODE_FAIL", is_gone=False), None, "place lost, NODE_FAIL"),
]


@pytest.mark.parametrize(("end", "evidence", "text"), ENDS, ids=str)
def test_only_what_a_trial_can_have_caused_is_evidence(end, evidence, text):
    assert end.evidence == evidence
    assert str(end) == text
    assert not end.is_orderly


JOBS = [
    # SLURM's state, what the job stored, its worker's end
    ("COMPLETED", WorkerEnd(0), WorkerEnd(0)),
    ("CANCELLED", WorkerEnd(0), WorkerEnd(0)),
    ("COMPLETED", WorkerEnd(-11), WorkerEnd(-11)),
    ("COMPLETED", KERNEL, KERNEL),
    ("OUT_OF_MEMORY", None, WorkerEnd(None, memory_witness="SLURM")),
    ("OUT_OF_MEMORY", WorkerEnd(-9), WorkerEnd(-9, memory_witness="SLURM")),
    ("FAILED", None, WorkerEnd(lost="place lost, FAILED", is_gone=False)),
    *(
        (state, stored, WorkerEnd(lost=f"place lost, {state}", is_gone=False))
        for state in ("NODE_FAIL", "PREEMPTED", "CANCELLED", "TIMEOUT", "BOOT_FAIL", "DEADLINE")
        for stored in (None, WorkerEnd(1), WorkerEnd(-9))
    ),
    (None, None, WorkerEnd(lost="place lost", is_gone=False)),
]


@pytest.mark.parametrize(("state", "stored", "end"), JOBS)
def test_an_end_of_a_job(state, stored, end):
    assert end_of_job(state, stored) == end


CGROUPS = [
    # lines of /proc/self/cgroup, file that counts, folder of the file
    ("0::/user.slice/run.scope", "user.slice/run.scope/memory.events", "version 2"),
    ("0::/user.slice/run.scope", "user.slice/memory.events", "version 2, counted above"),
    ("0::/", "memory.events", "version 2 in a container"),
    ("0::/../../other", "memory.events", "version 2, moved into a container"),
    ("9:cpu,memory:/job_7\n0::/", "memory/job_7/memory.oom_control", "version 1"),
    ("9:memory:/docker/ab12\n0::/", "memory/memory.oom_control", "version 1 in a container"),
]


@pytest.fixture
def kernel(tmp_path):
    """A file system in which a kernel counts: `kernel(lines, file)` returns the count's setter."""

    def make(lines, name):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(f"{lines}\n")
        events = tmp_path / "sys/fs/cgroup" / name
        events.parent.mkdir(parents=True)

        def set_count(n_kills):
            events.write_text(f"low 0\noom 9\noom_kill {n_kills}\noom_group_kill 0\n")

        set_count(2)
        return set_count

    return make


@pytest.mark.parametrize(("lines", "name", "kind"), CGROUPS)
def test_the_kernels_word_explains_one_kill_each(kernel, tmp_path, lines, name, kind):
    set_count = kernel(lines, name)
    watch = MemoryWatch(tmp_path)
    assert watch.end_of(-9) == WorkerEnd(-9), f"two kills are older: {kind}"
    set_count(4)
    assert watch.end_of(-11) == WorkerEnd(-11), "a crash needs no other word"
    assert watch.end_of(-9) == KERNEL
    assert watch.end_of(0) == WorkerEnd(0)
    assert watch.end_of(-9) == KERNEL
    assert watch.end_of(-9) == WorkerEnd(-9)


@pytest.mark.parametrize("lines", [None, "0::/", "9:memory:/job_7"])
def test_a_kernel_that_does_not_count_says_nothing(tmp_path, lines):
    if lines is not None:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(f"{lines}\n")
    assert MemoryWatch(tmp_path).end_of(-9) == WorkerEnd(-9)


def trial(number, n_epochs=0, state=TrialState.INTERRUPTED, continues=None):
    curve = tuple(Epoch(n, {}, 1.0, 0.0) for n in range(1, n_epochs + 1))
    return Trial(number, state, curve=curve, continues=continues)


BARE, CRASH, LOST = WorkerEnd(-9), WorkerEnd(-11), WorkerEnd(lost="place lost", is_gone=False)
LOG = Path("worker_0.log")


def test_ten_bare_deaths_in_a_row_stop_a_search():
    """Every life writes the epochs of the former ones into its own curve: none of them is new."""
    deaths, lives = DeathCount(n_workers=1), [trial(0, 3)]
    deaths.add("worker_0", BARE, [], LOG)
    for number in range(1, 10):  # the first of these comes after three epochs
        deaths.add("worker_0", LOST if number % 2 else BARE, lives, LOG)
        lives.append(trial(number, 3, continues=number - 1))
    stopped = (
        r"10 workers in a row were ended from outside before an epoch was trained, worker_1 last "
        r"\(killed by SIGKILL\); see worker_0\.log\. Find what ends them .*; nothing is lost: the "
        r"same command goes on$"
    )
    with pytest.raises(StudyError, match=stopped):
        deaths.add("worker_1", BARE, lives, LOG)


def test_an_epoch_anywhere_begins_the_count_anew():
    deaths = DeathCount(n_workers=2)
    for n_epochs in range(1, 40):
        deaths.add("worker_0", BARE, [trial(0), trial(1, n_epochs)], LOG)
        deaths.add("worker_0", CRASH, [trial(0), trial(1, n_epochs)], LOG)
        deaths.add("worker_1", BARE, [trial(0), trial(1, n_epochs)], LOG)


@pytest.mark.parametrize(("n_workers", "most"), [(1, 4), (2, 7)])
def test_crashes_stop_a_search_once_other_trials_have_been_tried(n_workers, most):
    deaths = DeathCount(n_workers)
    for _ in range(most - 1):
        deaths.add("worker_0", CRASH, [trial(0)], LOG)
        deaths.add("worker_0", BARE, [trial(0)], LOG)
    stopped = (
        rf"workers died {most} times without .*\(SIGSEGV\); see worker_0.log\. Mend what .*on$"
    )
    with pytest.raises(StudyError, match=stopped):
        deaths.add("worker_0", CRASH, [trial(0)], LOG)


def test_a_trial_that_ended_begins_the_count_of_crashes_anew():
    deaths, failed = DeathCount(n_workers=1), []
    for number in range(9):
        deaths.add("worker_0", CRASH, failed, LOG)
        failed.append(trial(number, state=TrialState.FAILED))
