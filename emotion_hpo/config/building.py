"""Plain mappings become frozen configurations, once; and two configurations are compared.

`build` reports every error at once: the path, the rule, the value given, and the nearest valid name
where a name is unknown. It knows no Hydra: the command line hands it a dict.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from emotion_hpo.errors import ConfigError, unknown_name

M = TypeVar("M", bound=BaseModel)

#: Keys whose value says which of several models a mapping is.
VARIANT_KEYS = ("name", "learner")


def build(kind: type[M], mapping: Mapping[str, Any]) -> M:
    """Turn a mapping into a configuration.

    Raises:
        ConfigError: With a line for every error found, not only the first.
    """
    try:
        return kind.model_validate(mapping)
    except ValidationError as error:
        raise ConfigError("\n".join(_lines(kind, error.errors()))) from None


def without_unknown(
    kind: type[BaseModel], mapping: Mapping[str, Any], may_go: Callable[[str], bool]
) -> dict[str, Any]:
    """Return a copy without the keys which `kind` does not know, of those that may go."""
    plain = dict(mapping)
    try:
        kind.model_validate(plain)
    except ValidationError as error:
        for detail in error.errors():
            path = _resolve(kind, detail["loc"])[0]
            if detail["type"] == "extra_forbidden" and may_go(path):
                plain = _without(plain, path)
    return plain


def dump(config: BaseModel) -> dict[str, Any]:
    """Return the configuration as plain data, ready for YAML and JSON."""
    return config.model_dump(mode="json")


def fingerprint(config: BaseModel | Mapping[str, Any]) -> str:
    """Return sixteen hexadecimal digits that change whenever a value does.

    >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    True
    """
    plain = dump(config) if isinstance(config, BaseModel) else config
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def flatten(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return path → value for every leaf; an empty mapping is a leaf.

    >>> flatten({"model": {"dropout": 0.1, "fusion": {"units": 8}}})
    {'model.dropout': 0.1, 'model.fusion.units': 8}
    """
    return dict(_leaves(mapping, prefix))


