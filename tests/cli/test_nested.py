"""`emotion-hpo nested`, from the command line to the mean over all sessions."""

import json
from types import SimpleNamespace

import pytest

from emotion_hpo import report
from emotion_hpo.cli.final import UnpublishedError
from emotion_hpo.config import LinearModel, SearchConfig
from emotion_hpo.features.preparation import quiet
from emotion_hpo.models import baseline
from emotion_hpo.search import coordinator
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.worker import Worker
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.training.fold_run import DataModule
from tests.pipeline import SMALL
from tests.records import final_result, scores


class PoolOfThisProcess:
    """Trains as a worker does, without the seconds that a process of its own takes to start."""

    def __init__(self, config: SearchConfig, home: StudyHome, *_: object) -> None:
        self.config, self.home = config, home

    def work(self) -> None:
        """Train all trials."""
        _, development = open_development(self.config, self.home.features, quiet)
        Study(self.home, self.config).open_slots()
        Worker(self.home, self.config, DataModule(development), "worker_0").work()


@pytest.mark.no_cover  # of five searches and five finals; what they run is traced elsewhere
def test_each_session_is_the_test_and_the_next_one_validates(emotion_hpo, isolated, monkeypatch):
    monkeypatch.setattr(coordinator, "WorkerPool", PoolOfThisProcess)
    monkeypatch.setattr(report, "report", lambda _home: "none")
    plain = LinearModel(name="baseline", learner="linear")  # to choose it takes a second a session
    monkeypatch.setattr(baseline, "_search_path", lambda *_: plain)
    ended = emotion_hpo(
        "nested", *SMALL, "split=speakers", "study.name=deep", "study.n_trials=1",
        "pruner=none", "training.epochs=1", "launcher.n_workers=2",
    )  # fmt: skip
    assert ended.status == 0, ended.stderr
    assert "Mean accuracy" in ended.stdout
    result = json.loads((isolated / "studies" / "deep" / "nested.json").read_text())
    assert [session["test_session"] for session in result["sessions"]] == ["1", "2", "3", "4", "5"]
    blocks = ended.stdout.split("Session ")[1:]
    assert {block[0] for block in blocks} == set("12345"), "two at a time, each printed as a whole"
    assert all(block.count("deep-test") == block.count(f"deep-test{block[0]}") for block in blocks)
    assert "Next:" not in ended.stdout, "nested itself goes on to the final model"
    assert "deep-test3: Retraining: 2 of 2" in ended.stderr
    validated = []
    for session in "12345":
        home = StudyHome(isolated / "studies", f"deep-test{session}")
        assert study_file.read(home).config.split.validation_session == "next"
        validated.append(json.loads(home.summary.read_text())["expected"]["speakers"])
    assert validated == [[f"Ses0{n}F", f"Ses0{n}M"] for n in (2, 3, 4, 5, 1)]


def test_a_stop_is_told_once(emotion_hpo, isolated, small_features, monkeypatch):
    (isolated / "studies").mkdir()
    (isolated / "studies" / "features").symlink_to(small_features)
    stopped = SimpleNamespace(was_stopped=True)
    monkeypatch.setattr("emotion_hpo.cli.nested.search_study", lambda *_, **_more: stopped)
    ended = emotion_hpo("nested", *SMALL, "study.name=deep", "launcher.n_workers=2")
    assert ended.status == 0, ended.stderr
    assert ended.stdout.count("Stopped; the same command goes on where this one ended.") == 1
    for session in "12345":
        title = f"Session {session} as the test: study deep-test{session}\n"
        assert f"\n{title}Stopped; its test part stays sealed.\n" in ended.stdout
        assert f"deep-test{session}: {title}" in ended.stderr
    assert not (isolated / "studies" / "deep" / "nested.json").exists()


def test_what_fails_after_a_session_is_scored_stops_no_other(
    emotion_hpo, isolated, small_features, monkeypatch
):
    (isolated / "studies").mkdir()
    (isolated / "studies" / "features").symlink_to(small_features)
    searched = SimpleNamespace(was_stopped=False)

    def score(command, _requested):
        session = command.split["test_session"]
        result = final_result(**scores(0.5), study=command.study.name, test_session=session)
        if session == "1":
            raise UnpublishedError("it could not be logged in MLflow", result)
        return result

    monkeypatch.setattr("emotion_hpo.cli.nested.search_study", lambda *_, **_more: searched)
    monkeypatch.setattr("emotion_hpo.cli.nested.score", score)
    ended = emotion_hpo("nested", *SMALL, "study.name=deep", "launcher.n_workers=1")
    assert ended.status == 2
    assert "deep-test1: it could not be logged in MLflow\n" in ended.stderr
    assert ended.stderr.endswith("after deep-test1 had been scored is noted above\n")
    result = json.loads((isolated / "studies" / "deep" / "nested.json").read_text())
    assert [session["test_session"] for session in result["sessions"]] == ["1", "2", "3", "4", "5"]


def test_a_given_test_part_is_not_nested(emotion_hpo):
    ended = emotion_hpo("nested", "corpus=manifest", "corpus.table=x.csv", "split=given")
    assert ended.status == 2
    (line,) = ended.stderr.splitlines()
    assert "split=given has one test part, the rows with 'test' in the column 'split'" in line
