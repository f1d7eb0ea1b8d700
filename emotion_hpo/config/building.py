"""A plain mapping becomes a frozen configuration, once; and two configurations are compared.

`build` reports every error at once: the path, the rule, the value given, and the nearest valid name
where a name is unknown. It knows no Hydra: the command line hands it a dict.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from emotion_hpo.errors import ConfigError, unknown_name

M = TypeVar("M", bound=BaseModel)


def build(kind: type[M], mapping: Mapping[str, Any]) -> M:
    """Turn a mapping into a configuration.

    Raises:
        ConfigError: With a line for every error found, not only the first.
    """
    try:
        return kind.model_validate(mapping)
    except ValidationError as error:
        lines = [_line(kind, detail) for detail in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def dump(config: BaseModel) -> dict[str, Any]:
    """The configuration as plain data, ready for YAML and JSON."""
    return config.model_dump(mode="json")


def fingerprint(config: BaseModel | Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that change whenever a value does.

    >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    True
    """
    plain = dump(config) if isinstance(config, BaseModel) else config
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def flatten(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Path → value for every leaf; an empty mapping is a leaf.

    >>> flatten({"model": {"dropout": 0.1, "fusion": {"units": 8}}})
    {'model.dropout': 0.1, 'model.fusion.units': 8}
    """
    return dict(_leaves(mapping, prefix))


def with_value(mapping: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of a nested mapping in which one path has another value.

    >>> with_value({"model": {"dropout": 0.1}}, "model.dropout", 0.2)
    {'model': {'dropout': 0.2}}
    """
    head, _, rest = path.partition(".")
    inner = mapping.get(head)
    if not rest:
        return {**mapping, head: value}
    return {**mapping, head: with_value(inner if isinstance(inner, Mapping) else {}, rest, value)}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line a path whose value differs: `path: old → new`."""
    before, after = flatten(old), flatten(new)
    paths = sorted(before.keys() | after.keys())
    return [
        f"{path}: {_shown(before, path)} → {_shown(after, path)}"
        for path in paths
        if before.get(path, ...) != after.get(path, ...)
    ]


def _leaves(mapping: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def _shown(leaves: Mapping[str, Any], path: str) -> str:
    return json.dumps(leaves[path], ensure_ascii=False) if path in leaves else "(absent)"


def _line(kind: type[BaseModel], detail: ErrorDetails) -> str:
    """One error as `path: what is wrong`, in our words where pydantic's do not help."""
    steps = [step for step in detail["loc"] if not _is_union_tag(detail, step)]
    path = ".".join(map(str, steps))
    if detail["type"] == "extra_forbidden":
        return f"{path}: " + unknown_name("key", str(steps[-1]), _fields(kind, detail["loc"][:-1]))
    if detail["type"] == "union_tag_invalid":
        context = detail["ctx"]
        expected = [name.strip("'") for name in context["expected_tags"].split(", ")]
        return f"{path}.name: " + unknown_name("name", context["tag"], expected)
    if detail["type"] == "missing":
        return f"{path}: a value is needed here"
    if detail["type"] == "value_error":
        return f"{path}: {detail['ctx']['error']}"
    rule = detail["msg"][0].lower() + detail["msg"][1:]
    return f"{path}: {rule}, but got {detail['input']!r}"


def _is_union_tag(detail: ErrorDetails, step: int | str) -> bool:
    """Whether pydantic put the chosen variant's name into the path, where no user wrote it."""
    return isinstance(step, str) and step.startswith("\0")


def _fields(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Names that are valid at a location of the configuration."""
    found: Any = kind
    for step in location:
        found = _descend(found, step)
    models = [model for model in _models(found)]
    return sorted({name for model in models for name in model.model_fields})


def _descend(annotation: Any, step: int | str) -> Any:  # noqa: ANN401 (annotations are untyped)
    for model in _models(annotation):
        if step in model.model_fields:
            return model.model_fields[str(step)].annotation
    for model in _models(annotation):
        name = model.model_fields.get("name")
        if name is not None and step in get_args(name.annotation):
            return model
    return next((part for part in get_args(annotation)[1:]), annotation)


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
