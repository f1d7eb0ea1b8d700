"""A worker's life: claim a trial, train it, report every epoch, end it; until no slot is left.

Started by `runtime.start`, or forked from a process that was (`launch.forked`). Its end of a pipe
is its standard input: when that closes, whoever started it is gone, and it stops at once. SIGTERM
is a polite stop: the running epoch ends, its state is saved, and the trial goes back into the
queue.
"""

import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

import torch

from emotion_hpo.config import SearchConfig, dump
from emotion_hpo.errors import StudyError, TrialFailed
from emotion_hpo.search.budget import FAIL_FAST
from emotion_hpo.search.life import Life
from emotion_hpo.search.optuna.ending import Ending
from emotion_hpo.search.optuna.jobs import batch_config
from emotion_hpo.search.optuna.study import Claim, ClaimLost, StorageAway, Study
from emotion_hpo.search.purposes.confirmation import train_confirmation
from emotion_hpo.search.purposes.final import train_final
from emotion_hpo.search.purposes.protocol import train_protocol
from emotion_hpo.search.purposes.trial import train_trial
from emotion_hpo.study import StudyHome, TrialState, write_yaml
from emotion_hpo.study.facts import commit
from emotion_hpo.training.data_modules import DataModules
from emotion_hpo.training.fold_run import Checkpoint, DataModule
from emotion_hpo.training.job import Purpose
from emotion_hpo.training.launch.ends import NO_FAULT_STATUS
from emotion_hpo.training.launch.forked import serve
from emotion_hpo.training.worker_process import become_worker, freeze_loaded, load, setup

#: What is trained → how.
_TRAIN: Mapping[Purpose | None, Callable[[Life], Ending | None]] = {
    None: train_trial,
    Purpose.CONFIRMATION: train_confirmation,
    Purpose.FINAL: train_final,
    Purpose.REPLAY: train_final,
    Purpose.PROTOCOL: train_protocol,
}

#: In what PyTorch's allocator, CUDA's runtime and its libraries say by a plain RuntimeError
NO_MEMORY = ("not enough memory", "can't allocate", "out of memory", "ALLOC_FAILED")


