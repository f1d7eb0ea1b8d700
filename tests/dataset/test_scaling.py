"""Scales by speaker: blends with the corpus's, by how much each speaker says."""

import numpy as np
import pandas as pd
import pytest
import torch

from emotion_hpo.config import build
from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.corpus.schema import COLUMNS
from emotion_hpo.dataset import Preprocessor
from emotion_hpo.dataset.scaling import N_PRIOR, Moments
from emotion_hpo.errors import StudyError
from emotion_hpo.features.utterances import Utterances
from tests.pipeline import SMALL, compose_config


class _Shelf:
    """Vectors in memory, as the ready-made modality `voice`."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.features = {"voice": [row[None] for row in vectors.astype(np.float32)]}
        self.extracted = frozenset()


def utterances(vectors: np.ndarray, speakers: list[str]) -> Utterances:
    """Utterances of one vector each."""
    table = pd.DataFrame(
        {
            "utterance_id": [f"{row:03d}" for row in range(len(vectors))],
            "speaker": speakers,
            "emotion": "sad",
        }
    ).reindex(columns=list(COLUMNS))
    places = np.stack([np.zeros(len(vectors), np.int64), np.arange(len(vectors))], axis=1)
    return Utterances(table, ("sad",), (_Shelf(vectors),), places)


def configured(normalise: str) -> FeaturesConfig:
    return compose_config(*SMALL).features.with_normalisation({"voice": normalise})


def scaled(preprocessor: Preprocessor, part: Utterances) -> np.ndarray:
    """The vectors as a network sees them."""
    batch = preprocessor.transform(part).batch(np.arange(len(part)))
    frames: torch.Tensor = batch.modalities["voice"].values  # noqa: PD011 (no table)
    return frames[:, 0].numpy()


@pytest.fixture(scope="module")
def train() -> Utterances:
    """Two speakers of 50 utterances; what the second says lies ten higher."""
    vectors = np.random.default_rng(0).normal(size=(100, 3)) * [5, 10, 25]
    vectors[50:] += 10
    return utterances(vectors, ["low"] * 50 + ["high"] * 50)


@pytest.fixture(scope="module")
def by_speaker(train: Utterances) -> Preprocessor:
    return Preprocessor.fit(train, configured("speaker"), ("voice",))


def test_speakers_of_many_utterances_are_centred_nearly_by_themselves(train, by_speaker):
    values = scaled(by_speaker, train)
    plain = scaled(Preprocessor.fit(train, configured("corpus"), ("voice",)), train)
    for rows in (slice(0, 50), slice(50, 100)):
        centre, distance = values[rows].mean(0), plain[rows].mean(0)
        np.testing.assert_array_less(np.abs(centre[:2]), 0.2 * np.abs(distance[:2]))
        np.testing.assert_allclose(values[rows].std(0), 1, atol=0.15)


def test_a_lone_utterance_of_an_unknown_speaker_is_scaled_nearly_by_the_corpus(train, by_speaker):
    vector = np.array([[12.0, -3.0, 40.0]])
    by_corpus = Preprocessor.fit(train, configured("corpus"), ("voice",))
    lone = utterances(vector, ["stranger"])
    weight = 1 / (1 + N_PRIOR)
    expected = (1 - weight) / np.sqrt(1 - weight) * scaled(by_corpus, lone)
    np.testing.assert_allclose(scaled(by_speaker, lone), expected, rtol=1e-4)
    assert (np.abs(expected) > 0.1).any()


def test_a_column_that_a_speaker_never_has_keeps_the_corpuss_scale(train, by_speaker):
    reader = by_speaker.readers["voice"]
    vectors = np.array([[1.0, np.nan, 2.0], [3.0, np.nan, 4.0]])
    (scale, _) = reader.scales(utterances(vectors, ["a", "a"]), "voice")
    assert scale.mean[1] == pytest.approx(reader.corpus.mean[1])
    assert scale.deviation[1] == pytest.approx(reader.corpus.deviation[1])
    assert scale.mean[0] == pytest.approx((2 * 2 + N_PRIOR * reader.corpus.mean[0]) / (2 + N_PRIOR))


def test_moments_of_parts_are_added():
    frames = np.random.default_rng(0).normal(3, 5, (6, 4, 2)).astype(np.float32)
    frames[1, :, 0] = frames[3, 2] = np.nan
    whole = Moments.fit(iter(frames), 2)
    parts = Moments.fit(iter(frames[:2]), 2) + Moments.fit(iter(frames[2:]), 2)
    np.testing.assert_allclose(whole.mean, np.nanmean(frames, axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(whole.variance, np.nanvar(frames, axis=(0, 1)), rtol=1e-5)
    for name, value in vars(whole).items():
        np.testing.assert_allclose(getattr(parts, name), value)


def test_who_speaks_with_whom_does_not_matter(train, by_speaker):
    vectors = np.random.default_rng(1).normal(size=(9, 3))
    speakers = list("aabbbbccc")
    together = scaled(by_speaker, utterances(vectors, speakers))
    for name in "abc":
        rows = [row for row, speaker in enumerate(speakers) if speaker == name]
        alone = scaled(by_speaker, utterances(vectors[rows], [name] * len(rows)))
        np.testing.assert_array_equal(together[rows], alone)


def test_none_leaves_values_as_they_are(train):
    values = scaled(Preprocessor.fit(train, configured("none"), ("voice",)), train)
    np.testing.assert_array_equal(values, np.concatenate(train._shards[0].features["voice"]))


def test_what_is_undecided_is_refused(train):
    with pytest.raises(StudyError, match=r"features\.voice\.normalise is still auto"):
        Preprocessor.fit(train, configured("auto"), ("voice",))


def test_settings_of_ready_made_features_are_typed():
    plain = compose_config(*SMALL).features.model_dump()
    assert build(FeaturesConfig, {**plain, "video": {}}).section("video").normalise == "auto"
    for section, message in (
        ({"normalise": "spaeker"}, r"video\.normalise: .*'speaker'.*got 'spaeker'"),
        ({"normalize": "speaker"}, r"video\.normalize: unknown key .* did you mean 'normalise'"),
        (3, "video: keys with values are needed here, but got 3"),
    ):
        with pytest.raises(ValueError, match=message):
            build(FeaturesConfig, {**plain, "video": section})
