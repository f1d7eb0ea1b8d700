"""The one base of all configuration models."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from emotion_hpo.config.texts import item_annotation, members


class Section(BaseModel):
    """A frozen part of the configuration; an unknown key is an error, never ignored.

    Defaults live in `conf/`, where a user reads them; a field has a default here only if its
    absence means something.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        allow_inf_nan=False,  # neither is a value that a reader of JSON knows
    )

    @model_validator(mode="before")
    @classmethod
    def _expand_home(cls, values: Any) -> Any:  # noqa: ANN401 (whatever a user wrote)
        """A shell expands `~` only where a word begins, never behind `key=`."""
        if not isinstance(values, Mapping):
            return values
        expanded = {name: _expanded(values[name]) for name in cls._path_fields() & values.keys()}
        if empty := sorted(name for name, path in expanded.items() if path == ""):
            raise ValueError(f"{empty[0]} is empty; write . if the folder you are in is meant")
        return {**values, **expanded}

    @classmethod
    @cache
    def _path_fields(cls) -> frozenset[str]:
        """Fields that hold a path, or paths by name."""
        return frozenset(
            name
            for name, field in cls.model_fields.items()
            for kind in members(field.annotation)
            if Path in (kind, item_annotation(kind))
        )


def _expanded(value: Any) -> Any:  # noqa: ANN401 (whatever a user wrote)
    if isinstance(value, Mapping):
        return {name: _expanded(path) for name, path in value.items()}
    # Path's own raises where no user is called so; a folder may be.
    return os.path.expanduser(value) if isinstance(value, str | Path) else value  # noqa: PTH111
