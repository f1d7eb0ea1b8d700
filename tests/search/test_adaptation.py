"""What a configuration leaves to the corpus: a model of whatever the corpus has."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.config import dump, flatten
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.search.space import applies, check_space, configured
from tests.pipeline import compose_open_config

CLASSES = ("angry", "sad")

#: Frames as they come, each view of a source by its encoder.
SEQUENCES = "model.frames=sequences"


def corpus(ready_made=(), words="yes", **frames):
    """A store, and a development part of two utterances with `frames` of each modality."""
    arrays = {name: [np.zeros(shape, np.float32)] * 2 for name, shape in frames.items()}
    table = pd.DataFrame(
        {"emotion": CLASSES, "transcript": [words, None], "speaker": CLASSES, "session": CLASSES}
    )
    places = np.stack([np.zeros(2, np.int64), np.arange(2)], axis=1)
    utterances = Utterances(
        table, CLASSES, (SimpleNamespace(features=arrays, extracted=frozenset()),), places
    )
    store = SimpleNamespace(
        corpus_name="own", modalities=(*frames, "text"), ready_made=tuple(ready_made)
    )
    fold = SimpleNamespace(train=utterances)
    return store, SimpleNamespace(everything=utterances, folds=(fold,))


def test_encoders_and_ranges_are_those_of_what_the_corpus_has():
    config, lines = adapt(compose_open_config(SEQUENCES), *corpus(speech=(9, 34)))
    assert list(config.model.encoders) == ["text", "speech"]
    assert config.model.encoders["speech"].units == 112
    assert {path for path in config.space if "encoders" in path} == {
        "model.encoders.text.units",
        "model.encoders.speech.units",
    }
    assert "training.learning_rate" in config.space
    assert "text, speech" in lines[0]
    assert "2 utterances: 80 epochs of 1 steps" in lines[1]


def test_ready_made_modalities_get_an_encoder_by_their_shape():
    ready_made = {"video": (1, 7), "gaze": (30, 2), "speech": (1, 47)}
    config, _ = adapt(compose_open_config(SEQUENCES), *corpus(ready_made, words=" ", **ready_made))
    names = {modality: encoder.name for modality, encoder in config.model.encoders.items()}
    template = compose_open_config().model
    assert names == {
        "speech": template.vector.name,
        "gaze": template.sequence.name,
        "video": template.vector.name,
    }
    assert {"model.encoders.gaze.units", "model.encoders.video.units"} <= set(config.space)
    assert not any(path.startswith(("model.vector", "model.sequence")) for path in config.space)


def test_conditions_go_with_the_ranges_of_a_template():
    conditional = "+space.model.vector.taper={low: 0.5, high: 1.0, when: {model.vector.units: 256}}"
    config, _ = adapt(compose_open_config(conditional), *corpus(("video",), video=(1, 7)))
    assert config.space["model.encoders.video.taper"].when == {"model.encoders.video.units": 256}


def test_what_is_plain_stays_as_it_is():
    store, development = corpus(speech=(9, 34))
    adapted, _ = adapt(compose_open_config(), store, development)
    assert adapt(adapted, store, development) == (adapted, [])
    plain = compose_open_config("model=fusion", "features=paper", "training=paper", "pruner=none")
    assert adapt(plain, store, development) == (plain, [])


def test_a_corpus_without_anything_to_read_is_refused():
    with pytest.raises(ConfigError, match="corpus own has no modality that the model could read"):
        adapt(compose_open_config(), *corpus(words="", speech=(0, 34)))


def test_an_encoder_that_is_taken_out_is_not_read_by_another():
    config, lines = adapt(
        compose_open_config("~model.encoders.mocap"), *corpus(speech=(9, 34), mocap=(20, 189))
    )
    assert list(config.model.encoders) == ["text", "speech"]
    assert "without mocap" in lines[0]


def test_an_encoder_of_ones_own_stays():
    own = "+model.encoders.voice={name: mlp, units: 33, depth: 1, output_units: 8}"
    config, _ = adapt(compose_open_config(own), *corpus(("voice",), voice=(1, 12)))
    assert config.model.encoders["voice"].units == 33


@pytest.fixture
def everything():
    """A corpus whose recordings were extracted twice, with words read twice, motion and gaze."""
    frames = {"speech": (9, 34), "functionals": (1, 882), "mocap": (20, 189), "gaze": (30, 2)}
    store, development = corpus(("gaze",), **frames)
    store.modalities = (*store.modalities, "text_factors")
    shelf = development.everything._shards[0]
    shelf.extracted = frozenset({"speech", "functionals", "mocap"})
    return store, development


def test_with_statistics_all_are_vectors(everything):
    config, lines = adapt(compose_open_config("model.frames=statistics"), *everything)
    encoders, template = config.model.encoders, compose_open_config().model
    assert set(encoders) == {"text_factors", "functionals", "mocap", "gaze"}
    assert encoders["mocap"] == encoders["gaze"] == template.vector
    assert encoders["functionals"] == template.encoders["functionals"]
    assert config.model.frames == "statistics"
    assert {"model.encoders.mocap.units", "model.encoders.gaze.units"} <= set(config.space)
    assert "without" not in lines[0]  # the voice is read


def test_without_statistics_frames_stay(everything):
    config, _ = adapt(compose_open_config(SEQUENCES), *everything)
    assert config.model.encoders["mocap"].name == "conv2d"
    assert {"speech", "functionals", "text", "text_factors"} <= set(config.model.encoders)


def test_without_factors_words_are_tokens(everything):
    store, development = everything
    store.modalities = tuple(name for name in store.modalities if name != "text_factors")
    config, _ = adapt(compose_open_config("model.frames=statistics"), store, development)
    assert "text" in config.model.encoders


def test_without_words_neither_view_is_read(everything):
    store, development = everything
    development.everything.table["transcript"] = None
    config, lines = adapt(compose_open_config(), store, development)
    assert not {"text", "text_factors"} & set(config.model.encoders)
    assert "without text." in lines[0]


def test_what_a_training_part_lacks_is_left_out():
    store, development = corpus(("gaze",), speech=(9, 34), gaze=(0, 2))
    config, lines = adapt(compose_open_config(), store, development)
    assert "gaze" not in config.model.encoders
    assert "without gaze" in lines[0]


@pytest.mark.parametrize("preset", ["model=dialogue", "study=best"])
def test_context_is_left_out_where_there_are_no_dialogues(preset):
    store, development = corpus(functionals=(1, 9))
    own = compose_open_config(preset)
    config, lines = adapt(own, store, development)
    assert any("every utterance is read alone" in line for line in lines)
    assert config.model.context.name == "none"
    assert not config.may_read_dialogues
    assert not any(path.startswith(("model.context", "model.turns")) for path in config.space)
    check_space(config.experiment(), config.space)
    development.everything.table["turn"] = [0, 1]
    config, lines = adapt(own, store, development)
    assert not any("every utterance is read alone" in line for line in lines)
    assert config.model.context == own.model.context
    assert {path for path in own.space if "context" in path} <= set(config.space)


def test_a_model_that_names_its_encoders_keeps_its_context():
    store, development = corpus(functionals=(1, 9))
    own = ("model=smoke", "features=paper", "+model.context={name: recurrent}")
    config, lines = adapt(compose_open_config(*own), store, development)
    assert any("every utterance is read alone" in line for line in lines)
    assert config.model.context.name == "recurrent"


@pytest.mark.parametrize("reads", ["past", "both"])
def test_a_search_of_every_learner_reads_the_turns_after_only_where_it_may(reads):
    """The choice stands once, at the network's context, which a classical model does not have."""
    config = compose_open_config("study=best", f"model.context.reads={reads}")
    base = flatten(dump(config.experiment()))
    for learner, context in [("svm", "none"), ("network", "attention"), ("network", "none")]:
        params = {"model.learner": learner, "model.context.name": context}
        drawn = {
            path: range_.choices[-1] if range_.choices else range_.high
            for path, range_ in config.space.items()
            if path not in params and applies(range_, {**base, **params})
        }
        params = {
            path: params[path] for path in params if learner == "network" or "learner" in path
        }
        model = configured(config.experiment(), {**params, **drawn}).model
        reads_context = learner != "network" or context != "none"
        assert model.has_context == reads_context
        assert model.reads_after == (reads_context and reads == "both")
