"""Models that answer together: one file, one set of features, each member as it was evaluated."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from emotion_hpo.errors import FeatureError, StudyError
from emotion_hpo.predict import Predictor, Utterance, batch, extractor, predict_rows
from emotion_hpo.predict.rows import Row
from emotion_hpo.predict.saved_model import SavedEnsemble, SavedModel
from tests.dialogue_models import fit_classical, make_saved_model, make_utterances
from tests.dialogues import CLASSES, make_shelf, make_turns

SHELF = make_shelf((6, 2, 8), seed=1)
TURNS = make_utterances(SHELF)
EXACT = {"atol": 1e-6, "rtol": 0}


@pytest.fixture(scope="module")
def ensemble():
    """One reads the turns before, one each utterance alone, one has no network."""
    members = (make_saved_model("gru"), make_saved_model(None, seed=7), fit_classical("linear"))
    return SavedEnsemble(members, (0.5, 0.3, 0.2), "greedy")


@pytest.fixture(scope="module")
def turns():
    turns = make_turns(SHELF)
    turns.table["emotion"] = turns.table["emotion"].fillna("ang")
    return turns


def in_given_order(rows):
    return rows[np.argsort(np.argsort(SHELF.table["utterance_id"]))]


@pytest.mark.parametrize("rule", ["greedy", "maximum_confidence"])
def test_every_kind_of_member_answers_as_in_evaluation(ensemble, turns, tmp_path, rule):
    replace(ensemble, rule=rule).save(tmp_path / "model.pt")
    loaded = SavedEnsemble.load(tmp_path / "model.pt")
    own = [m.probabilities(m.preprocessor.transform(turns)) for m in ensemble.members]
    seeds = [np.stack([own[0][n], own[1][n], own[2][0]]) for n in (0, 1)]
    if rule == "greedy":
        expected = np.mean([np.tensordot(ensemble.weights, members, 1) for members in seeds], 0)
    else:
        rows = np.arange(len(turns))
        expected = np.mean([members[members.max(2).argmax(0), rows] for members in seeds], 0)
    np.testing.assert_allclose(loaded.answers(turns).mean(0), expected, **EXACT)
    asked = Predictor.open(tmp_path / "model.pt")
    assert (asked.reads, asked.n_members, asked.n_networks, asked.synthetic) == ("past", 3, 5, True)
    assert asked.columns == ("text", "features.speech", "features.voice")
    np.testing.assert_allclose(asked(TURNS), in_given_order(expected), **EXACT)


def test_turn_by_turn_is_as_all_at_once(ensemble):
    asked, turns = Predictor(ensemble), TURNS[8:]
    dialogue = asked.begin()
    for turn, expected in zip(turns, asked(turns), strict=True):
        answer, dialogue = asked.answer_next(turn, asked.begin().continued(dialogue.to_text()))
        np.testing.assert_allclose(answer.probabilities, expected, atol=1e-5)
    assert {turn.vectors.shape for turn in dialogue.turns} == {(2 * 6,)}, "of the two that read it"
    other = Predictor(replace(ensemble, weights=(0.4, 0.4, 0.2)))
    with pytest.raises(FeatureError, match="begun with another model"):
        other.begin().continued(dialogue.to_text())


def test_who_reads_turns_without_a_network_keeps_no_dialogue(ensemble):
    members = (ensemble.members[0], fit_classical("linear", turns_before=2))
    asked = Predictor(SavedEnsemble(members, (0.5, 0.5), "average"))
    with pytest.raises(FeatureError, match=r"read by a model that is no network: .* at once"):
        asked.begin()


def test_an_utterance_is_extracted_once(ensemble, monkeypatch):
    calls, extract = [], extractor.extract
    monkeypatch.setattr(
        extractor, "extract", lambda *given: calls.append(given[1]) or extract(*given)
    )
    Predictor(ensemble)(TURNS[:2])
    assert calls == [("speech", "voice")] * 2


def test_what_one_member_reads_is_enough(ensemble):
    asked = Predictor(ensemble)
    frames = Utterance(features={"speech": TURNS[0].features["speech"]})
    (answer,) = asked.answer([frames])
    assert answer.modalities == ("speech",)
    with pytest.raises(FeatureError, match=r"\(text, features.speech, features.voice\)"):
        asked([Utterance(text="?!")])


def test_each_member_scales_a_voice_that_is_read_in_parts(monkeypatch, tmp_path):
    """The one knows a speaker whom the other has not heard, and reads other modalities."""
    members = []
    for saved_model, speakers in (
        (make_saved_model(None), ()),
        (fit_classical("linear"), ("Ann",)),
    ):
        readers = {
            name: replace(reader, speakers=dict.fromkeys(speakers, reader.corpus))
            for name, reader in saved_model.preprocessor.readers.items()
        }
        preprocessor = replace(saved_model.preprocessor, readers=readers)
        members.append(replace(saved_model, preprocessor=preprocessor))
    asked = Predictor(SavedEnsemble(tuple(members), (0.5, 0.5), "average"))
    rows = []
    for number, turn in enumerate(TURNS):
        np.save(tmp_path / f"{number}.npy", turn.features["voice"])
        cells = {"features.voice": f"{number}.npy", "speaker": "Ann" if number % 2 else "Bob"}
        rows.append(Row(f"{number:02d}", cells, tmp_path))
    at_once = predict_rows(asked, rows, lambda *_: None)
    monkeypatch.setattr(batch, "_AT_ONCE", 5)
    names = [f"p_{name}" for name in CLASSES]
    in_parts = predict_rows(asked, rows, lambda *_: None)
    np.testing.assert_allclose(in_parts[names], at_once[names], **EXACT)


def test_a_single_model_and_an_ensemble_are_told_apart(ensemble, tmp_path):
    single = ensemble.members[0]
    single.save(tmp_path / "single.pt")
    assert len(SavedEnsemble.load(tmp_path / "single.pt").members) == 1
    assert SavedEnsemble((single,)).digest() == single.digest()
    ensemble.save(tmp_path / "many.pt")
    with pytest.raises(StudyError, match=r"many\.pt holds an ensemble of 3 models"):
        SavedModel.load(tmp_path / "many.pt")


def test_a_file_of_such_members_is_named_with_the_reason(ensemble, tmp_path):
    ensemble.save(tmp_path / "many.pt")
    stored = torch.load(tmp_path / "many.pt", weights_only=True)
    stored["members"][1]["classes"].reverse()
    torch.save(stored, tmp_path / "many.pt")
    with pytest.raises(StudyError, match=r"many\.pt cannot be used: .* know the same classes; `m"):
        SavedEnsemble.load(tmp_path / "many.pt")


def test_members_that_cannot_answer_together_are_refused(ensemble):
    first = ensemble.members[0]
    with pytest.raises(StudyError, match="know the same classes"):
        SavedEnsemble((first, replace(first, classes=("ang", "sad", "neu"))), (0.5, 0.5), "average")
    other_speech = first.config.features.speech.model_copy(update={"name": "functionals"})
    features = first.config.features.model_copy(update={"speech": other_speech})
    other = replace(first, config=first.config.model_copy(update={"features": features}))
    with pytest.raises(StudyError, match="read features of one kind"):
        SavedEnsemble((first, other), (0.5, 0.5), "average")
