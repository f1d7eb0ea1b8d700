"""MLflow mirrors a study: once, completely, and again after every kind of gap."""

import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from threading import Barrier

import mlflow
import numpy as np
import pandas as pd
import pytest
import soundfile
from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.utils.logging_utils import eprint

from emotion_hpo.config import dump, flatten
from emotion_hpo.errors import TrackingError
from emotion_hpo.metrics import Interval
from emotion_hpo.predict import Predictor, Utterance
from emotion_hpo.predict.saved_model import SavedEnsemble
from emotion_hpo.study import Epoch, StudyHome, Trial, TrialState
from emotion_hpo.study.records.base import write_record
from emotion_hpo.tracking import NullTracker, final_model, open_tracker, tracking_uri
from emotion_hpo.tracking import background as mirror_module
from emotion_hpo.tracking.background import BackgroundTracker
from emotion_hpo.tracking.client import open_client
from tests.records import final_result, search_summary, span

TRACKED = ("tracking=mlflow",)


def epochs(n):
    return tuple(
        Epoch(
            one,
            {"val/accuracy": one / 10, "val/loss": 1.0, "train/loss": 2.0},
            1.5,
            1e9 + one,
            usage={"cpu_cores": 0.9, "memory_peak_mb": 500.0 + one},
        )
        for one in range(1, n + 1)
    )


TRIAL = Trial(
    number=0,
    state=TrialState.COMPLETE,
    params={"model.dropout": 0.1, "training.learning_rate": 1e-3},
    value=0.3,
    best_epoch=3,
    curve=epochs(3),
    worker="worker_0",
    seed=1,
    started_at=1e9,
    finished_at=1e9 + 60,
)
RUNNING = replace(TRIAL, number=1, state=TrialState.RUNNING, curve=epochs(1), value=None)
FAILED = replace(
    TRIAL, number=2, state=TrialState.FAILED, curve=(), value=None, reason="train/loss is nan"
)
PRUNED = replace(TRIAL, number=3, state=TrialState.PRUNED, curve=epochs(1))
CUT = replace(TRIAL, number=4, state=TrialState.INTERRUPTED, value=None, curve=epochs(2))
CONTINUED = replace(TRIAL, number=5, continues=4)
TRIALS = [TRIAL, RUNNING, FAILED, PRUNED, CUT, CONTINUED]


