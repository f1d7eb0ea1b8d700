"""What each command does and prints. The command line hands over plain dicts."""

import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotion_hpo import screen
from emotion_hpo.config import TwinCorpus, build, dump, flatten
from emotion_hpo.config.commands import (
    FinalCommand,
    ModelsCommand,
    PrepareCommand,
    ReplayCommand,
    SearchCommand,
    StudyCommand,
    TrackingChoice,
    UiCommand,
)
from emotion_hpo.errors import StudyError, TrackingError
from emotion_hpo.records import (
    Epoch,
    StudyHome,
    TrialState,
    check_writable,
    make_folder,
    read_json,
    write_json,
)
from emotion_hpo.screen import say, score


def prepare(plain: Mapping[str, Any]) -> None:
    """Store a corpus's features and say what is there."""
    command = build(PrepareCommand, plain)
    from emotion_hpo.corpus import Twin, counted, open_corpus, write_release
    from emotion_hpo.features.summary import summary, words_without_vectors
    from emotion_hpo.preparation import peak_memory_mb, prepare_features

    began = time.monotonic()
    if isinstance(command.corpus, TwinCorpus) and command.corpus.write_release is not None:
        twin, folder = Twin.open(command.corpus), command.corpus.write_release
        with screen.preparing(f"Writing {folder}") as on_progress:
            n_written = write_release(twin, folder, on_progress)
        say(f"Release: {n_written} utterances in {folder} (synthetic)")
    home = StudyHome(command.study.directory, command.study.name)
    make_folder(home.features)
    with screen.preparing(f"Preparing {command.corpus.name}") as on_progress:
        store = prepare_features(command, home.features, on_progress)
    corpus, word_vectors = open_corpus(command.corpus), command.features.text.vectors
    found = {
        **summary(store),
        "words_without_vectors": word_vectors and words_without_vectors(store, word_vectors),
        "remarks": list(corpus.remarks()),
        "faults": counted(corpus.faults()),
        "seconds": round(time.monotonic() - began, 2),
        "peak_memory_mb": peak_memory_mb(),
    }
    screen.show_corpus(found)
    if command.output is not None:
        write_json(command.output, found)


def search(plain: Mapping[str, Any]) -> None:
    """Run or continue a study, and say what came out and how to go on."""
    command = build(SearchCommand, plain)
    from emotion_hpo.search.coordinator import search as run

    check_writable(command.output)
    config = command.search()
    result = run(config)
    found, home = result.summary, StudyHome(config.study.directory, config.study.name)
    if command.output is not None:
        write_json(command.output, found)
    n_open = found["n_trials"] - found["n_finished"]
    say(
        f"\nStudy {found['study']}: {found['n_finished']} of {found['n_trials']} trials finished "
        f"({found['n_complete']} complete, {found['n_pruned']} pruned, {found['n_failed']} failed) "
        f"on {found['n_train']} training and {found['n_validation']} validation utterances."
    )
    if found["best_trial"] is not None:
        mark = " (synthetic data)" if found["synthetic"] else ""
        say(
            f"Best: {found['best_trial']}, {found['objective']} "
            f"{score(found['objective'], found['best_value'])} "
            f"after epoch {found['best_epoch']}{mark}"
        )
        for path, value in found["best_params"].items():
            say(
                f"  {path:<32} {value:.4g}" if isinstance(value, float) else f"  {path:<32} {value}"
            )
    plain_model = found["baseline"]
    kind, value = found["objective"], plain_model["validation"].get(found["objective"][4:])
    parts = " and ".join(plain_model["parts"])
    say(f"Baseline: {kind} {score(kind, value)} (logistic regression on {parts})")
    say(f"Results: {home.summary}")
    if result.was_stopped:
        say(f"Stopped with {n_open} trials to go; the same command goes on where this one ended.")
        return
    if found["best_trial"] is None:
        raise StudyError(
            f"no trial of study {home.name!r} was completed; the reasons stand in "
            f"{home.path / 'trials'}/*/trial.json"
        )
    final_line = f"make final BEST={found['best_trial']}{_hint(home, name=True)}"
    ui_line = f"make ui{_hint(home, name=False)}"
    width = max(len(final_line), len(ui_line)) + 3
    say("\nNext:")
    say(f"  {final_line:<{width}}scores the sealed session, once")
    say(f"  {ui_line:<{width}}every trial in MLflow")


def _hint(home: StudyHome, *, name: bool) -> str:
    """What a `make` line must add to mean this study."""
    words = [f"study.name={home.name}"] if name and home.name != "quick" else []
    words += [f"study.directory={home.directory}"] if str(home.directory) != "studies" else []
    return f' ARGS="{" ".join(words)}"' if words else ""


