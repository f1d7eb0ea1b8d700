"""Writes `records.md`: every field of the files of a study, from the models that check them.

Run by `make docs`; `tests/test_docs.py` holds the page against what this would write.
"""

import inspect
import re
from collections import abc
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.study.records.base import Record
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.cost import Cost
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.ledger import LINES
from emotion_hpo.study.records.nested import NestedResult
from emotion_hpo.study.records.paper import PaperResult
from emotion_hpo.study.records.prepared_corpus import PreparedCorpus
from emotion_hpo.study.records.protocol import ProtocolResult
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Confirmation, Selection
from emotion_hpo.study.records.study_facts import StudyFacts
from emotion_hpo.study.records.transcription import Transcription
from emotion_hpo.study.records.trial import Curve, TrialRecord

PAGE = Path(__file__).parent / "records.md"

#: File below `studies/` → what it holds.
FILES: tuple[tuple[str, tuple[type[BaseModel], ...]], ...] = (
    ("`emotion-hpo prepare output=FILE`", (PreparedCorpus,)),
    ("STUDY/study.yaml, `facts`", (StudyFacts,)),
    ("STUDY/baseline.json", (Baseline,)),
    ("STUDY/trials/trial_N/trial.json", (TrialRecord,)),
    ("STUDY/trials/trial_N/curve.json", (Curve,)),
    ("STUDY/trials/trial_N/cost.json", (Cost,)),
    ("STUDY/search.json", (SearchSummary,)),
    ("STUDY/selection/trial_N_seed_M/confirmation.json", (Confirmation,)),
    ("STUDY/selection.json", (Selection,)),
    ("STUDY/final/NAME/result.json", (FinalResult,)),
    ("STUDY/nested.json", (NestedResult,)),
    ("STUDY/protocols/NAME.json", (ProtocolResult,)),
    ("STUDY/paper.json", (PaperResult,)),
    ("WORDS.csv.json, beside a CSV of `emotion-hpo transcribe`", (Transcription,)),
    ("holdout_ledger.jsonl, a line each", tuple(LINES.values())),
)

_HEAD = """\
<!-- written by docs/write_records.py: change the models in emotion_hpo/study/records/ instead -->
# The files of a study

Every JSON file of a study is one record: a frozen model in `emotion_hpo/study/records/`, by which
it is written and by which every reader checks it. Scores are shares of 1, times without a unit are
seconds. Infinity and NaN are null. `version` is the layout's: a file of another version, with a
field missing or with one too many is refused in one line that says what to do. Only a metric that
was added after a file was written may be missing there; readers leave it out.
"""


def page() -> str:
    """Return the page as it should be."""
    parts, written = [_HEAD], set[type]()
    for file, kinds in FILES:
        parts.append(f"## {file}\n")
        for kind in kinds:
            heading = f"### {kind.model_fields['event'].default}\n\n" if len(kinds) > 1 else ""
            parts.append(f"{heading}{_describe(kind)}\n\n{_table(kind)}")
            parts += [
                f"### {part.__name__}\n\n{_describe(part)}\n\n{_table(part)}"
                for part in _parts(kind, written)
            ]
    return "\n".join(parts)


def _parts(kind: type, written: set[type]) -> Iterator[type]:
    """Yield the parts that a record has, and theirs; each once on the page."""
    for _, annotation, _ in _fields(kind):
        for part in _kinds(annotation):
            is_record = issubclass(part, Record)
            if part not in written and not is_record:
                written.add(part)
                yield part
                yield from _parts(part, written)


def _fields(kind: type) -> Iterator[tuple[str, Any, str]]:
    """Yield each field's name, type and meaning, the version first."""
    if issubclass(kind, BaseModel):
        names = sorted(kind.model_fields, key=lambda name: name != "version")
        for name in names:
            field = kind.model_fields[name]
            yield name, field.annotation, field.description or ""
        return
    meanings = _attributes(kind)
    for name, annotation in get_type_hints(kind).items():
        yield name, annotation, meanings[name]


def _attributes(kind: type) -> dict[str, str]:
    """Return attribute → meaning, from a data class's docstring."""
    text = inspect.getdoc(kind) or ""
    section = text.partition("Attributes:\n")[2]
    pairs = re.findall(r"^ {4}(\w+): (.+?)(?=^ {4}\w+: |\Z)", section, re.MULTILINE | re.DOTALL)
    return {name: " ".join(meaning.split()) for name, meaning in pairs}


def _table(kind: type) -> str:
    rows = [
        f"| `{name}` | {_format_type(annotation)} | {meaning} |"
        for name, annotation, meaning in _fields(kind)
    ]
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows, ""])


def _describe(kind: type) -> str:
    summary = (inspect.getdoc(kind) or "").partition("\n\n")[0]
    return " ".join(summary.split())


def _format_type(annotation: Any) -> str:
    """Return a type in the words of JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _format_type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_format_type, arguments)))
    if origin is tuple:
        if Ellipsis in arguments:
            return f"list of {_format_type(arguments[0])}"
        return f"pair of {' and '.join(map(_format_type, arguments))}"
    if origin in (dict, abc.Mapping):
        return f"name → {_format_type(arguments[1])}"
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    if inspect.isclass(annotation) and (issubclass(annotation, Record)):
        return f"as {annotation.__name__}"
    if annotation is Interval or is_dataclass(annotation) or _is_model(annotation):
        return annotation.__name__
    names = {int: "whole number", float: "number", str: "text", bool: "true or false",
             NoneType: "null"}  # fmt: skip
    return names.get(annotation, "any")


def _is_model(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)


def _kinds(annotation: Any) -> Iterator[type]:
    """Yield the models and data classes that a type admits."""
    if _is_model(annotation) or (inspect.isclass(annotation) and is_dataclass(annotation)):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _kinds(part)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
