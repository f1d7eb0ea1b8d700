"""How it is said: a source-filter voice whose cues follow emotion, speaker and utterance.

A train of glottal pulses (declining, accented, vibrating, jittering pitch) and breath noise are cut
into overlapping frames, each frame's spectrum is shaped by moving formants and a spectral tilt, and
the frames are added up again. Everything slow is computed a frame, everything fast a Fourier
transform, so that a core synthesises several hundred times real time. `rise` and `swell` are
courses over the utterance: averages cannot see them, sequence models can.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.expression import DIFFICULTY, Act, cues, style
from emotion_hpo.corpus.twin.randomness import stream

SAMPLE_RATE_HZ = 16_000
_HOP = 256  # 16 ms: formants and pitch move little within it
_FRAME = 2 * _HOP

#: What each emotion does to the voice, about 1 apart. Rows in the order of the classes.
_CUES = ("level", "brightness", "pitch", "range", "breath", "smile", "rise", "swell")
_PROTOTYPES = np.array([
    [1.0, 0.9, 0.4, 0.5, -0.3, -0.4, -1.0, -0.7],
    [0.7, 0.5, 0.9, 0.9, 0.0, 0.6, 1.0, 0.6],
    [-0.2, -0.1, -0.3, -0.4, 0.0, 0.0, 0.0, -0.3],
    [-1.0, -1.0, -0.5, -0.6, 0.8, -0.2, -0.4, 0.6],
])  # fmt: skip
_PROTOTYPES[:, [_CUES.index("rise"), _CUES.index("swell")]] *= DIFFICULTY.speech_courses

#: First to fourth formant of seven vowels in Hz, of an adult man (after Peterson & Barney 1952).
_VOWELS = np.array([
    [270, 2290, 3010, 3500],
    [390, 1990, 2550, 3400],
    [530, 1840, 2480, 3400],
    [660, 1720, 2410, 3400],
    [730, 1090, 2440, 3300],
    [570, 840, 2410, 3300],
    [300, 870, 2240, 3300],
], dtype=np.float32)  # fmt: skip
_BANDWIDTHS_HZ = np.array([70, 100, 150, 220], dtype=np.float32)

_BINS_HZ = np.fft.rfftfreq(_FRAME, 1 / SAMPLE_RATE_HZ).astype(np.float32)
#: Octaves above 100 Hz, in which spectral tilt is counted.
_OCTAVES = np.log2(np.maximum(_BINS_HZ, 62.5) / 100).astype(np.float32)
_WINDOW = np.hanning(_FRAME + 1)[:-1].astype(np.float32)  # adds up to 1 at half a frame's steps
_RAMP = np.linspace(0, 1, _HOP, endpoint=False, dtype=np.float32)
_DB = np.float32(np.log(10) / 20)  # decibel → natural logarithm of the amplitude


@dataclass(frozen=True)
class Voice:
    """What stays the same in all of a speaker's utterances.

    Attributes:
        pitch_hz: Of neutral speech.
        formant_scale: Of the vowels' formants: shorter vocal tracts have higher ones.
        level_db: Of neutral speech, against full scale.
        tilt_db: Fall of the spectrum an octave.
        breath_db: Noise of the breath against the pulses.
        room_db: Noise of the room against full scale.
        style: How much each cue follows emotion.
    """

    pitch_hz: float
    formant_scale: float
    level_db: float
    tilt_db: float
    breath_db: float
    room_db: float
    style: NDArray[np.float64]


def voice(seed: int, speaker: str) -> Voice:
    """Draw a speaker's voice; the name ends in F or M."""
    rng = stream(seed, speaker, "voice")
    female = speaker.endswith("F")
    noise = rng.normal(size=6)
    return Voice(
        pitch_hz=(205 if female else 118) * 2 ** (1.5 * noise[0] / 12),
        formant_scale=(1.15 if female else 1.0) * (1 + 0.03 * noise[1]),
        level_db=-30 + 2.5 * noise[2],
        tilt_db=-8.0 + 1.0 * noise[3],
        breath_db=-24 + 3 * noise[4],
        room_db=-62 + 3 * noise[5],
        style=style(seed, speaker, "speech", len(_CUES)),
    )