@pytest.fixture(scope="module")
def mlflow_database(tmp_path_factory):
    """An MLflow database with its tables, which take seconds to make."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def study(make_study, mlflow_database):
    home, config = make_study("study", *TRACKED)
    home.mlflow_database.write_bytes(mlflow_database.read_bytes())
    return home, config


def open_for(study, created_at="2026-01-01T00:00:00Z"):
    return open_tracker(*study, created_at, synthetic=True)


def runs(study):
    """All runs, by name."""
    home, config = study
    client = MlflowClient(tracking_uri(home, config.tracking))
    experiment = client.get_experiment_by_name(config.tracking.experiment)
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    names = [run.info.run_name for run in found]
    assert len(set(names)) == len(names), "a run occurs twice"
    return client, dict(zip(names, found, strict=True))


def test_every_trial_is_a_child_of_the_studys_run(study):
    open_for(study).mirror(TRIALS)
    _, found = runs(study)
    assert set(found) == {"study", *(f"trial_{n}" for n in range(6))}
    parent = found["study"].info.run_id
    for name, run in found.items():
        if name != "study":
            assert run.data.tags["mlflow.parentRunId"] == parent


def test_a_sync_beside_a_search_makes_no_run_twice(study):
    search, sync = open_for(study), open_for(study)
    search.mirror(TRIALS[:1])
    sync.mirror(TRIALS)
    search.mirror(TRIALS)
    client, found = runs(study)
    assert len(found) == 1 + len(TRIALS)
    history = client.get_metric_history(found["trial_1"].info.run_id, "val/loss")
    assert [one.step for one in history] == [1]


def test_tables_that_were_half_made_when_it_was_killed_are_made_anew(make_study):
    home, config = make_study("study", "tracking=mlflow")
    half_made = home.directory / ".mlflow.db.partial"
    half_made.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(half_made)) as database:
        database.execute("CREATE TABLE mcp_servers (name TEXT)")
    client = open_client(home, tracking_uri(home, config.tracking))
    assert [one.name for one in client.search_experiments()] == ["Default"]
    assert home.mlflow_database.exists()
    assert not half_made.exists()


def test_mlflow_makes_its_tables_for_one_process_at_a_time(study, monkeypatch):
    home, config = study
    was_held = []

    class Client:
        def __init__(self, _uri):
            with pytest.raises(Timeout):
                FileLock(home.mlflow_lock).acquire(timeout=0)
            was_held.append(True)

        def search_experiments(self, max_results):
            return []

    monkeypatch.setattr(mlflow, "MlflowClient", Client)
    open_client(home, tracking_uri(home, config.tracking))
    assert was_held


def test_a_trials_run_holds_its_parameters_curve_state_and_time(study):
    open_for(study).mirror(TRIALS)
    client, found = runs(study)
    run = found["trial_0"]
    assert run.data.params == {"model.dropout": "0.1", "training.learning_rate": "0.001"}
    history = client.get_metric_history(run.info.run_id, "val/accuracy")
    assert [(one.step, one.value) for one in history] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert run.data.metrics["best/value"] == 0.3
    assert run.data.tags["state"] == "complete"
    assert run.data.tags["synthetic"] == "true"
    assert run.info.end_time - run.info.start_time == 60_000


def test_what_an_epoch_took_of_the_machine_is_a_system_metric(study):
    """MLflow shows metrics below `system/` in a tab of their own."""
    open_for(study).mirror(TRIALS)
    client, found = runs(study)
    history = client.get_metric_history(found["trial_0"].info.run_id, "system/memory_peak_mb")
    assert [(one.step, one.value) for one in history] == [(1, 501.0), (2, 502.0), (3, 503.0)]
    assert found["trial_0"].data.metrics["system/cpu_cores"] == 0.9


@pytest.mark.parametrize(
    ("name", "status", "tags"),
    [
        ("trial_0", "FINISHED", {"state": "complete"}),
        ("trial_1", "RUNNING", {}),
        ("trial_2", "FAILED", {"state": "failed", "reason": "train/loss is nan"}),
        ("trial_3", "FINISHED", {"state": "pruned"}),
        ("trial_4", "KILLED", {"state": "interrupted"}),
        ("trial_5", "FINISHED", {"continues": "trial_4"}),
    ],
)
def test_states_are_told(study, name, status, tags):
    open_for(study).mirror(TRIALS)
    _, found = runs(study)
    assert found[name].info.status == status
    assert tags.items() <= found[name].data.tags.items()


def test_mirroring_again_changes_nothing(study):
    open_for(study).mirror(TRIALS)
    client, before = runs(study)
    open_for(study).mirror(TRIALS)
    _, after = runs(study)
    assert {n: r.data.metrics for n, r in after.items()} == {
        n: r.data.metrics for n, r in before.items()
    }
    history = client.get_metric_history(after["trial_0"].info.run_id, "val/accuracy")
    assert len(history) == 3


def test_a_curve_is_filled_in_from_where_it_stopped(study):
    open_for(study).mirror([RUNNING])
    grown = replace(RUNNING, curve=epochs(3), state=TrialState.COMPLETE, value=0.3)
    open_for(study).mirror([grown])
    client, found = runs(study)
    history = client.get_metric_history(found["trial_1"].info.run_id, "val/accuracy")
    assert [one.step for one in history] == [1, 2, 3]
    assert found["trial_1"].info.status == "FINISHED"


def test_waiting_slots_have_no_run(study):
    open_for(study).mirror([replace(TRIAL, state=TrialState.WAITING)])
    assert set(runs(study)[1]) == {"study"}


def test_a_study_of_the_same_name_begun_anew_has_its_own_runs(study):
    open_for(study, "2026-01-05T00:00:00Z").mirror([TRIAL])
    open_for(study, "2026-01-06T00:00:00Z").mirror([TRIAL])
    home, config = study
    client = MlflowClient(tracking_uri(home, config.tracking))
    experiment = client.get_experiment_by_name(config.tracking.experiment)
    assert len(client.search_runs([experiment.experiment_id])) == 4


def test_the_parent_run_holds_the_configuration_and_the_summary(study):
    tracker = open_for(study)
    tracker.close(search_summary(n_finished=12, best_trial="trial_7"))
    _, found = runs(study)
    parent = found["study"]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["study/n_finished"] == 12
    assert parent.data.tags["best_trial"] == "trial_7"
    assert parent.data.params.keys() >= flatten(dump(study[1])).keys() - {"study.enqueue"}


def test_artifacts_lie_beside_the_database_wherever_the_command_was_started(study, monkeypatch):
    home, _ = study
    tracker = open_for(study)
    monkeypatch.chdir(home.directory.parent)
    tracker.close(search_summary())
    assert list(home.mlflow_artifacts.rglob("search.json"))


@pytest.fixture
def final_folder(study, small_saved_model):
    """The files of a final model."""
    folder = study[0].final(0)
    folder.path.mkdir(parents=True)
    for path in (folder.predictions, folder.confusion):
        path.write_text("{}")
    ends = {f"{name}_interval": span(0.3, 0.7) for name in ("accuracy", "uar", "macro_f1")}
    absent = asdict(Interval.not_estimable("no utterance"))
    recall = {"ang": {"recall": 0.6, "interval": span(0.4, 0.8, "exact"), "n": 9},
              "sad": {"recall": None, "interval": absent, "n": 0}}  # fmt: skip
    result = final_result(
        study=study[0].name, n_train=79, n_test=22, accuracy=0.5, uar=0.4, macro_f1=0.45, **ends,
        recall_by_class=recall,
        cost={"n_networks": 1, "n_parameters": 40, "latency_ms": 1.5, "n_threads": 1,
              "device": "cpu", "n_timed": 5},
    )  # fmt: skip
    write_record(folder.result, result)
    small_saved_model.save(folder.model)
    return folder


def test_the_final_model_has_a_run_with_its_figures_and_files(study, final_folder):
    assert open_for(study).log_final(final_folder)
    client, found = runs(study)
    run = found["final trial_0"]
    assert (
        run.data.metrics.items()
        >= {
            "test/accuracy": 0.5,
            "test/uar_high": 0.7,
            "test/recall_ang_low": 0.4,
            "cost/latency_ms": 1.5,
        }.items()
    )
    assert not any("sad" in name for name in run.data.metrics)
    assert "recall ang: exact; recall sad: not estimable" in run.data.tags["intervals"]
    assert run.data.tags["trial"] == "trial_0"
    assert {one.path for one in client.list_artifacts(run.info.run_id)} >= {"result.json"}
    (logged,) = client.search_logged_models([run.info.experiment_id])
    model = mlflow.pyfunc.load_model(logged.model_uri)
    inputs = model.metadata.get_input_schema()
    assert inputs.input_names() == ["text", "speech", "mocap"]
    answer = model.predict(pd.DataFrame({"text": ["I am so happy", "leave me alone"]}))
    assert list(answer.columns) == ["ang", "exc", "neu", "sad"]
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("which", "columns", "row"),
    [
        ("ready_made_bundle", ["features.speech"], {"features.speech": [[0.5] * 34] * 3}),
        ("mixed_bundle", ["text", "speech", "features.video"], {"features.video": [0.5] * 6}),
    ],
)
def test_a_model_of_ready_made_features_is_logged_and_takes_the_arrays(
    study, final_folder, request, which, columns, row
):
    request.getfixturevalue(which).save(final_folder.model)
    assert open_for(study).log_final(final_folder).endswith("model models:/study@best")
    mlflow.set_tracking_uri(tracking_uri(study[0], study[1].tracking))
    model = mlflow.pyfunc.load_model("models:/study@best")
    assert model.metadata.get_input_schema().input_names() == columns
    answer = model.predict(pd.DataFrame([row]))
    assert list(answer.columns) == ["ang", "sad"]
    assert answer.sum(axis=1)[0] == pytest.approx(1, abs=1e-4)


FRESH = """
import sys
from pathlib import Path
import mlflow, pandas
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/study@best")
answer = model.predict(pandas.DataFrame({"speech": [Path(sys.argv[2]).read_bytes()]}))
print(answer.to_json(orient="records", double_precision=15))
"""


def test_the_final_model_is_registered_for_any_process(
    study, final_folder, tmp_path, small_saved_model
):
    """Plain `mlflow.pyfunc.load_model` in an interpreter of its own scores a wav."""
    apart = [replace(small_saved_model, networks=(state,)) for state in small_saved_model.networks]
    SavedEnsemble(tuple(apart), (0.8, 0.2), "greedy").save(final_folder.model)
    place = open_for(study).log_final(final_folder)
    assert place.endswith("model models:/study@best")
    client, found = runs(study)
    version = client.get_model_version_by_alias("study", "best")
    assert version.run_id == found["final trial_0"].info.run_id
    assert version.description.startswith("**synthetic data**")
    assert "scored on the 22 of session 5, opened 1 time." in version.description
    assert (
        "Test accuracy 50.00 % (95 % interval 30.0 – 70.0 %, by dialogues)" in version.description
    )
    soundfile.write(tmp_path / "a.wav", np.zeros((4000, 2)), 44_100)
    predictor = Predictor.open(final_folder.model)
    (expected,) = predictor([Utterance(samples=np.zeros(4000, np.float32), sample_rate_hz=44_100)])
    uri = tracking_uri(study[0], study[1].tracking)
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FRESH, uri, str(tmp_path / "a.wav")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(mirror_module.__file__).parents[2])},
    )
    (answer,) = json.loads(ended.stdout)
    assert list(answer) == ["ang", "exc", "neu", "sad"]
    np.testing.assert_allclose(list(answer.values()), expected, atol=1e-6)


def test_two_models_are_logged_at_a_time_and_standard_error_stays_what_it_was(
    monkeypatch, capsys, final_folder, tmp_path, small_saved_model
):
    """Each in a thread of its own, as `nested` does; MLflow says nothing, others do."""
    SavedEnsemble((small_saved_model,), (1.0,), "greedy").save(final_folder.model)
    logger, both = logging.getLogger("mlflow"), Barrier(2)
    before = sys.stderr, logger.level, list(warnings.filters)
    true_save = mlflow.pyfunc.save_model

    def save(*arguments, **settings):
        eprint("MLflow saves")
        logger.error("MLflow fails")
        sys.stderr.write("another session's note\n")
        true_save(*arguments, **settings)

    def save_beside(number):
        both.wait()
        final_model.save_model(final_folder.model, tmp_path / f"model_{number}")

    monkeypatch.setattr(mlflow.pyfunc, "save_model", save)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(save_beside, range(2)))
    assert (sys.stderr, logger.level, list(warnings.filters)) == before
    assert capsys.readouterr().err == "another session's note\n" * 2
    eprint("MLflow is heard again")
    assert capsys.readouterr().err == "MLflow is heard again\n"


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree], ids=["moved", "copied"])
def test_artifacts_follow_their_folder(study, final_folder, tmp_path, move):
    """Also where the old folder is gone, and where it is still there it stays as it was."""
    home, config = study
    open_for(study).log_final(final_folder)
    (home.directory / "features").unlink()
    moved = StudyHome(tmp_path / "a new place, ü", "study")
    move(home.directory, moved.directory)
    client, _ = runs((moved, config))
    uri = tracking_uri(moved, config.tracking)
    assert client.get_model_version_by_alias("study", "best").run_id
    open_tracker(moved, config, "2026-01-01T00:00:00Z", synthetic=True).close(search_summary())
    assert list(moved.mlflow_artifacts.rglob("search.json"))
    assert not list(home.directory.rglob("search.json"))
    shutil.rmtree(home.directory, ignore_errors=True)
    mlflow.set_tracking_uri(uri)
    answer = mlflow.pyfunc.load_model("models:/study@best").predict(pd.DataFrame({"text": ["yes"]}))
    assert list(answer.columns) == ["ang", "exc", "neu", "sad"]


def test_only_places_below_the_moved_folder_change(study):
    home, _ = study
    open_for(study)
    here = home.mlflow_artifacts.resolve().as_uri()
    with closing(sqlite3.connect(home.mlflow_database)) as database, database:
        other = here.replace("mlartifacts", "mlartifacts_of_others")
        database.execute("UPDATE experiments SET artifact_location = 'file:///gone/mlartifacts' "
                         "WHERE name != 'Default'")  # fmt: skip
        rows = [
            ("a", "file:///gone/mlartifacts/1"),
            ("b", other),
            ("c", "file:///gone/mlartifactsX"),
        ]
        for name, location in rows:
            database.execute(
                "INSERT INTO experiments (name, artifact_location, lifecycle_stage) "
                "VALUES (?, ?, 'active')", (name, location))  # fmt: skip
    open_for(study)
    with closing(sqlite3.connect(home.mlflow_database)) as database:
        found = dict(database.execute("SELECT name, artifact_location FROM experiments"))
    assert found["emotion_hpo"] == here
    assert [found[name] for name in "abc"] == [f"{here}/1", other, "file:///gone/mlartifactsX"]


def test_runs_say_what_they_are_and_what_they_read(study, final_folder):
    tracker = open_for(study)
    tracker.mirror([TRIAL, FAILED])
    tracker.close(search_summary(n_train=63, n_validation=16))
    tracker.close(search_summary(n_train=63, n_validation=16))
    tracker.log_final(final_folder)
    _, found = runs(study)

    def read(name):
        return {
            (one.dataset.name, one.tags[0].value, one.dataset.profile)
            for one in found[name].inputs.dataset_inputs
        }

    assert read("study") == {
        ("twin (training)", "training", '{"utterances": 63}'),
        ("twin (validation)", "validation", '{"utterances": 16}'),
    }
    assert {part for _, part, _ in read("final trial_0")} == {"training", "test"}
    notes = {name: run.data.tags["mlflow.note.content"] for name, run in found.items()}
    assert notes["study"] == study[1].study.question
    assert notes["trial_0"].startswith("complete after 3 epochs; val/accuracy 0.3000 at epoch 3")
    assert notes["trial_2"].startswith("failed after 0 epochs")
    assert "scored on the 22 of session 5" in notes["final trial_0"]


def test_the_report_lies_beside_the_studys_run(study):
    home, _ = study
    home.report.page.parent.mkdir(parents=True)
    home.report.page.write_text("<!doctype html>")
    figure = home.report.figure("slices", "png")
    figure.parent.mkdir()
    figure.write_bytes(b"png")
    open_for(study).log_report(home.report)
    client, found = runs(study)
    kept = client.list_artifacts(found["study"].info.run_id, "report")
    assert {one.path for one in kept} == {"report/index.html", "report/figures"}
    info, tags = found["study"].info, found["study"].data.tags
    address = f"#/experiments/{info.experiment_id}/runs/{info.run_id}/artifacts/report/index.html"
    assert f"[Report]({address})" in tags["mlflow.note.content"]


def test_a_final_models_run_is_written_once_and_anew_where_it_was_cut_off(
    study, final_folder, monkeypatch
):
    def cut(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(final_model, "log_model", cut)
        with pytest.raises(KeyboardInterrupt):
            open_for(study).log_final(final_folder)
    places = {open_for(study).log_final(final_folder) for _ in range(2)}
    assert len(places) == 1
    client, found = runs(study)
    assert found["final trial_0"].info.status == "FINISHED"
    assert len(client.search_model_versions("name='study'")) == 1
    kinds = client.search_runs([found["study"].info.experiment_id], "tags.kind = 'final'")
    assert len(kinds) == 1


def test_a_final_model_does_not_wake_the_studys_run(study, final_folder):
    open_for(study).close(search_summary())
    open_for(study).log_final(final_folder)
    _, found = runs(study)
    assert found["study"].info.status == "FINISHED"
    assert "study/synthetic" not in found["study"].data.metrics


def test_epochs_stand_at_the_times_when_they_ended(study):
    open_for(study).mirror([TRIAL])
    client, found = runs(study)
    history = client.get_metric_history(found["trial_0"].info.run_id, "val/accuracy")
    assert [one.timestamp for one in history] == [1000 * (10**9 + n) for n in (1, 2, 3)]


def test_a_run_id_in_the_environment_misleads_nobody(study, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    open_for(study).mirror([TRIAL])
    assert set(runs(study)[1]) == {"study", "trial_0"}


def test_a_database_that_is_none_is_said(make_study):
    home, config = make_study("study", *TRACKED)
    home.mlflow_database.write_text("this is not a database " * 50)
    with pytest.raises(TrackingError, match=r"MLflow at sqlite:.* cannot be used"):
        open_tracker(home, config, "2026-01-01T00:00:00Z", synthetic=True)


class TestPages:
    """`emotion-hpo ui`, up to where MLflow's server takes over."""

    @pytest.fixture
    def replaced(self, monkeypatch):
        """The program that this process would have become."""
        programs = []
        monkeypatch.setattr("os.execv", lambda _path, words: programs.append(words))
        return programs

    def test_the_runs_have_an_address_of_their_own(self, study, emotion_hpo, replaced):
        open_for(study).mirror([TRIAL])
        client, _ = runs(study)
        (experiment,) = client.search_experiments(filter_string="name = 'emotion_hpo'")
        directory = study[0].directory
        ended = emotion_hpo("ui", "port=5071", f"study.directory={directory}")
        assert (ended.status, ended.stderr) == (0, "")
        assert ended.stdout.splitlines() == [
            "MLflow on http://127.0.0.1:5071 (Ctrl-C ends it)",
            "Runs of all studies: http://127.0.0.1:5071/#/experiments/"
            f"{experiment.experiment_id}/runs?workflowType=machine_learning",
        ]
        words = " ".join(replaced[0])
        assert (
            "--host 127.0.0.1 --port 5071 --workers 1 --uvicorn-opts --log-level warning" in words
        )

    def test_without_a_study_there_are_no_runs_to_link(self, emotion_hpo, replaced):
        ended = emotion_hpo("ui", "port=5072", "tracking=none")
        assert (ended.status, ended.stdout.count("\n"), len(replaced)) == (0, 1, 1)

    def test_the_dashboard_needs_a_study_and_its_extra(self, emotion_hpo, replaced, monkeypatch):
        ended = emotion_hpo("ui", "dashboard=true", "dashboard_port=5074", "port=5073")
        assert (ended.status, replaced) == (2, [])
        assert ended.stderr.startswith("emotion-hpo ui: no study 'quick' in ")
        monkeypatch.setattr("emotion_hpo.search.optuna.dashboard.find_spec", lambda _: None)
        ended = emotion_hpo("ui", "dashboard=true", "dashboard_port=5074", "port=5073")
        assert ended.stderr == (
            "emotion-hpo ui: dashboard=true needs optuna-dashboard: "
            "pip install 'emotion_hpo[dashboard]'\n"
        )

    def test_a_broken_database_is_named(self, make_study, emotion_hpo, replaced):
        home, _ = make_study()
        home.mlflow_database.write_text("this is not a database " * 50)
        ended = emotion_hpo("ui", f"study.directory={home.directory}")
        assert (ended.status, ended.stdout, replaced) == (2, "", [])
        assert ended.stderr.startswith(
            f"emotion-hpo ui: {home.mlflow_database} cannot be opened by MLflow: "
        )
        assert "restore it from a copy, or move it away" in ended.stderr
        assert ended.stderr.count("\n") == 1


