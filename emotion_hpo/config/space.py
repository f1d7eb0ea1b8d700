"""A range of the search space, as written in `conf/space/`, and the values that lie in it.

What a range `contains` is what a grid lists (`spread`), what a sampler draws (from `low` to
`last`), and what `study.enqueue`, a warm start and the checks accept.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from emotion_hpo.config.base import Section

Scalar = str | int | float | bool | None

#: Parts of the configuration that a space may vary; corpus and split decide what is judged on.
SEARCHABLE = ("features", "model", "training")


class Range(Section):
    """Either numbers from `low` to `high`, or `choices`; whole numbers if both bounds are.

    `when` makes the range conditional: it is drawn only if each path named there has the value
    given, or one of those given.
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = Field(default=None, gt=0)
    choices: tuple[Scalar, ...] | None = Field(default=None, min_length=1)
    when: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict)

    def conditions(self) -> dict[str, tuple[Scalar, ...]]:
        """Return path → the values that it must have one of.

        >>> Range(low=0, high=1, when={"a": 1, "b": ["x", "y"]}).conditions()
        {'a': (1,), 'b': ('x', 'y')}
        """
        return {
            path: values if isinstance(values, tuple) else (values,)
            for path, values in self.when.items()
        }

    @property
    def is_integer(self) -> bool:
        """Whether whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def last(self) -> int | float:
        """The greatest value: `high`, or where that is no whole number of steps the last below it.

        >>> Range(low=4, high=15, step=4).last, Range(low=0.0, high=1.0, step=0.3).last
        (12, 0.9)
        """
        low, high = self._ends()
        if self.step is None:
            return high
        low_, step_ = Decimal(str(low)), Decimal(str(self.step))  # 0.1 + 0.2 is 0.3 in decimals
        last = low_ + (Decimal(str(high)) - low_) // step_ * step_
        return int(last) if self.is_integer else float(last)

    def contains(self, value: Any) -> bool:  # noqa: ANN401 (whatever a user wrote)
        """Whether a value lies in the range.

        >>> Range(low=4, high=15, step=4).contains(12), Range(low=4, high=15, step=4).contains(16)
        (True, False)
        """
        is_truth = isinstance(value, bool)  # which Python takes for a number
        if self.choices is not None:
            return any(isinstance(c, bool) == is_truth and c == value for c in self.choices)
        low, high = self._ends()
        if is_truth or not isinstance(value, int | float) or not low <= value <= high:
            return False
        step = self.step or (1 if self.is_integer else None)
        n_steps = (value - low) / step if step else 0.0
        return math.isclose(n_steps, round(n_steps), abs_tol=1e-8)

    def spread(self, n: int) -> list[Scalar]:
        """At most `n` different values, evenly spread, ends included; of choices, all.

        >>> Range(low=4, high=15, step=4).spread(5), Range(low=1.0, high=100.0, log=True).spread(3)
        ([4, 8, 12], [1.0, 10.0, 100.0])
        """
        if self.choices is not None:
            return list(self.choices)
        low, last = self._ends()[0], self.last
        if self.step is not None:
            n_steps = round((last - low) / self.step)
            by_step = [low + self.step * round(at) for at in np.linspace(0, n_steps, n)]
            values: list[Scalar] = [min(value, last) for value in by_step]
        elif self.is_integer:
            values = [round(value) for value in self._between(n)]
        else:
            values = [min(max(float(value), low), last) for value in self._between(n)]
        return list(dict.fromkeys(values))

    def __str__(self) -> str:
        """The range as people write it.

        >>> str(Range(low=0.0, high=0.4))
        '0.0…0.4'
        """
        if self.choices is not None:
            return "{" + ", ".join(map(str, self.choices)) + "}"
        steps = f" in steps of {self.step}" if self.step is not None else ""
        return f"{self.low}…{self.high}{steps}" + (" (log)" if self.log else "")

    def _ends(self) -> tuple[int | float, int | float]:
        assert self.low is not None, "a range without choices has ends"
        assert self.high is not None, "a range without choices has ends"
        return self.low, self.high

    def _between(self, n: int) -> list[float]:
        """`n` numbers from `low` to `high`, evenly spread."""
        low, high = self._ends()
        values: list[float] = (np.geomspace if self.log else np.linspace)(low, high, n).tolist()
        if n > 1:
            values[0], values[-1] = low, high  # which geomspace rounds
        return values

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if empty := [path for path, values in self.conditions().items() if not values]:
            raise ValueError(f"when: {empty[0]} is given no value")
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
            inner = {f"{key}.{path}": part for path, part in by_path(value).items()}
        for path, part in inner.items():
            both = isinstance(part, Mapping) and isinstance(ranges.get(path, {}), Mapping)
            ranges[path] = {**ranges.get(path, {}), **part} if both else part
    return ranges


def _is_range(mapping: Mapping[str, Any]) -> bool:
    return any(key in Range.model_fields for key in mapping)


def is_partial(value: Any) -> bool:  # noqa: ANN401 (whatever a user wrote)
    """Return whether a value can only be meant to change a range that is there.

    >>> is_partial({"low": 0.1}), is_partial(0.1), is_partial({"low": 0.1, "high": 0.2})
    (True, True, False)
    """
    if not isinstance(value, Mapping):
        return not isinstance(value, Range)
    return not ("choices" in value or {"low", "high"} <= value.keys())


#: Path in the configuration → range.
Space = Annotated[dict[str, Range], BeforeValidator(by_path)]
