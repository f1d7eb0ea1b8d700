"""`search`, from the first check to the summary: prepares, starts workers, watches, mends, reports.

The coordinator trains nothing and decides nothing about trials. It makes sure that the study
exists and is the same as before, that slots and workers are there, that a trial whose worker died
goes back into the queue, and that tracking and screen see what happens.
"""

import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from filelock import FileLock, Timeout

from emotion_hpo import screen, study_file
from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import StudyError
from emotion_hpo.experiment import check_modalities
from emotion_hpo.preparation import prepare_features
from emotion_hpo.records import StudyHome, Trial, TrialState, make_folder, write_json
from emotion_hpo.search.launch import LocalLauncher
from emotion_hpo.search.live import SearchScreen
from emotion_hpo.search.mirror import Mirror
from emotion_hpo.search.space import check_params, check_space
from emotion_hpo.search.study import Study
from emotion_hpo.splits import Development, split
from emotion_hpo.tracking import open_tracker
from emotion_hpo.trials import best_of

#: Between two looks at the study: a trial takes seconds at least, a look milliseconds.
_LOOK_S = 0.5

#: A worker that dies this often without ending a trial will not live by being started again.
_MAX_DEATHS = 3

#: If this many first trials all fail, the rest would too.
_FAIL_FAST = 3


@dataclass
class Stop:
    """What the user asked for by Ctrl-C or SIGTERM: first politely, then at once."""

    n_asked: int = 0

    @property
    def politely(self) -> bool:
        """Whether the running epochs are to be the last."""
        return self.n_asked >= 1

    @property
    def at_once(self) -> bool:
        """Whether nothing is to be waited for."""
        return self.n_asked >= 2


@dataclass(frozen=True)
class SearchResult:
    """How a search ended.

    Attributes:
        summary: What `search.json` holds.
        was_stopped: Whether the user ended it before the budget was spent.
    """

    summary: Mapping[str, Any]
    was_stopped: bool


def search(config: SearchConfig) -> SearchResult:
    """Run a study to its budget, or as far as the user lets it.

    Raises:
        StudyError: It cannot be run here, or differs from the study that is here.
        ConfigError: The space or a known configuration does not fit.
    """
    home = StudyHome(config.study.directory, config.study.name)
    check_space(config.experiment(), config.space)
    for params in config.study.enqueue:
        check_params(config.experiment(), config.space, params)
    make_folder(home.path)
    with _only_coordinator(home):
        with screen.preparing(f"Preparing {config.corpus.name}") as on_progress:
            store = prepare_features(
                config, home.features, on_progress, leave_out=config.split.test_session
            )
        check_modalities(config, store.modalities, store.corpus_name)
        development, holdout = split(store, config.split)
        shards = {name: key for name, key in store.keys.items() if name != holdout.session}
        for line in study_file.write_or_compare(home, config, shards, synthetic=store.synthetic):
            screen.note(line)
        created_at = study_file.read(home).facts["created_at"]
        mirror = Mirror(lambda: open_tracker(home, config, created_at, synthetic=store.synthetic))
        with _stop_signals() as stop:
            run = _Run(config, home, Study(home, config), mirror, stop, synthetic=store.synthetic)
            trials = run.to_the_end()
        summary = _summary(config, trials, development, synthetic=store.synthetic)
        write_json(home.summary, summary)
        mirror.finish(trials, summary)
    return SearchResult(summary, was_stopped=stop.politely and not _is_spent(config, trials))


