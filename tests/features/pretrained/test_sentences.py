"""Text models equal a plain use of transformers; ONNX Runtime gives what its file holds."""

import numpy as np
import pytest
import torch

from emotion_hpo.config.features import PretrainedText
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.pretrained import sentences
from emotion_hpo.features.pretrained.sentences import open_text_model
from emotion_hpo.features.pretrained.weights import find_weights
from tests.features.pretrained import tiny
from tests.features.pretrained.extra import library

transformers = library("transformers")

PATH = "features.text"
TEXTS = ["so good to see you!", "never", "good so"]


def opened(folder, layers="all", **settings):
    section = PretrainedText(
        name="pretrained", model=str(folder), layers=layers, normalise="corpus", **settings
    )
    return open_text_model(find_weights(section, PATH), section, PATH, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.write_text(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module", params=tiny.TEXT)
def family(request, tmp_path_factory):
    """The folder of a tiny model of each family."""
    return tiny.TEXT[request.param](tmp_path_factory.mktemp(request.param))


def plain_states(folder, text, **settings):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        inputs = tokenizer(text, return_tensors="pt", **settings)
        output = model(**inputs, output_hidden_states=True)
    return torch.stack(output.hidden_states, 2)[0].numpy()


def test_states_equal_a_plain_use_whatever_is_in_the_batch(family):
    for text, tokens in zip(TEXTS, opened(family).encode(TEXTS), strict=True):
        np.testing.assert_allclose(tokens.states, plain_states(family, text), atol=1e-4)
        assert tokens.is_special.tolist() == [True, *[False] * (len(tokens.states) - 2), True]


def test_real_weights_equal_a_plain_use(minilm):
    texts = ["That is wonderful news!", "I don't know what you mean by that.", "no"]
    for text, tokens in zip(texts, opened(minilm, "last").encode(texts), strict=True):
        expected = plain_states(minilm, text)[:, -1]
        np.testing.assert_allclose(tokens.states[:, 0], expected, atol=1e-4)


def test_what_is_too_long_is_cut_at_what_the_model_takes(family):
    (tokens,) = opened(family).encode(["so " * 100])
    assert len(tokens.states) == 24
    (tokens,) = opened(family, max_tokens=5).encode(["so " * 100])
    expected = plain_states(family, "so " * 100, truncation=True, max_length=5)
    np.testing.assert_allclose(tokens.states, expected, atol=1e-4)


def test_a_model_of_speech_is_none_of_text(whisper):
    with pytest.raises(FeatureError, match=r"features.text.model: .* no model of text"):
        opened(whisper, "last")


def test_a_tokenizer_that_only_sentencepiece_reads(folder, tmp_path, monkeypatch):
    for path in folder.iterdir():
        if path.name not in ("tokenizer.json", "vocab.txt"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "spiece.model").write_bytes(b"pieces")
    monkeypatch.setattr(sentences, "find_spec", lambda _: None)
    with pytest.raises(FeatureError, match=r"as spiece\.model alone, .* pip install sentencepiece"):
        opened(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    assert len(opened(tmp_path).encode(["so good"])) == 1


@pytest.fixture(scope="module")
def onnx_folder(folder, tmp_path_factory):
    """A file whose states of a token are its number, twice: what the session does is known."""
    library("onnxruntime")
    return write_onnx(tmp_path_factory.mktemp("onnx"), folder)


def write_onnx(target, folder):
    """An ONNX graph by hand: `states = cast(input_ids)[..., None] * [1, 2]`."""
    from tests.features.pretrained.onnx_bytes import token_numbers

    for path in folder.iterdir():
        if path.suffix in (".json", ".txt"):
            (target / path.name).write_bytes(path.read_bytes())
    (target / "model.onnx").write_bytes(token_numbers())
    return target


def test_onnx_gives_what_its_file_holds(onnx_folder):
    tokens = opened(onnx_folder, "last").encode(["so good", "never"])
    assert tokens[0].states[:, 0].tolist() == [[2, 4], [4, 8], [5, 10], [3, 6]]
    assert tokens[1].states[:, 0].tolist() == [[2, 4], [10, 20], [3, 6]]


def test_onnx_has_no_other_layer(onnx_folder):
    with pytest.raises(FeatureError, match=r"features.text.layers: .* the last layer alone"):
        opened(onnx_folder, "all")


def test_an_onnx_file_that_is_none(onnx_folder, tmp_path):
    for path in onnx_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(FeatureError, match=r"model\.onnx cannot be read"):
        opened(tmp_path, "last")
