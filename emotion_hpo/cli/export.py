"""`emotion-hpo export`: write a final model for elsewhere."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.console.output import echo
from emotion_hpo.errors import StudyError
from emotion_hpo.study import FinalHome, StudyHome, check_writable, write_bytes


class ExportCommand(StudyCommand):
    """`emotion-hpo export`."""

    format: Literal["card", "onnx"] = Field(
        description="a model card in Markdown, or the networks as an ONNX file: features in, "
        "probabilities out"
    )
    best: str | None = Field(
        description="`trial_7`, `ensemble` or `baseline`; null: the model that was scored last"
    )


def run(command: ExportCommand) -> None:
    """Write a final model's card or networks beside it, or to `output`."""
    check_writable(command.output)
    home = StudyHome(command.study.directory, command.study.name)
    if command.format == "onnx":
        from emotion_hpo.study.finals import find_final

        stored = {path.parent.name: path.parent for path in home.path.glob("final/*/model.pt")}
        if command.best in stored:  # an ensemble's member, too, which was not scored by itself
            files = FinalHome(stored[command.best])
        else:
            files = find_final(home, command.best)
        _write_onnx(files, command.output)
        return
    from emotion_hpo.report.card import model_card

    files, text = model_card(home, command.best)
    path = command.output or files.path / "model_card.md"
    write_bytes(path, text.encode())
    echo(f"Card: {path}")


def _write_onnx(files: FinalHome, output: Path | None) -> None:
    """Write the networks, and a page on their use."""
    from emotion_hpo.predict import find_model
    from emotion_hpo.predict.onnx_file import write_onnx
    from emotion_hpo.predict.onnx_readme import write_readme
    from emotion_hpo.predict.saved_model import SavedEnsemble

    path = output or files.path / "onnx" / "model.onnx"
    saved_model, *others = SavedEnsemble.load(find_model(files.path)).members
    if others:
        raise StudyError(
            f"{files.path} is an ensemble, which has no ONNX file; export its members, which "
            f"{files.result.name} names, one by one: best=trial_…"
        )
    difference = write_onnx(saved_model, path)
    echo(f"ONNX: {path} (probabilities within {difference:.0e} of the model's)")
    echo(f"Its use: {write_readme(saved_model, path, difference)}")
