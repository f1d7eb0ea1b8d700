"""What people have, read and judged: a sound, words, motion, arrays; and which model they mean.

The limits are far beyond any utterance and far below what would hold up a server: a recording of
two hours is a whole conversation, to be cut into utterances first.
"""

import math
import os
import shlex
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from emotion_hpo.corpus import sound
from emotion_hpo.errors import FeatureError, StudyError
from emotion_hpo.study.finals import scored_at

#: The longest of 10,039 utterances of IEMOCAP lasts 34 s.
LONGEST_S = 300.0

#: The longest of them has 98 words.
MOST_WORDS = 2000

#: 300 s of motion capture at 120 Hz are 36,000.
MOST_FRAMES = 100_000

#: How an `.npy` begins.
_MAGIC = b"\x93NUMPY"

Samples = NDArray[np.float32]


def read_sound(
    source: Path | BinaryIO,
    name: str,
    start_s: float | None = None,
    end_s: float | None = None,
) -> tuple[Samples, int]:
    """Read a recording, or a part of it, as mono samples; return its rate in Hz too.

    Raises:
        FeatureError: It is no recording, has no samples, or is longer than an utterance.
    """
    try:
        if isinstance(source, Path) and not source.is_file():
            raise FeatureError(f"{name}: {_not_there(source)}")
        n_bytes = _n_bytes(source)
        with sound.ForwardFile(source) as file:
            both, rate = _read_part(file, n_bytes, name, start_s, end_s), int(file.samplerate)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        if isinstance(error, FeatureError):
            raise
        if isinstance(error, OSError) and error.strerror:
            raise FeatureError(f"{name:.60} cannot be read: {error.strerror}") from None
        words = " ".join(str(error).split()).partition(": ")[2] or str(error)
        raise FeatureError(f"{name} is not a WAV file ({words.rstrip('.')})") from None
    mono: Samples = both.mean(1)
    if not np.isfinite(mono).all():
        raise FeatureError(f"{name}: the recording holds values that are no numbers")
    return mono, rate


def _n_bytes(source: Path | BinaryIO) -> int:
    if isinstance(source, Path):
        return source.stat().st_size
    n_bytes = source.seek(0, os.SEEK_END)
    source.seek(0)
    return n_bytes


def _read_part(
    file: sound.ForwardFile, n_bytes: int, name: str, start_s: float | None, end_s: float | None
) -> Samples:
    """A part of a recording, `(n, channels)`.

    Where the header gives no length that can be true, the recording is read as far as an utterance
    may reach.

    Raises:
        FeatureError: It has no sample, is cut off, or is longer than an utterance.
    """
    rate, n_frames, counted = file.samplerate, file.frames, None
    if not sound.can_be_length(n_frames, n_bytes):
        reach = (max(start_s or 0.0, 0.0) + LONGEST_S) * rate
        most = n_frames if reach > n_frames else math.ceil(reach) + 1
        counted = _concatenated(file, most)
        n_frames = len(counted)
        if n_frames < most and sound.is_cut(file.frames, most - n_frames, rate):
            raise _cut(file, name, n_frames)
    first, last = _part_of(n_frames, rate, name, start_s, end_s)
    if (seconds := (last - first) / rate) > LONGEST_S:
        length = f"{seconds:,.0f} s" if counted is None else f"more than {LONGEST_S:.0f} s"
        raise FeatureError(
            f"{name}: the recording lasts {length}, an utterance at most {LONGEST_S:.0f} s; cut "
            "it into utterances first"
        )
    if counted is not None:
        return counted[first:last]
    file.seek(first)
    part = _concatenated(file, last - first)
    if sound.is_cut(n_frames, last - first - len(part), rate):
        raise _cut(file, name, first + len(part))
    return part


def _concatenated(file: sound.ForwardFile, n_frames: int) -> Samples:
    return np.concatenate([*sound.read_blocks(file, n_frames)])


def _cut(file: sound.ForwardFile, name: str, n_reached: int) -> FeatureError:
    reached, announced = n_reached / file.samplerate, file.frames / file.samplerate
    return FeatureError(
        f"{name}: the recording ends after {reached:.2f} s, where its header says {announced:,.2f} "
        "s; it was cut off"
    )


def _part_of(
    n_frames: int, rate: int, name: str, start_s: float | None, end_s: float | None
) -> tuple[int, int]:
    """First sample of a part of a recording, and the one behind its last.

    Raises:
        FeatureError: It has no sample; what is wrong is named.
    """
    start, end = start_s or 0.0, math.inf if end_s is None else end_s
    whole = n_frames / rate
    if not n_frames:
        raise FeatureError(f"{name}: the recording has no samples")
    if not start >= 0:
        raise FeatureError(f"{name}: start_s={start:g} lies before the recording")
    if not end > start:
        raise FeatureError(f"{name}: end_s={end:g} is not after start_s={start:g}")
    first = round(min(start, whole) * rate)
    last = round(min(end, whole) * rate)
    if first >= n_frames:
        raise FeatureError(f"{name}: start_s={start:g} lies behind the recording of {whole:g} s")
    if last <= first:
        raise FeatureError(f"{name}: from start_s={start:g} to end_s={end:g} there is no sample")
    return first, last


