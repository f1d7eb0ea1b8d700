"""Copies of recordings at another speed or pitch: right lengths, right tones, and nothing else."""

import numpy as np
import pytest

from emotion_hpo.config.training import Perturbation
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.schema import Recording
from emotion_hpo.errors import ConfigError
from emotion_hpo.features import prepare
from emotion_hpo.features.perturbed import Perturbed, perturb
from emotion_hpo.features.preparation import quiet
from emotion_hpo.features.speech import SAMPLE_RATE_HZ, resample
from emotion_hpo.features.stretching import stretch

RATE_HZ = 44_100  # resampled by every extractor, as a copy of any speed is
TONE_HZ = 300
FASTER = Perturbation("speed", 2.0)


def tone(seconds: float = 1.0) -> np.ndarray:
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.5 * np.sin(2 * np.pi * TONE_HZ * times_s)).astype(np.float32)


@pytest.mark.parametrize(
    ("perturbation", "seconds", "tone_hz"),
    [
        (FASTER, 0.5, 600),
        (Perturbation("speed", 0.8), 1.25, 240),
        (Perturbation("pitch", 12.0), 1.0, 600),
        (Perturbation("pitch", -12.0), 1.0, 150),
        (Perturbation("pitch", 2.0), 1.0, 300 * 2 ** (2 / 12)),
    ],
)
def test_speed_changes_length_and_tone_pitch_the_tone_alone(perturbation, seconds, tone_hz):
    changed = perturb(Recording("a", tone(), RATE_HZ), perturbation)
    heard = resample(changed.samples, changed.sample_rate_hz)
    assert len(heard) == pytest.approx(seconds * SAMPLE_RATE_HZ, abs=3)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)), 1 << 18))
    assert spectrum.argmax() * SAMPLE_RATE_HZ / (1 << 18) == pytest.approx(tone_hz, rel=0.005)
    middle = heard[len(heard) // 4 : -len(heard) // 4]
    assert np.abs(middle).max() == pytest.approx(0.5, rel=0.01), "no louder, no softer"


def test_a_stretched_recording_keeps_its_course():
    """What is said first stays first, at the share of the whole where it was."""
    noise = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)
    noise[: RATE_HZ // 4] *= 0.01
    np.testing.assert_allclose(stretch(noise, 1.0, RATE_HZ), noise, atol=1e-6)
    for factor in (0.7, 1.3):
        parts = np.array_split(np.abs(stretch(noise, factor, RATE_HZ)), 100)
        levels = np.array([part.mean() for part in parts])
        assert levels[:22].max() < 0.1 < levels[28:].min()


def test_what_has_no_usable_sound_is_left_to_the_extractors():
    for samples in (None, np.zeros(0, np.float32), np.array([0, np.inf, 0], np.float32)):
        recording = Recording("a", samples)
        assert perturb(recording, Perturbation("pitch", 2.0)) is recording


def test_a_copy_is_a_recording_alone(fake_corpus, paper, tmp_path):
    corpus = fake_corpus(features=("video",), ready_made=("video",))
    copies = Perturbed.open(corpus, FASTER)
    plain, store = (prepare(each, paper, tmp_path, 1, quiet) for each in (fake_corpus(), copies))
    assert store.directory == plain.directory
    for session in store.sessions:
        original, shard = plain.open(session), store.open(session)
        assert set(shard.features) == {"speech", "functionals"}
        assert shard.table["utterance_id"].equals(original.table["utterance_id"])
        rows = range(1, len(shard.table))
        lengths = [
            (len(original.features["speech"][i]), len(shard.features["speech"][i])) for i in rows
        ]
        assert all(shorter <= longer for longer, shorter in lengths)
        assert not len(shard.features["speech"][0]), "the fake's first utterance has no recording"


def test_copies_are_known_by_corpus_and_perturbation(fake_corpus, paper, tmp_path, monkeypatch):
    perturbations = (FASTER, Perturbation("speed", 0.5), Perturbation("pitch", 2.0))
    corpora = (fake_corpus(), fake_corpus(seed=1))
    every = [Perturbed.open(corpus, each) for corpus in corpora for each in perturbations]
    prints = {each.fingerprint("1", Digests()) for each in (*corpora, *every)}
    assert len(prints) == len(corpora) + len(every)
    store = prepare(every[0], paper, tmp_path, 1, quiet, leave_out="2")
    assert [*store.keys] == ["1"]
    monkeypatch.setattr("emotion_hpo.features.store._make", lambda *_: pytest.fail("made anew"))
    assert prepare(every[0], paper, tmp_path, 1, quiet, leave_out="2") == store


@pytest.mark.parametrize("traits", [
    {"modalities": ("text", "mocap")},
    {"modalities": ("speech", "text"), "ready_made": ("speech",)},
])  # fmt: skip
def test_a_corpus_without_recordings_has_no_copies(fake_corpus, traits):
    message = r"^training\.augmentation\.speed: corpus fake brings no recordings"
    with pytest.raises(ConfigError, match=message):
        Perturbed.open(fake_corpus(**traits), FASTER)
