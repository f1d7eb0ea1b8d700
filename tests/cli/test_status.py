"""How far a study is, from any terminal."""

import json

import pytest

from emotion_hpo.cli import status
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import Epoch, TrialState, study_file
from emotion_hpo.study.curves import write_curve


def test_a_watched_study_is_followed_to_its_end(emotion_hpo, make_study, monkeypatch, isolated):
    home, config = make_study("watched", "study.n_trials=2")
    home.path.mkdir()
    study_file.write_or_compare(home, config, {}, synthetic=True)
    study = Study(home, config)
    study.open_slots()
    looks, claims, messages = [], [], []

    def train(seconds):
        """Somebody else's worker, while this terminal waits: it begins a trial, and ends it."""
        looks.append(seconds)
        if not claims:
            claims.append(study.claim("worker_0"))
            return
        claim = claims.pop()
        study.report(claim, 1, 0.5)
        study.end(claim, TrialState.COMPLETE, 0.5, 1)

    def show(screen, trials, message=""):
        messages.append(message.partition(";")[0])
        drawn(screen, trials, message)

    drawn = status.SearchScreen.show
    monkeypatch.setattr(status.SearchScreen, "show", show)
    monkeypatch.setattr(status.time, "sleep", train)
    written = isolated / "status.json"
    ended = emotion_hpo(
        "status",
        f"study.directory={home.directory}",
        "study.name=watched",
        "watch=true",
        f"output={written}",
    )
    assert ended.status == 0, ended.stderr
    assert looks == [2.0] * 4
    assert messages == ["no trial is running", ""] * 2 + [""]
    lines = ended.stderr.splitlines()
    assert [line.partition(" at ")[0] for line in lines] == [
        "[1/2] trial_0 complete 50.00 %",
        "[2/2] trial_1 complete 50.00 %",
    ]
    assert "2 of 2 trials finished" in ended.stdout
    assert json.loads(written.read_text("utf-8")) == {"n_finished": 2, "running": []}


def test_watching_ends_where_the_epochs_are_used_up(emotion_hpo, make_study, monkeypatch):
    home, config = make_study("watched", "study.n_trials=5", "study.max_epochs=1")
    home.path.mkdir()
    study_file.write_or_compare(home, config, {}, synthetic=True)
    study = Study(home, config)
    study.open_slots()
    claim = study.claim("worker_0")
    write_curve(home.trial(claim.number), (Epoch(1, {"val/accuracy": 0.5}, 1.0, 0.0),))
    study.report(claim, 1, 0.5)
    study.end(claim, TrialState.COMPLETE, 0.5, 1)
    monkeypatch.setattr(status.time, "sleep", lambda _seconds: pytest.fail("it waits for ever"))
    ended = emotion_hpo(
        "status", f"study.directory={home.directory}", "study.name=watched", "watch=true"
    )
    assert ended.status == 0, ended.stderr
    assert "1 of 5 trials finished" in ended.stdout
