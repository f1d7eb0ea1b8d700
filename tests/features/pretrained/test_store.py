"""A pretrained model's features in the store: keyed by its weights, resumed by dialogue."""

import re
from collections import Counter

import numpy as np
import pytest

from emotion_hpo.config import FeaturesConfig, build, dump
from emotion_hpo.errors import FeatureError
from emotion_hpo.features import prepare, workers
from emotion_hpo.features.finished import finished_folder, read_dialogue, write_dialogue
from emotion_hpo.features.preparation import quiet
from tests.features.pretrained import tiny


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tiny.write_audio(folder / "speech", "wavlm-large")
    tiny.write_text(folder / "text")
    return folder


@pytest.fixture
def config(paper, models):
    common = {"name": "pretrained", "normalise": "corpus"}
    speech = common | {"model": str(models / "speech"), "layers": "all", "pooling": "mean_std"}
    text = common | {"model": str(models / "text"), "pooling": "tokens"}
    return build(FeaturesConfig, dump(paper) | {"speech_encoder": speech, "text_encoder": text})


@pytest.fixture
def extracted(monkeypatch):
    """Dialogue → how often it was extracted to its end."""
    counts: Counter[str] = Counter()
    extract = workers.extract_dialogue

    def counting(corpus, encoders, session, dialogue, transcripts):
        yield from extract(corpus, encoders, session, dialogue, transcripts)
        counts[dialogue] += 1

    monkeypatch.setattr(workers, "extract_dialogue", counting)
    return counts


def test_views_stand_beside_what_they_are_made_of(fake_corpus, config, tmp_path, caplog):
    corpus = fake_corpus(n_sessions=1)
    with caplog.at_level("INFO"):
        store = prepare(corpus, config, tmp_path, 1, quiet)
    assert re.search(r"real-time factor [\d.]+, at most [\d,]+ MB of memory", caplog.text)
    assert {"speech", "speech_encoder", "text", "text_encoder"} < set(store.modalities)
    shard = store.open("1")
    speech, text = shard.features["speech_encoder"], shard.features["text_encoder"]
    assert (speech.n_layers, speech.dimensions, speech.values.dtype) == (4, 4 * 32, np.float16)
    assert speech[1].shape == (1, 128)
    assert speech[1].dtype == np.float32
    assert (text.n_layers, text.dimensions, text.values.dtype) == (1, 16, np.float32)
    assert speech.lengths.tolist() == [0, 1, 1, 1, 1, 1]
    assert text.lengths[2] == 0
    assert text.lengths[0] > 1
    assert shard.extracted == {"speech", "functionals", "mocap", "text"}


def test_the_key_is_of_the_weights_not_of_their_place(fake_corpus, config, models, tmp_path):
    corpus = fake_corpus(n_sessions=1)
    key = prepare(corpus, config, tmp_path, 1, quiet).keys["1"]
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (models / "speech").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    speech = config.speech_encoder.model_copy(update={"model": str(copy)})
    moved = config.model_copy(update={"speech_encoder": speech})
    assert prepare(corpus, moved, tmp_path, 1, quiet).keys["1"] == key
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert prepare(corpus, moved, tmp_path, 1, quiet).keys["1"] != key


def test_whatever_interrupts_it_nothing_is_extracted_twice(
    fake_corpus, config, tmp_path, extracted
):
    corpus = fake_corpus()

    n_before = 0

    def stop(_done, _total, _what):
        if sum(extracted.values()) > n_before:
            raise KeyboardInterrupt

    for _ in range(4):
        n_before = sum(extracted.values())
        with pytest.raises(KeyboardInterrupt):
            prepare(corpus, config, tmp_path / "cut", 1, stop)
    store = prepare(corpus, config, tmp_path / "cut", 1, quiet)
    assert sorted(extracted) == ["D1a", "D1b", "D2a", "D2b"]
    assert set(extracted.values()) == {1}
    whole = prepare(corpus, config, tmp_path / "whole", 1, quiet)
    for session in store.sessions:
        name = "speech_encoder"
        resumed, at_once = (s.open(session).features[name].values for s in (store, whole))
        np.testing.assert_array_equal(resumed, at_once)
        assert not finished_folder(store.shard_path(session)).exists()


def test_a_dialogue_that_is_half_written_counts_as_none(fake_corpus, config, tmp_path):
    assert read_dialogue(tmp_path, "D") is None
    write_dialogue(tmp_path, "D", [])
    assert read_dialogue(tmp_path, "D") == []
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-30])
    assert read_dialogue(tmp_path, "D") is None


def test_a_model_that_cannot_be_read_stops_before_anything_runs(
    fake_corpus, config, tmp_path, extracted
):
    speech = config.speech_encoder.model_copy(update={"layers": (9,)})
    broken = config.model_copy(update={"speech_encoder": speech})
    with pytest.raises(FeatureError, match=r"features\.speech_encoder\.layers: .* 0 to 3"):
        prepare(fake_corpus(), broken, tmp_path, 1, quiet)
    assert not extracted
