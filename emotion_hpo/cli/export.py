"""`emotion-hpo export`: write a final model for elsewhere."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.console.make_lines import study_line
from emotion_hpo.console.output import echo
from emotion_hpo.errors import StudyError
from emotion_hpo.study import FinalHome, StudyHome, check_writable, study_file, write_bytes
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.final_result import FinalResult


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
        _write_onnx(home, command.best, command.output)
        return
    from emotion_hpo.report.card import model_card

    files, text = model_card(home, command.best)
    path = command.output or files.path / "model_card.md"
    write_bytes(path, text.encode())
    echo(f"Card: {path}")


def _write_onnx(home: StudyHome, name: str | None, output: Path | None) -> None:
    """Write a final model's networks, and a page on their use.

    Raises:
        StudyError: There is no such model, or it has no such file.
    """
    from emotion_hpo.predict import find_model
    from emotion_hpo.predict.onnx_file import write_onnx
    from emotion_hpo.predict.onnx_readme import write_readme
    from emotion_hpo.predict.saved_model import SavedEnsemble

    files = _find_stored(home, name)
    saved_model, *others = SavedEnsemble.load(find_model(files.path)).members
    if others:
        raise _ensemble(home, files)
    path = output or files.path / "onnx" / "model.onnx"
    difference = write_onnx(saved_model, path)
    echo(f"ONNX: {path} (probabilities within {difference:.0e} of the model's)")
    echo(f"Its use: {write_readme(saved_model, path, difference)}")


def _find_stored(home: StudyHome, name: str | None) -> FinalHome:
    """Return the files of a final model, or of an ensemble's member, which was not scored itself.

    Raises:
        StudyError: There is no such study or model.
    """
    from emotion_hpo.study.finals import find_final

    study_file.read(home)
    stored = {path.parent.name: path.parent for path in home.path.glob("final/*/model.pt")}
    return FinalHome(stored[name]) if name in stored else find_final(home, name)


def _ensemble(home: StudyHome, files: FinalHome) -> StudyError:
    """Return why there is no file of an ensemble, and the line that writes its members'."""
    trials = ["trial_…"]
    if files.result.exists():  # a member is named there alone
        trials = [member.trial for member in read_record(files.result, FinalResult).members]
    line = study_line("export", home, keys={"format": "onnx"}, BEST=trials[0])
    also = f", then {', '.join(trials[1:])}" if trials[1:] else ""
    return StudyError(
        f"{files.path} is an ensemble, which has no ONNX file; export its members one by one: "
        f"`{line}`{also}"
    )
