"""`emotion-hpo serve`: answer requests on this machine with a final model."""

import sys
from pathlib import Path

from pydantic import Field

from emotion_hpo.cli.ports import refuse_taken_port
from emotion_hpo.config.base import Section
from emotion_hpo.console.output import echo


class ServeCommand(Section):
    """`emotion-hpo serve`."""

    model_file: Path = Field(
        description="a model.pt, or a folder above some, of which the latest is taken"
    )
    port: int = Field(ge=1, le=65535)


def run(command: ServeCommand) -> None:
    """Answer requests with a final model until Ctrl-C."""
    from emotion_hpo.predict import READINGS, Predictor, find_model

    path = find_model(command.model_file)
    refuse_taken_port(command.port, "serve")
    from emotion_hpo.tracking.serving import serve

    echo(f"{path} on http://127.0.0.1:{command.port}/invocations (Ctrl-C ends it)")
    if reads := Predictor.open(path).reads:
        echo(f"{path}: {READINGS[reads]}")
    sys.stdout.flush()
    serve(path, command.port)
