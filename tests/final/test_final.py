"""`final`: one scoring of the sealed session, written down, resumable, reproducible."""

import json
import re
import shutil
import signal
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from emotion_hpo.errors import ConfigError, HoldoutError, StudyError
from emotion_hpo.features.preparation import quiet
from emotion_hpo.final import result as result_module
from emotion_hpo.final import scoring as module
from emotion_hpo.final.choice import choose
from emotion_hpo.final.expected_score import read_expected_score
from emotion_hpo.final.plan import Plan, Recipe, baseline_recipe, halvings_of
from emotion_hpo.final.replay_final import replay_final
from emotion_hpo.final.retraining import Retraining
from emotion_hpo.final.scoring import Ensemble, final
from emotion_hpo.metrics import METRICS
from emotion_hpo.metrics import combination as decision
from emotion_hpo.models.baseline import Baseline
from emotion_hpo.predict import Predictor, find_model
from emotion_hpo.predict.saved_model import SavedEnsemble, SavedModel
from emotion_hpo.report.card import model_card
from emotion_hpo.report.document import Text
from emotion_hpo.report.reading import read_findings
from emotion_hpo.report.scorings import ledger_blocks
from emotion_hpo.runtime.contents import Content
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.search import batch
from emotion_hpo.search.batch import BatchStopped
from emotion_hpo.search.stop import stop_signals
from emotion_hpo.splits.parts import Holdout
from emotion_hpo.study import Epoch, StudyHome, Trial, TrialState, study_file
from emotion_hpo.study.curves import read_curve
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.ledger import Looker
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training.learner import build_learner, fit_preprocessor
from tests.pipeline import stop_after_an_epoch, trainer
from tests.recorded import read_recorded
from tests.records import baseline, candidate, expected, search_summary, selection, span

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover


def ends(stored):
    """Ends of an interval of `result.json`."""
    return stored["low"], stored["high"]


def score(home, wanted="trial_0", *, rescore=False, **more):
    train = trainer(home) if study_file.exists(home) else None
    means = {"on_features": quiet, "train": train}
    return final(home, wanted, rescore=rescore, **means, **more).to_json()


@pytest.fixture(scope="module")
def scored(searched_once, tmp_path_factory):
    """A study whose first trial has been scored, and the result; nobody changes either."""
    folder = tmp_path_factory.mktemp("scored") / "studies"
    shutil.copytree(searched_once, folder, symlinks=True)
    home = StudyHome(folder, "study")
    return home, score(home)


