"""Writes `configuration.md`: every key of the configuration, from the models that check it.

Run by `make docs`; `tests/test_docs.py` holds the page against what this would write.
"""

import inspect
import re
from collections import abc
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from emotion_hpo.config import commands
from emotion_hpo.config.base import Section
from emotion_hpo.config.search import SearchConfig
from emotion_hpo.config.space import Range

PAGE = Path(__file__).parent / "configuration.md"
CONF = Path(__file__).parents[1] / "conf"

_HEAD = """\
<!-- written by docs/write_configuration.py: change the models in emotion_hpo/config/ instead -->
# Every configuration key

A key is set on the command line by its path (`training.epochs=12`), a group by a choice of `conf/`
(`sampler=random`). What a key is set to unless you say otherwise stands in the file of `conf/` that
was chosen; `emotion-hpo search --cfg job` prints the whole configuration. An unknown key is an
error.

Text and paths are taken as typed: `split.test_session=1.10` is no number, and quotes that the
shell leaves are part of the name. Lists are written `[a, b]`, names with values `{a: b, c: d}`;
only there an item with a comma needs quotes. `null` is an absence where the table says so. A path
may begin with `~`. In YAML, quote what could be read as something else: `"1.10"`, `"2024_05"`,
`"01"`, `"on"`; without quotes it is refused.
"""


def page() -> str:
    """The page as it should be."""
    parts = [_HEAD]
    for name, field in SearchConfig.model_fields.items():
        parts += _group(name, field)
    parts.append("## Keys of single commands\n\nBeside the groups above.\n")
    for command, kind in _commands().items():
        own = [(name, one) for name, one in kind.model_fields.items() if one.description]
        if own:
            parts.append(f"### {command}\n\n{_table(own, '')}")
    return "\n".join(parts)


def _group(name: str, field: FieldInfo) -> Iterator[str]:
    """A section of the page: a group of `conf/`, its choices, its keys."""
    yield f"## {name}\n"
    if choices := _choices(name):
        yield f"Choices: {', '.join(f'`{one}`' for one in choices)}.\n"
    if name == "space":
        yield "Path in the configuration → range:\n"
        yield f"{_doc(Range)}\n\n{_table(Range.model_fields.items(), 'PATH.')}"
        return
    kinds = list(_models(field.annotation))
    for kind in kinds:
        if len(kinds) > 1:
            yield f"### {name}={_name_of(kind)}\n"
        yield f"{_doc(kind)}\n\n{_table(kind.model_fields.items(), f'{name}.')}"
        yield from _nested(kind, f"{name}.", "###" if len(kinds) == 1 else "####")


def _nested(kind: type[BaseModel], prefix: str, heading: str) -> Iterator[str]:
    """Tables of the parts that a part of the configuration has."""
    for name, field in kind.model_fields.items():
        inner = list(_models(field.annotation))
        is_mapping = get_origin(_without_none(field.annotation)) in (dict, abc.Mapping)
        path = f"{prefix}{name}." + ("MODALITY." if is_mapping else "")
        for one in inner:
            title = f"{path[:-1]}.name={_name_of(one)}" if len(inner) > 1 else path[:-1]
            yield f"{heading} {title}\n\n{_doc(one)}\n\n{_table(one.model_fields.items(), path)}"
            yield from _nested(one, path, heading)


def _table(fields: Any, prefix: str) -> str:
    rows = [
        f"| `{prefix}{name}` | {_values(one)} | {_meaning(prefix, name, one)} |"
        for name, one in fields
    ]
    return "\n".join(["| key | values | meaning |", "|---|---|---|", *rows, ""])


def _meaning(prefix: str, name: str, field: FieldInfo) -> str:
    """What the model says of a key, else the comments beside it in `conf/`."""
    group = prefix.partition(".")[0]
    told = field.description or "; ".join(_comments(group).get(name, []))
    return told.replace("|", "\\|")


@cache
def _comments(group: str) -> dict[str, list[str]]:
    """Key → what stands behind it in the group's files."""
    found: dict[str, list[str]] = {}
    for path in sorted((CONF / group).rglob("*.yaml")) if group else ():
        for line in path.read_text("utf-8").splitlines():
            if known := re.match(r"\s*(\w+): .*?\s#\s(.+)$", line):
                told = found.setdefault(known[1], [])
                if known[2] not in told:
                    told.append(known[2])
    return found


def _values(field: FieldInfo) -> str:
    """What may be given, in words."""
    words = _type_words(field.annotation)
    rules = [
        f"{sign} {bound}"
        for one in field.metadata
        for kind, sign, bound in (
            (Ge, "≥", getattr(one, "ge", None)), (Gt, ">", getattr(one, "gt", None)),
            (Le, "≤", getattr(one, "le", None)), (Lt, "<", getattr(one, "lt", None)),
            (MinLen, "at least", getattr(one, "min_length", None)),
        )
        if isinstance(one, kind)
    ]  # fmt: skip
    return ", ".join([words, *rules]).replace("|", "\\|")


def _type_words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type_words(one) for one in arguments))
    if origin in (tuple, list):
        return f"list of {_type_words(arguments[0])}"
    if origin in (dict, abc.Mapping):
        return f"name → {_type_words(arguments[1])}"
    if arguments and hasattr(annotation, "__metadata__"):
        return _type_words(arguments[0])
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "keys, below"
    names = {int: "whole number", float: "number", str: "text", bool: "true or false",
             Path: "path", NoneType: "null"}  # fmt: skip
    return names.get(annotation, "any")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation admits, in their order."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _models(part)


def _without_none(annotation: Any) -> Any:
    members = [one for one in get_args(annotation) if one is not NoneType]
    is_union = get_origin(annotation) in (Union, UnionType)
    return members[0] if is_union and len(members) == 1 else annotation


def _name_of(kind: type[BaseModel]) -> str:
    field = kind.model_fields.get("name")
    return " or ".join(map(str, get_args(field.annotation))) if field else kind.__name__


def _doc(kind: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())


def _choices(group: str) -> list[str]:
    folder = CONF / group
    return sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*.yaml"))


def _commands() -> Mapping[str, type[Section]]:
    """Command → the model of its keys, where it has keys of its own."""
    kinds = {name: kind for name, kind in vars(commands).items() if name.endswith("Command")}
    roots = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in CONF.glob("*.yaml")}
    found = {re.sub("Command$", "", name).lower(): kind for name, kind in kinds.items()}
    return {name: kind for name, kind in sorted(found.items()) if name in roots}


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
