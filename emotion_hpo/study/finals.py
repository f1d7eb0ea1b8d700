"""The models of a study that were scored on the sealed session."""

from contextlib import suppress
from pathlib import Path

from emotion_hpo.errors import StudyError
from emotion_hpo.study.paths import FinalHome, StudyHome
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.final_result import FinalResult


def scored_at(result: Path) -> str:
    """Return when a `result.json` says that it was scored (UTC, ISO 8601); "" if it is broken.

    The file's own times are those of its last copy.
    """
    with suppress(StudyError):
        return read_record(result, FinalResult).scored_at
    return ""


def find_finals(home: StudyHome) -> list[FinalHome]:
    """Return the homes of all final models that were scored, the first scored first."""
    results = home.path.glob("final/*/result.json")
    return [FinalHome(result.parent) for result in sorted(results, key=scored_at)]


def find_final(home: StudyHome, name: str | None = None) -> FinalHome:
    """Return the home of a final model that was scored.

    Args:
        home: The study.
        name: `trial_7`, `ensemble` or `baseline`; None: the one that was scored last.

    Raises:
        StudyError: There is none, or a result is broken.
    """
    finals = {read_record(final.result, FinalResult).trial: final for final in find_finals(home)}
    if not finals or (name is not None and name not in finals):
        valid = f" (valid: {', '.join(finals)})" if finals else ""
        what = "no final model" if name is None else f"no final model {name!r}"
        raise StudyError(f"study {home.name!r} has {what}{valid}; `make final` makes one")
    return list(finals.values())[-1] if name is None else finals[name]
