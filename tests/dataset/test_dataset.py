"""Batches: every utterance once, padded no further than needed, scaled by the training part."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emotion_hpo.dataset import Dataset, Preprocessor, ResidentDataset, Scale
from emotion_hpo.errors import ConfigError
from tests.pipeline import SMALL, compose_config

MODALITIES = ("text", "speech", "mocap")


@pytest.fixture(scope="module")
def features():
    return compose_config(*SMALL).features


@pytest.fixture(scope="module")
def preprocessor(small_parts, features) -> Preprocessor:
    return Preprocessor.fit(small_parts[0].folds[0].train, features, MODALITIES)


@pytest.fixture(scope="module")
def data(small_parts, preprocessor) -> Dataset:
    return preprocessor.transform(small_parts[0].folds[0].train)


def rows_of(batches) -> list[int]:
    return [int(row) for batch in batches for row in batch.rows]


@pytest.mark.parametrize("bucket_batches", [1, 3, 1000])
def test_an_epoch_holds_every_utterance_once(data, bucket_batches):
    assert sorted(rows_of(data.epoch(8, bucket_batches, [0, 1]))) == list(range(len(data)))
    assert sorted(rows_of(data.in_order(8))) == list(range(len(data)))


def test_an_epoch_is_a_function_of_its_seed(data):
    assert rows_of(data.epoch(8, 2, [0, 1])) == rows_of(data.epoch(8, 2, [0, 1]))
    assert rows_of(data.epoch(8, 2, [0, 1])) != rows_of(data.epoch(8, 2, [0, 2]))


def test_buckets_save_padding(data):
    def n_steps(bucket_batches):
        batches = data.epoch(8, bucket_batches, [0, 1])
        return sum(batch.modalities["speech"].mask.numel() for batch in batches)

    assert n_steps(4) < n_steps(1)


def test_labels_and_rows_agree(data):
    for batch in data.epoch(8, 2, [0, 1]):
        assert torch.equal(batch.labels, data.labels[batch.rows])


def test_padding_stops_at_the_longest(data):
    for batch in data.in_order(8):
        for name in ("text", "speech"):
            assert batch.modalities[name].mask.any(0).all(), f"{name} has a step that nobody has"


def test_sequences_are_cut(small_parts, features, preprocessor):
    short = features.model_copy(
        update={"speech": features.speech.model_copy(update={"max_frames": 3})}
    )
    read = Preprocessor.fit(small_parts[0].folds[0].train, short, ("speech",)).transform(
        small_parts[0].folds[0].train
    )
    assert max(batch.modalities["speech"].values.shape[1] for batch in read.in_order(8)) == 3


def test_word_vectors_come_with_the_vocabulary(small_parts, features, preprocessor, tmp_path):
    assert preprocessor.shapes()["text"].vectors is None
    path = tmp_path / "vectors.txt"
    path.write_text(f"{preprocessor.vocabulary.words[0]} 1 2\nnever_said 3 4\n", "utf-8")
    configured = features.model_copy(
        update={"text": features.text.model_copy(update={"vectors": path})}
    )
    shape = Preprocessor.fit(small_parts[0].folds[0].train, configured, ("text",)).shapes()["text"]
    assert shape.vectors.shape == (shape.n_tokens, 2)
    assert shape.vectors[2].tolist() == [1, 2]
    assert shape.vectors[3:].isnan().all()


@pytest.mark.parametrize("draw", ["epoch", "in_order"])
def test_batches_on_a_device_are_the_same(data, draw):
    arguments = (8, 3, [0, 1]) if draw == "epoch" else (8,)
    there = ResidentDataset(data, torch.device("cpu"))
    batches = zip(getattr(data, draw)(*arguments), getattr(there, draw)(*arguments), strict=True)
    for ours, theirs in batches:
        assert torch.equal(ours.rows, theirs.rows)
        assert torch.equal(ours.labels, theirs.labels)
        for name, sequence in ours.modalities.items():
            for part in ("values", "mask", "present"):
                assert torch.equal(
                    getattr(sequence, part), getattr(theirs.modalities[name], part)
                ), name


def test_votes_are_shares(data):
    shares = data.vote_shares()
    torch.testing.assert_close(shares.sum(1), torch.ones(len(data)))
    for row in range(5):
        votes = json.loads(data.utterances.table["votes"][row])
        counts = torch.tensor([float(votes.get(name, 0)) for name in data.utterances.classes])
        torch.testing.assert_close(shares[row], counts / counts.sum())


def test_training_features_are_standardised(data):
    values, masks = [], []
    for batch in data.in_order(8):
        speech = batch.modalities["speech"]
        values.append(speech.values[speech.mask])
        masks.append(speech.mask)
    frames = torch.cat(values)
    torch.testing.assert_close(frames.mean(0), torch.zeros(34), atol=1e-3, rtol=0)
    torch.testing.assert_close(frames.std(0), torch.ones(34), atol=1e-3, rtol=0)


def test_speaker_scales_make_speakers_alike(small_parts, features):
    by_speaker = features.model_copy(
        update={"speech": features.speech.model_copy(update={"normalise": "speaker"})}
    )
    development, holdout = small_parts
    preprocessor = Preprocessor.fit(development.folds[0].train, by_speaker, ("speech",))
    test = preprocessor.transform(holdout.unseal())  # speakers who were never heard
    frames = torch.cat(
        [b.modalities["speech"].values[b.modalities["speech"].mask] for b in test.in_order(8)]
    )
    # Ten utterances of each: three of the corpus's weigh a quarter of their distance from it.
    by_corpus = Preprocessor.fit(development.folds[0].train, features, ("speech",))
    plain = torch.cat(
        [
            b.modalities["speech"].values[b.modalities["speech"].mask]
            for b in by_corpus.transform(holdout.unseal()).in_order(8)
        ]
    )
    assert frames.mean(0).abs().mean() < 0.4 * plain.mean(0).abs().mean()


def test_a_heard_speaker_keeps_the_scale_of_training(small_parts, features):
    by_speaker = features.model_copy(
        update={"speech": features.speech.model_copy(update={"normalise": "speaker"})}
    )
    train = small_parts[0].folds[0].train
    reader = Preprocessor.fit(train, by_speaker, ("speech",)).readers["speech"]
    single = train.subset(np.array([0]))
    assert reader.scales(single, "speech") == [reader.speakers[single.table["speaker"][0]]]


def test_the_vocabulary_is_of_the_training_part_alone(small_parts, features):
    train = small_parts[0].folds[0].train
    some = train.subset(np.arange(5))
    few, all_words = (
        Preprocessor.fit(part, features, ("text",)).vocabulary for part in (some, train)
    )
    assert set(few.words) < set(all_words.words)


@pytest.mark.parametrize(
    ("transcript", "min_count", "message"),
    [
        ("...", 1, "model.encoders.text: no training utterance has words"),
        (None, 1, "model.encoders.text: no training utterance has words"),
        ("yes", 10**6, r"features\.text\.min_count: no word .* occurs 1000000 times; lower it"),
    ],
)
def test_a_training_part_without_words_is_an_error(
    small_parts, features, transcript, min_count, message
):
    train = small_parts[0].folds[0].train
    train = train.subset(np.arange(len(train)))
    train.table = train.table.assign(transcript=transcript)
    text = features.text.model_copy(update={"min_count": min_count})
    with pytest.raises(ConfigError, match=message):
        Preprocessor.fit(train, features.model_copy(update={"text": text}), ("text",))


def test_a_modality_that_nobody_has_is_an_error(small_parts, features):
    part = small_parts[0].folds[0].train
    absent = np.flatnonzero(~part.table["has_mocap"].to_numpy(bool))
    if not len(absent):
        absent = np.array([], int)
    with pytest.raises(ConfigError, match="no training utterance has mocap"):
        Preprocessor.fit(part.subset(absent), features, ("mocap",))


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(2, 30), st.integers(1, 4)),
        elements=st.floats(-1e3, 1e3, width=32),
    )
)
def test_scale_standardises_or_centres(frames):
    scaled = Scale.fit(iter([frames]), frames.shape[1])(frames)
    assert np.isfinite(scaled).all()
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-2)
    assert (scaled.std(0) < 1.01).all()


def test_scale_ignores_lost_values():
    whole = np.array([[1.0], [3.0], [5.0]], np.float32)
    holed = np.array([[1.0], [np.nan], [3.0], [5.0]], np.float32)
    assert Scale.fit(iter([whole]), 1).mean == Scale.fit(iter([holed]), 1).mean
