"""MLflow behind a server that is down, hangs or comes back: it mirrors, it never decides."""

import socket
import sys
import threading
import time

import pytest
from mlflow import MlflowClient

from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import TrialState
from emotion_hpo.tracking import background as mirror
from tests.cluster.servers import Server, free_port
from tests.pipeline import search

SIZE = ("study.n_trials=3", "launcher.n_workers=2", "pruner=none", "tracking=mlflow")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """MLflow's client gives up a request after a second."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def serve(folder, port):
    """MLflow's server on a file in a folder."""
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--host", "127.0.0.1"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    return Server(command, port, cwd=folder)


def test_a_server_that_is_down_for_a_whole_search_has_every_run_after_a_sync(
    make_study, tmp_path, capsys, emotion_hpo, monkeypatch
):
    port = free_port()
    home, config = make_study("study", *SIZE, f"tracking.uri=http://127.0.0.1:{port}")
    result = search(config)
    said = capsys.readouterr().err
    assert result.summary.n_finished == 3
    assert said.count("`emotion-hpo sync` fills in what is missing") == 1
    larger = {"study": config.study.model_copy(update={"n_trials": 4})}
    # as a killed search leaves it: a trial in nobody's hands
    cut = Study(home, config.model_copy(update=larger))
    cut.open_slots()
    cut.claim("worker_0").lock.release()

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    server = serve(tmp_path, port)
    try:
        server.wait(120)
        for _ in range(2):
            call = ("sync", "study=smoke", f"study.directory={home.directory}", "study.name=study")
            ended = emotion_hpo(*call)
            assert ended.status == 0, ended.stderr
        client = MlflowClient(f"http://127.0.0.1:{port}")
        experiment = client.get_experiment_by_name(config.tracking.experiment)
        runs = client.search_runs([experiment.experiment_id])
    finally:
        server.kill()
    names = sorted(run.info.run_name for run in runs)
    assert names == ["study", "trial_0", "trial_1", "trial_2", "trial_3"]
    status = {run.info.run_name: run.info.status for run in runs}
    assert status.pop("trial_3") == "KILLED"
    assert set(status.values()) == {"FINISHED"}
    for run in runs:
        if run.info.run_name in ("trial_0", "trial_1", "trial_2"):
            assert run.data.metrics["epoch/seconds"] > 0
            assert "model.dropout" in run.data.params


def test_a_server_that_hangs_holds_up_nothing(make_study, monkeypatch, capfd):
    """It accepts every connection and never answers."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")
    monkeypatch.setattr(mirror, "_LAST_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        held = []
        threading.Thread(target=lambda: held.append(mute.accept()), daemon=True).start()
        port = mute.getsockname()[1]
        home, config = make_study("study", *SIZE, f"tracking.uri=http://127.0.0.1:{port}")
        result = search(config)
        ended_at = time.time()
        assert held, "MLflow was asked"
        held[0][0].close()
    assert result.summary.n_finished == 3
    trials = Study(home, config).trials()
    assert {one.state for one in trials} == {TrialState.COMPLETE}
    assert ended_at - max(one.finished_at for one in trials) < 20, "the end was not held up"
    assert "MLflow has not answered for 2 s" in capfd.readouterr().err