class Worker:
    """One process's work on a study, or on a batch of jobs.

    Args:
        home: Of the study, or of the batch.
        config: The study.
        data_module: What the study's own split trains on; a job may be on another split.
        name: Of the worker.
    """

    def __init__(
        self, home: StudyHome, config: SearchConfig, data_module: DataModule, name: str
    ) -> None:
        self.name = name
        self.stopping = False
        self._home = home
        self._config = config
        self._data_modules = DataModules(config, home.owner.features, data_module)
        self._commit = commit()
        self._n_trained = 0
        self._n_failed = 0
        n_trainings = len(data_module.development.folds) * config.study.n_seeds
        claimed = batch_config(config) if home.is_batch else config
        self._study = Study(
            home, claimed, n_trainings, gives_up=lambda: self.stopping, is_expected=True
        )

    def work(self) -> None:
        """Train trials until the budget is spent or a stop is requested.

        A worker whose first trials all fail ends, and the coordinator sees to it: it looks at the
        study now and then, and a trial that fails takes no time.
        """
        while not (self.stopping or self._is_failing) and (claim := self._claim()) is not None:
            self._train(claim)
            self._n_trained += 1

    @property
    def _is_failing(self) -> bool:
        return self._n_failed == self._n_trained >= FAIL_FAST

    def _claim(self) -> Claim | None:
        return self._study.claim(self.name, torch.get_num_threads(), self._commit)

    def _train(self, claim: Claim) -> None:
        """Train a claimed trial to one of its ends, unless it was taken over by another worker.

        Raises:
            StudyError: The study's files or its storage cannot be used, as on a full disk. That is
                no fault of the trial, which goes back into the queue.
        """
        try:
            self._try(claim)
        except ClaimLost as lost:
            sys.stderr.write(f"{lost}\n")
            claim.drop()
        except StorageAway:
            raise
        except StudyError:
            self._study.release(claim)
            raise

    def _try(self, claim: Claim) -> None:
        try:
            self._run(claim)
        except StudyError:
            raise
        except TrialFailed as failure:
            self._fail(claim, str(failure))
        except (MemoryError, torch.OutOfMemoryError) as error:
            self._lack_memory(claim, f"out of memory: {error}".rstrip(": "))
        except RuntimeError as error:
            traceback.print_exc()
            if any(phrase in str(error) for phrase in NO_MEMORY):
                self._lack_memory(claim, f"out of memory: {error}".splitlines()[0])
            else:
                self._fail(claim, f"RuntimeError: {error}".splitlines()[0])
        except Exception as error:  # a defect in one trial must not end the search
            traceback.print_exc()
            first = (str(error).splitlines() or [""])[0]
            self._fail(claim, f"{type(error).__name__}: {first}")

    def _run(self, claim: Claim) -> None:
        if claim.fault is not None:
            raise TrialFailed(claim.fault)
        write_yaml(self._home.trial(claim.number).config, dump(claim.config))
        life = Life(
            claim,
            self._home.owner,
            self._home.trial(claim.number),
            tuple(map(self._home.trial, claim.former_lives)),
            self._config,
            self._data_modules.of_split(claim.config.split),
            self._study,
            self._resume(claim),
            lambda: self.stopping,
        )
        purpose = None if claim.job is None else claim.job.purpose
        ending = _TRAIN[purpose](life)
        if ending is None:
            self._study.release(claim)
            return
        self._study.end(claim, **vars(ending))
        self._drop_states(claim)

    def _resume(self, claim: Claim) -> Checkpoint | None:
        """Return the checkpoint of the latest of the trial's former lives that has left one."""
        for life in claim.former_lives:
            try:
                checkpoint = Checkpoint.load(self._home.trial(life).checkpoint)
            except StudyError as error:  # an older life's epochs are better than none
                sys.stderr.write(f"{claim.name}: {error}; it starts from an earlier epoch\n")
                continue
            if checkpoint is not None:
                return checkpoint
        return None

    def _lack_memory(self, claim: Claim, reason: str) -> None:
        """Fail a trial that had the memory to itself; one that shared it is tried again alone."""
        if claim.is_alone or self._config.launcher.n_workers == 1:
            self._fail(claim, reason)
        else:
            sys.stderr.write(f"{claim.name}: {reason}; it is tried again alone\n")
            self._study.set_aside(claim, reason)

    def _fail(self, claim: Claim, reason: str) -> None:
        self._n_failed += 1
        sys.stderr.write(f"{claim.name} failed: {reason}\n")
        self._study.end(claim, TrialState.FAILED, None, None, reason)
        self._drop_states(claim)

    def _drop_states(self, claim: Claim) -> None:
        """Remove what only another life would need."""
        for files in map(self._home.trial, (claim.number, *claim.former_lives)):
            files.checkpoint.unlink(missing_ok=True)
            shutil.rmtree(files.networks, ignore_errors=True)
        for files in map(self._home.trial, claim.former_lives):
            files.weights.unlink(missing_ok=True)


def main() -> None:
    """Run one worker to its end."""
    home, name, loaded = _start()
    worker = Worker(home, *loaded, name)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stopping = True

    signal.signal(signal.SIGTERM, stop)
    try:
        worker.work()
    except StorageAway as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(NO_FAULT_STATUS)  # it may still hold a trial, which is not to blame
    except StudyError as error:
        sys.exit(f"{name}: {error}")


def _start() -> tuple[StudyHome, str, tuple[SearchConfig, DataModule]]:
    """Return the study, this worker's name, and what it trains on.

    With `STUDY_FOLDER NAME N_THREADS` this process is the worker; with `STUDY_FOLDER SOCKET` it is
    the server of which workers are forked, and this returns in each of them.
    """
    folder = Path(sys.argv[1])
    home = StudyHome(folder.parent, folder.name)
    if len(sys.argv) == 4:
        name, n_threads = sys.argv[2], int(sys.argv[3])
        return home, name, setup(home, name, n_threads)
    loaded: tuple[SearchConfig, DataModule] | None = None
    with suppress(Exception):  # each worker then fails by itself, and says so in its own log
        config, data_module = load(home)
        _read_ahead(home, config, data_module)
        loaded = config, data_module
    name, n_threads = serve(socket.socket(fileno=int(sys.argv[2])))
    loaded = loaded or load(home)
    become_worker(name, n_threads)
    return home, name, loaded


def _read_ahead(home: StudyHome, config: SearchConfig, data_module: DataModule) -> None:
    """Read what most trainings of a study or a batch are on, for all workers together."""
    if home.purpose in (Purpose.FINAL, Purpose.REPLAY):
        data_module.everything(config.experiment())
    else:
        data_module.fold(config.experiment())
    freeze_loaded()
