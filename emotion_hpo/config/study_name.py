"""What a study may be called: its name is its folder's."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

#: What else lies in a folder of studies (`records.StudyHome`): no study's folder.
SHARED = ("comparisons", "features", "holdout_ledger.jsonl", "mlartifacts", "mlflow.db")


def _check_name(name: str) -> str:
    if name in SHARED:
        raise ValueError(
            f"{name!r} lies in every folder of studies already; take {f'{name}-study'!r}"
        )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(
            "a study's name is its folder's: at most 100 of the letters a to z, digits, '.', '_' "
            f"and '-', the first a letter or a digit, but got {name!r}; take {_similar(name)!r}"
        )
    return name


def _similar(name: str) -> str:
    """Return a valid name of a study that resembles an invalid one.

    >>> _similar("../Böse Wörter?"), _similar("…")
    ('Bose-Worter', 'my-study')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:100] or "my-study"


#: Names a study's folder: safe on every file system, in a URL and on a command line.
StudyFolder = Annotated[str, AfterValidator(_check_name)]
