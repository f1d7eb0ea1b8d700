"""Writes `configuration.md`: every key of the configuration, from the models that check it.

Run by `make docs`; `tests/test_docs.py` holds the page against what this would write.
"""

import inspect
import re
from collections import abc
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from emotion_hpo.cli.registry import COMMANDS
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
    """Return the page as it should be."""
    parts = [_HEAD]
    for name, field in SearchConfig.model_fields.items():
        parts += _group(name, field)
    parts.append("## Keys of single commands\n\nBeside the groups above.\n")
    for name, command in sorted(COMMANDS.items()):
        fields = command.load_model().model_fields
        described = [(key, field) for key, field in fields.items() if field.description]
        if described:
            parts.append(f"### {name}\n\n{_table(described, '')}")
        for key, field in described:
            for part in _models(field.annotation) if key not in SearchConfig.model_fields else ():
                table = _table(part.model_fields.items(), f"{key}.")
                parts.append(f"#### {key}\n\n{_doc(part)}\n\n{table}")
    return "\n".join(parts)


def _group(name: str, field: FieldInfo) -> Iterator[str]:
    """Yield the section of a group of `conf/`: its choices, its keys."""
    yield f"## {name}\n"
    if choices := _choices(name):
        yield f"Choices: {', '.join(f'`{choice}`' for choice in choices)}.\n"
    if name == "space":
        yield "Path in the configuration → range:\n"
        yield f"{_doc(Range)}\n\n{_table(Range.model_fields.items(), 'PATH.')}"
        return
    kinds = list(_models(field.annotation))
    for kind in kinds:
        if len(kinds) > 1:
            yield f"### {name}={_name_of(kind)}\n"
        yield f"{_doc(kind)}\n\n{_table(kind.model_fields.items(), f'{name}.', kind)}"
        yield from _nested(kind, f"{name}.", "###" if len(kinds) == 1 else "####")


def _nested(kind: type[BaseModel], prefix: str, heading: str) -> Iterator[str]:
    """Yield the tables of the parts that a part of the configuration has."""
    for name, field in kind.model_fields.items():
        inner = list(_models(field.annotation))
        is_mapping = get_origin(_without_none(field.annotation)) in (dict, abc.Mapping)
        path = f"{prefix}{name}." + ("MODALITY." if is_mapping else "")
        for part in inner:
            title = f"{path[:-1]}.name={_name_of(part)}" if len(inner) > 1 else path[:-1]
            table = _table(part.model_fields.items(), path, part)
            yield f"{heading} {title}\n\n{_doc(part)}\n\n{table}"
            yield from _nested(part, path, heading)
    for part in _models(kind.__annotations__.get("__pydantic_extra__")):
        path = f"{prefix}MODALITY."
        table = _table(part.model_fields.items(), path, part)
        yield f"{heading} {path[:-1]}\n\n{_doc(part)}\n\n{table}"


def _table(
    fields: Iterable[tuple[str, FieldInfo]], prefix: str, kind: type[BaseModel] | None = None
) -> str:
    """Return a table of keys, the path before them, and the model that they are of."""
    rows = [
        f"| `{prefix}{name}` | {_values(field)} | {_meaning(f'{prefix}{name}', field, kind)} |"
        for name, field in fields
    ]
    return "\n".join(["| key | values | meaning |", "|---|---|---|", *rows, ""])


def _meaning(path: str, field: FieldInfo, kind: type[BaseModel] | None) -> str:
    """Return what the model says of a key, else the comments beside it in `conf/`."""
    meaning = field.description or "; ".join(_comments_on(path, kind))
    return meaning.replace("|", "\\|")


def _comments_on(path: str, kind: type[BaseModel] | None) -> list[str]:
    """Return the comments on a key of a model, those on another variant of the part left out."""
    names = {None, *_names_of(kind)} if kind else {None}
    comments = [
        comment.text
        for comment in _comments(path.partition(".")[0])
        if comment.path == path and (comment.variant in names or names == {None})
    ]
    return list(dict.fromkeys(comments))