def interrupt(home, monkeypatch, place, name, best="trial_0", **more):
    """Interrupt a scoring where it calls a function."""

    def cut(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(place, name, cut)
        with pytest.raises(KeyboardInterrupt):
            score(home, best, **more)


def cut_off(home, monkeypatch, best="trial_0", **more):
    """Interrupt a scoring after its opening, before a byte of the holdout is read."""
    interrupt(home, monkeypatch, Holdout, "unseal", best, **more)


def test_the_result_holds_what_it_promises(scored, small_parts):
    development, holdout = small_parts
    home, result = scored
    assert json.loads(home.final(0).result.read_text()) == result
    assert result["n_train"] == len(development.everything)
    assert result["n_test"] == len(holdout.unseal())
    assert result["seeds"] == [0, 1]
    assert len(result["accuracy_by_seed"]) == 2
    assert result["synthetic"] is True
    assert result["n_scorings"] == 1
    cost = result["cost"]
    assert (cost["n_networks"], cost["device"]) == (2, "cpu")
    assert 0 < cost["latency_ms"] < 1000
    assert set(result["recall_by_class"]) == set(development.everything.classes)
    for name in ("accuracy", "uar", "macro_f1"):
        low, high = ends(result[f"{name}_interval"])
        assert low <= result[name] <= high


def test_no_recall_is_certain(scored):
    """Of so few utterances, some class is right without exception, or wrong."""
    for one in scored[1]["recall_by_class"].values():
        low, high = ends(one["interval"])
        assert low <= one["recall"] <= high
        assert low < high


def test_the_baseline_is_scored_by_the_same_opening(scored, small_parts):
    development, holdout = small_parts
    home, result = scored
    test = holdout.unseal()
    features = study_file.read(home).config.features
    answers = Baseline.fit(development.everything, features).probabilities(test)
    expected = accuracy_score(test.labels, answers.argmax(1))
    assert result["baseline"]["accuracy"] == pytest.approx(expected)
    assert result["baseline"]["parts"] == ["functionals", "mocap", "text"]
    assert result["modalities"] == ["mocap", "speech", "text"]
    low, high = ends(result["baseline"]["accuracy_interval"])
    assert low <= expected <= high
    assert result["n_scorings"] == 1


def test_figures_agree_with_the_stored_predictions(scored):
    home, result = scored
    table = pd.read_csv(home.final(0).predictions)
    truth, said = table["emotion"], table["predicted"]
    assert result["accuracy"] == pytest.approx(accuracy_score(truth, said))
    assert result["uar"] == pytest.approx(balanced_accuracy_score(truth, said))
    macro = f1_score(truth, said, average="macro", zero_division=0)
    assert result["macro_f1"] == pytest.approx(macro)
    assert np.array(result["confusion"]["counts"]).sum() == result["n_test"]


def test_the_answers_are_as_sure_as_said(scored):
    home, result = scored
    table = pd.read_csv(home.final(0).predictions)
    classes = result["confusion"]["classes"]
    probabilities = table[[f"p_{name}" for name in classes]].to_numpy()
    truth = np.eye(len(classes))[[classes.index(one) for one in table["emotion"]]]
    found = result["calibration"]
    assert found["brier"] == pytest.approx(((probabilities - truth) ** 2).sum(1).mean(), abs=1e-6)
    gaps = [abs(bin_["accuracy"] - bin_["confidence"]) * bin_["n"] for bin_ in found["reliability"]]
    assert found["ece"] == pytest.approx(sum(gaps) / result["n_test"], abs=1e-6)
    assert sum(one["n"] for one in found["reliability"]) == result["n_test"]


def test_every_breakdown_counts_every_utterance(scored, small_parts):
    home, result = scored
    test = small_parts[1].unseal().table
    said = pd.read_csv(home.final(0).predictions)
    assert set(result["by"]) == {
        "scenario", "speaker", "wears_markers", "modalities", "transcript_in_training"
    }  # fmt: skip
    for parts in result["by"].values():
        assert sum(one["n"] for one in parts.values()) == result["n_test"]
        right = sum(one["n"] * one["accuracy"] for one in parts.values())
        assert right == pytest.approx(result["n_test"] * result["accuracy"])
    assert set(result["by"]["scenario"]) == {"improvised", "scripted"}
    for one in (each for parts in result["by"].values() for each in parts.values()):
        low, high = ends(one["accuracy_interval"])
        assert low <= one["accuracy"] <= high
        assert low < high, "nothing is certain of so few"
    (first, *_) = result["test_speakers"]
    mine = said[said["speaker"] == first]
    accuracy = (mine["emotion"] == mine["predicted"]).mean()
    assert result["by"]["speaker"][first]["accuracy"] == pytest.approx(accuracy)
    present = Counter(
        "+".join(name for name in ("mocap", "speech", "text") if row[f"has_{name}"])
        for _, row in test.iterrows()
    )
    assert {name: part["n"] for name, part in result["by"]["modalities"].items()} == present


def test_words_that_training_had_are_told_apart(scored, small_parts):
    development, holdout = small_parts

    def words(text):
        return tuple(re.findall(r"[a-z']+", text.lower()))

    known = set(map(words, development.everything.table["transcript"]))
    repeated = [words(text) in known for text in holdout.unseal().table["transcript"]]
    by = scored[1]["by"]["transcript_in_training"]
    counts = {"yes": sum(repeated), "no": len(repeated) - sum(repeated)}
    assert {name: part["n"] for name, part in by.items()} == {k: n for k, n in counts.items() if n}


def test_each_modality_is_removed_in_turn(scored, small_parts):
    home, result = scored
    assert set(result["without"]) == {"text", "speech", "mocap"}
    saved_model = SavedModel.load(home.final(0).model)
    test = small_parts[1].unseal()
    for modality, found in result["without"].items():
        lacking = test.without(modality)
        (batch,) = list(saved_model.preprocessor.transform(lacking).in_order(len(test)))
        assert not batch.modalities[modality].present.any()
        assert all(one.present.any() for name, one in batch.modalities.items() if name != modality)
        answers = saved_model.probabilities(saved_model.preprocessor.transform(lacking)).mean(0)
        expected = accuracy_score(test.labels, answers.argmax(1))
        assert found["accuracy"] == pytest.approx(expected)
        lost = found["loss_of_accuracy"]["difference"]
        assert lost == pytest.approx(result["accuracy"] - expected)


def test_it_is_held_against_baseline_and_default_configuration(searched):
    result = score(searched, "trial_1")
    assert result["default"]["trial"] == "trial_0"
    for one in (result["default"], result["baseline"]):
        gain = one["gain"]["accuracy"]
        assert gain["difference"] == pytest.approx(result["accuracy"] - one["accuracy"])
        low, high = ends(gain["interval"])
        assert low < gain["difference"] < high
        assert 0 < gain["mcnemar_p"] <= 1
    assert result["n_scorings"] == 1, "the others need no opening of their own"


def test_the_default_configuration_is_not_held_against_itself(scored):
    assert scored[1]["default"] is None


def test_what_search_promised_is_held_against_the_test(searched):
    trials = [json.loads(searched.trial(n).record.read_text()) for n in (0, 1)]
    best = max(trials, key=lambda one: one["value"])["number"]
    interval = span(0.0, 1.0)
    promised = {"winner": f"trial_{best}", "value": 0.4, "interval": interval}
    write_record(searched.summary, search_summary(expected=expected(**promised)))
    result = score(searched, f"trial_{best}")
    test = {"test": result["accuracy"], "is_inside": True}
    assert result["expected"] == {**promised, **test, "holds_for": "new speakers"}
    other = score(searched, f"trial_{1 - best}", rescore=True)
    assert other["expected"] is None, "nothing was promised of it"
    confirmed = {"value": 0.3, "interval": span(0.0, 0.4), "optimism": 0.01}
    write_record(searched.selection, selection(winner=f"trial_{1 - best}", expected=confirmed))
    again = score(searched, f"trial_{1 - best}", rescore=True)
    assert (again["expected"]["value"], again["expected"]["holds_for"]) == (0.3, "new speakers")


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
    again = score(searched, "trial_1", rescore=True)
    assert again["n_scorings"] == 2
    both = [first["accuracy"], again["accuracy"]]
    assert [one["accuracy"] for one in again["scorings"]] == both
    assert [one["trial"] for one in again["scorings"]] == ["trial_0", "trial_1"]
    assert all(one["by"] and one["at"] for one in again["scorings"])
    assert again["scorings_spread"] == pytest.approx(np.std(both, ddof=1))


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
    with pytest.raises(StudyError, match="does not hold what study 'study' was searched on"):
        score(searched)


def test_stopped_in_an_epoch_it_goes_on_to_the_same_predictions(searched, tmp_path, monkeypatch):
    whole = StudyHome(
        shutil.copytree(searched.directory, tmp_path / "whole", symlinks=True), "study"
    )
    score(whole, "trial_1")
    with monkeypatch.context() as patched:
        stop_after_an_epoch(patched)
        with pytest.raises(BatchStopped, match=r"^Stopped; the same command goes on"):
            score(searched, "trial_1")
    assert not searched.ledger.exists()
    score(searched, "trial_1")
    assert searched.final(1).predictions.read_bytes() == whole.final(1).predictions.read_bytes()
    trials = read_trials(searched.batch("final"))
    (again,) = (trial for trial in trials if trial.continues is not None)
    assert again.curve[:1] == read_curve(searched.batch("final").trial(again.continues))
    assert [epoch.epoch for epoch in again.curve] == [1, 2, 3]
    assert not list(searched.batch("final").path.rglob("*.pt")), "models stand in final/ alone"


def test_a_seed_whose_model_is_broken_is_trained_again_alone(searched, monkeypatch):
    """As of a version that stores them in another way."""

    interrupt(searched, monkeypatch, Retraining, "_assemble")
    home = searched.batch("final")
    path, *others = home.path.rglob("weights.pt")
    path.write_bytes(path.read_bytes()[:1000])
    score(searched)
    by_job = Counter(trial.job for trial in read_trials(home))
    assert sorted(by_job.values()) == [*[1] * len(others), 2]


def test_cut_off_before_the_holdout_is_read_it_trains_nothing_again(searched, monkeypatch):
    cut_off(searched, monkeypatch)
    monkeypatch.setattr(batch, "_work", None)  # calling it would fail
    result = score(searched)
    assert result["n_scorings"] == 1
    assert len(Ledger(searched.ledger).openings(ledger_key(searched))) == 1


def test_a_stop_before_the_holdout_is_opened_leaves_it_sealed(searched, monkeypatch):
    """While the last training ends, and where a command of several studies does not train."""

    def stop_after(function):
        def stopping(*arguments):
            made = function(*arguments)
            signal.raise_signal(signal.SIGINT)
            return made

        return stopping

    for place, name in ((batch, "_work"), (module, "_retrain")):
        with monkeypatch.context() as patched, ExitStack() as stack:
            patched.setattr(place, name, stop_after(getattr(place, name)))
            if place is module:
                stack.enter_context(stop_signals())
            with pytest.raises(BatchStopped, match=r"^Stopped; the same command goes on"):
                score(searched)
        assert not searched.ledger.exists()
    monkeypatch.setattr(batch, "_work", None)
    assert score(searched)["n_scorings"] == 1


def test_cut_off_between_scoring_and_writing_it_writes_what_was_scored(searched, monkeypatch):
    interrupt(searched, monkeypatch, module, "write")
    monkeypatch.setattr(batch, "_work", None)
    result = score(searched)
    assert result["n_scorings"] == 1
    assert searched.final(0).result.exists()


def test_some_utterances_that_were_scored_before_are_said(searched, small_parts):
    few = Content(small_parts[1].content.utterances[:5])
    looker = Looker(study="other", trial="trial_7", config="c", by="ann")
    Ledger(searched.ledger).open(few, "model", looker, rescore=False)
    result = score(searched)
    (overlap,) = result["overlaps"]
    assert overlap.items() >= {"n_shared": 5, "study": "other", "trial": "trial_7"}.items()
    assert result["n_scorings"] == 1


def ledger_key(home):
    line = json.loads(home.ledger.read_text().splitlines()[0])
    return line["holdout"]


def test_the_stored_model_gives_the_stored_predictions(scored, small_parts):
    home, _ = scored
    table = pd.read_csv(home.final(0).predictions)
    saved_model = SavedModel.load(home.final(0).model)
    test = small_parts[1].unseal()
    again = saved_model.probabilities(saved_model.preprocessor.transform(test)).mean(0)
    stored = table[[f"p_{name}" for name in test.classes]].to_numpy()
    np.testing.assert_allclose(again, stored, atol=1e-6)


def test_the_same_study_gives_the_same_result(scored, searched):
    _, first = scored
    again = score(searched)
    when = {"seconds": 0, "scorings": [], "cost": None, "scored_at": None}
    assert {**again, **when} == {**first, **when}


@pytest.mark.parametrize("content", [None, b"broken"], ids=["gone", "broken"])
def test_a_model_that_was_lost_before_its_scoring_is_trained_again(searched, monkeypatch, content):
    cut_off(searched, monkeypatch)
    model = searched.final(0).model
    if content is None:
        model.unlink()
    else:
        model.write_bytes(content)
    assert score(searched)["n_scorings"] == 1


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
        SavedModel.load(path)


def test_without_a_name_the_confirmed_winner_is_taken_for_its_epochs(searched):
    trials = [json.loads(searched.trial(n).record.read_text()) for n in (0, 1)]
    other = min(trials, key=lambda one: one["value"])["number"]
    confirmed = candidate(f"trial_{other}", epochs=2)
    write_record(searched.selection, selection(winner=confirmed["trial"], candidates=[confirmed]))
    result = score(searched, None)
    assert (result["trial"], result["epochs"]) == (f"trial_{other}", 2)


@pytest.mark.parametrize(
    "content",
    ["{", "[1]", {"winner": 3}, {"version": 2}, {"candidates": [{"trial": "trial_0"}]},
     {"expected": {"value": "high"}}, {"expected": {"value": 0.5, "interval": span(0.6, 0.4),
                                                    "optimism": 0.0}}],
)  # fmt: skip
def test_a_damaged_selection_is_named_before_anything_is_opened(searched, content):
    if isinstance(content, dict):
        content = json.dumps(selection().to_json() | content)
    write_record(searched.summary, search_summary())
    searched.selection.write_text(content)
    fault = r"selection.json (is not readable|was not written by this version): .*; delete it, and"
    with pytest.raises(StudyError, match=fault):
        score(searched, None)
    assert not searched.ledger.exists()


def test_as_many_steps_are_fewer_epochs_of_more_data(searched, small_parts):
    write_record(searched.selection, selection(candidates=[candidate("trial_0", epochs=3)]))
    content = searched.study.read_text()
    searched.study.write_text(content.replace("retrain: epochs", "retrain: steps"))
    development, _ = small_parts
    share = len(development.folds[0].train) / len(development.everything)
    assert score(searched)["epochs"] == round(3 * share)


def curve(losses, training=0):
    return tuple(
        Epoch(number, {"val/loss": loss}, 1.0, 0.0, training)
        for number, loss in enumerate(losses, start=1)
    )


#: Halved before the fifth epoch, and before the eighth.
FALLS = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("curves", "epochs", "share", "halvings"),
    [
        ((FALLS,), 8, 1.0, (0, 0, 0, 0, 1, 1, 1, 2)),
        ((FALLS,), 4, 0.5, (0, 0, 1, 1)),
        ((FALLS[:5],), 7, 1.0, (0, 0, 0, 0, 1, 1, 1)),
        ((FALLS, FALLS, [3.0, 2.0, 1.0, 0.5, 0.4]), 6, 1.0, (0, 0, 0, 0, 1, 1)),
        ((FALLS, [3.0, 2.0, 1.0], [2.0, 1.0]), 6, 1.0, (0, 0, 0, 0, 0, 0)),
    ],
    ids=["one", "in steps", "stopped early", "of folds the median", "most never waited"],
)
def test_the_rate_is_halved_where_validation_halved_it(curves, epochs, share, halvings):
    trained = [one for index, losses in enumerate(curves) for one in curve(losses, index)]
    trial = Trial(number=0, state=TrialState.COMPLETE, params={}, curve=tuple(trained))
    assert halvings_of(trial, epochs, share) == halvings


