"""Ranges over the configuration: checked before anything runs, applied to make a trial's own.

A space maps paths of the configuration to ranges. It is checked by building: each bound and each
choice is put into the configuration, which then says itself whether it can be.
"""

import itertools
import math
from collections.abc import Collection, Mapping

import numpy as np

from emotion_hpo.config import (
    VARIANT_KEYS,
    ExperimentConfig,
    Range,
    Scalar,
    build,
    dump,
    flatten,
    with_value,
    without_unknown,
)
from emotion_hpo.config.auto import is_unresolved
from emotion_hpo.config.space import SEARCHABLE
from emotion_hpo.errors import ConfigError, unknown_name
from emotion_hpo.runtime.seeds import derive

Params = Mapping[str, Scalar]

#: Points of a grid are listed and shuffled: a million take a second, ten of them a gigabyte.
_MOST_POINTS = 1_000_000


def configured(
    base: ExperimentConfig, params: Params, own: Collection[str] = ()
) -> ExperimentConfig:
    """Return the configuration with some values replaced.

    Where a `name` or a `learner` is replaced, what only the former variant knew goes with it: the
    `heads` of an attention head have no meaning for `concat`.

    Args:
        base: The configuration.
        params: Path → value.
        own: Paths among them that no trial draws: as any value of the configuration, theirs goes
            with its variant.

    Raises:
        ConfigError: The result is not a configuration.
    """
    plain = dump(base)
    before = flatten(plain)
    for path, value in params.items():
        plain = with_value(plain, path, value)
    renamed = tuple(
        path[: path.rindex(".") + 1]
        for path, value in params.items()
        if _is_variant(path) and before.get(path) != value
    )
    drawn = params.keys() - set(own)
    if renamed:
        plain = without_unknown(
            ExperimentConfig,
            plain,
            lambda path: (
                path.startswith(renamed) and not any(param.startswith(path) for param in drawn)
            ),
        )
    return build(ExperimentConfig, plain)


def defaults(base: ExperimentConfig, space: Mapping[str, Range]) -> dict[str, Scalar]:
    """Return the configuration's own point of the space; ranges that do not apply are left out."""
    values = flatten(dump(base))
    return {path: values[path] for path, range_ in space.items() if applies(range_, values)}


def grid_points(space: Mapping[str, Range], n_points: int, seed: int) -> list[Params]:
    """Return every combination of `n_points` values a numeric range and of all choices, shuffled.

    Raises:
        ConfigError: A range is conditional, which a grid cannot be, or there are too many points.
    """
    if conditional := [path for path, range_ in space.items() if range_.when]:
        raise ConfigError(f"sampler: a grid cannot hold the conditional range {conditional[0]}")
    values = [range_.spread(n_points) for range_ in space.values()]
    if (n_all := math.prod(map(len, values))) > _MOST_POINTS:
        raise ConfigError(
            f"sampler: a grid of sampler.points={n_points} has {n_all:,} points in this space, at "
            f"most {_MOST_POINTS:,} can be listed; lower sampler.points, or take fewer ranges"
        )
    points = [dict(zip(space, point, strict=True)) for point in itertools.product(*values)]
    order = np.random.default_rng(derive(seed, "grid")).permutation(len(points))
    return [points[index] for index in order]


def applies(range_: Range, values: Params) -> bool:
    """Return whether a conditional range is drawn, given the values of the other paths."""
    return all(values.get(path) in allowed for path, allowed in range_.conditions().items())


def check_space(base: ExperimentConfig, space: Mapping[str, Range]) -> None:
    """Check every range against the configuration.

    Raises:
        ConfigError: With a line for every range that does not fit.
    """
    errors = [
        f"space.{path}: {fault}"
        for path, range_ in space.items()
        if (fault := _find_fault(base, space, path, range_)) is not None
    ]
    if errors:
        raise ConfigError("\n".join(errors))


def check_params(base: ExperimentConfig, space: Mapping[str, Range], params: Params) -> None:
    """Check a known configuration that is to be tried.

    Raises:
        ConfigError: A path is not searched over, or a value lies outside its range.
    """
    errors = []
    for path, value in params.items():
        if path not in space:
            errors.append(f"study.enqueue: {unknown_name('path of the space', path, space)}")
        elif not space[path].contains(value):
            errors.append(f"study.enqueue: {path}={value!r} lies outside {space[path]}")
    if errors:
        raise ConfigError("\n".join(errors))
    configured(base, params)


def _find_fault(
    base: ExperimentConfig, space: Mapping[str, Range], path: str, range_: Range
) -> str | None:
    """Return what is wrong with a range, or None."""
    later = list(space)[list(space).index(path) :]
    if unknown_yet := [condition for condition in range_.when if condition in later]:
        return f"{unknown_yet[0]} is drawn later; write its range before this one"
    if path.split(".", maxsplit=1)[0] not in SEARCHABLE:
        return f"only {', '.join(SEARCHABLE)} can be searched over"
    if path == "training.steps":
        return "it decides training.epochs once for a study; vary these"
    if any(is_unresolved(path, value) for value in range_.choices or ()):
        return "auto is decided once for a study; write numbers"
    plain = flatten(dump(base))
    if path not in plain and not range_.when:
        return unknown_name("path", path, [p for p in plain if p.split(".")[0] in SEARCHABLE])
    conditions = range_.conditions()
    own = {condition for condition in conditions if condition in plain and condition not in space}
    for value in range_.choices or (range_.low, range_.last):
        if is_unresolved(path, value):
            return "auto is decided once, for the whole study; name the values that it may become"
        for allowed in itertools.product(*conditions.values()):
            params = {**dict(zip(conditions, allowed, strict=True)), path: value}
            try:
                configured(base, _with_drawn_values(space, plain, params), own)
            except ConfigError as error:
                return f"{value} is not possible ({str(error).splitlines()[0]})"
    default = plain.get(path)
    if is_unresolved(path, default):  # it will be the nearest value of the range
        return None
    if applies(range_, plain) and not range_.contains(default):
        return (
            f"the default {path}={default} lies outside {range_}; widen the range, or set "
            f"{path} to a value inside"
        )
    return None


def _with_drawn_values(space: Mapping[str, Range], base: Params, params: Params) -> Params:
    """Add a value for each range that is drawn because of some values, or of another variant."""
    known = dict(params)
    switched = tuple(path[: path.rindex(".") + 1] for path in params if _is_variant(path))
    for path, range_ in space.items():
        is_drawn = range_.when or path.startswith(switched)
        if is_drawn and path not in known and applies(range_, {**base, **known}):
            known[path] = range_.choices[0] if range_.choices is not None else range_.low
    return known


def _is_variant(path: str) -> bool:
    """Return whether a path chooses between models that know different keys."""
    return path.rpartition(".")[2] in VARIANT_KEYS and "." in path
