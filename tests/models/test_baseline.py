"""The baseline beats chance, sees its training part alone, and does with what a corpus has."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.config import LinearModel
from emotion_hpo.corpus import COLUMNS
from emotion_hpo.dataset import Preprocessor
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.models import baseline as module
from emotion_hpo.models.baseline import Baseline, choose_baseline, count_turns_before
from emotion_hpo.models.classical import divisions
from tests.dialogues import CLASSES, WORDS, Shelf, make_config, make_shelf, make_turns
from tests.pipeline import SMALL, compose_config

FEATURES = compose_config(*SMALL).features
PLAIN = LinearModel(name="baseline", learner="linear", c=3.0)


@pytest.mark.parametrize("parts", [("text",), ("speech",), ("mocap",), None])
def test_every_part_alone_and_together(small_parts, parts):
    train, validation = small_parts[0].folds[0].train, small_parts[0].folds[0].validation
    fitted = Baseline.fit(train, FEATURES, parts=parts)
    answers = fitted.probabilities(validation)
    assert fitted.parts == (parts or ("functionals", "mocap", "text"))
    assert answers.shape == (len(validation), len(validation.classes))
    np.testing.assert_allclose(answers.sum(1), 1, rtol=1e-5)
    learnt = (fitted.probabilities(train).argmax(1) == train.labels).mean()
    assert learnt > np.bincount(train.labels).max() / len(train)
    again = Baseline.fit(train, FEATURES, parts=parts)
    assert np.array_equal(answers, again.probabilities(validation))
    assert again.model == fitted.model


def test_speakers_of_validation_are_new_or_heard(small_parts):
    development = small_parts[0]
    (fold,) = development.folds
    assert not development.has_new_speakers
    stranger = only(fold.validation, fold.validation.labels >= 0, speaker="Ses09X")
    new = replace(fold, validation=stranger)
    assert replace(development, folds=(new,)).has_new_speakers
    assert not replace(development, folds=(new, fold)).has_new_speakers, "in every fold"


@pytest.mark.parametrize(
    ("n_speakers", "by_speaker", "apart"),
    [(4, True, "speaker"), (4, False, "dialogue"), (2, True, "dialogue")],
    ids=["new voices", "voices already heard", "too few voices for a sample"],
)
def test_the_choice_is_made_as_validation_judges(monkeypatch, n_speakers, by_speaker, apart):
    """On speakers that were not learnt from where validation has new ones, else on dialogues."""
    n = 40 * n_speakers
    rows, words = np.arange(n), np.array(["gladly", "never"])
    table = pd.DataFrame(
        {
            "utterance_id": [f"u{row:03}" for row in rows],
            "speaker": [f"s{row % n_speakers}" for row in rows],
            "dialogue": [f"s{row % n_speakers}_{row % 5}" for row in rows],
            "emotion": np.array(["happy", "sad"])[rows // n_speakers % 2],
            "transcript": words[rows // n_speakers % 2],
        }
    ).reindex(columns=list(COLUMNS))
    utterances = Utterances(table, ("happy", "sad"), (), np.zeros((n, 2), np.int64))
    pairs = []

    def record(*arguments):
        for learnt, other in divisions(*arguments):
            pairs.append((table.iloc[learnt], table.iloc[other]))
            yield learnt, other

    monkeypatch.setattr(module, "divisions", record)
    choose_baseline(utterances, FEATURES, by_speaker=by_speaker)
    assert len(pairs) == 3, "three divisions, the same for all candidates"
    for learnt, other in pairs:
        assert set(learnt[apart]).isdisjoint(other[apart])
        assert set(learnt["speaker"]).isdisjoint(other["speaker"]) == (apart == "speaker")
        assert set(learnt["dialogue"]).isdisjoint(other["dialogue"])


def test_a_class_that_training_lacks_has_no_share(small_parts):
    train = small_parts[0].folds[0].train
    without = train.subset(np.flatnonzero(train.labels != 2))
    answers = Baseline.fit(without, FEATURES, parts=("text",)).probabilities(train)
    assert answers.shape[1] == len(train.classes)
    assert not answers[:, 2].any()


def only(train, rows, **columns):
    """Some rows, their table changed."""
    part = train.subset(np.flatnonzero(rows))
    part.table = part.table.assign(**columns)
    return part


@pytest.mark.parametrize("parts", [("text",), ("speech",), None])
def test_one_class_is_all_that_it_knows(small_parts, parts):
    train = small_parts[0].folds[0].train
    fitted = Baseline.fit(only(train, train.labels == 1), FEATURES, parts=parts)
    answers = fitted.probabilities(train)
    assert (answers[:, 1] == 1).all()
    assert (answers.sum(1) == 1).all()


def test_without_words_it_answers_by_the_shares_of_the_classes(small_parts):
    train = small_parts[0].folds[0].train
    mute = only(train, train.labels >= 0, transcript="...")
    shares = np.bincount(train.labels, minlength=len(train.classes)) / len(train)
    fitted = Baseline.fit(mute, FEATURES, parts=("text",))
    assert fitted.parts == ()
    np.testing.assert_allclose(fitted.probabilities(train), np.tile(shares, (len(train), 1)), 1e-6)


def test_a_modality_that_training_lacks_is_left_out(small_parts):
    train = small_parts[0].folds[0].train
    mute = only(train, train.labels >= 0, transcript=None)
    both, speech = (
        Baseline.fit(mute, FEATURES, parts=parts, model=PLAIN)
        for parts in (("text", "speech"), ("speech",))
    )
    np.testing.assert_array_equal(both.probabilities(train), speech.probabilities(train))
    deaf = Baseline.fit(train.without("speech"), FEATURES, parts=("text", "speech"), model=PLAIN)
    text = Baseline.fit(train, FEATURES, parts=("text",), model=PLAIN)
    np.testing.assert_array_equal(deaf.probabilities(train), text.probabilities(train))


def test_a_session_without_any_speech_has_no_width(small_parts):
    train = small_parts[0].folds[0].train
    nothing = {"speech": [np.zeros((0, 0), np.float32)] * len(train)}
    widthless = SimpleNamespace(features=nothing, extracted=frozenset())
    places = np.stack([np.zeros(len(train), np.int64), np.arange(len(train))], axis=1)
    mute = Utterances(train.table, train.classes, (widthless,), places)
    answers = Baseline.fit(train, FEATURES, parts=("speech",), model=PLAIN).probabilities(mute)
    assert np.ptp(answers, axis=0).max() == 0, "the average stands where it is missing"
    preprocessor = Preprocessor.fit(train, FEATURES, ("speech",))
    batch = preprocessor.transform(mute).batch(np.arange(len(mute)))
    assert not batch.modalities["speech"].present.any()


def test_baseline_reads_the_turns_before():
    """The words of the turn before tell the emotion; the utterance's own tell the next one's."""
    shelf = make_shelf((40,) * 12)
    labels = [turn // 2 % 3 for turn in range(41)]
    shelf.table["emotion"] = [CLASSES[labels[turn]] for turn in shelf.table["turn"]]
    shelf.table["transcript"] = [WORDS[labels[turn + 1]] for turn in shelf.table["turn"]]
    turns = make_turns(shelf)
    numbers = turns.table["dialogue"].str[1:].astype(int)
    train, test = (turns.subset(np.flatnonzero(part)) for part in (numbers < 6, numbers >= 6))
    accuracies = []
    for turns_before in (0, 1):
        fitted = Baseline.fit(train, make_config().features, turns_before=turns_before)
        assert fitted.model.turns_before == turns_before
        accuracies.append((fitted.probabilities(test).argmax(1) == test.labels).mean())
    assert accuracies[0] < 0.7
    assert accuracies[1] > 0.9


def test_turns_before_that_only_disturb_are_not_read():
    shelf = make_shelf((40,) * 6)
    labels = np.random.default_rng(0).integers(3, size=len(shelf.table))
    shelf.table["emotion"] = [CLASSES[label] for label in labels]
    shelf.table["transcript"] = [WORDS[label] for label in labels]
    fitted = Baseline.fit(make_turns(shelf), make_config().features, turns_before=8)
    assert fitted.model.turns_before == 0


def test_turns_are_read_where_models_read_them_and_there_are_some():
    shelf = make_shelf()
    in_order = make_turns(shelf).labelled()
    no_order = make_turns(Shelf(shelf.table.assign(turn=None), shelf.features)).labelled()
    plain = compose_config(*SMALL)
    reading = compose_config(*SMALL, "+model.context.name=recurrent")
    assert [count_turns_before(plain, turns) for turns in (in_order, no_order)] == [0, 0]
    assert [count_turns_before(reading, turns) for turns in (in_order, no_order)] == [8, 0]