def test_no_tracking_is_a_tracker_too(make_study):
    home, config = make_study()
    tracker = open_tracker(home, config, "2026-01-01T00:00:00Z", synthetic=True)
    assert isinstance(tracker, NullTracker)
    tracker.mirror(TRIALS)
    tracker.close(None)
    assert tracker.log_final(home.final(0)) is None
    tracker.log_report(home.report)


class Recorder(NullTracker):
    """Keeps what it is shown."""

    def __init__(self):
        self.shown, self.closed = [], []

    def mirror(self, trials):
        self.shown.append([one.number for one in trials])

    def close(self, summary):
        self.closed.append(summary)


class TestMirror:
    def test_shows_what_it_is_given_and_finishes(self, monkeypatch):
        monkeypatch.setattr(mirror_module, "_INTERVAL_S", 0.0)
        recorder = Recorder()
        mirror, summary = BackgroundTracker(lambda: recorder), search_summary()
        mirror.show([TRIAL])
        mirror.finish([TRIAL, PRUNED], summary)
        assert recorder.shown[-1] == [0, 3]
        assert recorder.closed == [summary]

    def test_a_tracker_that_is_down_is_logged_once_and_opened_again(self, caplog):
        calls = []

        def open_tracker():
            calls.append(1)
            if len(calls) < 3:
                raise TrackingError("MLflow at http://nowhere cannot be used: refused")
            return Recorder()

        mirror = BackgroundTracker(open_tracker)
        mirror._write([TRIAL], None)
        mirror._write([TRIAL], None)
        mirror.finish([TRIAL], search_summary())
        assert len(calls) == 3
        (record,) = caplog.records
        assert "cannot be used: refused. The search goes on" in record.message
