"""`emotion-hpo evaluate`, from the command line to its record; the same command trains nothing."""

import json

import pytest

from emotion_hpo.search import batch
from emotion_hpo.splits.parts import Holdout
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.protocol import ProtocolResult
from tests.pipeline import SMALL

TINY = (*SMALL, "study.name=fixed", "training.epochs=2", "launcher.n_workers=1")


@pytest.fixture
def studies(isolated, small_features):
    (isolated / "studies").mkdir()
    (isolated / "studies" / "features").symlink_to(small_features)
    return isolated / "studies"


def lines_of(studies, event="protocol"):
    text = (studies / "holdout_ledger.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if line["event"] == event]


def test_a_fixed_configuration_is_scored_and_the_same_command_goes_on(
    emotion_hpo, studies, monkeypatch
):
    events = []
    true_work, true_unseal = batch._work, Holdout.unseal

    def work(*arguments):
        known = lines_of(studies) if (studies / "holdout_ledger.jsonl").exists() else []
        events.append(("trained", [line["test_picked"] for line in known]))
        true_work(*arguments)

    def unseal(holdout):
        events.append(("unsealed", len(lines_of(studies))))
        return true_unseal(holdout)

    monkeypatch.setattr(batch, "_work", work)
    monkeypatch.setattr(Holdout, "unseal", unseal)
    command = ("evaluate", *TINY, "protocol=session5", "seeds=2", "test_picked=true")
    ended = emotion_hpo(*command, "output=copy.json")
    assert ended.status == 0, ended.stderr
    assert events[0] == ("trained", [True]), "what is chosen on the test is told before"
    assert all(n == 2 for event, n in events if event == "unsealed")
    (path,) = (studies / "fixed" / "protocols").glob("*.json")
    result = read_record(path, ProtocolResult)
    assert read_record(studies.parent / "copy.json", ProtocolResult) == result
    (fold,) = result.folds
    assert (fold.name, fold.n_train + fold.n_validation + fold.n_test) == ("5", 100)
    assert len(result.pooled_accuracy.by_seed) == 2
    assert result.pooled_accuracy.mean == pytest.approx(fold.accuracy)
    assert result.averaged_accuracy.interval.ends is None, "a single fold has no spread"
    assert result.test_picked.accuracy >= result.test_picked.last_accuracy
    assert result.synthetic
    assert "CHOSEN ON THE TEST PART" in ended.stdout
    assert not [*(studies / "fixed" / "batches").rglob("weights.pt")]

    events.clear()
    again = emotion_hpo(*command)
    assert again.status == 0, again.stderr
    assert not [event for event, _ in events if event == "trained"]
    assert read_record(path, ProtocolResult) == result
    assert len(lines_of(studies)) == 2

    last = emotion_hpo(*command, "study.value=last")
    assert last.status == 0, last.stderr
    assert [event for event, _ in events if event == "trained"], "another epoch may be another's"
    assert len([*(studies / "fixed" / "protocols").glob("*.json")]) == 2

    other = emotion_hpo("evaluate", *TINY, "protocol=session5", "seeds=1", "model.dropout=0.3")
    assert other.status == 0, other.stderr
    assert "CHOSEN ON THE TEST PART" not in other.stdout
    assert "Other configurations have looked at these test parts 2 times" in other.stdout


def test_a_trial_is_scored_on_each_session(emotion_hpo, searched, monkeypatch):
    monkeypatch.chdir(searched.directory.parent)
    ended = emotion_hpo("evaluate", "study=smoke", "tracking=none", "trial=study/trial_0",
                        "protocol=loso5", "seeds=1")  # fmt: skip
    assert ended.status == 0, ended.stderr
    (path,) = (searched.path / "protocols").glob("loso5_*.json")
    result = read_record(path, ProtocolResult)
    assert [fold.name for fold in result.folds] == ["1", "2", "3", "4", "5"]
    assert result.name == "study/trial_0"
    assert result.averaged_accuracy.interval.method == "sessions"
    mean = sum(fold.accuracy for fold in result.folds) / 5
    pooled = sum(fold.accuracy * fold.n_test for fold in result.folds) / 100
    assert result.averaged_accuracy.mean == pytest.approx(mean)
    assert result.pooled_accuracy.mean == pytest.approx(pooled)
    assert {line["fold"] for line in lines_of(searched.directory)} == {
        fold.name for fold in result.folds
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["protocol=loso"], "unknown protocol 'loso', did you mean 'loso5'"),
        (["protocol=emobox"], "add folds=FOLDER"),
        (["protocol=emobox", "folds=nowhere"], "folds: nowhere has no fold_1"),
        (["protocol=loso5", "folds=nowhere"], "folds is read by protocol=emobox alone"),
        (["protocol=given"], "add split=given"),
        (["trial=trial_3"], "a study and its trial, such as quick/trial_42"),
        (["trial=nobody/trial_3"], "nobody"),
        (["seeds=0"], "seeds"),
    ],
)
def test_a_mistake_is_one_line(emotion_hpo, studies, words, message):
    ended = emotion_hpo("evaluate", *TINY, *words)
    assert ended.status == 2
    (line,) = ended.stderr.splitlines()
    assert message in line