@pytest.mark.parametrize("rule", ["greedy", "average", "weighted", "maximum_confidence"])
def test_an_ensemble_is_one_opening(searched, small_parts, rule):
    result = score(searched, "ensemble", ensemble=Ensemble(rule, 2))
    assert result["trial"] == "ensemble"
    assert result["rule"] == rule
    assert result["epochs"] is None, "each member has its own"
    trained = {one["trial"]: one["epochs"] for one in result["members"]}
    best_epochs = {trial.name: trial.best_epoch for trial in read_trials(searched)}
    assert trained.items() <= {**best_epochs, "baseline": 1}.items()
    assert sum(one["weight"] for one in result["members"]) == pytest.approx(1)
    assert result["n_scorings"] == 1
    openings = Ledger(searched.ledger).openings(ledger_key(searched))
    assert [opening.trial for opening in openings] == ["ensemble"]
    test = small_parts[1].unseal()
    answers = []
    for one in result["members"]:
        saved_model = SavedModel.load(searched.final(one["trial"]).model)
        answers.append(saved_model.probabilities(saved_model.preprocessor.transform(test)))
    if rule == "maximum_confidence":
        combined = np.mean(
            [decision.maximum_confidence(np.stack(one)) for one in zip(*answers, strict=True)], 0
        )
    else:
        shares = [one["weight"] for one in result["members"]]
        combined = np.tensordot(shares, np.stack(answers), 1).mean(0)
    assert result["accuracy"] == pytest.approx((combined.argmax(1) == test.labels).mean())
    table = pd.read_csv(searched.final("ensemble").predictions)
    assert len(table) == result["n_test"]
    path = find_model(searched.path)
    assert path == searched.final("ensemble").model, "not one of its members"
    turns, corpus = test.turns, study_file.read(searched).config.corpus
    asked = Predictor.open(path)(read_recorded(turns, corpus))
    labelled = np.isin(turns.ids, test.ids)
    stored = table[[f"p_{name}" for name in test.classes]]
    np.testing.assert_allclose(asked[labelled], stored, atol=1e-6)


