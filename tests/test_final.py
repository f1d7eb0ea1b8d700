"""`final`: one scoring of the sealed session, written down, resumable, reproducible."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from emotion_hpo import final as module
from emotion_hpo import study_file
from emotion_hpo.bundle import Bundle
from emotion_hpo.errors import HoldoutError, StudyError
from emotion_hpo.final import final
from emotion_hpo.ledger import Ledger
from emotion_hpo.models.baseline import Baseline
from emotion_hpo.preparation import quiet
from emotion_hpo.splits import Holdout


def silent(*_arguments):
    """Show nothing."""


def score(home, wanted="trial_0", *, rescore=False):
    return final(home, wanted, rescore=rescore, on_features=quiet, on_retraining=silent)


def cut_off(home, monkeypatch):
    """Interrupt a scoring after its opening, before a byte of the holdout is read."""

    def cut(_holdout):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Holdout, "unseal", cut)
        with pytest.raises(KeyboardInterrupt):
            score(home)


def test_the_result_holds_what_it_promises(searched, small_parts):
    development, holdout = small_parts
    result = score(searched)
    assert json.loads(searched.final(0).result.read_text()) == result
    assert result["n_train"] == len(development.everything)
    assert result["n_test"] == len(holdout.unseal())
    assert result["seeds"] == [0, 1]
    assert len(result["accuracy_by_seed"]) == 2
    assert result["synthetic"] is True
    assert result["n_scorings"] == 1
    assert set(result["recall_by_class"]) == set(development.everything.classes)
    for name in ("accuracy", "uar", "macro_f1"):
        low, high = result[f"{name}_interval"]
        assert low <= result[name] <= high


def test_no_recall_is_certain(searched):
    """Of so few utterances, some class is right without exception, or wrong."""
    for one in score(searched)["recall_by_class"].values():
        low, high = one["interval"]
        assert low <= one["recall"] <= high
        assert low < high


def test_the_baseline_is_scored_by_the_same_opening(searched, small_parts):
    development, holdout = small_parts
    result = score(searched)
    test = holdout.unseal()
    answers = Baseline.fit(development.everything, ("text", "speech")).probabilities(test)
    expected = accuracy_score(test.labels, answers.argmax(1))
    assert result["baseline"]["accuracy"] == pytest.approx(expected)
    assert result["baseline"]["parts"] == ["text", "speech"]
    low, high = result["baseline"]["accuracy_interval"]
    assert low <= expected <= high
    assert result["n_scorings"] == 1


def test_figures_agree_with_the_stored_predictions(searched):
    result = score(searched)
    table = pd.read_csv(searched.final(0).predictions)
    truth, said = table["emotion"], table["predicted"]
    assert result["accuracy"] == pytest.approx(accuracy_score(truth, said))
    assert result["uar"] == pytest.approx(balanced_accuracy_score(truth, said))
    macro = f1_score(truth, said, average="macro", zero_division=0)
    assert result["macro_f1"] == pytest.approx(macro)
    assert np.array(result["confusion"]["counts"]).sum() == result["n_test"]


def test_the_epochs_are_those_that_validation_chose(searched):
    trial = json.loads(searched.trial(1).record.read_text())
    assert score(searched, "1")["epochs"] == trial["best_epoch"]


def test_without_a_name_the_best_trial_is_taken(searched):
    trials = [json.loads(searched.trial(n).record.read_text()) for n in (0, 1)]
    best = max(trials, key=lambda one: one["value"])
    assert score(searched, None)["trial"] == f"trial_{best['number']}"


def test_a_second_scoring_is_refused_and_then_counted(searched):
    first = score(searched)
    told = rf"study study, trial_0, .*{100 * first['accuracy']:.2f}"
    with pytest.raises(HoldoutError, match=told):
        score(searched, "trial_1")
    assert not searched.final(1).path.exists(), "it is refused before anything is trained"
    assert score(searched, "trial_1", rescore=True)["n_scorings"] == 2


@pytest.mark.parametrize("wanted", ["trial_9", "best", "-1"])
def test_an_unknown_trial_is_named_with_those_that_there_are(searched, wanted):
    with pytest.raises(StudyError, match=rf"unknown trial '{wanted}'.*trial_0, trial_1"):
        score(searched, wanted)


def test_a_study_without_trials_says_what_to_do(make_study, small_store):
    home, config = make_study()
    home.path.mkdir()
    study_file.write_or_compare(home, config, {}, synthetic=True)
    with pytest.raises(StudyError, match="no complete trial yet; run `make search` first"):
        score(home, None)


def test_a_study_that_is_not_there_is_named(make_study):
    home, _ = make_study("nothing")
    with pytest.raises(StudyError, match="no study 'nothing'"):
        score(home)


def test_a_corpus_that_changed_is_refused(searched):
    content = searched.study.read_text()
    searched.study.write_text(content.replace("'1': ", "'1': 0").replace('"1": ', '"1": 0'))
    with pytest.raises(StudyError, match="has changed since study 'study' was searched"):
        score(searched)


def test_cut_off_before_the_holdout_is_read_it_trains_nothing_again(searched, monkeypatch):
    cut_off(searched, monkeypatch)
    monkeypatch.setattr(module, "fit", None)  # calling it would fail
    result = score(searched)
    assert result["n_scorings"] == 1
    assert len(Ledger(searched.ledger).openings(ledger_key(searched))) == 1


def test_cut_off_between_scoring_and_writing_it_writes_what_was_scored(searched, monkeypatch):
    def cut(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "_write", cut)
        with pytest.raises(KeyboardInterrupt):
            score(searched)
    monkeypatch.setattr(module, "fit", None)
    result = score(searched)
    assert result["n_scorings"] == 1
    assert searched.final(0).result.exists()


def ledger_key(home):
    line = json.loads(home.ledger.read_text().splitlines()[0])
    return line["holdout"]


def test_the_stored_model_gives_the_stored_predictions(searched, small_parts):
    score(searched)
    table = pd.read_csv(searched.final(0).predictions)
    bundle = Bundle.load(searched.final(0).model)
    test = small_parts[1].unseal()
    again = bundle.probabilities(bundle.inputs.read(test)).mean(0)
    stored = table[[f"p_{name}" for name in test.classes]].to_numpy()
    np.testing.assert_allclose(again, stored, atol=1e-6)


def test_the_same_study_gives_the_same_result(searched, tmp_path):
    first = score(searched)
    searched.ledger.unlink()
    for path in searched.final(0).path.iterdir():
        path.unlink()
    again = score(searched)
    assert {**again, "seconds": 0} == {**first, "seconds": 0}


@pytest.mark.parametrize("content", [None, b"broken"], ids=["gone", "broken"])
def test_a_model_that_was_lost_before_its_scoring_is_trained_again(searched, monkeypatch, content):
    cut_off(searched, monkeypatch)
    model = searched.final(0).model
    if content is None:
        model.unlink()
    else:
        model.write_bytes(content)
    assert score(searched)["n_scorings"] == 1


def test_a_picture_of_the_confusion_lies_there(searched):
    score(searched)
    assert searched.final(0).confusion.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no model at .*; `make final` makes one"), (b"?", "is not a model of this version")],
    ids=["absent", "broken"],
)
def test_a_model_that_cannot_be_read_says_so(tmp_path, content, message):
    path = tmp_path / "model.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError, match=message):
        Bundle.load(path)
