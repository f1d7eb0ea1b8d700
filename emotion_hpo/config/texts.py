"""Which keys of the configuration hold text: read off the models, so that a new key is right, too.

A name of a session, a study, a class or a file is what a person wrote, letter by letter: `1.10` is
no number and `null` no absence where it names something. Whoever reads keys from where everything
is text, as a command line does, asks here what a key takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


class Form(Enum):
    """How text is held: as one value, as several in order, or by name."""

    SINGLE = "single"
    LIST = "list"
    MAPPING = "mapping"


@dataclass(frozen=True)
class TextKey:
    """A key that takes text.

    Attributes:
        steps: Its path; the name of an entry of a mapping is one step, whatever it holds.
        form: How its text is held.
        may_be_null: Whether null stands for its absence.
    """

    steps: tuple[str, ...]
    form: Form
    may_be_null: bool = False


def text_key(models: Sequence[type[BaseModel]], path: str) -> TextKey | None:
    """Return what a path takes, by the first model that knows it; None if not text alone.

    >>> from emotion_hpo.config import SearchConfig
    >>> text_key([SearchConfig], "corpus.merge.1.10").steps
    ('corpus', 'merge', '1.10')
    >>> text_key([SearchConfig], "training.epochs") is None
    True
    """
    keys = (_key_below([model], (), tuple(path.split("."))) for model in models)
    return next((key for key in keys if key is not None), None)


def members(annotation: Any) -> list[Any]:  # noqa: ANN401 (annotations have no type)
    """Return what an annotation admits, each member of a union for itself.

    >>> members(Annotated[str | None, "a name"])
    [<class 'str'>, <class 'NoneType'>]
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        return members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [member for part in get_args(annotation) for member in members(part)]
    return [annotation]


def item_annotation(annotation: Any) -> Any:  # noqa: ANN401 (annotations have no type)
    """Return the annotation of a mapping's values or a sequence's items; None if it is neither."""
    match get_origin(annotation), get_args(annotation):
        case (origin, (_, value)) if origin in (dict, Mapping):
            return value
        case (origin, (item, *rest)) if origin in (tuple, list) and rest in ([], [...]):
            return item
    return None


def _key_below(
    annotations: Sequence[Any], before: tuple[str, ...], rest: tuple[str, ...]
) -> TextKey | None:
    """Return what the rest of a path takes below one of some annotations."""
    if not rest:
        return _key_of([kind for kind in annotations if kind is not NoneType], annotations, before)
    below: list[Any] = []
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(rest[0])
            below += members(field.annotation) if field else []
        elif get_origin(annotation) in (dict, Mapping):
            value = item_annotation(annotation)
            if _is_text(value):  # the rest is the entry's name, dots and all
                return TextKey((*before, ".".join(rest)), Form.SINGLE, NoneType in members(value))
            below += members(value)
    return _key_below(below, (*before, rest[0]), rest[1:]) if below else None


def _key_of(
    present: Sequence[Any], annotations: Sequence[Any], steps: tuple[str, ...]
) -> TextKey | None:
    may_be_null = NoneType in annotations
    if present and all(map(_is_text, present)):
        return TextKey(steps, Form.SINGLE, may_be_null)
    if not present or not all(_is_text(item_annotation(kind)) for kind in present):
        return None
    is_mapping = get_origin(present[0]) in (dict, Mapping)
    return TextKey(steps, Form.MAPPING if is_mapping else Form.LIST, may_be_null)


def _is_text(annotation: Any) -> bool:  # noqa: ANN401 (annotations have no type)
    present = [kind for kind in members(annotation) if kind is not NoneType]
    return bool(present) and all(kind in (str, Path) for kind in present)
