"""`emotion-hpo replay`: train a trial or a final model again, and compare it bit for bit."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from emotion_hpo.cli.jobs import job_trainer, with_launcher
from emotion_hpo.cli.stored_study import read_study
from emotion_hpo.config import SearchConfig
from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.console.make_lines import study_line
from emotion_hpo.console.output import echo
from emotion_hpo.console.progress import preparing
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import Epoch, StudyHome, check_writable, write_json


class ReplayCommand(StudyCommand):
    """`emotion-hpo replay`."""

    launcher: Any
    storage: Any
    trial: str | None
    final: str | None = Field(None, description="a final model to train again instead")


def run(command: ReplayCommand, requested: Mapping[str, Any]) -> None:
    """Train a trial or a final model again; exit with 1 if a bit is different."""
    check_writable(command.output)
    home = StudyHome(command.study.directory, command.study.name)
    stored = read_study(home, requested)
    if command.final is not None:
        config = with_launcher(stored.config, vars(command), requested)
        is_identical = _replay_final(home, config, command.final, command.output)
    else:
        title = f"Preparing {stored.config.corpus.name}"
        objective = stored.config.study.objective
        is_identical = _replay_trial(home, command.trial, title, objective, command.output)
    if not is_identical:
        sys.exit(1)


def _replay_trial(
    home: StudyHome, name: str | None, title: str, objective: str, output: Path | None
) -> bool:
    """Train a trial again, print each epoch; return whether every bit is the same.

    Raises:
        StudyError: There is no such trial.
    """
    from emotion_hpo.final.replay_trial import replay
    from emotion_hpo.selection.suggestion import BASELINE, ENSEMBLE

    if name in (BASELINE, ENSEMBLE):
        line = study_line("replay", home, keys={"final": name})
        raise StudyError(f"{name} is no trial, whose epochs could be compared; `{line}` trains "
                         "the final model again and compares its predictions")  # fmt: skip

    def on_epoch(old: Epoch, new: Epoch) -> None:
        verdict = "the same" if old.metrics == new.metrics else "different"
        before, after = (format_score(objective, run.metrics[objective]) for run in (old, new))
        where = f"training {old.training + 1}, " if old.training else ""
        echo(f"{where}epoch {old.epoch}: {objective} {before}, again {after}: {verdict}")

    with preparing(title) as on_features:
        result = replay(home, name, on_features, on_epoch)
    trial, n_epochs, differs = result.trial, len(result.curve), result.first_difference
    if output is not None:
        write_json(
            output,
            {
                "trial": trial.name,
                "identical": differs is None,
                "first_difference": differs,
                "stored": [epoch.to_json() for epoch in trial.curve],
                "again": [epoch.to_json() for epoch in result.curve],
            },
        )
    if differs is not None:
        echo(
            f"{trial.name} differs from epoch {differs} of {n_epochs} on: another "
            "machine, version or load?"
        )
        return False
    epochs = format_count(n_epochs, "epoch")
    echo(f"{trial.name}: every metric of {epochs} is the same, bit for bit")
    return True


def _replay_final(home: StudyHome, config: SearchConfig, name: str, output: Path | None) -> bool:
    """Train a final model again; return whether its predictions are the same."""
    from emotion_hpo.final.replay_final import replay_final

    with preparing("Preparing the corpus") as on_features:
        result = replay_final(home, name, on_features, job_trainer(home, config, "Retraining"))
    differs = result.first_difference
    if output is not None:
        content = {"final": result.name, "identical": differs is None, "first_difference": differs}
        write_json(output, content)
    if differs is not None:
        echo(f"{result.name}: line {differs} of its predictions differs: "
            "another machine or version?")  # fmt: skip
        return False
    echo(f"{result.name}: all {result.n_test} predictions are the same")
    return True
