"""Recordings on disk: what a header says, and samples as mono float32."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from emotion_hpo.errors import CorpusError


class Header(NamedTuple):
    """What is known of a recording before it is read."""

    n_frames: int
    sample_rate_hz: int
    n_channels: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.n_frames / self.sample_rate_hz


def header(path: Path) -> Header:
    """Read a recording's header.

    Raises:
        CorpusError: The file cannot be read as audio.
    """
    try:
        info = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise _unreadable(path, error) from None
    return Header(info.frames, info.samplerate, info.channels)


def samples(
    path: Path, start_s: float | None = None, end_s: float | None = None
) -> tuple[NDArray[np.float32], int]:
    """Read a recording, or a part of it.

    Returns:
        `(n, channels)` in [-1, 1], and the rate in Hz.

    Raises:
        CorpusError: The file cannot be read as audio.
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            first = min(round((start_s or 0) * rate), file.frames)
            last = file.frames if end_s is None else min(round(end_s * rate), file.frames)
            file.seek(first)
            read = file.read(max(last - first, 0), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise _unreadable(path, error) from None
    return read, rate


def mono(samples_NC: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels, `(n,)`."""
    return samples_NC[:, 0] if samples_NC.shape[1] == 1 else samples_NC.mean(axis=1)


def _unreadable(path: Path, error: Exception) -> CorpusError:
    return CorpusError(f"{path}: cannot be read as audio ({error}); unpack it again")
