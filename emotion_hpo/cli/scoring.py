"""What `search`, `final` and `replay` do and print about leaders and final models."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotion_hpo.config import SearchConfig, build, dump, flatten
from emotion_hpo.config.commands import FinalCommand, TrackingChoice
from emotion_hpo.console import output as screen
from emotion_hpo.console.final import show_final
from emotion_hpo.console.output import echo
from emotion_hpo.errors import StudyError, TrackingError
from emotion_hpo.metrics.formatting import format_score, format_score_interval
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import StudyHome, check_writable, write_json
from emotion_hpo.study.study_file import StudyFile


def confirm_leaders(home: StudyHome, config: SearchConfig) -> dict[str, Any] | None:
    """Train the leaders again over fresh seeds and say what they reach; None if none is to be."""
    from emotion_hpo.selection.confirmation import confirm

    study = config.study
    if study.confirm_leaders == 0:
        return None
    with screen.confirming() as on_confirming:
        found = confirm(home, config, on_confirming)
    seeds = format_count(found["n_seeds"], "fresh seed")
    echo(f"Confirmed over {seeds}, on the same validation part (more: study.confirm_leaders, "
        "study.confirm_seeds):")  # fmt: skip
    for one in found["candidates"]:
        words = " (the default configuration)" if one["is_default"] else ""
        mark = "  <- winner" if one["trial"] == found["winner"] else ""
        echo(
            f"  {one['trial']}{words}: {format_score(found['objective'], one['mean'])} on average, "
            f"{one['n_parameters']:,} parameters{mark}"
        )
    if (plain_value := found["baseline"]) is not None:
        is_beaten = find_metric(found["objective"]).sign * (found["value"] - plain_value) > 0
        words = "" if is_beaten else "  <- no network is better: look at the features and the space"
        echo(f"  baseline: {format_score(found['objective'], plain_value)}; it has no seed{words}")
    if found["standard_error"]:
        echo(
            f"  Within one standard error ({100 * found['standard_error']:.2f} points) of the best "
            "the one with fewest parameters wins."
        )
    if (promised := found["expected"]) is not None:
        ends = format_score_interval(found["objective"], promised["interval"])
        value = format_score(found["objective"], promised["value"])
        echo(
            f"  Expected of the winner: {value} (90 % interval {ends}): its mean less what "
            "this choice added, for the same speakers as above."
        )
    return found


def scored(plain: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Retrain what is asked for, score the holdout, say where everything is; return the result."""
    command = build(FinalCommand, plain)
    from emotion_hpo.final.scoring import Ensemble
    from emotion_hpo.final.scoring import final as run

    home = StudyHome(command.study.directory, command.study.name)
    stored = taken_up(home, asked)
    check_writable(command.output)
    if any(path.split(".")[0] == "tracking" for path in asked):
        tracking = build(TrackingChoice, {"tracking": command.tracking}).tracking
        stored = replace(stored, config=stored.config.model_copy(update={"tracking": tracking}))
    with (
        screen.preparing(f"Preparing {stored.config.corpus.name}") as on_features,
        screen.retraining() as on_retraining,
    ):
        result = run(
            home,
            command.best,
            rescore=command.rescore,
            on_features=on_features,
            on_retraining=on_retraining,
            ensemble=Ensemble(command.rule, command.n_members),
            is_paper_protocol=command.paper_protocol,
            on_note=screen.note,
        )
    _hand_out(home, stored, result, command.output)
    return result