def test_cut_off_with_another_rule_the_scored_ensemble_stays_beside_its_result(
    searched, monkeypatch
):
    score(searched, "ensemble", ensemble=Ensemble("average", 2))
    files = searched.final("ensemble")
    other = Ensemble("maximum_confidence", 2)
    cut_off(searched, monkeypatch, "ensemble", ensemble=other, rescore=True)
    assert json.loads(files.result.read_text())["rule"] == "average"
    assert SavedEnsemble.load(files.model).rule == "average"


def test_what_is_taken_and_why_is_said(searched):
    stored, rule = study_file.read(searched), Ensemble()

    def reason(name=None):
        return choose(searched, stored, name, rule).reason

    assert re.fullmatch(r"Taken is trial_\d, the best trial of the search so far\.", reason())
    assert reason("trial_1") == "Taken is trial_1, as `best` names it."
    plain = baseline(validation=dict.fromkeys(METRICS, 0.61)).to_json()
    searched_for = {"expected": expected(winner="trial_0", value=0.6), "baseline": plain}
    write_record(searched.summary, search_summary(**searched_for))
    assert reason() == (
        "Taken is the baseline, expected to be best: val/accuracy 61.00 %; trial_0 -1.00 points."
    )
    two = {"second_objective": "parameters", "best_trial": "trial_1"}
    write_record(searched.summary, search_summary(**searched_for, **two))
    assert reason() == "Taken is trial_1, the best trial of the search so far."
    write_record(searched.selection, selection(winner="trial_1"))
    assert reason() == "Taken is trial_1, the confirmed winner."


