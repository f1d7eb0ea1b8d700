"""`search`, from the first check to the summary: prepares, starts workers, watches, reports.

The coordinator trains nothing and decides nothing about trials. It makes sure that the study
exists and is the same as before, that slots and workers are there, that a trial whose worker died
goes back into the queue, and that tracking and screen see what happens.
"""

import logging
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass

from emotion_hpo.config import SearchConfig
from emotion_hpo.corpus import open_corpus
from emotion_hpo.errors import StudyError
from emotion_hpo.features.extraction import all_modalities, check_sections
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.search.alone import alone_in
from emotion_hpo.search.baseline import fit_or_read_baseline, n_train
from emotion_hpo.search.budget import is_spent, is_used_up, n_open, trained_epochs
from emotion_hpo.search.enumeration import exhaustible_points
from emotion_hpo.search.observers import Observers
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.pruning import check_pruner
from emotion_hpo.search.space import check_params, check_space
from emotion_hpo.search.stop import stop_signals
from emotion_hpo.search.warm_start import describe_warm_start, read_prior_trials
from emotion_hpo.search.worker_pool import WorkerPool
from emotion_hpo.selection.ensemble_score import estimate_ensemble_score
from emotion_hpo.selection.expected_score import estimate_expected_score
from emotion_hpo.splits.class_coverage import describe_missing_classes
from emotion_hpo.splits.opening import open_development
from emotion_hpo.splits.parts import Development, check_sessions
from emotion_hpo.splits.shared_dialogues import describe_shared_dialogues
from emotion_hpo.study import StudyHome, Trial, TrialState, make_folder, study_file
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.search_summary import FrontPoint, SearchSummary, WarmStart
from emotion_hpo.study.trials import best_of, front_of
from emotion_hpo.training.fold_run import DataModule, check_modalities

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchResult:
    """How a search ended.

    Attributes:
        config: The study, in plain values.
        summary: What it came to.
        was_stopped: Whether the user ended it before the budget was spent.
        is_exhausted: Whether every point of the space was tried before it was.
    """

    config: SearchConfig
    summary: SearchSummary
    was_stopped: bool
    is_exhausted: bool


def search(config: SearchConfig, observers: Observers | None = None) -> SearchResult:
    """Run a study to its budget, or as far as the user lets it; in silence without observers.

    Raises:
        StudyError: It cannot be run here, or differs from the study that is here.
        ConfigError: The space or a known configuration does not fit.
    """
    observers = observers or Observers()
    home = StudyHome(config.study.directory, config.study.name)
    check_space(config.experiment(), config.space)
    exhaustible_points(config)  # a grid without end is refused before the corpus is read
    for params in config.study.enqueue:
        check_params(config.experiment(), config.space, params)
    corpus = open_corpus(config.corpus, config.split.session_column)
    check_sections(config.features, corpus)
    check_modalities(config, all_modalities(corpus, config.features), corpus.name)
    check_sessions(config.split, corpus.sessions())
    make_folder(home.path)
    with _only_coordinator(home):
        _check_files(home, config)
        with observers.open_progress(f"Preparing {config.corpus.name}") as on_progress:
            store, development = open_development(config, home.features, on_progress)
        config, decisions = adapt(config, store, development)
        check_space(config.experiment(), config.space)
        for params in config.study.enqueue:
            check_params(config.experiment(), config.space, params)
        points = exhaustible_points(config)
        remarks = describe_missing_classes(development)
        check_pruner(config, len(development.folds))
        DataModule(development).check(config.experiment())
        prior_trials, notes = read_prior_trials(config)
        notes += describe_shared_dialogues(config.split, development)
        notes += study_file.write_or_compare(home, config, store.keys, synthetic=store.synthetic)
        if points is not None and len(points) < config.study.n_trials:
            notes.append(
                f"The space has {len(points)} points, fewer than study.n_trials="
                f"{config.study.n_trials}: each is tried once."
            )
        for line in decisions:
            _log.info(line)
        for line in (*notes, *remarks):
            _log.warning(line)
        baseline = fit_or_read_baseline(home, development, store.modalities, config)
        stored = study_file.read(home)
        if stored.words is not None:
            _log.info(f"The corpus is read with {stored.words}")
        created_at = stored.facts.created_at
        tracker = observers.open_tracker(home, config, created_at, synthetic=store.synthetic)
        with stop_signals() as stop:
            study = Study(home, config, gives_up=lambda: stop.at_once)
            display = observers.open_display(config, study.trials(), synthetic=store.synthetic)
            try:
                study.requeue_orphans()
                study.open_slots(prior_trials)
                n_workers = min(config.launcher.n_workers, n_open(config, study.trials()) or 1)
                WorkerPool(config, home, study, display, stop, n_workers, tracker).work()
            finally:  # a study that failed is worth looking at, too
                trials = study.trials()
                summary = _summarise(
                    home, config, trials, development, baseline,
                    warm_start=describe_warm_start(config, prior_trials), synthetic=store.synthetic,
                )  # fmt: skip
                write_record(home.summary, summary)
                tracker.finish(trials, summary)
    was_stopped = stop.politely and not is_spent(config, trials)
    is_short = summary.n_finished < config.study.n_trials and not was_stopped
    is_exhausted = is_short and points is not None and not is_used_up(config.study, trials)
    return SearchResult(config, summary, was_stopped=was_stopped, is_exhausted=is_exhausted)


