"""`emotion-hpo export`: write a final model for elsewhere."""

from typing import Literal

from pydantic import Field

from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.console.output import echo
from emotion_hpo.study import StudyHome, check_writable, write_bytes


class ExportCommand(StudyCommand):
    """`emotion-hpo export`."""

    format: Literal["card"] = Field(description="a model card in Markdown")
    best: str | None = Field(
        description="`trial_7`, `ensemble` or `baseline`; null: the model that was scored last"
    )


def run(command: ExportCommand) -> None:
    """Write a final model's card beside it, or to `output`."""
    from emotion_hpo.report.card import model_card

    check_writable(command.output)
    home = StudyHome(command.study.directory, command.study.name)
    files, text = model_card(home, command.best)
    path = command.output or files.path / "model_card.md"
    write_bytes(path, text.encode())
    echo(f"Card: {path}")
