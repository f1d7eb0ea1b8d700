"""Recordings on disk: what a header says, and samples as mono float32.

A header is believed only as far as it can be true. A FLAC that was written into a pipe says nothing
of its length, and a broken one may claim days: such a file is counted by reading it to its end, and
whatever is read is read block by block, so that no claim of a header takes memory.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from emotion_hpo.corpus.faults import Fault
from emotion_hpo.errors import CorpusError

#: Kind of the fault of a recording that is no audio, or that breaks off.
UNREADABLE = "unreadable wav"

#: Stands where nothing was recorded.
ANY_RATE_HZ = 16_000

#: What libsndfile says where a header gives no length.
_UNKNOWN = np.iinfo(np.int64).max

#: No codec stores more: FLAC takes about 14 bytes for 65,535 equal samples.
_MOST_FRAMES_PER_BYTE = 8192

#: A compressed recording may end this much before its header says, by its codec's delay.
_SHORT_S = 0.1

_BLOCK_FRAMES = 1 << 18


class Header(NamedTuple):
    """What is known of a recording before it is read."""

    n_frames: int
    sample_rate_hz: int
    n_channels: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.n_frames / self.sample_rate_hz


class ForwardFile(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """A recording that can be read to its true end, whatever its header says.

    `soundfile` places itself anew after every block, which fails at an end that the header did not
    announce; of what cannot be placed it does not.
    """

    def seekable(self) -> bool:
        """Never."""
        return False


def can_be_length(n_frames: int, n_bytes: int) -> bool:
    """Whether a file of so many bytes can hold what its header says."""
    return n_frames <= _MOST_FRAMES_PER_BYTE * n_bytes


def is_cut(n_announced: int, n_missing: int, sample_rate_hz: int) -> bool:
    """Whether so much is missing of what a header announced that it was cut off."""
    return n_announced != _UNKNOWN and n_missing / sample_rate_hz > _SHORT_S


def read_header(path: Path) -> Header:
    """Read a recording's header; where it gives no length, or none that can be true, count.

    Raises:
        CorpusError: The file cannot be read as audio, or is shorter than its header says.
    """
    try:
        with ForwardFile(path) as file:
            header = Header(int(file.frames), int(file.samplerate), int(file.channels))
            if can_be_length(header.n_frames, path.stat().st_size):
                return header
            n_frames = sum(map(len, read_blocks(file, header.n_frames)))
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from None
    _check_end(path, header, n_frames, header.n_frames)
    return header._replace(n_frames=n_frames)


def read_samples(
    path: Path, start_s: float | None = None, end_s: float | None = None
) -> tuple[NDArray[np.float32], int]:
    """Read a recording, or a part of it.

    Returns:
        `(n, channels)` in [-1, 1], and the rate in Hz.

    Raises:
        CorpusError: The file cannot be read as audio, or is shorter than its header says.
    """
    try:
        with ForwardFile(path) as file:
            header = Header(int(file.frames), int(file.samplerate), int(file.channels))
            rate = header.sample_rate_hz
            first = min(round((start_s or 0) * rate), header.n_frames)
            last = header.n_frames if end_s is None else min(round(end_s * rate), header.n_frames)
            if first:
                file.seek(first)
            blocks = [
                np.zeros((0, header.n_channels), np.float32),
                *read_blocks(file, last - first),
            ]
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from None
    read = np.concatenate(blocks)
    _check_end(path, header, first + len(read), last)
    return read, rate


def read_blocks(file: soundfile.SoundFile, n_frames: int) -> Iterator[NDArray[np.float32]]:
    """Read so many frames, or as many as there are."""
    while n_frames > 0:
        n_requested = min(_BLOCK_FRAMES, n_frames)
        block = file.read(n_requested, dtype="float32", always_2d=True)
        yield block
        n_frames = n_frames - n_requested if len(block) == n_requested else 0


def _check_end(path: Path, header: Header, reached: int, expected: int) -> None:
    """Raise if the samples end too early: what is missing was cut off.

    Raises:
        CorpusError: They do, and the header had announced more.
    """
    if is_cut(header.n_frames, expected - reached, header.sample_rate_hz):
        ends = f"it ends after {reached / header.sample_rate_hz:.2f} s"
        raise _unreadable(path, f"{ends}, where its header says {header.seconds:,.2f} s")


def read_usable_samples(
    path: Path, place: str, start_s: float | None = None, end_s: float | None = None
) -> tuple[NDArray[np.float32] | None, int, tuple[Fault, ...]]:
    """Read as `read_samples` does; return None and a fault for a damaged recording."""
    try:
        read, rate = read_samples(path, start_s, end_s)
    except CorpusError:
        return None, ANY_RATE_HZ, (Fault(UNREADABLE, place),)
    if not len(read):
        return None, rate, (Fault("recording without a sample between its times", place),)
    return read, rate, ()


def average_channels(samples_NC: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the channels, `(n,)`."""
    return samples_NC[:, 0] if samples_NC.shape[1] == 1 else samples_NC.mean(axis=1)


def _unreadable(path: Path, error: object) -> CorpusError:
    return CorpusError(f"{path}: cannot be read as audio ({error}); unpack it again")
