"""What `final` does once the figures are written; what a kill of it leaves, `sync` fills in."""

import pytest
from mlflow import MlflowClient

from emotion_hpo import report, study_file
from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.tracking import tracking_uri

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover


@pytest.fixture
def tracked(searched):
    """The searched study, which says that MLflow mirrors it."""
    stored = study_file.read(searched)
    tracking = {"name": "mlflow", "uri": None, "experiment": "emotion_hpo"}
    config = build(SearchConfig, with_value(dump(stored.config), "tracking", tracking))
    study_file.write_or_compare(searched, config, stored.shards, synthetic=True)
    return searched, config


def test_a_final_that_is_cut_off_after_its_score_is_shown_by_sync(
    tracked, emotion_hpo, monkeypatch
):
    home, config = tracked
    where = ("study.name=study", f"study.directory={home.directory}")

    def cut(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(report, "report", cut)
        assert emotion_hpo("final", *where, "best=trial_0").status != 0
    folder = home.final(0)
    assert folder.result.exists()
    assert not folder.confusion.exists()
    refused = emotion_hpo("final", *where, "best=trial_0")
    assert refused.status == 2
    assert "`make report` and `make sync` show it" in refused.stderr

    for _ in range(2):
        ended = emotion_hpo("sync", *where)
        assert ended.status == 0, ended.stderr
        assert "2 trials, 1 final model" in ended.stdout
    assert folder.confusion.exists()
    assert home.report.page.exists()
    client = MlflowClient(tracking_uri(home, config.tracking))
    experiment = client.get_experiment_by_name("emotion_hpo").experiment_id
    (run,) = client.search_runs([experiment], "tags.kind = 'final'")
    assert run.info.status == "FINISHED"
    logged = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert logged >= {"result.json", "confusion.png"}


def test_a_study_without_mlflow_has_nothing_to_sync(searched, emotion_hpo):
    ended = emotion_hpo("sync", "study.name=study", f"study.directory={searched.directory}")
    assert ended.status == 2
    assert "searched with tracking=none" in ended.stderr