@dataclass(frozen=True)
class Comment:
    """A comment behind a value in `conf/`.

    Attributes:
        path: Of the key in the configuration.
        variant: The `name` beside the key, which chooses among models; None where there is none.
        text: What it says.
    """

    path: str
    variant: str | None
    text: str


@cache
def _comments(group: str) -> list[Comment]:
    """Return what stands behind the keys of a group's files."""
    comments = []
    for file in sorted((CONF / group).rglob("*.yaml")) if group else ():
        text = file.read_text("utf-8")
        is_global = "@package _global_" in text
        content = yaml.safe_load(text)
        steps: list[tuple[int, str]] = [] if is_global else [(-1, group)]
        for line in text.splitlines():
            if not (key := re.match(r"(\s*)(\w+):(?: .*?\s#\s(.+)$)?", line)):
                continue
            indent = len(key[1])
            steps = [*((at, step) for at, step in steps if at < indent), (indent, key[2])]
            if key[3]:
                path = [step for _, step in steps]
                section = _section(content, path[0 if is_global else 1 : -1])
                comments.append(Comment(_documented(path), section.get("name"), key[3]))
    return comments


def _section(content: Mapping[str, Any], steps: list[str]) -> Mapping[str, Any]:
    """Return the part of a file's content that a path leads to."""
    for step in steps:
        content = content[step]
    return content


def _documented(steps: list[str]) -> str:
    """Return a path as the page shows it: `MODALITY` for the name of an encoder."""
    is_encoder = steps[:2] == ["model", "encoders"]
    return ".".join("MODALITY" if is_encoder and at == 2 else step for at, step in enumerate(steps))


def _values(field: FieldInfo) -> str:
    """Return what may be given, in words."""
    return _with_rules(_format_type(field.annotation), field.metadata).replace("|", "\\|")


def _with_rules(words: str, metadata: Iterable[object]) -> str:
    """Return what may be given, and the bounds that it lies within."""
    rules = [
        f"{sign} {bound}"
        for rule in metadata
        for kind, sign, bound in (
            (Ge, "≥", getattr(rule, "ge", None)), (Gt, ">", getattr(rule, "gt", None)),
            (Le, "≤", getattr(rule, "le", None)), (Lt, "<", getattr(rule, "lt", None)),
            (MinLen, "at least", getattr(rule, "min_length", None)),
        )
        if isinstance(rule, kind)
    ]  # fmt: skip
    return ", ".join([words, *rules])


def _format_type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_format_type(member) for member in arguments))
    if origin in (tuple, list):
        return f"list of {_format_type(arguments[0])}"
    if origin in (dict, abc.Mapping):
        return f"name → {_format_type(arguments[1])}"
    if arguments and hasattr(annotation, "__metadata__"):
        of_field = annotation.__metadata__
        bounds = [part for rule in of_field for part in getattr(rule, "metadata", [rule])]
        return _with_rules(_format_type(arguments[0]), bounds)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "keys, below"
    names = {int: "whole number", float: "number", str: "text", bool: "true or false",
             Path: "path", NoneType: "null"}  # fmt: skip
    return names.get(annotation, "any")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation admits, in their order."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _models(part)


def _without_none(annotation: Any) -> Any:
    members = [member for member in get_args(annotation) if member is not NoneType]
    is_union = get_origin(annotation) in (Union, UnionType)
    return members[0] if is_union and len(members) == 1 else annotation


def _name_of(kind: type[BaseModel]) -> str:
    return " or ".join(_names_of(kind)) or kind.__name__


def _names_of(kind: type[BaseModel]) -> tuple[str, ...]:
    """Return the values of `name` that choose a model among others."""
    field = kind.model_fields.get("name")
    return tuple(map(str, get_args(field.annotation))) if field else ()


def _doc(kind: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())


def _choices(group: str) -> list[str]:
    folder = CONF / group
    return sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*.yaml"))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