def read_text(text: str, name: str) -> str:
    """Words of one utterance.

    Raises:
        FeatureError: They are more than anybody says at once.
    """
    n_words = len(text.split())
    if n_words > MOST_WORDS:
        raise FeatureError(
            f"{name}: the text has {n_words:,} words, an utterance at most {MOST_WORDS:,}; cut it "
            "into utterances first"
        )
    return text


def read_motion(path: Path, name: str) -> Samples:
    """Motion capture `(frames, 189)` from a NumPy file; its width is checked as it is used.

    Raises:
        FeatureError: It is no such file, or longer than an utterance.
    """
    return _read_numpy(path, name, "iuf")


def read_features(path: Path, name: str) -> Samples:
    """Ready-made features of one utterance from a NumPy file; their shape is checked as it is used.

    Raises:
        FeatureError: It is no such file, or longer than an utterance.
    """
    return _read_numpy(path, name, "iufb")


def to_array(value: object, name: str) -> Samples:
    """Numbers from nested lists, in which null is a lost value; or from arrays.

    Raises:
        FeatureError: They are no numbers, of no common width, or more than an utterance has.
    """
    numbers = _numbers(value)
    if numbers is None:
        raise FeatureError(f"{name} must be rows of numbers, all of one width")
    return _as_float32(numbers, name)


def _numbers(value: object) -> NDArray[Any] | None:
    """An array of nested lists or of arrays; None where it cannot be one of numbers."""
    if not isinstance(value, list | tuple | np.ndarray):
        return None
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":  # null, numbers beyond 64 bits, or Parquet's arrays of arrays
            rows = [row.tolist() if isinstance(row, np.ndarray) else row for row in value]
            array = np.asarray(rows, object)
            if not all(_is_number(number) for number in array.flat):
                return None
            array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    return array if array.dtype.kind in "iufb" else None


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float | np.number | np.bool_)


def _read_numpy(path: Path, name: str, kinds: str) -> Samples:
    head = _head(path, name)
    if head != _MAGIC:
        what = " but an archive of them" if head.startswith(b"PK") else ""
        raise FeatureError(f"{name} is not a NumPy file (.npy) of numbers{what}")
    try:
        # Mapped, so that a file is judged by its head before its values take memory.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, TypeError, EOFError, MemoryError, OverflowError):
        raise FeatureError(f"{name} is not a NumPy file (.npy) of numbers") from None
    if values.dtype.kind not in kinds:
        kind = values.dtype
        raise FeatureError(f"{name} is not a NumPy file (.npy) of numbers, but of {kind}")
    return _as_float32(values, name)


def _head(path: Path, name: str) -> bytes:
    """A file's first bytes.

    Raises:
        FeatureError: There is no such file, or it cannot be read.
    """
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(len(_MAGIC))
    except OSError as error:
        raise FeatureError(f"{name:.80} cannot be read: {error.strerror}") from None
    raise FeatureError(f"{name}: {_not_there(path)}")


def _as_float32(values: NDArray[Any], name: str) -> Samples:
    """What networks read.

    Raises:
        FeatureError: There are too many rows, or values too large for it.
    """
    if values.ndim > 1 and len(values) > MOST_FRAMES:
        raise FeatureError(
            f"{name} has {len(values):,} frames, an utterance at most {MOST_FRAMES:,}; cut it into "
            "utterances first"
        )
    with np.errstate(over="ignore"):
        floats = np.array(values, np.float32)
    if (np.isinf(floats) & np.isfinite(values)).any():
        raise FeatureError(f"{name} holds numbers beyond {np.finfo(np.float32).max:.1g}")
    return floats


def _not_there(source: Path) -> str:
    many = "a folder, not a file; for many recordings at once take utterances="
    return many if source.is_dir() else "no such file"


def find_model(path: Path) -> Path:
    """The model file that a path means: itself, or the one that was scored last below a folder.

    A `final` also stores the default configuration's model and each member of an ensemble; their
    folders hold no `result.json`, and they answer only where they are named.

    Raises:
        StudyError: There is none.
    """
    if path.is_file():
        return path
    if (path / "model.pt").is_file():
        return path / "model.pt"
    models = [*path.glob("final/*/model.pt"), *path.glob("*/final/*/model.pt")]
    results = [path.with_name("result.json") for path in models]
    scored = [path for path in results if path.is_file()]
    if scored:
        return max(scored, key=scored_at).with_name("model.pt")
    if models:
        example = shlex.quote(f"model={models[0]}")
        raise StudyError(
            f"no model at {path}: it holds none that was scored; name one, such as {example}"
        )
    what = "is no folder" if not path.is_dir() else "holds no model.pt"
    raise StudyError(f"no model at {path}: it {what}; `make final` makes one")
