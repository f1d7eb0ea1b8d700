"""`emotion-hpo ui`: open MLflow's pages over all studies on this machine."""

import sys
from typing import Any

from pydantic import Field

from emotion_hpo.cli.ports import refuse_taken_port
from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.console.output import echo
from emotion_hpo.study import StudyHome, make_folder


class UiCommand(StudyCommand):
    """`emotion-hpo ui`."""

    tracking: Any
    port: int = Field(ge=1, le=65535)


def run(command: UiCommand) -> None:
    """Serve MLflow's pages on this machine until Ctrl-C."""
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
