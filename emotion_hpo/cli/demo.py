"""`emotion-hpo demo`: a page on this machine to try a final model."""

import sys
from pathlib import Path

from pydantic import Field

from emotion_hpo.cli.ports import refuse_taken_port
from emotion_hpo.config.base import Section
from emotion_hpo.console.output import echo


class DemoCommand(Section):
    """`emotion-hpo demo`."""

    model_file: Path = Field(
        description="a model.pt, or a folder above some, of which the latest is taken"
    )
    port: int = Field(ge=1, le=65535)


def run(command: DemoCommand) -> None:
    """Show a page that answers with a final model until Ctrl-C."""
    from emotion_hpo.predict import Predictor, find_model

    path = find_model(command.model_file)
    refuse_taken_port(command.port, "demo")
    from emotion_hpo.predict.demo.page import serve_page
    from emotion_hpo.report.standing import describe_standing

    predictor, standing = Predictor.open(path), describe_standing(path)
    echo(f"{path} on http://127.0.0.1:{command.port} (Ctrl-C ends it)")
    sys.stdout.flush()
    serve_page(predictor, standing, command.port)