def _hand_out(
    home: StudyHome, stored: StudyFile, result: Mapping[str, Any], output: Path | None
) -> None:
    """Copy, show, report and log a result that is stored; what fails of it keeps nothing else back.

    Raises:
        StudyError: Of every step that failed: the holdout is scored, and must not be for their sake
            once more.
    """
    from emotion_hpo.report import report as write

    folder = home.final(result["trial"])
    models = ", ".join(str(home.final(one["trial"]).model) for one in result["members"])

    def show() -> None:
        show_final(result)
        echo(f"\nModel:       {models}\nResult:      {folder.result}")
        echo(f"Predictions: {folder.predictions}\nConfusion:   {folder.confusion}")
        echo(f"Ledger:      {home.ledger}")

    steps: dict[str, tuple[Callable[[], object], str]] = {
        "written to output": (
            lambda: write_json(output, result) if output is not None else None,
            f"copy {folder.result}",
        ),
        "shown": (show, f"{folder.result} holds it"),
        "reported": (lambda: echo(f"Report:      {write(home)}"), "`make report` makes it up"),
        "logged in MLflow": (lambda: _log_final(home, stored, result), "`make sync` makes it up"),
    }
    failed: list[str] = []
    closed_pipe: BrokenPipeError | None = None
    for what, (step, remedy) in steps.items():
        try:
            step()
        except BrokenPipeError as error:  # whoever read along has seen enough
            closed_pipe = error
        except Exception as error:  # whatever it is, the other steps go on
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            failed.append(f"it could not be {what}: {remedy} ({reason})")
    if closed_pipe is not None and not failed:
        raise closed_pipe
    if failed:
        raise StudyError(
            f"{result['trial']} is scored and its result is stored in {folder.result}, but "
            + "; ".join(failed)
        )


def replay_final(home: StudyHome, name: str, output: Path | None) -> None:
    """Train a final model again, say whether its predictions are the same; exit with 1 if not."""
    from emotion_hpo.final.replay_final import replay_final as run

    with (
        screen.preparing("Preparing the corpus") as on_features,
        screen.retraining() as on_retraining,
    ):
        found = run(home, name, on_features, on_retraining)
    differs = found.first_difference
    if output is not None:
        content = {"final": found.name, "identical": differs is None, "first_difference": differs}
        write_json(output, content)
    if differs is not None:
        echo(
            f"{found.name}: line {differs} of its predictions differs: another machine or version?"
        )
        sys.exit(1)
    echo(f"{found.name}: all {found.n_test} predictions are the same")


def taken_up(home: StudyHome, asked: Mapping[str, Any]) -> StudyFile:
    """A study as stored, its corpus's files where a command says that they lie now.

    Args:
        home: The study.
        asked: Path → value of the command's overrides.

    Raises:
        StudyError: There is no such study, an override contradicts it, or another corpus lies in
            the new place.
    """
    from emotion_hpo.features.preparation import prepare_features
    from emotion_hpo.study import study_file

    stored = study_file.read(home)
    known, overrides = dump(stored.config), flatten(asked)
    moved = {
        path: overrides[path]
        for path, place in stored.config.places().items()
        if overrides.get(path, str(place)) != str(place)
    }
    rest = {path: value for path, value in overrides.items() if path not in moved}
    refuse_other_configuration(home, known, rest)
    if moved:
        stored = study_file.with_places(stored, moved)
        sealed = stored.config.split.test_session
        with screen.preparing(f"Preparing {stored.config.corpus.name}") as on_features:
            store = prepare_features(stored.config, home.features, on_features, leave_out=sealed)
        study_file.write_places(home, stored, store.keys)
    return stored


def refuse_other_configuration(
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
        and str(known[path]) != os.path.expanduser(str(value))  # noqa: PTH111 (as paths are stored)
    ]
    if wrong:
        listed = "".join(f"\n  {line}" for line in wrong)
        raise StudyError(
            f"study {home.name!r} was searched with another configuration:{listed}\n"
            "`final` trains what was searched; leave these out, or name another study.name"
        )


def _log_final(home: StudyHome, stored: StudyFile, result: Mapping[str, Any]) -> None:
    """Show the final model in MLflow, whose absence changes nothing."""
    from emotion_hpo.tracking import open_tracker

    created_at, synthetic = stored.facts["created_at"], result["synthetic"]
    try:
        tracker = open_tracker(home, stored.config, created_at, synthetic=synthetic)
        place = tracker.log_final(home.final(result["trial"]))
        tracker.log_report(home.report)
    except TrackingError as error:
        screen.note(f"{error}; the study's own files hold everything, `make sync` writes it")
        return
    if place:
        echo(f"MLflow:      {place}")
