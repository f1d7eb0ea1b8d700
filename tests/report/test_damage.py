"""A study with a damaged file: a page all the same, which says what it leaves out."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from emotion_hpo import report as room
from emotion_hpo.errors import StudyError
from emotion_hpo.report.reading import read_findings
from emotion_hpo.study import write_json
from tests.report.studies import (
    begin,
    config_for,
    confirm,
    trials,
    write_all,
    write_baseline,
    write_final,
)

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover


@pytest.fixture(autouse=True)
def not_laid_out(unpainted, monkeypatch):
    """Figures are drawn, but neither laid out nor painted."""
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda _self, _figure: None)


@pytest.fixture
def study(tmp_path):
    """A study of four trials with all that a report reads."""
    home, config = begin(tmp_path), config_for(tmp_path, "study")
    made = [*trials(4, config)]
    made[3] = replace(made[3], value=0.9)
    write_all(home, config, made)
    write_baseline(home)
    write_final(home)
    confirm(home, made[:3])
    return home


#: Every file that the report reads, but `study.yaml`, without which nobody knows what was asked.
FILES = (
    "search.json", "selection.json", "baseline.json", "trials/trial_2/trial.json",
    "trials/trial_2/curve.json", "trials/trial_2/cost.json", "trials/trial_3/validation.npz",
    "final/trial_0/result.json", "final/trial_0/predictions.csv", "../holdout_ledger.jsonl",
)  # fmt: skip

DAMAGE = {
    "emptied": b"",
    "no keys": b"{}",
    "null": b"null",
    "a list": b"[1, 2]",
    "cut off": b'{"trial": "trial_0", "accu',
    "no text": b"\xff\xfe\x00garbage",
}


#: No damage: before the first scoring.
FINE = {("holdout_ledger.jsonl", "emptied")}


def page_of(home):
    return " ".join(room.report(home).read_text("utf-8").split())


def test_a_whole_study_has_no_remark(study):
    assert read_findings(study).remarks == ()


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_and_left_out(study, name):
    path = study.path / name
    for kind, content in DAMAGE.items():
        if (path.name, kind) in FINE:
            continue
        path.write_bytes(content)
        (remark,) = read_findings(study).remarks
        assert remark.startswith("Left out of this page: "), kind
        assert path.name in remark, kind
        assert "\n" not in remark, kind
    assert path.name in page_of(study)


def test_a_curve_without_the_objective_is_left_out(study):
    path = study.trial(2).curve
    epochs = json.loads(path.read_text())
    del epochs["epochs"][1]["metrics"]["val/accuracy"]
    write_json(path, epochs)
    (remark,) = read_findings(study).remarks
    said = "epoch 2 has no val/accuracy, which the study is about"
    assert remark.endswith(f"{path} cannot be read: {said}")
    page_of(study)


@pytest.mark.parametrize(("name", "at", "value", "said"), [
    ("final/trial_0/result.json", ("accuracy",), "0.7", "accuracy: input should be a valid number"),
    ("final/trial_0/result.json", ("trial",), "../../x", "trial: string should match pattern"),
    ("final/trial_0/result.json", ("confusion", "counts", 0), [1], "a row and a column for each"),
    ("final/trial_0/result.json", ("by", "scenario", "scripted", "accuracy"), None, "an accuracy"),
    ("selection.json", ("candidates", 1, "values"), [], "candidates.1.values: tuple should have"),
    ("search.json", ("expected", "interval", "low"), 0.9, "low <= high must hold, but got low=0.9"),
    ("trials/trial_2/trial.json", ("params", "model.dropout"), "much", "cannot lie in its range"),
    ("trials/trial_2/trial.json", ("continues",), 2, "cannot continue trial_2"),
    ("trials/trial_2/trial.json", ("state",), "lost", "was not written by this version"),
    ("trials/trial_2/cost.json", ("n_timed",), None, "n_timed: input should be a valid integer"),
])  # fmt: skip
def test_a_value_that_cannot_be_is_told(study, name, at, value, said):
    path = study.path / name
    stored = json.loads(path.read_text())
    *way, last = at
    inner = stored
    for step in way:
        inner = inner[step]
    inner[last] = value
    write_json(path, stored)
    (remark,) = read_findings(study).remarks
    assert said in remark
    page_of(study)


def test_a_file_of_another_version_is_left_out(study):
    path = study.final(0).result
    write_json(path, json.loads(path.read_text()) | {"version": 2})
    (remark,) = read_findings(study).remarks
    assert "result.json was not written by this version: it is of version 2, and 1 is" in remark


def test_predictions_of_another_class_are_left_out(study):
    path = study.final(0).predictions
    path.write_text(path.read_text().replace(",neu", ",bored"))
    (remark,) = read_findings(study).remarks
    assert "'bored' is none of the classes ang, exc, neu, sad" in remark
    page_of(study)


def test_answers_of_uneven_length_are_left_out(study):
    best = read_findings(study).best
    path = study.trial(best.number).probabilities
    stored = dict(np.load(path))
    np.savez(path, **{**stored, "label": stored["label"][1:]})
    (remark,) = read_findings(study).remarks
    assert "its arrays are not of one length" in remark


def test_a_configuration_that_is_no_text_is_shown_as_it_is(study):
    shown = read_findings(study).winner
    study.trial(shown.number).config.write_bytes(b"model: \xff")
    assert "model: \ufffd" in page_of(study)


def test_a_study_whose_facts_are_damaged_is_one_clear_line(study):
    text = study.study.read_text()
    study.study.write_text(text.replace("synthetic: true", "synthetic: perhaps", 1))
    with pytest.raises(
        StudyError, match=r"study\.yaml was not written by this version: facts\.synthetic"
    ):
        room.report(study)


def test_compare_leaves_out_the_same(study, tmp_path):
    other, config = begin(tmp_path, "other"), config_for(tmp_path, "other")
    write_all(other, config, [*trials(2, config)])
    study.final(0).result.write_text("{}")
    page = room.compare([study, other]).read_text("utf-8")
    assert "Left out of this page" in page
