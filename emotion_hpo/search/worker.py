"""A worker's life: claim a trial, train it, report every epoch, end it; until no slot is left.

Started by `runtime.start` with the arguments `STUDY_FOLDER NAME N_THREADS`. Its end of a pipe is
its standard input: when that closes, whoever started it is gone, and it stops at once. SIGTERM is
a polite stop: the running epoch ends, its state is saved, and the trial goes back into the queue.
"""

import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import torch

from emotion_hpo.config import NetworkModel, SearchConfig, dump
from emotion_hpo.errors import StudyError, TrialFailed
from emotion_hpo.search.budget import FAIL_FAST
from emotion_hpo.search.optuna.study import Claim, ClaimLost, StorageAway, Study
from emotion_hpo.search.pruning import steps
from emotion_hpo.study import StudyHome, TrialState, write_bytes, write_yaml
from emotion_hpo.study.curves import write_curve
from emotion_hpo.study.facts import commit
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.cost import Cost
from emotion_hpo.training.fold_run import Checkpoint, DataModule, EpochSelector
from emotion_hpo.training.launch.ends import NO_FAULT_STATUS
from emotion_hpo.training.learner import n_epochs
from emotion_hpo.training.profiling import MEASURED, measure_cost
from emotion_hpo.training.trial_run import Outcomes, plan, run_all
from emotion_hpo.training.worker_process import setup

#: In what PyTorch's allocator, CUDA's runtime and its libraries say by a plain RuntimeError
NO_MEMORY = ("not enough memory", "can't allocate", "out of memory", "ALLOC_FAILED")


class Worker:
    """One process's work on a study."""

    def __init__(
        self, home: StudyHome, config: SearchConfig, data_module: DataModule, name: str
    ) -> None:
        self.name = name
        self.stopping = False
        self._home = home
        self._config = config
        self._data_module = data_module
        self._commit = commit()
        self._n_trained = 0
        self._n_failed = 0
        self._n_folds = len(data_module.development.folds)
        n_trainings = self._n_folds * config.study.n_seeds
        self._study = Study(
            home, config, n_trainings, gives_up=lambda: self.stopping, is_expected=True
        )

    def work(self) -> None:
        """Train trials until the budget is spent or a stop is requested.

        A worker whose first trials all fail ends, and the coordinator sees to it: it looks at the
        study now and then, and a trial that fails takes no time.
        """
        while not (self.stopping or self._is_failing) and (claim := self._claim()) is not None:
            write_yaml(self._home.trial(claim.number).config, dump(claim.config))
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
        files, development = self._home.trial(claim.number), self._data_module.development
        study = self._config.study
        selector = EpochSelector(study.objective, study.value)
        planned = plan(self._n_folds, study.n_seeds, claim.seed)
        ending: TrialState = TrialState.COMPLETE
        reported: dict[int, float] = {}
        # The only epoch of a classical model would stand beside the first epochs of networks
        is_compared = isinstance(claim.config.model, NetworkModel) or len(planned) > 1

        resume = self._resume(claim)
        if resume is not None:
            so_far = Outcomes(planned, (*resume.before, resume.outcome), is_running=True)
            resume.save(files.checkpoint)
            self._keep_weights_of_former_lives(claim)
            write_curve(files, so_far.curve)
            if is_compared:
                reported = steps(so_far, study.objective, self._config.pruner)
                self._study.report_previous_steps(claim, reported)

        def is_poor(so_far: Outcomes) -> bool:
            nonlocal reported
            if not is_compared:
                return False
            before, reported = reported, steps(so_far, study.objective, self._config.pruner)
            new = [step for step in reported if step not in before]
            return bool(new) and self._study.report(claim, new[-1], reported[new[-1]])

        def after_epoch(so_far: Outcomes, make_checkpoint: Callable[[], Checkpoint]) -> bool:
            nonlocal ending
            epoch = so_far.each[-1].curve[-1].epoch
            is_last = epoch >= n_epochs(claim.config) and len(so_far.each) == len(planned)
            state = make_checkpoint()
            if study.keep_weights and so_far.each[-1].best_epoch == epoch:
                state.save_weights(files.weights)
            state.save(files.checkpoint)
            write_curve(files, so_far.curve)
            if is_poor(so_far) and not is_last:
                ending = TrialState.PRUNED
            elif self.stopping and not is_last:
                ending = TrialState.INTERRUPTED
            return ending is not TrialState.COMPLETE

        def after_training(so_far: Outcomes) -> bool:
            nonlocal ending
            if is_poor(so_far) and len(so_far.each) < len(planned):
                ending = TrialState.PRUNED
            return ending is not TrialState.COMPLETE

        outcomes = run_all(
            claim.config, self._data_module, planned, selector, after_epoch, after_training, resume
        )
        if ending is TrialState.INTERRUPTED:
            self._study.release(claim)
            return
        write_bytes(files.probabilities, outcomes.answers(development))
        cost = measure_cost(claim.config, self._data_module, outcomes.learner)
        write_record(files.cost, Cost.from_json(cost))
        write_bytes(files.every_epoch, outcomes.every_epoch())
        self._study.end(
            claim,
            ending,
            outcomes.value,
            outcomes.best_epoch,
            trainings=outcomes.trainings(development),
            cost=study.second_objective and float(cost[MEASURED[study.second_objective]]),
        )
        self._drop_checkpoints(claim)

    def _resume(self, claim: Claim) -> Checkpoint | None:
        """Return the checkpoint of the latest of the trial's former lives that has left one."""
        for life in claim.former_lives:
            try:
                checkpoint = Checkpoint.load(self._home.trial(life).checkpoint)
            except StudyError as error:  # an older life's epochs are better than none
                sys.stderr.write(
                    f"trial_{claim.number}: {error}; it starts from an earlier epoch\n"
                )
                continue
            if checkpoint is not None:
                return checkpoint
        return None

    def _keep_weights_of_former_lives(self, claim: Claim) -> None:
        """Take their latest best weights over: the trial's best epoch may lie in a former life."""
        paths = [self._home.trial(life).weights for life in claim.former_lives]
        latest = next((path for path in paths if path.exists()), None)
        if latest is not None:
            write_bytes(self._home.trial(claim.number).weights, latest.read_bytes())

    def _lack_memory(self, claim: Claim, reason: str) -> None:
        """Fail a trial that had the memory to itself; one that shared it is tried again alone."""
        if claim.is_alone or self._config.launcher.n_workers == 1:
            self._fail(claim, reason)
        else:
            sys.stderr.write(f"trial_{claim.number}: {reason}; it is tried again alone\n")
            self._study.set_aside(claim, reason)

    def _fail(self, claim: Claim, reason: str) -> None:
        self._n_failed += 1
        sys.stderr.write(f"trial_{claim.number} failed: {reason}\n")
        self._study.end(claim, TrialState.FAILED, None, None, reason)
        self._drop_checkpoints(claim)

    def _drop_checkpoints(self, claim: Claim) -> None:
        for number in (claim.number, *claim.former_lives):
            self._home.trial(number).checkpoint.unlink(missing_ok=True)


def main() -> None:
    """Run one worker to its end."""
    folder, name, n_threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    home = StudyHome(folder.parent, folder.name)
    worker = Worker(home, *setup(home, n_threads), name)

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