def with_value(mapping: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy of a nested mapping in which one path has another value.

    >>> with_value({"model": {"dropout": 0.1}}, "model.dropout", 0.2)
    {'model': {'dropout': 0.2}}
    """
    head, _, rest = path.partition(".")
    inner = mapping.get(head)
    if not rest:
        return {**mapping, head: value}
    return {**mapping, head: with_value(inner if isinstance(inner, Mapping) else {}, rest, value)}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return a line for each path whose value differs: `path: old → new`."""
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


def _without(mapping: Mapping[str, Any], path: str) -> dict[str, Any]:
    head, _, rest = path.partition(".")
    if rest:
        return {**mapping, head: _without(mapping[head], rest)}
    return {key: value for key, value in mapping.items() if key != head}


def _shown(leaves: Mapping[str, Any], path: str) -> str:
    return json.dumps(leaves[path], ensure_ascii=False) if path in leaves else "(absent)"


def _lines(kind: type[BaseModel], details: Sequence[ErrorDetails]) -> list[str]:
    """Return path and complaint of each wrong value, in our words where pydantic's do not help."""
    by_path: dict[str, list[ErrorDetails]] = {}
    parents: dict[str, list[type[BaseModel]]] = {}
    for detail in details:
        path, parents[path] = _resolve(kind, detail["loc"])
        by_path.setdefault(path, []).append(detail)
    return [
        f"{path}: {text}" if path else text
        for path, complaints in by_path.items()
        if not _follows(path, complaints, by_path)
        for text in (_complaint(complaints, parents[path]),)
    ]


def _follows(path: str, details: Sequence[ErrorDetails], paths: Iterable[str]) -> bool:
    """Return whether a list is too short only because its wrong items were left out."""
    too_short = all(detail["type"] == "too_short" for detail in details)
    return too_short and any(other.startswith(f"{path}.") for other in paths)


def _complaint(details: list[ErrorDetails], parent: list[type[BaseModel]]) -> str:
    """Return what is wrong with a value; a plain union complains for each of its members."""
    rules = [detail for detail in details if not _is_about_type(detail)] or details
    detail = rules[0]
    match detail["type"]:
        case "extra_forbidden":
            fields = {field for model in parent for field in model.model_fields}
            return unknown_name("key", str(detail["loc"][-1]), fields)
        case "union_tag_invalid":
            names = [name.strip("'") for name in detail["ctx"]["expected_tags"].split(", ")]
            key = detail["ctx"]["discriminator"].strip("'()")  # a field, or the function of one
            return unknown_name(key, detail["ctx"]["tag"], names)
        case "union_tag_not_found":
            return "a `name` is needed here"
        case "missing":
            return "a value is needed here"
        case "too_short":
            return f"at least {detail['ctx']['min_length']} must be given"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"keys with values are needed here, but got {detail['input']!r}"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "string_type" | "path_type" if kind := _read_as(detail["input"]):
            got = json.dumps(detail["input"], default=str)
            return f"text is needed here, but {got} is {kind}: in YAML, quote it as you mean it"
        case _:
            start = "Input should be "
            texts = [rule["msg"].partition(", unable to parse")[0] for rule in rules]
            other = [text.removeprefix(start) for text in dict.fromkeys(texts)][1:]
            expected = " or ".join([texts[0][0].lower() + texts[0][1:], *other])
            return f"{expected}, but got {detail['input']!r}"


def _read_as(value: object) -> str | None:
    """Return what YAML has made of a word without quotes; how it was written is lost."""
    kinds = {NoneType: "nothing", bool: "a truth value", int: "a number", float: "a number"}
    return kinds.get(type(value), "a date" if isinstance(value, date) else None)


def _is_about_type(detail: ErrorDetails) -> bool:
    return detail["type"].endswith(("_type", "_parsing", "_from_float", "literal_error"))


def _resolve(kind: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, list[Any]]:
    """Return the path as a user wrote it, and the models that hold its last step.

    pydantic puts a union's chosen member into the path (`corpus.twin.scale`); nobody wrote it.
    """
    shown: list[str] = []
    parents: list[type[BaseModel]] = []
    annotation: Any = kind
    for step in location:
        if step == "[key]":  # of a mapping, named by the step before
            continue
        models = _models(annotation)
        annotation = _without_none(annotation)
        if get_origin(annotation) in (dict, Mapping, tuple, list):
            arguments = get_args(annotation)
            is_mapping = get_origin(annotation) in (dict, Mapping)
            annotation = arguments[1] if is_mapping else arguments[0]
        elif len(models) > 1 and (chosen := [m for m in models if step in _names(m)]):
            annotation = chosen[0]
            continue
        elif models:
            parents = models
            fields = [m.model_fields[str(step)] for m in models if step in m.model_fields]
            annotation = fields[0].annotation if fields else _extra(models)
        elif shown and annotation is not None:
            continue  # a member of a plain union such as int | float
        shown.append(str(step))
    return ".".join(shown), parents


def _extra(models: list[type[BaseModel]]) -> Any:  # noqa: ANN401 (annotations have no type)
    """Return what a model takes under names of the user's own, if one of them does."""
    extras = [m.__annotations__.get("__pydantic_extra__") for m in models]
    return next((get_args(extra)[1] for extra in extras if get_args(extra)), None)


def _without_none(annotation: Any) -> Any:  # noqa: ANN401 (annotations have no type)
    """Return the annotation `T` of `T | None`."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    members = [member for member in get_args(annotation) if member is not NoneType]
    return members[0] if len(members) == 1 else annotation


def _names(model: type[BaseModel]) -> tuple[Any, ...]:
    """Return the values of `name` or `learner` that choose this model in a union."""
    fields = (model.model_fields.get(key) for key in VARIANT_KEYS)
    return tuple(name for field in fields if field for name in get_args(field.annotation))


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 (annotations have no type)
    """Return the models that an annotation admits."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
