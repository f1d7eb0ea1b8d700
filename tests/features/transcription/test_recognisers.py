"""Each recogniser equals a plain use of its library, and says in a line what it lacks."""

import json
import shutil
import sys

import numpy as np
import pytest
import soundfile

from emotion_hpo.config.features import PretrainedSpeech
from emotion_hpo.config.recogniser import RecogniserSection
from emotion_hpo.errors import ConfigError, FeatureError
from emotion_hpo.features.pretrained.weights import digest_of, find_weights
from emotion_hpo.features.speech import as_signal
from emotion_hpo.features.transcription.recognisers import open_recogniser
from tests.features.pretrained.conftest import whisper
from tests.needed import need_module
from tests.spoken import SENTENCES, speak

__all__ = ["whisper"]

WHISPER = {"name": "faster-whisper", "language": "en"}


@pytest.fixture(scope="module")
def signals(tmp_path_factory):
    """Two spoken sentences at 16 kHz."""
    folder = tmp_path_factory.mktemp("spoken")
    speak(folder, SENTENCES[:3:2])
    return [as_signal(*soundfile.read(folder / f"u0{row}.wav", dtype="float32")) for row in (0, 1)]


def test_pocketsphinx_hears_the_same_whatever_was_heard_before(signals):
    pocketsphinx = need_module("pocketsphinx", "transcribe")
    recogniser = open_recogniser(RecogniserSection(name="pocketsphinx", language="en"), 1)
    decoder = pocketsphinx.Decoder(samprate=16_000, cmn="batch", loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((signals[0] * 32_767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    first = recogniser.recognise(signals[0])
    assert first == decoder.hyp().hypstr
    assert recogniser.recognise(signals[1]) != first
    assert recogniser.recognise(signals[0]) == first
    assert recogniser.recognise(np.zeros(400, np.float32)) == ""
    assert len(recogniser.digest) == 64


def test_whisper_equals_a_plain_use_and_has_the_digest_of_its_features(whisper, signals):
    faster_whisper = need_module("faster_whisper", "transcribe")
    recogniser = open_recogniser(RecogniserSection(**WHISPER), 1)
    plain = faster_whisper.WhisperModel(str(whisper), compute_type="float32", cpu_threads=1)
    segments, _ = plain.transcribe(signals[0], language="en", temperature=0.0)
    assert recogniser.recognise(signals[0]) == "".join(segment.text for segment in segments)
    section = PretrainedSpeech(name="pretrained", model=str(whisper), normalise="corpus")
    assert recogniser.digest == digest_of(find_weights(section, "features.speech"))
    assert recogniser.model == "tiny.en"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"language": "de"}, r"recogniser.language: unknown language 'de' \(valid: en\)"),
        ({"model": "smal"}, r"recogniser.model: no folder smal, and .* did you mean 'small'"),
        ({"model": "{folder}"}, "recogniser.model: .* holds no weights"),
    ],
)
def test_what_is_no_model_is_a_line(whisper, tmp_path, settings, message):
    need_module("faster_whisper", "transcribe")
    given = {name: value.format(folder=tmp_path) for name, value in settings.items()}
    with pytest.raises(FeatureError, match=message):
        open_recogniser(RecogniserSection(**WHISPER | given), 1)


def test_a_folder_without_its_tokenizer_fetches_none(whisper, tmp_path):
    need_module("faster_whisper", "transcribe")
    for name in ("config.json", "vocabulary.txt"):
        shutil.copy(whisper / name, tmp_path)
    (tmp_path / "model.bin").symlink_to(whisper / "model.bin")
    section = RecogniserSection(**WHISPER, model=str(tmp_path))
    with pytest.raises(FeatureError, match=r"lacks tokenizer.json; copy it"):
        open_recogniser(section, 1)


@pytest.mark.parametrize("name", ["tokenizer.json", "preprocessor_config.json", "model.bin"])
def test_a_file_that_cannot_be_read_is_a_line(whisper, tmp_path, name):
    need_module("faster_whisper", "transcribe")
    for file in whisper.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).write_text("[1]")
    section = RecogniserSection(**WHISPER, model=str(tmp_path))
    with pytest.raises(FeatureError, match=r"recogniser.model: \S+ cannot be read as Whisper: \S"):
        open_recogniser(section, 1)


def test_a_vocabulary_of_another_model_is_a_line(whisper, tmp_path, signals):
    need_module("faster_whisper", "transcribe")
    for file in whisper.iterdir():
        (tmp_path / file.name).symlink_to(file)
    tokenizer = json.loads((whisper / "tokenizer.json").read_text())
    tokenizer["added_tokens"] = tokenizer["added_tokens"][:1]
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    section = RecogniserSection(**WHISPER, model=str(tmp_path))
    with pytest.raises(FeatureError, match=r"recogniser.model: .* take tokenizer.json and"):
        open_recogniser(section, 1).recognise(signals[0])


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_another_form_is_refused_with_the_way_to_convert_it(tmp_path, name):
    need_module("faster_whisper", "transcribe")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "whisper"}))
    (tmp_path / name).write_bytes(b"")
    section = RecogniserSection(**WHISPER, model=str(tmp_path))
    with pytest.raises(FeatureError, match=r"not in CTranslate2's form; convert it: ct2-"):
        open_recogniser(section, 1)


@pytest.mark.parametrize(
    ("model", "name", "revision"),
    [("small", "small", None), ("org/whisper@v2", "org/whisper", "v2")],
)
def test_a_model_that_cannot_be_fetched_says_how_to_bring_it(monkeypatch, model, name, revision):
    faster_whisper = need_module("faster_whisper", "transcribe")
    calls = []

    def refuse(*arguments, **options):
        calls.append((*arguments, *options.values()))
        raise OSError("no network")

    monkeypatch.setattr(faster_whisper, "download_model", refuse)
    message = (
        f"{model} is neither a folder nor fetched \\(no network\\); on a connected machine run"
    )
    with pytest.raises(FeatureError, match=message):
        open_recogniser(RecogniserSection(**WHISPER, model=model), 1)
    assert calls == [(name, True, revision), (name, False, revision)], "the cache first"


@pytest.mark.parametrize(
    ("name", "module"), [("pocketsphinx", "pocketsphinx"), ("faster-whisper", "faster_whisper")]
)
def test_a_library_that_is_not_installed(monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"{name} needs {name}: pip install .*\[transcribe\]"):
        open_recogniser(RecogniserSection(name=name, language="en"), 1)