def test_an_ensemble_needs_two_models(searched):
    shutil.rmtree(searched.trial(1).path)
    with pytest.raises(StudyError, match=r"an ensemble needs two models .* has 1"):
        score(searched, "ensemble")


def test_what_search_expected_of_the_ensemble_is_held_against_the_test(searched):
    """It is of these members with these weights, and of no other ensemble."""
    config = study_file.read(searched).config
    members, weights = read_trials(searched), (0.75, 0.25)
    promised = {
        "value": 0.4, "interval": span(0.0, 1.0), "plain": 0.5, "optimism": 0.1, "n_trials": 2,
        "members": [
            {"trial": member.name, "weight": weight}
            for member, weight in zip(members, weights, strict=True)
        ],
    }  # fmt: skip
    write_record(searched.summary, search_summary(ensemble=promised))
    recipes = tuple(
        Recipe(member.name, member.number, None, config.experiment(), epochs=1, seeds=(0,))
        for member in members
    )
    plan = Plan("ensemble", recipes, weights, "greedy")
    held = read_expected_score(searched, plan)
    assert (held.winner, held.value, held.holds_for) == ("ensemble", 0.4, "new speakers")
    for other in (replace(plan, weights=(0.7, 0.3)), replace(plan, rule="average")):
        assert read_expected_score(searched, other) is None
    write_record(searched.summary, search_summary(ensemble=None))
    assert read_expected_score(searched, plan) is None