def _summarise(
    home: StudyHome,
    config: SearchConfig,
    trials: list[Trial],
    development: Development,
    baseline: Baseline,
    *,
    warm_start: WarmStart | None,
    synthetic: bool,
) -> SearchSummary:
    best = best_of(trials, config.study.objective)
    epochs = trained_epochs(trials)
    counts = Counter(trial.state for trial in trials)
    return SearchSummary(
        study=config.study.name,
        corpus=config.corpus.name,
        synthetic=synthetic,
        objective=config.study.objective,
        n_trials=config.study.n_trials,
        n_finished=sum(trial.state.is_finished for trial in trials),
        n_complete=counts[TrialState.COMPLETE],
        n_pruned=counts[TrialState.PRUNED],
        n_failed=counts[TrialState.FAILED],
        n_interrupted=counts[TrialState.INTERRUPTED],
        n_folds=len(development.folds),
        n_train=n_train(development),
        n_validation=len(development.validation),
        n_epochs=len(epochs),
        best_trial=best.name if best else None,
        best_value=best.value if best else None,
        best_epoch=best.best_epoch if best else None,
        best_params=dict(best.params) if best else None,
        training_seconds=sum(epoch.seconds for epoch in epochs),
        second_objective=config.study.second_objective,
        front=tuple(
            FrontPoint(trial=trial.name, value=value, cost=cost, params=dict(trial.params))
            for trial in front_of(trials, config.study.objective)
            if (value := trial.value) is not None and (cost := trial.cost) is not None
        ),
        class_remarks=tuple(describe_missing_classes(development)),
        warm_start=warm_start,
        baseline=baseline,
        expected=estimate_expected_score(home, config, development, trials),
        ensemble=estimate_ensemble_score(home, config, development, trials),
    )


def _check_files(home: StudyHome, config: SearchConfig) -> None:
    """Refuse trials without their study, or a study without its trials.

    Raises:
        StudyError: Part of the study's files is gone.
    """
    has_trials = home.database.exists() or any(home.path.glob("trials/*"))
    missing = [
        path
        for path, is_needed in (
            (home.study, has_trials),
            (home.database, config.storage.name == "sqlite" and any(home.path.glob("trials/*"))),
        )
        if is_needed and not path.exists()
    ]
    if missing:
        raise StudyError(
            f"{missing[0]} is missing, but the study's trials are there; restore it, or search "
            "under another study.name"
        )


def is_searched(home: StudyHome) -> bool:
    """Return whether a search of this study is under way."""
    try:
        with _only_coordinator(home):
            return False
    except StudyError:
        return True


def _only_coordinator(home: StudyHome) -> AbstractContextManager[None]:
    return alone_in(
        home,
        f"study {home.name!r} is being searched by another process; wait for it, or search "
        "under another study.name",
    )
