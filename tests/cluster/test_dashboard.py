"""optuna-dashboard reads a study's own file, while it is searched and afterwards."""

import json
import sys
import urllib.request

import pytest

from emotion_hpo.search.optuna.study import Study
from tests.cluster.servers import Server, free_port, until
from tests.needed import need_module
from tests.search.processes import Command

LONG = ("study.n_trials=2", "launcher.n_workers=1", "pruner=none", "training.epochs=20")


@pytest.fixture
def dashboard():
    """Open a database in optuna-dashboard: `dashboard(path)` gives a function that asks it."""
    need_module("optuna_dashboard", "dashboard")
    servers = []

    def serve(database):
        port = free_port()
        program = "from optuna_dashboard._cli import main; main()"
        options = [f"sqlite:///{database}", "--port", str(port), "--host", "127.0.0.1"]
        server = Server([sys.executable, "-c", program, *options], port)
        servers.append(server)
        server.wait()

        def ask(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.read().decode()

        return ask

    yield serve
    for server in servers:
        server.kill()


def test_a_study_is_seen_while_it_is_searched_and_goes_on(make_study, dashboard):
    home, config = make_study("study", *LONG)
    command = Command(home, *LONG)
    until(lambda: len(list(home.path.glob("trials/*/curve.json"))) == 1, 120)
    ask = dashboard(home.database)
    (seen,) = json.loads(ask("/api/studies"))["study_summaries"]
    assert seen["study_name"] == "study"
    assert "<title>Optuna Dashboard</title>" in ask("/dashboard")
    found = json.loads(ask(f"/api/studies/{seen['study_id']}?after=0"))
    assert {one["state"] for one in found["trials"]} <= {"Running", "Waiting", "Complete"}
    status, _, err = command.wait()
    assert status == 0, err
    found = json.loads(ask(f"/api/studies/{seen['study_id']}?after=0"))
    assert [one["state"] for one in found["trials"]] == ["Complete"] * 2
    values = [one.value for one in Study(home, config).trials()]
    assert [one["values"] for one in found["trials"]] == [[value] for value in values]
