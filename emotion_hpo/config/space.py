"""A range of the search space, as written in `conf/space/`."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from emotion_hpo.config.base import Section

Scalar = str | int | float | bool | None

#: Parts of the configuration that a space may vary; corpus and split decide what is judged on.
SEARCHABLE = ("features", "model", "training")


class Range(Section):
    """Either numbers from `low` to `high`, or `choices`; whole numbers if both bounds are.

    `when` makes the range conditional: it is drawn only if each path named there has the value
    given.
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = Field(default=None, gt=0)
    choices: tuple[Scalar, ...] | None = Field(default=None, min_length=1)
    when: dict[str, Scalar] = Field(default_factory=dict)

    @property
    def is_integer(self) -> bool:
        """Whether whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None:
                raise ValueError("give either choices, or low and high")
            if len(set(map(repr, self.choices))) < len(self.choices):
                raise ValueError("a choice occurs twice")
            if self.log or self.step is not None:
                raise ValueError("log and step go with low and high, not with choices")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give low and high, or choices")
        if not self.low <= self.high:
            raise ValueError(f"low <= high must hold, but got low={self.low}, high={self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low > 0 must hold with log=true, but got low={self.low}")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other")
        if self.step is not None and self.is_integer and not isinstance(self.step, int):
            raise ValueError(f"step must be whole where low and high are, but got {self.step}")
        return self


def by_path(mapping: Any) -> Any:  # noqa: ANN401 (whatever a user wrote)
    """Nested or dotted, a space becomes path → range; a later key overrides parts of an earlier."""
    if not isinstance(mapping, Mapping):
        return mapping
    ranges: dict[str, dict[str, Any]] = {}
    for name, value in mapping.items():
        key = str(name)
        if not isinstance(value, Mapping) or not value or _is_range(value):
            inner = {key: value}
        else:
            inner = {f"{key}.{path}": one for path, one in by_path(value).items()}
        for path, one in inner.items():
            both = isinstance(one, Mapping) and isinstance(ranges.get(path, {}), Mapping)
            ranges[path] = {**ranges.get(path, {}), **one} if both else one
    return ranges


def _is_range(mapping: Mapping[str, Any]) -> bool:
    return any(key in Range.model_fields for key in mapping)


def is_partial(one: Any) -> bool:  # noqa: ANN401 (whatever a user wrote)
    """Whether something can only be meant to change a range that is there.

    >>> is_partial({"low": 0.1}), is_partial(0.1), is_partial({"low": 0.1, "high": 0.2})
    (True, True, False)
    """
    if not isinstance(one, Mapping):
        return not isinstance(one, Range)
    return not ("choices" in one or {"low", "high"} <= one.keys())


#: Path in the configuration → range.
Space = Annotated[dict[str, Range], BeforeValidator(by_path)]
