"""What each command does and prints. The command line hands over plain dicts."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_hpo.cli.answering import predict, refuse_taken_port, serve
from emotion_hpo.cli.scoring import confirm_leaders, replay_final, scored, taken_up
from emotion_hpo.config import SearchConfig, TwinCorpus, build, dump
from emotion_hpo.config.commands import (
    CompareCommand,
    ModelsCommand,
    NestedCommand,
    PrepareCommand,
    ReplayCommand,
    ReportCommand,
    SearchCommand,
    StudyCommand,
    UiCommand,
)
from emotion_hpo.console import output as screen
from emotion_hpo.console.final import show_nested
from emotion_hpo.console.output import echo
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics.formatting import format_score, format_score_interval
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import (
    Epoch,
    StudyHome,
    TrialState,
    check_writable,
    make_folder,
    read_json,
    write_json,
)

__all__ = [
    "compare",
    "final",
    "models",
    "nested",
    "predict",
    "prepare",
    "replay",
    "report",
    "search",
    "serve",
    "status",
    "sync",
    "ui",
]

if TYPE_CHECKING:
    from emotion_hpo.search.coordinator import SearchResult


def prepare(plain: Mapping[str, Any]) -> None:
    """Store a corpus's features and say what is there."""
    command = build(PrepareCommand, plain)
    from emotion_hpo.corpus import Twin, counted, open_corpus, write_release
    from emotion_hpo.features.preparation import peak_memory_mb, prepare_features
    from emotion_hpo.features.summary import summary, words_without_vectors
    from emotion_hpo.splits.class_coverage import absences_by_session

    began = time.monotonic()
    if isinstance(command.corpus, TwinCorpus) and command.corpus.write_release is not None:
        twin, folder = Twin.open(command.corpus), command.corpus.write_release
        with screen.preparing(f"Writing {folder}") as on_progress:
            n_written = write_release(twin, folder, on_progress)
        echo(f"Release: {n_written} utterances in {folder} (synthetic)")
    home = StudyHome(command.study.directory, command.study.name)
    make_folder(home.features)
    with screen.preparing(f"Preparing {command.corpus.name}") as on_progress:
        store = prepare_features(command, home.features, on_progress)
    corpus, word_vectors = open_corpus(command.corpus), command.features.text.vectors
    counts = summary(store)
    found = {
        **counts,
        "words_without_vectors": word_vectors and words_without_vectors(store, word_vectors),
        "remarks": [*corpus.remarks(), *absences_by_session(counts["n_by_session_emotion"])],
        "faults": counted((*corpus.faults(), *store.faults())),
        "seconds": round(time.monotonic() - began, 2),
        "peak_memory_mb": peak_memory_mb(),
    }
    screen.show_corpus(found)
    if command.output is not None:
        write_json(command.output, found)


def search(plain: Mapping[str, Any]) -> None:
    """Run or continue a study, and say what came out and how to go on."""
    _searched(plain)


def _searched(plain: Mapping[str, Any]) -> "SearchResult":
    command = build(SearchCommand, plain)
    from emotion_hpo.cli.observers import observers
    from emotion_hpo.search import budget
    from emotion_hpo.search.coordinator import search as run

    check_writable(command.output)
    config = command.search()
    result = run(config, observers())
    found, home = result.summary, StudyHome(config.study.directory, config.study.name)
    if command.output is not None:
        write_json(command.output, found)
    n_open = found["n_trials"] - found["n_finished"]
    echo(
        f"\nStudy {found['study']}: "
        f"{budget.words_of_count(found['n_finished'], found['n_trials'])} finished "
        f"({found['n_complete']} complete, {found['n_pruned']} pruned, {found['n_failed']} failed) "
        f"on {found['n_train']} training and {found['n_validation']} validation utterances"
        f"{_in_folds(found['n_folds'])}."
    )
    if found["best_trial"] is not None:
        mark = " (synthetic data)" if found["synthetic"] else ""
        echo(
            f"Best: {found['best_trial']}, {found['objective']} "
            f"{format_score(found['objective'], found['best_value'])} "
            f"after epoch {found['best_epoch']}{mark}"
        )
        for path, value in found["best_params"].items():
            echo(
                f"  {path:<32} {value:.4g}" if isinstance(value, float) else f"  {path:<32} {value}"
            )
    if (promised := found["expected"]) is not None:
        ends = format_score_interval(found["objective"], promised["interval"])
        echo(
            f"Expected: {found['objective']} {format_score(found['objective'], promised['value'])} "
            f"on new utterances (90 % interval {ends}): the best of {promised['n_trials']} trials "
            f"is best by luck, too. {promised['sentence']}"
        )
    confirmed = None
    if not result.was_stopped and found["best_trial"] is not None:
        confirmed = confirm_leaders(home, config)
        found = {**found, "confirmed": confirmed}
        write_json(home.summary, found)
        if command.output is not None:
            write_json(command.output, found)
    if found["second_objective"] is not None:
        echo(f"Front of {found['objective']} against {found['against']}:")
    for one in found["front"]:
        value = format_score(found["objective"], one["value"])
        echo(f"  {one['trial']:<12} {value:>8}  {one['cost']:>12,.6g} {found['against']}")
    plain_model = found["baseline"]
    kind, value = found["objective"], plain_model["validation"].get(found["objective"][4:])
    parts = " and ".join(plain_model["parts"])
    echo(f"Baseline: {kind} {format_score(kind, value)} (logistic regression on {parts})")
    echo(f"Results: {home.summary}")
    if not result.was_stopped and n_open:
        is_exhausted = result.is_exhausted
        echo(budget.words_of_end(config.study, found["n_finished"], is_exhausted=is_exhausted))
    if result.was_stopped:
        echo(f"Stopped with {n_open} trials to go; the same command goes on where this one ended.")
        return result
    if found["best_trial"] is None:
        raise StudyError(
            f"no trial of study {home.name!r} was completed; the reasons stand in "
            f"{home.path / 'trials'}/*/trial.json"
        )
    winner = confirmed["winner"] if confirmed else found["best_trial"]
    folder = {} if str(home.directory) == "studies" else {"study.directory": home.directory}
    name = {} if home.name == "quick" else {"study.name": home.name}
    final_line = screen.make_line("final", {**name, **folder}, BEST=winner)
    ui_line = screen.make_line("ui", folder)
    width = max(len(final_line), len(ui_line)) + 3
    echo("\nNext:")
    echo(f"  {final_line:<{width}}scores the sealed session, once")
    echo(f"  {ui_line:<{width}}every trial in MLflow")
    return result