def speak(seed: int, act: Act, speaker: Voice) -> NDArray[np.float32]:
    """Synthesise an utterance: mono, `(round(seconds · 16000),)` in [-1, 1]."""
    rng = stream(seed, act.stream, "speech")
    strengths = speaker.style * cues(act, _PROTOTYPES, DIFFICULTY.speech_noise, rng)
    cue = dict(zip(_CUES, strengths.tolist(), strict=True))
    n_samples = round(act.seconds * SAMPLE_RATE_HZ)
    n_frames = n_samples // _HOP + 2
    syllable, within, active = _rhythm(act.n_words, n_frames, cue, rng)
    course = np.linspace(-1, 1, n_frames)
    n_syllables = int(syllable[-1]) + 1

    accents = rng.normal(scale=1.6 * 2 ** (0.45 * cue["range"]), size=n_syllables)
    semitones = 2.2 * cue["pitch"] + np.interp(np.arange(n_frames), *_centres(syllable, accents))
    semitones += (0.8 * cue["rise"] - 1.5) * course  # speech declines unless emotion lifts it
    semitones += 0.25 * np.sin(2 * np.pi * (5.5 * _HOP / SAMPLE_RATE_HZ * np.arange(n_frames)))
    pitch_hz = np.clip(speaker.pitch_hz * 2 ** (semitones / 12), 55, 650)

    level_db = speaker.level_db + 3.0 * cue["level"] + 0.8 * accents[syllable]
    level_db += 2.0 * cue["rise"] * course + 2.0 * cue["swell"] * (1 - 3 * course**2) / 2
    consonant = active * (within < 0.25) * (rng.random(n_syllables) < 0.6)[syllable]
    envelope = active * np.sin(np.pi * np.clip(within, 0.02, 0.98)) ** 0.5
    breath_db = np.where(consonant > 0, -8.0, speaker.breath_db + 3.5 * cue["breath"])
    tilt_db = speaker.tilt_db + 1.3 * cue["brightness"] + 1.0 * cue["rise"] * course
    tilt_db = np.where(consonant > 0, -1.0, tilt_db)

    vowels = _VOWELS[rng.integers(len(_VOWELS), size=n_syllables)]
    scale = speaker.formant_scale * (1 + 0.025 * cue["smile"])
    formants = np.stack([
        np.interp(np.arange(n_frames), *_centres(syllable, vowels[:, k])) for k in range(4)
    ], axis=1) * scale  # fmt: skip
    noise = rng.random((n_frames + 1) * _HOP, dtype=np.float32) - np.float32(0.5)
    voiced = envelope * (1 - 0.9 * consonant)
    source = _pulses(pitch_hz, voiced, noise.size, rng)
    source += noise * _smooth(envelope * 10 ** (breath_db / 20) * 3.5)
    shaped = _filtered(source, formants.astype(np.float32), tilt_db.astype(np.float32))
    samples = shaped * _smooth(10 ** (level_db / 20))
    samples += noise * np.float32(3.5 * 10 ** (speaker.room_db / 20))
    return np.asarray(np.clip(samples[:n_samples], -1, 1))


def _rhythm(
    n_words: int, n_frames: int, cue: dict[str, float], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Syllable of each frame, the place within it (0…1), and whether it sounds or is a pause."""
    n_syllables = max(2, round(1.4 * n_words))
    lengths = rng.gamma(8.0, 1.0, size=2 * n_syllables)
    # After each syllable a gap, mostly none; longer ones in speech without drive.
    pauses = rng.random(n_syllables) < 0.12 * 2 ** (-0.3 * cue["level"])
    lengths[1::2] *= np.where(pauses, 1.8, 0.05)
    ends = np.cumsum(lengths)
    place = np.arange(n_frames) * (ends[-1] / n_frames)
    piece = np.minimum(np.searchsorted(ends, place, side="right"), 2 * n_syllables - 1)
    within = 1 - (ends[piece] - place) / lengths[piece]
    return piece // 2, within, (piece % 2 == 0).astype(float)


def _centres(
    syllable: NDArray[np.int64], values: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
    """Frames at which the syllables' values are reached, for interpolation."""
    starts = np.searchsorted(syllable, np.arange(len(values) + 1))
    return (starts[:-1] + starts[1:]) / 2, values


def _pulses(
    pitch_hz: NDArray[np.float64],
    voiced: NDArray[np.float64],
    n_samples: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Glottal pulses with 1 % of jitter, each split between its two nearest samples."""
    phase = np.cumsum(pitch_hz) * (_HOP / SAMPLE_RATE_HZ)
    frame = np.interp(np.arange(1, int(phase[-1])), phase, np.arange(len(phase)))
    period = SAMPLE_RATE_HZ / np.interp(frame, np.arange(len(phase)), pitch_hz)
    sample = frame * _HOP + 0.01 * period * rng.normal(size=len(frame))
    sample = np.clip(sample, 0, n_samples - 2)
    # A pulse a period of equal power, whatever the pitch.
    height = np.interp(frame, np.arange(len(voiced)), voiced) * np.sqrt(period)
    whole = sample.astype(np.int64)
    part = sample - whole
    pulses = np.bincount(whole, height * (1 - part), minlength=n_samples)
    pulses += np.bincount(whole + 1, height * part, minlength=n_samples)
    return pulses.astype(np.float32)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values a frame → values a sample, by straight lines."""
    knots = np.append(values, values[-1:].repeat(2)).astype(np.float32)
    return np.asarray(knots[:-1, None] + np.diff(knots)[:, None] * _RAMP).ravel()


def _filtered(
    source: NDArray[np.float32], formants: NDArray[np.float32], tilt_db: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Shape each frame's spectrum by its resonances and its tilt.

    Args:
        source: `((frames + 1) · hop,)`.
        formants: `(frames, 4)` in Hz.
        tilt_db: `(frames,)` an octave.
    """
    from scipy import fft  # a quarter of a second that reading stored features does without

    blocks = source.reshape(-1, _HOP)
    frames = np.concatenate([blocks[:-1], blocks[1:]], axis=1)
    frames *= _WINDOW
    spectrum = fft.rfft(frames, axis=1)
    khz2 = (_BINS_HZ / 1000) ** 2  # in kHz, so that products of four stay near 1
    power = np.ones_like(spectrum, dtype=np.float32)
    for k, width_hz in enumerate(_BANDWIDTHS_HZ):
        centre = (formants[:, k, None] / 1000) ** 2
        resonance = khz2 - centre
        resonance *= resonance
        resonance += (width_hz / 1000) ** 2 * khz2
        resonance /= centre**2
        power *= resonance
    gain = np.exp(tilt_db[:, None] * (_DB * _OCTAVES))
    gain /= np.sqrt(power)
    spectrum *= gain
    shaped = fft.irfft(spectrum, n=_FRAME, axis=1)
    out = np.zeros_like(blocks)
    out[:-1] = shaped[:, :_HOP]
    out[1:] += shaped[:, _HOP:]
    return out.ravel()
