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
    dashboard: bool = Field(description="also open optuna-dashboard over the study, an extra")
    dashboard_port: int = Field(ge=1, le=65535)


def run(command: UiCommand) -> None:
    """Serve MLflow's pages on this machine until Ctrl-C."""
    home = StudyHome(command.study.directory, command.study.name)
    make_folder(home.directory)
    refuse_taken_port(command.port, "ui")
    if command.dashboard:
        refuse_taken_port(command.dashboard_port, "ui", "dashboard_port")
    from emotion_hpo.tracking import experiment_id, serve_ui

    address = f"http://127.0.0.1:{command.port}"
    experiment = experiment_id(home, str(command.tracking.get("experiment")))
    echo(f"MLflow on {address} (Ctrl-C ends it)")
    if experiment is not None:
        # Without it, MLflow's pages first show what there is for language models.
        echo(f"Runs of all studies: {address}/#/experiments/{experiment}/runs"
            "?workflowType=machine_learning")  # fmt: skip
    if command.dashboard:
        from emotion_hpo.search.optuna.dashboard import start_dashboard

        start_dashboard(home, command.dashboard_port)
        where = f"http://127.0.0.1:{command.dashboard_port}/dashboard"
        echo(f"optuna-dashboard, study {home.name!r}: {where}")
    sys.stdout.flush()
    serve_ui(home, command.port)