@pytest.mark.parametrize("slow", [0, 1])
def test_what_takes_longest_is_trained_first(searched, slow):
    path = searched.trial(slow).curve
    stored = json.loads(path.read_text())
    for epoch in stored["epochs"]:
        epoch["seconds"] = 1000.0
    path.write_text(json.dumps(stored))
    trained = []

    def train(jobs, _is_stored):
        trained.extend(job.name.partition("_seed_")[0] for job in jobs)
        raise BatchStopped

    with pytest.raises(BatchStopped):
        final(searched, "ensemble", rescore=False, on_features=quiet, train=train)
    slowest, other = f"trial_{slow}", f"trial_{1 - slow}"
    assert trained[0] == "baseline"
    assert trained[-4:] == [slowest, slowest, other, other]


def test_an_ensemble_of_one_is_that_trial(searched):
    """The other trial is always wrong: nobody is helped by it."""
    for number, is_right in ((0, True), (1, False)):
        path = searched.trial(number).probabilities
        stored = dict(np.load(path))
        n_classes = stored["probabilities"].shape[1]
        answers = stored["label"] if is_right else (stored["label"] + 1) % n_classes
        stored["probabilities"] = np.eye(n_classes, dtype=np.float32)[answers]
        np.savez(path, **stored)
    with pytest.raises(StudyError, match=r"takes trial_0 alone: .*`make final BEST=trial_0`"):
        score(searched, "ensemble")
    assert not searched.ledger.exists()


def test_the_papers_protocol_is_of_one_network(searched):
    with pytest.raises(ConfigError, match="name a trial instead of best=ensemble"):
        score(searched, "ensemble", is_paper_protocol=True)


