"""Workers as SLURM jobs: an array of them at first, one more for each that is lost.

submitit writes the batch script and requeues a job that runs into its time limit or is preempted:
SLURM signals 90 s before, the worker ends its epoch and puts its trial back, and the job waits for
its next turn under the same number. Whether a job still lives is asked of `squeue`, which needs no
accounting database. No other package imports submitit.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from emotion_hpo.config.places import SlurmLauncher
from emotion_hpo.errors import StudyError, missing_extra
from emotion_hpo.study import StudyHome, read_json, write_json
from emotion_hpo.training.launch.ends import MemoryWatch, WorkerEnd
from emotion_hpo.training.launch.local import start_process

#: Between two looks at the queue: a controller answers thousands of users.
_LOOK_S = 2.0

#: SLURM's own time between asking a job to end and killing it is 30 s by default.
_END_S = 60.0

#: A job that was just submitted is not in the queue at once.
_SUBMISSION_S = 15.0

_LIVING = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "STOPPED"}
_LIVING |= {"REQUEUE_HOLD", "REQUEUE_FED", "RESIZING", "SIGNALING", "STAGE_OUT", "SPECIAL_EXIT"}

#: Ends that SLURM or a person has made: what the worker said on the way says nothing.
_FROM_OUTSIDE = {"BOOT_FAIL", "CANCELLED", "DEADLINE", "NODE_FAIL", "PREEMPTED", "REVOKED"}
_FROM_OUTSIDE |= {"TIMEOUT", "LAUNCH_FAILED", "RECONFIG_FAIL"}


class WorkerJob:
    """What a job runs: one worker process, asked to end when SLURM asks the job."""

    def __init__(self, folder: Path, name: str, n_threads: int) -> None:
        self.folder, self.name, self.n_threads = folder, name, n_threads
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> WorkerEnd:
        """Start the worker and wait for its end."""
        memory = MemoryWatch()
        home = StudyHome(self.folder.parent, self.folder.name)
        node = os.environ.get("SLURMD_NODENAME", socket.gethostname())
        self._process = start_process(home, self.name, self.n_threads, f"@{node}")
        signal.signal(signal.SIGTERM, lambda *_: self._request_end())
        return memory.end_of(self._process.wait())

    def checkpoint(self) -> Any:  # noqa: ANN401 (submitit is imported late)
        """Called by submitit before a requeue: what is to run in the next life."""
        from submitit.helpers import DelayedSubmission

        if self._process is not None:
            self._request_end()
            self._process.wait()
        return DelayedSubmission(WorkerJob(self.folder, self.name, self.n_threads))

    def _request_end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)


class SlurmJobs:
    """Workers in SLURM's queue.

    Jobs that a former coordinator has left are ended first: its names are ours.

    Raises:
        ConfigError: submitit is not installed.
        StudyError: SLURM is not here.
    """

    def __init__(self, home: StudyHome, config: SlurmLauncher) -> None:
        if importlib.util.find_spec("submitit") is None:
            raise missing_extra("launcher=slurm", "submitit", "slurm")
        if absent := [
            name for name in ("sbatch", "squeue", "scancel") if shutil.which(name) is None
        ]:
            raise StudyError(f"launcher=slurm: {absent[0]} is not here; run it on a login node")
        self._home, self._config = home, config
        self._folder = home.path.resolve() / "workers" / "slurm"
        self._known = self._folder / "jobs.json"
        self._jobs: dict[str, tuple[Any, float]] = {}
        self._states: dict[str, str] = {}
        self._looked_at = float("-inf")
        self._is_stopping = False
        if self._known.exists():
            self._end(read_json(self._known))

    def start(self, names: Sequence[str]) -> None:
        """Submit jobs, as one array if they are several."""
        import submitit

        memory_gb = self._config.memory_gb
        executor = submitit.SlurmExecutor(folder=self._folder / "%j", max_num_timeout=10_000)
        options = {
            name: True if value == "true" else value for name, value in self._config.options.items()
        }
        parameters = {
            "job_name": f"emotion_hpo-{self._home.name}",
            "partition": self._config.partition,
            "time": self._config.minutes,
            "cpus_per_task": self._config.cpus,
            "gpus_per_node": self._config.gpus or None,
            "mem": f"{1024 * memory_gb:.0f}M" if memory_gb else None,  # sbatch takes no fractions
            "stderr_to_stdout": True,
            "additional_parameters": {"requeue": True, **options},
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        executor.update_parameters(**given)
        folder = self._home.path.resolve()
        work = [WorkerJob(folder, name, self._config.cpus) for name in names]
        try:
            with executor.batch():
                jobs = [executor.submit(worker_job) for worker_job in work]
        except Exception as error:  # submitit raises what sbatch printed in several kinds
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise StudyError(f"SLURM takes no job: {reason}") from None
        now = time.monotonic()
        self._jobs |= {name: (job, now) for name, job in zip(names, jobs, strict=True)}
        self._remember()

    def ended(self) -> dict[str, WorkerEnd]:
        """Name → how it ended, of each worker whose job is over."""
        over: dict[str, WorkerEnd] = {}
        if time.monotonic() - self._looked_at >= _LOOK_S:
            self._look()
            over = {name: self._end_of(name) for name in self.running if not self._lives(name)}
        for name in over:
            del self._jobs[name]
        if over:
            self._remember()
        return over

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the workers that have not been seen to end."""
        return tuple(self._jobs)

    def stop(self) -> None:
        """Ask every worker to end after its running epoch; those that wait are dropped."""
        if self._is_stopping:
            return
        self._is_stopping = True
        self._scancel([job.job_id for job, _ in self._jobs.values()], politely=True)

    def kill(self) -> tuple[str, ...]:
        """Cancel every job, and wait until it is over."""
        names = self.running
        self._end([job.job_id for job, _ in self._jobs.values()])
        self._jobs.clear()
        self._remember()
        return names

    def close(self) -> None:
        """Nothing is held but the jobs."""

    def _lives(self, name: str) -> bool:
        job, submitted_at = self._jobs[name]
        if job.job_id not in self._states:
            return time.monotonic() - submitted_at < _SUBMISSION_S
        return self._states[job.job_id] in _LIVING

    def _end_of(self, name: str) -> WorkerEnd:
        """Return what SLURM and the job say of a worker's end, if they had the time to."""
        job, _ = self._jobs[name]
        stored: WorkerEnd | None = None
        if job.paths.result_pickle.exists():
            # `job.result()` asks SLURM's accounting, and raises; this reads the file (submitit 1.5)
            outcome, result = job._get_outcome_and_result()
            stored = result if outcome == "success" else None
        return end_of_job(self._states.get(job.job_id), stored)

    def _look(self) -> None:
        """Ask for all of our jobs; a controller that does not answer leaves the old picture."""
        output = _call("squeue", "--me", "-r", "-h", "-t", "all", "-o", "%i %T")
        if output is not None:
            lines = [line.split() for line in output.splitlines()]
            self._states = {line[0]: line[1] for line in lines if len(line) == 2}
            self._looked_at = time.monotonic()

    def _end(self, ids: Iterable[str]) -> None:
        """Cancel jobs and wait until none of them lives."""
        ids = list(ids)
        end = time.monotonic() + _END_S
        self._scancel(ids, politely=False)
        while ids and time.monotonic() < end:
            self._look()
            if not any(self._states.get(job_id) in _LIVING for job_id in ids):
                return
            time.sleep(0.5)

    @staticmethod
    def _scancel(ids: list[str], *, politely: bool) -> None:
        if not ids:
            return
        if politely:
            _call("scancel", "--state=PENDING", *ids)
            _call("scancel", "--state=RUNNING", "--signal=TERM", *ids)
        else:
            _call("scancel", *ids)

    def _remember(self) -> None:
        write_json(self._known, [job.job_id for job, _ in self._jobs.values()])


def end_of_job(state: str | None, stored: WorkerEnd | None) -> WorkerEnd:
    """Return how a job's worker ended.

    Args:
        state: SLURM's word for the job's end; None if it does not know the job any more.
        stored: What the job has seen of the worker's end; None if it was cut off before.
    """
    if state == "OUT_OF_MEMORY":
        return WorkerEnd(stored.status if stored else None, memory_witness="SLURM")
    if stored is not None and (stored.is_orderly or state not in _FROM_OUTSIDE):
        return stored
    return WorkerEnd(lost=f"place lost, {state}" if state else "place lost", is_gone=False)


def _call(*command: str) -> str | None:
    """Run a command; return what it printed, or None if it failed."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return ended.stdout if ended.returncode == 0 else None
