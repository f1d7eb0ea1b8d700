"""Spaces that a budget can exhaust: of these every point is tried once, and then the search ends.

A sampler would propose points again that were tried before, and a grid knows its own end.
"""

from collections.abc import Mapping

import numpy as np

from emotion_hpo.config import Range, Scalar, SearchConfig, dump, flatten
from emotion_hpo.config.sampler import GridSampler
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.search.space import Params, applies, grid_points


def exhaustible_points(config: SearchConfig) -> list[Params] | None:
    """Return every point of a grid, or of a space that the budget exhausts, shuffled; else None."""
    if isinstance(config.sampler, GridSampler):
        return grid_points(config.space, config.sampler.points, config.study.seed)
    base = flatten(dump(config.experiment()))
    points = _points(config.space, base, config.study.n_trials)
    if points is None:
        return None
    order = np.random.default_rng(derive(config.study.seed, "grid")).permutation(len(points))
    return [points[index] for index in order]


def is_exhaustible(config: SearchConfig) -> bool:
    """Return whether the search ends with the last point, as `exhaustible_points` has them."""
    if isinstance(config.sampler, GridSampler):  # without listing what may be a million points
        return True
    base = flatten(dump(config.experiment()))
    return _points(config.space, base, config.study.n_trials) is not None


def _points(space: Mapping[str, Range], base: Params, most: int) -> list[dict[str, Scalar]] | None:
    """Return every point of a space, or None where there are more than `most`."""
    points: list[dict[str, Scalar]] = [{}]
    for path, range_ in space.items():
        values = _values(range_, most)
        extended: list[dict[str, Scalar]] = []
        for point in points:
            if not applies(range_, {**base, **point}):
                extended.append(point)
            elif values is None:
                return None
            else:
                extended += [{**point, path: value} for value in values]
        if len(extended) > most:
            return None
        points = extended
    return points


def _values(range_: Range, most: int) -> list[Scalar] | None:
    """Return the values of a range, or None where there are more than `most`.

    >>> _values(Range(low=2, high=8, step=3), 9), _values(Range(low=0.0, high=1.0), 9)
    ([2, 5, 8], None)
    """
    if range_.choices is not None:
        return list(range_.choices)
    low, high = range_.low, range_.high
    assert low is not None
    assert high is not None
    step = range_.step or (1 if range_.is_integer else None)
    if step is None:
        return [low] if low == high else None
    n_steps = int((high - low) / step + 1e-8)
    if n_steps >= most:
        return None
    values = [low + index * step for index in range(n_steps + 1)]
    return [int(value) if range_.is_integer else value for value in values]
