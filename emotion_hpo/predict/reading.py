"""What people have, read and judged: a sound, words, motion; and which model they mean.

The limits are far beyond any utterance and far below what would hold up a server: a recording of
two hours is a whole conversation, to be cut into utterances first.
"""

import shlex
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile

import numpy as np
import soundfile
from numpy.typing import NDArray

from emotion_hpo.errors import FeatureError, StudyError
from emotion_hpo.records import scored_at

#: The longest of 10,039 utterances of IEMOCAP lasts 34 s.
LONGEST_S = 300.0

#: The longest of them has 98 words.
MOST_WORDS = 2000

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
        with soundfile.SoundFile(source) as file:
            rate = int(file.samplerate)
            first = round(min((start_s or 0.0) * rate, file.frames))
            last = file.frames if end_s is None else round(min(end_s * rate, file.frames))
            if first < 0:
                raise FeatureError(f"{name}: start_s={start_s} lies before the recording")
            seconds = (last - first) / rate
            if seconds <= 0:
                raise FeatureError(f"{name}: the recording has no samples")
            if seconds > LONGEST_S:
                raise FeatureError(
                    f"{name}: the recording lasts {seconds:,.0f} s, an utterance at most "
                    f"{LONGEST_S:.0f} s; cut it into utterances first"
                )
            file.seek(first)
            both: Samples = file.read(last - first, dtype="float32", always_2d=True)
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
        FeatureError: It is no such file.
    """
    try:
        if not path.is_file():
            raise FeatureError(f"{name}: {_not_there(path)}")
        with path.open("rb") as file:
            values = np.asarray(np.load(file, allow_pickle=False))
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, MemoryError) as error:
        if isinstance(error, FeatureError):
            raise
        raise FeatureError(f"{name} is not a NumPy file (.npy) of numbers") from None
    if values.dtype.kind not in "iuf":
        raise FeatureError(f"{name} is not a NumPy file (.npy) of numbers, but of {values.dtype}")
    return values.astype(np.float32)


def _not_there(source: Path) -> str:
    many = "a folder, not a file; for many recordings at once take utterances="
    return many if source.is_dir() else "no such file"


def find_model(path: Path) -> Path:
    """The model file that a path means: itself, or the one that was scored last below a folder.

    A `final` also stores the default configuration's model and the members of an ensemble; their
    folders hold no `result.json`, and they answer only where they are named.

    Raises:
        StudyError: There is none.
    """
    if path.is_file():
        return path
    if (path / "model.pt").is_file():
        return path / "model.pt"
    models = [*path.glob("final/*/model.pt"), *path.glob("*/final/*/model.pt")]
    results = [one.with_name("result.json") for one in models]
    scored = [one for one in results if one.is_file()]
    if scored:
        return max(scored, key=scored_at).with_name("model.pt")
    what = "is no folder" if not path.is_dir() else "holds no model.pt"
    if models:
        example = shlex.quote(f"model={models[0]}")
        what = f"holds none that was scored; name one, such as {example}"
    raise StudyError(f"no model at {path}: it {what}; `make final` makes one")
