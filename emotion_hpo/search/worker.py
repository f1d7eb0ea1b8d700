"""A worker's life: claim a trial, train it, report every epoch, end it; until no slot is left.

Started as `python -m emotion_hpo.search.worker STUDY_FOLDER NAME N_THREADS`. Its end of a pipe is
its standard input: when that closes, whoever started it is gone, and it stops at once. SIGTERM is
a polite stop: the running epoch ends, its state is saved, and the trial goes back into the queue.
"""

import io
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType

import numpy as np
import torch

from emotion_hpo import study_file
from emotion_hpo.config import SearchConfig, dump
from emotion_hpo.errors import StudyError, TrialFailed
from emotion_hpo.experiment import Judge, Material, Outcome, Progress, SavedRun, run
from emotion_hpo.models import keep_freed_memory
from emotion_hpo.preparation import prepare_features, quiet
from emotion_hpo.records import StudyHome, TrialState, write_bytes, write_yaml
from emotion_hpo.search.study import Claim, Study
from emotion_hpo.splits import split


class Worker:
    """One process's work on a study."""

    def __init__(
        self, home: StudyHome, config: SearchConfig, material: Material, name: str
    ) -> None:
        self.name = name
        self.stopping = False
        self._home = home
        self._config = config
        self._material = material
        self._study = Study(home, config)

    def work(self) -> None:
        """Train trials until the budget is spent or a stop is asked for."""
        while not self.stopping and (claim := self._claim()) is not None:
            write_yaml(self._home.trial(claim.number).config, dump(claim.config))
            self._train(claim)

    def _claim(self) -> Claim | None:
        return self._study.claim(self.name, torch.get_num_threads())

    def _train(self, claim: Claim) -> None:
        """Train a claimed trial to one of its ends."""
        try:
            self._run(claim)
        except TrialFailed as failure:
            self._fail(claim, str(failure))
        except (MemoryError, torch.OutOfMemoryError) as error:
            self._fail(claim, f"out of memory: {error}")
        except RuntimeError as error:
            traceback.print_exc()
            is_memory = "not enough memory" in str(error) or "can't allocate" in str(error)
            kind = "out of memory" if is_memory else "RuntimeError"
            self._fail(claim, f"{kind}: {error}".splitlines()[0])
        except Exception as error:  # a defect in one trial must not end the search
            traceback.print_exc()
            first = (str(error).splitlines() or [""])[0]
            self._fail(claim, f"{type(error).__name__}: {first}")

    def _run(self, claim: Claim) -> None:
        trial_home = self._home.trial(claim.number)
        objective = self._config.study.objective
        judge = Judge(objective, self._config.study.value)
        resume = self._resume(claim)
        if resume is not None:
            resume.save(trial_home.checkpoint)
            trial_home.write_curve(resume.outcome.curve)
            epochs = resume.outcome.curve
            self._study.retell(claim, {one.epoch: one.metrics[objective] for one in epochs})
        ending: TrialState = TrialState.COMPLETE

        def after_epoch(progress: Progress) -> bool:
            nonlocal ending
            latest = progress.outcome.curve[-1]
            is_last = latest.epoch >= claim.config.training.epochs
            progress.saved().save(trial_home.checkpoint)
            trial_home.write_curve(progress.outcome.curve)
            if self._study.report(claim, latest.epoch, latest.metrics[objective]) and not is_last:
                ending = TrialState.PRUNED
            elif self.stopping and not is_last:
                ending = TrialState.INTERRUPTED
            return ending is not TrialState.COMPLETE

        outcome = run(claim.config, self._material, claim.seed, judge, after_epoch, resume)
        if ending is TrialState.INTERRUPTED:
            self._study.release(claim)
        else:
            self._save_probabilities(claim, outcome)
            self._study.end(claim, ending, outcome.value, outcome.best_epoch)
            self._drop_checkpoints(claim)

    def _resume(self, claim: Claim) -> SavedRun | None:
        """The checkpoint of the latest of the trial's former lives that has left one."""
        for life in claim.former_lives:
            try:
                saved = SavedRun.load(self._home.trial(life).checkpoint)
            except StudyError as error:  # an older life's epochs are better than none
                told = f"trial_{claim.number}: {error}; it starts from an earlier epoch\n"
                sys.stderr.write(told)
                continue
            if saved is not None:
                return saved
        return None

    def _save_probabilities(self, claim: Claim, outcome: Outcome) -> None:
        validation = self._material.development.validation
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            utterance_id=np.array(validation.ids),
            label=validation.labels,
            probabilities=outcome.probabilities,
        )
        write_bytes(self._home.trial(claim.number).probabilities, buffer.getvalue())

    def _fail(self, claim: Claim, reason: str) -> None:
        sys.stderr.write(f"trial_{claim.number} failed: {reason}\n")
        self._study.end(claim, TrialState.FAILED, None, None, reason)
        self._drop_checkpoints(claim)

    def _drop_checkpoints(self, claim: Claim) -> None:
        for number in (claim.number, *claim.former_lives):
            self._home.trial(number).checkpoint.unlink(missing_ok=True)


def main() -> None:
    """Run one worker to its end."""
    folder, name, n_threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(n_threads)
    keep_freed_memory()
    threading.Thread(target=_die_with_the_pipe, daemon=True).start()
    home = StudyHome(folder.parent, folder.name)
    config = study_file.read(home).config
    sealed = config.split.test_session
    store = prepare_features(config, home.features, quiet, leave_out=sealed)
    development, _ = split(store, config.split)
    worker = Worker(home, config, Material(development), name)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stopping = True

    signal.signal(signal.SIGTERM, stop)
    worker.work()


def _die_with_the_pipe() -> None:
    """Block until the starter's end of the pipe closes; then nobody waits for this process."""
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
