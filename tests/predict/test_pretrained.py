"""A model that reads what pretrained models say: the same answers as in training, or a refusal."""

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from emotion_hpo.config import build, dump, with_value
from emotion_hpo.config.search import ExperimentConfig
from emotion_hpo.corpus import open_corpus
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.preparation import quiet
from emotion_hpo.features.store import prepare
from emotion_hpo.predict.predictor import Predictor, Utterance
from emotion_hpo.splits.parts import split
from tests import ready_made
from tests.features.pretrained import tiny
from tests.pipeline import SMALL, compose_config

MEAN = {"name": "mean", "output_units": 4, "layer_mix": "learned"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Where the tiny models lie: `speech`, all layers, and `text`."""
    folder = tmp_path_factory.mktemp("models")
    tiny.write_audio(folder / "speech", "wavlm-large")
    tiny.write_text(folder / "text")
    return folder


@pytest.fixture(scope="module")
def base(models):
    """A configuration whose speech and text are what the tiny models say."""
    plain = dump(compose_config(*SMALL, "split=session").experiment())
    common = {"name": "pretrained", "normalise": "corpus"}
    speech = common | {"model": str(models / "speech"), "layers": "all", "pooling": "mean"}
    text = common | {"model": str(models / "text"), "pooling": "mean"}
    plain = with_value(with_value(plain, "features.speech", speech), "features.text", text)
    return build(ExperimentConfig, plain)


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    """The folder of a manifest, and the model that learnt from it."""
    folder = tmp_path_factory.mktemp("pretrained")
    ready_made.write_manifest(folder, with_audio=True)
    return folder, ready_made.train(base, folder, (), {"speech": MEAN, "text": MEAN})


def test_it_answers_a_recording_and_words_as_it_read_the_corpus(trained, tmp_path):
    from emotion_hpo.tracking.model import EmotionModel

    folder, saved_model = trained
    saved_model.save(tmp_path / "model.pt")
    predictor = Predictor.open(tmp_path / "model.pt")
    assert predictor.reads_pretrained
    corpus = open_corpus(saved_model.config.corpus)
    store = prepare(corpus, saved_model.config.features, folder / "features", 1, quiet)
    everything = split(store, saved_model.config.split)[0].everything
    own = saved_model.probabilities(saved_model.preprocessor.transform(everything)).mean(0)
    samples, rate = soundfile.read(folder / "a.wav", dtype="float32")
    utterances = [
        Utterance(text=text, samples=samples, sample_rate_hz=rate)
        for text in everything.table["transcript"]
    ]
    np.testing.assert_allclose(predictor(utterances), own, atol=1e-4)
    np.testing.assert_allclose(predictor(utterances[:1]), own[:1], atol=1e-4)
    served = EmotionModel()
    served.load_context(SimpleNamespace(artifacts={"model": tmp_path / "model.pt"}))
    sound = (folder / "a.wav").read_bytes()
    rows = pd.DataFrame({"text": everything.table["transcript"], "speech": sound})
    np.testing.assert_allclose(served.predict(None, rows), own, atol=1e-4)


def test_layers_are_mixed_by_weights_of_their_own(trained):
    _, saved_model = trained
    state = saved_model.networks[0]
    assert state["encoders.speech.layer_mix.logits"].shape == (4,)
    assert not [name for name in state if name.startswith("encoders.text.layer_mix")]
    assert saved_model.preprocessor.readers["speech"].n_layers == 4
    assert state["encoders.speech.encoder.output.weight"].shape == (4, 16)


def test_it_names_the_digest_of_its_models(trained, models):
    from emotion_hpo.features.pretrained.weights import digest_of, find_weights

    saved_model = trained[1]
    for name in ("speech", "text"):
        weights = find_weights(saved_model.config.features.pretrained[name], f"features.{name}")
        assert saved_model.origins[name].settings["weights"] == digest_of(weights)
        assert "model" not in saved_model.origins[name].settings


def test_another_model_under_the_same_name_is_refused(trained, models, tmp_path):
    saved_model = trained[1]
    weights = models / "speech" / "model.safetensors"
    kept = shutil.copy(weights, tmp_path)
    try:
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
        with pytest.raises(FeatureError, match=r"^speech: the model was trained on .* weights"):
            Predictor(saved_model)
        weights.unlink()
        with pytest.raises(FeatureError, match=r"features\.speech\.model: .* holds no weights"):
            Predictor(saved_model)
    finally:
        shutil.copy(kept, weights)
    Predictor(saved_model)