@dataclass
class _Run:
    """One stretch of a search, from start to budget or stop."""

    config: SearchConfig
    home: StudyHome
    study: Study
    mirror: Mirror
    stop: Stop
    synthetic: bool = field(kw_only=True)
    _deaths: Counter[str] = field(default_factory=Counter)

    def to_the_end(self) -> list[Trial]:
        """Start workers, watch them until none is left, and return the trials."""
        self.study.requeue_orphans()
        self.study.open_slots()
        trials = self.study.trials()
        if _is_spent(self.config, trials):
            return trials
        n_open = self.config.study.n_trials - sum(one.state.is_finished for one in trials)
        n_workers = min(self.config.launcher.n_workers, n_open)
        launcher = LocalLauncher(self.home, n_workers)
        view = SearchScreen(self.config, before=trials, synthetic=self.synthetic)
        try:
            with view:
                for index in range(n_workers):
                    launcher.start(f"worker_{index}")
                while launcher.running:
                    self._obey(launcher)
                    self._mend(launcher)
                    trials = self.study.trials()
                    self._fail_fast(trials)
                    view.show(trials, self._message())
                    self.mirror.show(trials)
                    time.sleep(_LOOK_S)
        finally:
            launcher.kill()
            self.study.requeue_orphans()
        trials = self.study.trials()
        view.show(trials)
        return trials

    def _obey(self, launcher: LocalLauncher) -> None:
        if self.stop.at_once:
            launcher.kill()
        elif self.stop.politely:
            launcher.stop()

    def _mend(self, launcher: LocalLauncher) -> None:
        """Give back what dead workers held, and start them again."""
        for name, status in launcher.ended().items():
            if status == 0 or self.stop.politely:
                continue
            self.study.requeue_orphans()
            self._deaths[name] += 1
            log = self.home.worker_log(name)
            if self._deaths[name] >= _MAX_DEATHS:
                raise StudyError(
                    f"{name} died {_MAX_DEATHS} times (last with status {status}); see {log}"
                )
            screen.note(f"{name} died (status {status}, see {log}); it is started again")
            launcher.start(name)

    def _fail_fast(self, trials: list[Trial]) -> None:
        finished = [one for one in trials if one.state.is_finished]
        if len(finished) >= _FAIL_FAST and all(one.state is TrialState.FAILED for one in finished):
            raise StudyError(
                f"the first {len(finished)} trials failed, the last with: {finished[-1].reason}; "
                f"see {self.home.path / 'workers'}"
            )

    def _message(self) -> str:
        if self.stop.politely:
            return "stopping after the running epochs; Ctrl-C again stops at once"
        return ""


def _is_spent(config: SearchConfig, trials: list[Trial]) -> bool:
    return sum(one.state.is_finished for one in trials) >= config.study.n_trials


def _summary(
    config: SearchConfig, trials: list[Trial], development: Development, *, synthetic: bool
) -> dict[str, Any]:
    best = best_of(trials, config.study.objective)
    counts = Counter(one.state for one in trials)
    return {
        "study": config.study.name,
        "corpus": config.corpus.name,
        "synthetic": synthetic,
        "objective": config.study.objective,
        "n_trials": config.study.n_trials,
        "n_finished": sum(one.state.is_finished for one in trials),
        "n_complete": counts[TrialState.COMPLETE],
        "n_pruned": counts[TrialState.PRUNED],
        "n_failed": counts[TrialState.FAILED],
        "n_interrupted": counts[TrialState.INTERRUPTED],
        "n_train": len(development.train),
        "n_validation": len(development.validation),
        "best_trial": best.name if best else None,
        "best_value": best.value if best else None,
        "best_epoch": best.best_epoch if best else None,
        "best_params": dict(best.params) if best else None,
        "training_seconds": sum(one.seconds for one in trials),
    }


@contextmanager
def _only_coordinator(home: StudyHome) -> Iterator[None]:
    lock = FileLock(home.coordinator)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StudyError(
            f"study {home.name!r} is being searched by another process; wait for it, or search "
            "under another study.name"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _stop_signals() -> Iterator[Stop]:
    """Count Ctrl-C and SIGTERM instead of dying of them."""
    stop = Stop()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.n_asked += 1
        if stop.n_asked == 1:
            screen.note("\nStopping after the running epochs; Ctrl-C again stops at once.")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