def final(plain: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Retrain a trial, score the holdout, and say where everything is."""
    command = build(FinalCommand, plain)
    from emotion_hpo import study_file
    from emotion_hpo.final import final as run

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    _refuse_other_configuration(home, dump(stored.config), asked)
    check_writable(command.output)
    if any(path.split(".")[0] == "tracking" for path in asked):
        tracking = build(TrackingChoice, {"tracking": command.tracking}).tracking
        stored = replace(stored, config=stored.config.model_copy(update={"tracking": tracking}))
    with (
        screen.preparing(f"Preparing {stored.config.corpus.name}") as on_features,
        screen.retraining(len(stored.config.study.final_seeds)) as on_retraining,
    ):
        result = run(
            home,
            command.best,
            rescore=command.rescore,
            on_features=on_features,
            on_retraining=on_retraining,
        )
    screen.show_final(result)
    folder = home.final(int(result["trial"].removeprefix("trial_")))
    say(f"\nModel:       {folder.model}\nResult:      {folder.result}")
    say(f"Predictions: {folder.predictions}\nConfusion:   {folder.confusion}")
    say(f"Ledger:      {home.ledger}")
    if command.output is not None:
        write_json(command.output, result)
    _log_final(home, stored, result)


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
    from rich.console import Console

    from emotion_hpo import study_file
    from emotion_hpo.search.live import SearchScreen
    from emotion_hpo.search.study import Study

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    trials = Study(home, stored.config).trials()
    synthetic = stored.facts["synthetic"]
    Console(highlight=False).print(
        SearchScreen(stored.config, trials, synthetic=synthetic).table(trials)
    )
    if command.output is not None:
        ended = [one for one in trials if one.state.is_finished]
        running = [one.name for one in trials if one.state is TrialState.RUNNING]
        write_json(command.output, {"n_finished": len(ended), "running": running})


def sync(plain: Mapping[str, Any]) -> None:
    """Write to MLflow what it lacks of a study."""
    command = build(StudyCommand, plain)
    from emotion_hpo import study_file
    from emotion_hpo.search.study import Study
    from emotion_hpo.tracking import open_tracker

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    trials = Study(home, stored.config).trials()
    synthetic = stored.facts["synthetic"]
    created_at = stored.facts["created_at"]
    tracker = open_tracker(home, stored.config, created_at, synthetic=synthetic)
    tracker.mirror(trials)
    if home.summary.exists():
        tracker.close(read_json(home.summary))
    say(f"MLflow holds study {home.name}: {len(trials)} trials")


def replay(plain: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Train a trial again, say whether every bit is the same; exit with 1 if not."""
    command = build(ReplayCommand, plain)
    from emotion_hpo import study_file
    from emotion_hpo.replay import replay as run

    home = StudyHome(command.study.directory, command.study.name)
    stored = study_file.read(home)
    _refuse_other_configuration(home, dump(stored.config), asked)
    objective = stored.config.study.objective

    def on_epoch(old: Epoch, new: Epoch) -> None:
        told = "the same" if old.metrics == new.metrics else "different"
        before, after = (score(objective, one.metrics[objective]) for one in (old, new))
        say(f"epoch {old.epoch}: {objective} {before}, again {after}: {told}")

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
        say(
            f"{found.trial.name} differs from epoch {differs} on: another machine, version or load?"
        )
        sys.exit(1)
    say(f"{found.trial.name}: every figure of {len(found.curve)} epochs is the same, bit for bit")


def ui(plain: Mapping[str, Any]) -> None:
    """Serve MLflow's pages on this machine until Ctrl-C."""
    command = build(UiCommand, plain)
    home = StudyHome(command.study.directory, command.study.name)
    make_folder(home.directory)
    _refuse_taken_port(command.port)
    from emotion_hpo.tracking import experiment_id, serve_ui

    address = f"http://127.0.0.1:{command.port}"
    experiment = experiment_id(home, str(command.tracking.get("experiment")))
    say(f"MLflow on {address} (Ctrl-C ends it)")
    if experiment is not None:
        say(f"Runs of all studies: {address}/#/experiments/{experiment}/runs")
    sys.stdout.flush()
    serve_ui(home, command.port)


def _refuse_other_configuration(
    home: StudyHome, stored: Mapping[str, Any], asked: Mapping[str, Any]
) -> None:
    """An override that contradicts the study would be ignored otherwise."""
    known = flatten(stored)
    wanted = flatten(asked)
    wrong = [
        f"{path}: the study has {known.get(path)!r}, the command says {value!r}"
        for path, value in wanted.items()
        if path in known
        and path.split(".")[0] != "tracking"
        and known[path] != value
        and str(known[path]) != str(value)
    ]
    if wrong:
        listed = "".join(f"\n  {line}" for line in wrong)
        raise StudyError(
            f"study {home.name!r} was searched with another configuration:{listed}\n"
            "`final` trains what was searched; leave these out, or name another study.name"
        )


def _log_final(home: StudyHome, stored: Any, result: Mapping[str, Any]) -> None:  # noqa: ANN401
    """Show the final model in MLflow, whose absence changes nothing."""
    from emotion_hpo.tracking import open_tracker

    folder = home.final(int(result["trial"].removeprefix("trial_")))
    figures = {f"test/{name}": result[name] for name in ("accuracy", "uar", "macro_f1")}
    for name, one in result["recall_by_class"].items():
        low, high = one["interval"]
        recall = {"": one["recall"], "_low": low, "_high": high}
        figures |= {f"test/recall_{name}{end}": v for end, v in recall.items() if v is not None}
    for name in ("accuracy", "uar", "macro_f1"):
        low, high = result[f"{name}_interval"]
        figures |= {f"test/{name}_low": low, f"test/{name}_high": high}
    try:
        tracker = open_tracker(
            home, stored.config, stored.facts["created_at"], synthetic=result["synthetic"]
        )
        place = tracker.log_final(
            f"final {result['trial']}",
            figures,
            {"trial": result["trial"], "n_scorings": str(result["n_scorings"])},
            folder,
        )
    except TrackingError as error:
        screen.note(f"{error}; the study's own files hold everything")
        return
    if place:
        say(f"MLflow:      {place}")


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StudyError(
                f"port {port} on 127.0.0.1 cannot be used ({error.strerror}); choose another with "
                "port=PORT, or make ui ARGS=port=PORT"
            ) from None
