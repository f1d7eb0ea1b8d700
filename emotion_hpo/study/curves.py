"""`curve.json`: every epoch of a trial, written while it is trained."""

from emotion_hpo.study.paths import TrialHome
from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.trial import Curve
from emotion_hpo.study.trial import Epoch


def read_curve(files: TrialHome) -> tuple[Epoch, ...]:
    """Read the epochs that a trial has stored so far.

    Raises:
        StudyError: They cannot be read.
    """
    return read_record(files.curve, Curve).epochs if files.curve.exists() else ()


def write_curve(files: TrialHome, curve: tuple[Epoch, ...]) -> None:
    """Store the epochs that a trial has trained so far."""
    write_record(files.curve, Curve(epochs=curve))
