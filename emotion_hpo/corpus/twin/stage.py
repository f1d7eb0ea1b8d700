"""A dialogue's motion on one clock: where turns overlap, both show the same frames."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.motion import FRAMES_PER_S

#: The cameras' frames are taken so much of a frame after each tick of the dialogue's clock.
_PHASE = 0.25

Moved = Mapping[str, NDArray[np.float32]]


def frame_times(first: int, n_frames: int) -> NDArray[np.float64]:
    """Seconds of so many frames, from a number on."""
    return np.asarray((np.arange(first, first + n_frames) + _PHASE) / FRAMES_PER_S)


def frames_within(start_s: float, end_s: float) -> tuple[int, int]:
    """Number of the first frame in a span of time, and how many there are.

    >>> frames_within(1.0, 1.5)
    (120, 60)
    """
    first, end = (int(np.ceil(time * FRAMES_PER_S - _PHASE)) for time in (start_s, end_s))
    return first, end - first


class Stage:
    """Hands out turns in the order of time, so that each leaves its frames to those it overlaps.

    A frame belongs to the turn that began first: who wears the markers goes on doing what they did.
    """

    def __init__(self) -> None:
        self._first, self._shown = 0, dict[str, NDArray[np.float32]]()

    def show(self, start_s: float, end_s: float, move: Callable[[int], Moved]) -> Moved:
        """A turn's motion.

        Args:
            start_s: Not before the start of the turn shown before.
            end_s: Its end.
            move: Synthesises so many frames.

        Returns:
            Part → `(frames, width)`.
        """
        first, n_frames = frames_within(start_s, end_s)
        moved = {part: values.copy() for part, values in move(n_frames).items()}
        n_old = len(next(iter(self._shown.values()))) if self._shown else 0
        skipped = first - self._first
        n_shared = int(np.clip(n_old - skipped, 0, n_frames))
        for part, values in moved.items():
            if n_shared:
                values[:n_shared] = self._shown[part][skipped : skipped + n_shared]
            if first + n_frames >= self._first + n_old:
                self._shown[part] = values
        if first + n_frames >= self._first + n_old:
            self._first = first
        return moved
