"""What a search said of its models: read before the holdout opens, held against the test after."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emotion_hpo import metrics
from emotion_hpo.errors import StudyError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.figures import Probabilities
from emotion_hpo.study import StudyHome, read_json


def confirmed_epochs(home: StudyHome) -> dict[str, int]:
    """Trial → the median of the best epochs of its trainings; empty where none was confirmed.

    Raises:
        StudyError: `selection.json` is damaged.
    """
    found = _read(home.selection)
    try:
        return {one["trial"]: int(one["epochs"]) for one in found.get("candidates", ())}
    except (KeyError, TypeError, ValueError):
        raise _damaged(home.selection) from None


def confirmed_winner(home: StudyHome) -> str | None:
    """The trial that leads over fresh seeds, or None where none was confirmed.

    Raises:
        StudyError: `selection.json` is damaged.
    """
    if not (found := _read(home.selection)):
        return None
    if not isinstance(found.get("winner"), str):
        raise _damaged(home.selection)
    return str(found["winner"])


def promise_of(home: StudyHome, name: str) -> dict[str, Any] | None:
    """The confirmation's word on this model, else the search's; one on another says nothing.

    Returns:
        `winner`, `value`, `interval`, `holds_for`; None where nothing was promised of this model.

    Raises:
        StudyError: `search.json` or `selection.json` is damaged.
    """
    searched, confirmed = _read(home.summary).get("expected"), _read(home.selection)
    if searched is None:
        return None
    path = home.summary
    try:
        if confirmed.get("winner") == name and confirmed.get("expected") is not None:
            told, path = confirmed["expected"], home.selection
        elif searched["winner"] == name:
            told = searched
        else:
            return None
        interval = metrics.Interval.read(told["interval"])
        shared = {"winner": name, "holds_for": str(searched["holds_for"])}
        return {**shared, "value": float(told["value"]), "interval": interval.as_json()}
    except (KeyError, TypeError, ValueError):
        raise _damaged(path) from None


def held_against(
    promised: Mapping[str, Any] | None, objective: str, test: Utterances, answers: Probabilities
) -> dict[str, Any] | None:
    """What the test says of a promise: the same, with `test` and `is_inside`.

    `is_inside` is None where the promise has no ends.
    """
    if promised is None:
        return None
    value = metrics.find_metric(objective).score(test.labels, answers)
    ends = metrics.Interval.read(promised["interval"]).ends
    is_inside = None if ends is None else ends[0] <= value <= ends[1]
    return {**promised, "test": value, "is_inside": is_inside}


def _read(path: Path) -> dict[str, Any]:
    found = read_json(path) if path.exists() else {}
    if not isinstance(found, dict):
        raise _damaged(path)
    return found


def _damaged(path: Path) -> StudyError:
    return StudyError(f"{path} is damaged; delete it, and `make search` writes it anew in a moment")
