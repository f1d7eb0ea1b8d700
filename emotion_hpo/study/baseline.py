"""What the baseline of a study reaches on validation: `baseline.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from emotion_hpo.study.files import read_as

#: Metric → value; an older version wrote fewer metrics.
_Scores = dict[str, float | None]


@dataclass(frozen=True)
class _Baseline:
    model: str
    parts: list[str]
    n_train: int
    validation: _Scores
    by_part: dict[str, _Scores]


_BASELINE = TypeAdapter(_Baseline)


def read_baseline(path: Path) -> Mapping[str, Any]:
    """What `search` has written of it: `model`, `parts`, `n_train`, `validation`, `by_part`.

    Raises:
        StudyError: It is not readable, or is not what was written.
    """
    return asdict(read_as(path, _BASELINE))
