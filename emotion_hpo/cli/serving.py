"""What `serve` and `demo` share: a final model that is asked on a port of this machine."""

import sys
from pathlib import Path

from pydantic import Field

from emotion_hpo.cli.ports import refuse_taken_port
from emotion_hpo.config.base import Section
from emotion_hpo.console.output import echo


class ServingCommand(Section):
    """Which model answers, and where."""

    model_file: Path = Field(
        description="a model.pt, or a folder above some, of which the latest is taken"
    )
    port: int = Field(ge=1, le=65535)


def find_served_model(command: ServingCommand, name: str) -> Path:
    """Return the model file of a command; its port is free.

    Raises:
        StudyError: There is no model, or something else listens on the port.
    """
    from emotion_hpo.predict import find_model

    path = find_model(command.model_file)
    refuse_taken_port(command.port, name)
    return path


def announce(path: Path, address: str, *remarks: str) -> None:
    """Print where a model answers, at once, and what its users must know."""
    echo(f"{path} on http://{address} (Ctrl-C ends it)")
    for remark in remarks:
        echo(f"{path}: {remark}")
    sys.stdout.flush()
