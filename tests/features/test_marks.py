"""Marks outlive another copy of a recording, and tell recordings apart."""

import io

import numpy as np
import pytest
import soundfile
from scipy.signal import lfilter, resample_poly

from emotion_hpo.corpus import Recording, Twin
from emotion_hpo.features.marks import compute_marks
from emotion_hpo.runtime.contents import Content


@pytest.fixture(scope="module")
def voices() -> list[Recording]:
    """Sixteen invented utterances of two voices."""
    twin = Twin(0, 0.02)
    recordings = [
        recording
        for dialogue in twin.table("1")["dialogue"].unique()
        for recording in twin.recordings("1", dialogue)
    ]
    return recordings[:16]


def encoded(container, subtype):
    def copy(samples, rate):
        file = io.BytesIO()
        soundfile.write(file, samples, rate, format=container, subtype=subtype)
        file.seek(0)
        return soundfile.read(file, dtype="float32")

    return copy


COPIES = {
    "8 kHz": lambda samples, rate: (resample_poly(samples, 1, 2), rate // 2),
    "44.1 kHz": lambda samples, rate: (resample_poly(samples, 441, 160), 44_100),
    "quieter": lambda samples, rate: (0.1 * samples, rate),
    "another microphone": lambda samples, rate: (lfilter([1, -0.9], [1], samples), rate),
    "20 ms later": lambda samples, rate: (np.pad(samples, (rate // 50, 0)), rate),
    "mu-law": encoded("WAV", "ULAW"),
    "FLAC": encoded("FLAC", "PCM_16"),
    "Vorbis": encoded("OGG", "VORBIS"),
    "Opus": encoded("OGG", "OPUS"),
    "MP3": encoded("MP3", "MPEG_LAYER_III"),
}


def content(recordings) -> Content:
    return Content(tuple(map(compute_marks, recordings)))


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_recognised(voices, kind):
    copies = []
    for voice in voices:
        samples, rate = COPIES[kind](voice.samples, voice.sample_rate_hz)
        copies.append(Recording("copy", samples.astype(np.float32), rate))
    assert content(copies).n_shared(content(voices)) >= len(voices) - 1


def test_other_recordings_are_not(voices):
    marks = content([Recording("a", voice.samples, voice.sample_rate_hz) for voice in voices])
    for place, mark in enumerate(marks.utterances):
        others = marks.utterances[:place] + marks.utterances[place + 1 :]
        assert Content((mark,)).n_shared(Content(others)) == 0


@pytest.mark.parametrize("samples", [
    np.zeros(16_000, np.float32), np.full(16_000, np.nan, np.float32), np.ones(1, np.float32),
    np.empty(0, np.float32), np.ones(40, np.float32) * np.arange(40),
])  # fmt: skip
def test_what_says_nothing_has_no_mark(samples):
    assert compute_marks(Recording("a", samples.astype(np.float32))) == {}


@pytest.mark.parametrize("scale", [1e-9, 1, 1e9])
def test_arrays_are_the_same_in_any_precision(scale):
    precise = np.random.default_rng(0).standard_normal((5, 16)) * scale
    kinds = [np.float32, np.float64] + ([np.float16] if scale == 1 else [])
    made = [
        compute_marks(Recording("a", features={"video": precise.astype(kind).astype(np.float32)}))
        for kind in kinds
    ]
    assert made == [made[0]] * len(kinds)
    assert made[0]["features.video"]


def test_arrays_of_other_values_or_shape_are_others():
    values = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    arrays = [values, values + 0.01, values.reshape(6, 4), values[:3], -values]
    marks = {
        compute_marks(Recording("a", features={"video": array}))["features.video"]
        for array in arrays
    }
    assert len(marks) == len(arrays)
    vector = {"video": values[0]}
    assert compute_marks(Recording("a", features=vector)) == compute_marks(
        Recording("a", features={"video": values[:1]})
    )


def test_motion_is_marked_as_a_whole(voices):
    moved = next(voice for voice in voices if voice.motion is not None)
    (plain,) = (compute_marks(Recording("a", motion=moved.motion)),)
    assert plain.keys() == {"motion"}
    turned = {part: values + 1 for part, values in moved.motion.items()}
    assert compute_marks(Recording("a", motion=turned)) != plain