def test_the_papers_protocol_is_a_column_and_a_line_of_its_own(searched):
    result = score(searched, is_paper_protocol=True)
    found = result["paper_protocol"]
    assert "TEST SESSION" in found["warning"]
    assert len(found["by_seed"]) == len(result["seeds"])
    best = [training["best"] for training in found["by_seed"]]
    assert found["accuracy"] == pytest.approx(np.mean(best))
    ledger = Ledger(searched.ledger)
    (line,) = ledger.other_looks(ledger_key(searched))
    assert (line.event, line.trial, line.opening) == (
        "paper_protocol",
        "trial_0",
        result["opening"],
    )
    assert result["n_scorings"] == 1
    assert result["accuracy"] == ledger.openings(ledger_key(searched))[0].accuracy


def test_the_papers_score_is_that_of_the_best_epoch(searched, data_module, small_parts):
    """As of a training that looks at the test session after each epoch, as the reference's did."""
    by_seed = score(searched, is_paper_protocol=True)["paper_protocol"]["by_seed"]
    config = study_file.trial_config(searched, 0)
    preprocessor, train = data_module.everything(config)
    test = preprocessor.transform(small_parts[1].unseal())
    for seed, found in enumerate(by_seed):
        drawn, curve = derive(seed, "final", 0), []
        learner = build_learner(config, preprocessor, 4, seed=drawn)
        learner.fit(
            train, test, drawn, lambda epoch, *_, to=curve: to.append(epoch.metrics["val/accuracy"])
        )
        best = max(curve)
        assert found == {"best": best, "best_epoch": curve.index(best) + 1, "last": curve[-1]}
    assert not list(searched.batch("final").path.glob("trials/*/weights.pt"))


def test_a_protocols_look_at_the_same_session_is_told(searched, small_parts):
    looker = Looker(study="other", trial="linear", config="c")
    content = small_parts[1].content
    Ledger(searched.ledger).note_protocol(content, [looker], "session5", "5", on_test=False)
    result = score(searched)
    assert (result["n_scorings"], result["n_protocol_scorings"]) == (1, 1)
    (line,) = Ledger(searched.ledger).other_looks(ledger_key(searched))
    assert (line.event, line.study) == ("protocol", "other")
    findings = read_findings(searched)
    said = [block.words for block in ledger_blocks(findings) if isinstance(block, Text)]
    assert any("scored under a protocol of fixed configurations, for linear" in text
               for text in said)  # fmt: skip
    assert "before, 1 time, under protocols" in model_card(searched)[1]


def test_without_it_nothing_looks_at_the_test_by_epoch(scored):
    home, result = scored
    assert result["paper_protocol"] is None
    assert "n_protocol_scorings" not in result
    assert Ledger(home.ledger).other_looks(ledger_key(home)) == []


@pytest.mark.parametrize("name", ["trial_1", "ensemble"])
def test_a_final_model_replays_to_the_same_predictions(searched, name):
    score(searched, name)
    found = replay_final(searched, name, quiet, trainer(searched))
    assert found.first_difference is None
    (line,) = Ledger(searched.ledger).other_looks(ledger_key(searched))
    assert (line.event, line.trial) == ("replayed", name)
    path = searched.final(name).predictions
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], lines[3] + "1", *lines[4:]]) + "\n")
    assert replay_final(searched, name, quiet, trainer(searched)).first_difference == 4


def test_a_final_model_that_is_not_there_cannot_be_replayed(searched):
    with pytest.raises(StudyError, match=r"no final result 'trial_1'.*run `make final` first"):
        replay_final(searched, "trial_1", quiet, trainer(searched))


@pytest.mark.parametrize("step", ["measure_scores", "break_down", "remove_each_source"])
def test_cut_off_while_it_judges_it_scores_once(searched, monkeypatch, step):
    interrupt(searched, monkeypatch, result_module, step, "trial_1")
    monkeypatch.setattr(batch, "_work", None)  # neither winner nor default is trained again
    result = score(searched, "trial_1")
    assert result["n_scorings"] == 1
    assert result["default"] is not None


def test_the_baseline_of_a_study_of_votes_learns_from_majorities(searched, small_parts):
    """Or no final model of such a study could be compared with it."""
    stored = study_file.read(searched)
    training = stored.config.training.model_copy(update={"labels": "votes"})
    stored = replace(stored, config=stored.config.model_copy(update={"training": training}))
    recipe = baseline_recipe(searched, stored, small_parts[0])
    preprocessor = fit_preprocessor(recipe.config, small_parts[0].everything)
    assert build_learner(recipe.config, preprocessor, 4, seed=0) is not None
    assert recipe.config.training.labels == "majority"
