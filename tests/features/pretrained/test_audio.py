"""Every family equals a plain use of transformers, whatever else is in the batch."""

import json
import pickle
import shutil

import numpy as np
import pytest
import safetensors.numpy
import torch

from emotion_hpo.config.features import PretrainedSpeech
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.pretrained.encoders import open_speech_model
from emotion_hpo.features.pretrained.weights import find_weights
from tests.features.pretrained import tiny
from tests.features.pretrained.extra import library

transformers = library("transformers")

PATH = "features.speech"
FAMILIES = [*tiny.AUDIO, "whisper"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Family → the folder of a tiny model of it."""
    root = tmp_path_factory.mktemp("families")
    written = {name: tiny.write_audio(root / name, name) for name in tiny.AUDIO}
    return written | {"whisper": tiny.write_whisper(root / "whisper")}


def opened(folder, layers="all", **settings):
    section = PretrainedSpeech(
        name="pretrained", model=str(folder), layers=layers, normalise="corpus", **settings
    )
    return open_speech_model(find_weights(section, PATH), section, PATH, 0)


def plain_states(folder, signal):
    """Hidden states `(steps, layers, d)` and the output `(steps, d)` of one signal, alone."""
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    inputs = extractor(signal, sampling_rate=16_000, return_tensors="pt")
    n_steps = None
    if model.config.model_type == "whisper":
        model = model.encoder
        n_steps = int(np.ceil(np.ceil(len(signal) / 160) / 2))
    with torch.no_grad():
        output = model(next(iter(inputs.values())), output_hidden_states=True)
    states = torch.stack(output.hidden_states, 2)[0].numpy()
    return states[:n_steps], output.last_hidden_state[0].numpy()[:n_steps]


@pytest.mark.parametrize("family", FAMILIES)
def test_states_equal_a_plain_use_whatever_is_in_the_batch(folders, family, signals):
    model = opened(folders[family])
    together = model.encode(signals)
    for signal, states in zip(signals, together, strict=True):
        expected, _ = plain_states(folders[family], signal)
        assert states.shape == expected.shape
        assert states.shape[1:] == (model.n_layers, model.dimensions)
        np.testing.assert_allclose(states, expected, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_layer_is_the_models_output(folders, family, signals):
    _, expected = plain_states(folders[family], signals[0])
    (states,) = opened(folders[family], "last").encode(signals[:1])
    np.testing.assert_allclose(states[:, 0], expected, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_some_layers(folders, family, signals):
    (every,) = opened(folders[family]).encode(signals[:1])
    (some,) = opened(folders[family], [0, 2]).encode(signals[:1])
    np.testing.assert_array_equal(some, every[:, [0, 2]])


def test_only_models_whose_mask_is_exact_read_several_at_once(folders):
    masked = {name for name in tiny.AUDIO if opened(folders[name]).takes_batches}
    assert masked == {"wav2vec2-large", "mms", "hubert-large", "wavlm-large"}


def test_the_preprocessor_says_whether_the_input_is_scaled(tmp_path, signals):
    scaled = tiny.write_audio(tmp_path / "scaled", "wavlm-large")
    plain = tiny.write_audio(tmp_path / "plain", "wavlm-large", do_normalize=False)
    (with_scale,) = opened(scaled).encode(signals[:1])
    (by_scale_of_ten,) = opened(scaled).encode([10 * signals[0]])
    (without,) = opened(plain).encode(signals[:1])
    np.testing.assert_allclose(with_scale, by_scale_of_ten, atol=1e-3)
    assert np.abs(with_scale - without).max() > 1e-2


def test_without_its_preprocessor_it_is_refused(folders, tmp_path):
    for path in folders["wavlm-base"].iterdir():
        if path.name != "preprocessor_config.json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(FeatureError, match=r"lacks preprocessor_config\.json"):
        opened(tmp_path)


def test_a_layer_that_is_not_there(folders):
    with pytest.raises(FeatureError, match=r"features.speech.layers: .* 0 to 3, but got 7"):
        opened(folders["hubert-base"], [1, 7])


def test_weights_in_half_precision_are_read_as_float32(folders, tmp_path, signals):
    model = transformers.AutoModel.from_pretrained(folders["wavlm-large"]).half()
    model.save_pretrained(tmp_path)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folders["wavlm-large"])
    extractor.save_pretrained(tmp_path)
    (half,) = opened(tmp_path).encode(signals[:1])
    (single,) = opened(folders["wavlm-large"]).encode(signals[:1])
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, single, atol=0.02)


class _Hostile:
    """A pickle that would write a file as it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def _dump(state, path):
    path.write_bytes(pickle.dumps(state))


@pytest.mark.parametrize("allow_pickle", [False, True])
@pytest.mark.parametrize("save", [torch.save, _dump])
def test_a_hostile_pickle_does_not_run(folders, tmp_path, allow_pickle, save):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (folder / name).write_bytes((folders["wavlm-base"] / name).read_bytes())
    save({"weight": _Hostile(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(FeatureError, match=r"is a pickle|holds more than weights"):
        opened(folder, allow_pickle=allow_pickle)
    assert not (tmp_path / "ran").exists()


def test_a_damaged_pickle_is_a_line(folders, tmp_path):
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((folders["wavlm-base"] / name).read_bytes())
    for content in (b"not a pickle", b"", pickle.dumps({"weight": torch.zeros(2)})[:40]):
        (tmp_path / "pytorch_model.bin").write_bytes(content)
        with pytest.raises(FeatureError, match=r"features.speech.model: .* (damaged|read)"):
            opened(tmp_path, allow_pickle=True)


def test_a_pickle_that_is_allowed_is_read(folders, tmp_path, signals):
    source = folders["wav2vec2-base"]
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    model = transformers.AutoModel.from_pretrained(source)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    (pickled,) = opened(tmp_path, allow_pickle=True).encode(signals[:1])
    (safe,) = opened(source).encode(signals[:1])
    np.testing.assert_allclose(pickled, safe, atol=1e-5)


def _without(names):
    """Cut all weights whose names begin so out of a file."""

    def change(path):
        tensors = safetensors.numpy.load_file(path)
        left = {name: data for name, data in tensors.items() if not name.startswith(names)}
        assert 0 < len(left) < len(tensors)
        safetensors.numpy.save_file(left, path, {"format": "pt"})

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        pytest.param(
            "model.safetensors",
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
            "cannot be read: .*header",
            id="a pointer to weights that Git has not fetched",
        ),
        pytest.param(
            "model.safetensors",
            lambda path: path.write_bytes(path.read_bytes()[:-100]),
            "cannot be read: .*header",
            id="a download that was cut short",
        ),
        pytest.param(
            "model.safetensors",
            _without("encoder.layers.0"),
            r"lacks \d+ weights that its config.json names, such as encoder\.layers\.0",
            id="transformers would draw what is missing at random",
        ),
        pytest.param(
            "preprocessor_config.json",
            lambda path: path.write_text("[]"),
            "cannot be read: ",
            id="no settings",
        ),
        pytest.param(
            "config.json",
            lambda path: path.write_text('{"model_type": "bert"}'),
            "is of the kind bert, which does not read the waveform",
            id="a model of text",
        ),
    ],
)
def test_what_is_no_model_is_a_line(folders, tmp_path, name, change, message):
    folder = shutil.copytree(folders["wavlm-large"], tmp_path / "model")
    change(folder / name)
    with pytest.raises(FeatureError, match=rf"features\.speech\.model: \S+ {message}") as caught:
        opened(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_weights_that_no_state_depends_on_may_be_missing(folders, tmp_path, signals):
    folder = shutil.copytree(folders["wavlm-large"], tmp_path / "model")
    _without("masked_spec_embed")(folder / "model.safetensors")
    (states,) = opened(folder).encode(signals[:1])
    np.testing.assert_array_equal(states, opened(folders["wavlm-large"]).encode(signals[:1])[0])


def test_a_folder_with_code_of_its_own_runs_none_of_it(folders, tmp_path):
    for path in folders["wavlm-base"].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    plain = json.loads((tmp_path / "config.json").read_text())
    plain |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(plain))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(FeatureError, match=r"features.speech.model: .* cannot be read"):
        opened(tmp_path)
    assert not (tmp_path / "ran").exists()