def _in_folds(n_folds: int) -> str:
    return f" over {n_folds} folds (training: the mean of one)" if n_folds > 1 else ""


def final(plain: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Retrain a trial, score the holdout, and say where everything is."""
    scored(plain, asked)


def nested(plain: Mapping[str, Any]) -> None:
    """Search, confirm and score once for each session as the test, and say the mean and spread."""
    command = build(NestedCommand, plain)
    from emotion_hpo.features.preparation import prepare_features
    from emotion_hpo.final.nested import nested as run
    from emotion_hpo.splits.parts import content_of

    check_writable(command.output)
    config = command.search()
    home = StudyHome(config.study.directory, config.study.name)
    make_folder(home.features)
    with screen.preparing(f"Preparing {config.corpus.name}") as on_progress:
        store = prepare_features(config, home.features, on_progress)
    contents = {session: content_of(store.open(session)) for session in store.sessions}

    def one_session(study: SearchConfig) -> dict[str, Any] | None:
        echo(f"\nSession {study.split.test_session} as the test: study {study.study.name}", "bold")
        parts = dump(study)
        if not _search_one(study):
            return None
        return _final_one(parts, rescore=command.rescore)

    found = run(config, contents, one_session, rescore=command.rescore)
    if found is None:
        echo("Stopped; the same command goes on where this one ended.")
        return
    show_nested(found)
    echo(f"\nResults: {home.nested}")
    if command.output is not None:
        write_json(command.output, found)


def _search_one(config: SearchConfig) -> bool:
    """Search and confirm one study of a protocol; False if it was stopped."""
    return not _searched({**dump(config), "output": None}).was_stopped


def _final_one(plain: Mapping[str, Any], *, rescore: bool) -> dict[str, Any]:
    """Score one study of a protocol."""
    more = {"output": None, "best": None, "rescore": rescore}
    return scored({**plain, **more}, {})


def report(plain: Mapping[str, Any]) -> None:
    """Write the page of a study, or one that compares several."""
    command = build(ReportCommand, plain)
    if command.studies:
        _compare(command.study.directory, command.studies, command.output)
        return
    from emotion_hpo.report import report as write

    home = StudyHome(command.study.directory, command.study.name)
    check_writable(command.output)
    _say_page(write(home), command.output)


def compare(plain: Mapping[str, Any]) -> None:
    """Write a page that compares studies."""
    command = build(CompareCommand, plain)
    _compare(command.study.directory, command.studies, command.output)


def _compare(directory: Path, names: Sequence[str], output: Path | None) -> None:
    from emotion_hpo.report import compare as write

    check_writable(output)
    _say_page(write([StudyHome(directory, name) for name in names]), output)


def _say_page(page: Path, output: Path | None) -> None:
    echo(f"Page:    {page}\nFigures: {page.parent / 'figures'}\nTables:  {page.parent / 'tables'}")
    if output is not None:
        write_json(output, {"page": str(page)})


def models(plain: Mapping[str, Any], presets: Path) -> None:
    """List every encoder, head and preset, or the one that was chosen, with parameter counts."""
    command = build(ModelsCommand, plain)
    from emotion_hpo.models import catalogue

    chosen = command.model
    known = catalogue.read_presets(presets) if chosen is None else {chosen.name: chosen}
    rows = catalogue.preset_rows(known)
    if command.output is not None:
        write_json(command.output, {row.name: {"parameters": row.parameters} for row in rows})
    if chosen is not None:
        screen.show_counts(chosen.name, rows[0].parameters)
        return
    encoders = [(one.modality, one.name, one.parameters) for one in catalogue.encoder_rows()]
    heads = [(one.name, one.parameters["all"]) for one in catalogue.head_rows()]
    screen.show_models(encoders, heads, {row.name: row.parameters for row in rows})


def status(plain: Mapping[str, Any]) -> None:
    """Say how far a study is."""
    command = build(StudyCommand, plain)
    from emotion_hpo.console.search import SearchScreen
    from emotion_hpo.search.optuna.study import Study
    from emotion_hpo.study import study_file

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    trials = Study(home, stored.config).trials()
    synthetic = stored.facts["synthetic"]
    screen.open_console().print(
        SearchScreen(stored.config, trials, synthetic=synthetic).table(trials)
    )
    if command.output is not None:
        ended = [one for one in trials if one.state.is_finished]
        running = [one.name for one in trials if one.state is TrialState.RUNNING]
        write_json(command.output, {"n_finished": len(ended), "running": running})


def sync(plain: Mapping[str, Any]) -> None:
    """Write to MLflow what it lacks of a study."""
    command = build(StudyCommand, plain)
    from emotion_hpo.search.coordinator import is_searched
    from emotion_hpo.search.optuna.study import Study
    from emotion_hpo.study import study_file
    from emotion_hpo.tracking import open_tracker

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    if stored.config.tracking.name == "none":
        raise StudyError(f"study {home.name!r} was searched with tracking=none: no MLflow lacks it")
    study = Study(home, stored.config)
    study.requeue_orphans()  # what a killed search left RUNNING is closed in MLflow, too
    trials = study.trials()
    synthetic = stored.facts["synthetic"]
    created_at = stored.facts["created_at"]
    tracker = open_tracker(home, stored.config, created_at, synthetic=synthetic)
    tracker.mirror(trials)
    if not is_searched(home):
        tracker.close(read_json(home.summary) if home.summary.exists() else {})
    from emotion_hpo.report import report as write

    write(home)
    finals = home.finals()
    for one in finals:
        tracker.log_final(one)
    tracker.log_report(home.report)
    more = f", {format_count(len(finals), 'final model')}" if finals else ""
    echo(f"MLflow holds study {home.name}: {len(trials)} trials{more}")


def replay(plain: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Train a trial again, say whether every bit is the same; exit with 1 if not."""
    command = build(ReplayCommand, plain)
    from emotion_hpo.final.replay_trial import replay as run

    home = StudyHome(command.study.directory, command.study.name)
    stored = taken_up(home, asked)
    if command.final is not None:
        replay_final(home, command.final, command.output)
        return
    objective = stored.config.study.objective

    def on_epoch(old: Epoch, new: Epoch) -> None:
        told = "the same" if old.metrics == new.metrics else "different"
        before, after = (format_score(objective, one.metrics[objective]) for one in (old, new))
        where = f"training {old.training + 1}, " if old.training else ""
        echo(f"{where}epoch {old.epoch}: {objective} {before}, again {after}: {told}")

    with screen.preparing(f"Preparing {stored.config.corpus.name}") as on_features:
        found = run(home, command.trial, on_features, on_epoch)
    differs = found.first_difference
    if command.output is not None:
        write_json(
            command.output,
            {
                "trial": found.trial.name,
                "identical": differs is None,
                "first_difference": differs,
                "stored": [one.to_json() for one in found.trial.curve],
                "again": [one.to_json() for one in found.curve],
            },
        )
    if differs is not None:
        echo(
            f"{found.trial.name} differs from epoch {differs} of {len(found.curve)} on: another "
            "machine, version or load?"
        )
        sys.exit(1)
    echo(f"{found.trial.name}: every figure of {len(found.curve)} epochs is the same, bit for bit")


def ui(plain: Mapping[str, Any]) -> None:
    """Serve MLflow's pages on this machine until Ctrl-C."""
    command = build(UiCommand, plain)
    home = StudyHome(command.study.directory, command.study.name)
    make_folder(home.directory)
    refuse_taken_port(command.port, "ui")
    from emotion_hpo.tracking import experiment_id, serve_ui

    address = f"http://127.0.0.1:{command.port}"
    experiment = experiment_id(home, str(command.tracking.get("experiment")))
    echo(f"MLflow on {address} (Ctrl-C ends it)")
    if experiment is not None:
        # Without it, MLflow's pages first show what there is for language models.
        echo(f"Runs of all studies: {address}/#/experiments/{experiment}/runs"
            "?workflowType=machine_learning")  # fmt: skip
    sys.stdout.flush()
    serve_ui(home, command.port)
