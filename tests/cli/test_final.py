"""What `final` does once the figures are written; what a kill of it leaves, `sync` fills in."""

import json
import re

import pytest
from mlflow import MlflowClient

from emotion_hpo import report
from emotion_hpo.cli import final
from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.errors import StudyError
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.tracking import tracking_uri
from tests.records import final_result

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
    tracked, emotion_hpo, monkeypatch, unpainted
):
    home, config = tracked
    where = ("study.name=study", f"study.directory={home.directory}")

    def cut(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(report, "report", cut)
        stopped = emotion_hpo("final", *where, "best=trial_0")
    assert stopped.status != 0
    folder = home.final(0)
    assert f'make demo ARGS="model={folder.model}"' in stopped.stdout
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
    logged = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert logged >= {"result.json", "confusion.png"}


def test_a_study_without_mlflow_has_nothing_to_sync(searched, emotion_hpo):
    ended = emotion_hpo("sync", "study.name=study", f"study.directory={searched.directory}")
    assert ended.status == 2
    assert "searched with tracking=none" in ended.stderr


def test_words_that_cannot_be_read_open_nothing(searched, emotion_hpo):
    where = ("study.name=study", f"study.directory={searched.directory}")
    ended = emotion_hpo("final", *where, "best=trial_0", "words=gone.csv")
    assert ended.status == 2
    assert "gone.csv: No such file" in ended.stderr
    assert not searched.ledger.exists()
    assert not searched.final(0).model.exists()


STEPS = ["written to output", "shown", "reported", "logged in MLflow"]


@pytest.mark.parametrize("broken", [*STEPS, None])
def test_what_fails_after_the_scoring_keeps_nothing_else_back(tmp_path, monkeypatch, broken):
    """Each of the four steps is done, whichever other one raises whatever."""
    done = []

    def step(name):
        def take(*_arguments):
            if name == broken:
                raise LookupError("closing tag '[/sad]' at position 7")
            done.append(name)

        return take

    monkeypatch.setattr(final, "write_record", step("written to output"))
    monkeypatch.setattr(final, "show_final", step("shown"))
    monkeypatch.setattr(report, "report", step("reported"))
    monkeypatch.setattr(final, "_log_final", step("logged in MLflow"))
    home = StudyHome(tmp_path, "study")
    result = final_result()

    def publish():
        final.publish(home, None, result, tmp_path / "out.json")

    if broken is None:
        publish()
    else:
        said = (
            rf"trial_0 is scored .* stored in {home.final(0).result}, but it could not be {broken}"
        )
        with pytest.raises(StudyError, match=said) as raised:
            publish()
        remedies = dict(
            zip(
                STEPS,
                ["copy /", "holds it", "`make report NAME=study", "`make sync NAME=study"],
                strict=True,
            )
        )
        assert remedies[broken] in str(raised.value)
        assert "(LookupError: closing tag '[/sad]' at position 7)" in str(raised.value)
        assert "\n" not in str(raised.value)
    assert done == [step for step in STEPS if step != broken]


def test_a_reader_who_has_seen_enough_keeps_nothing_back(tmp_path, monkeypatch):
    done = []

    def closed(*_arguments):
        raise BrokenPipeError

    monkeypatch.setattr(final, "show_final", closed)
    monkeypatch.setattr(report, "report", lambda _home: done.append("report"))
    monkeypatch.setattr(final, "_log_final", lambda *_: done.append("mlflow"))
    result = final_result()
    with pytest.raises(BrokenPipeError):
        final.publish(StudyHome(tmp_path, "study"), None, result, None)
    assert done == ["report", "mlflow"]


#: Each means something to rich, to MLflow, to LaTeX, to a file system or to nobody's fonts.
LABELS = ("[/sad]", "ang&fru", "$hap$_{x}, :smile:", "快乐 😀 100%")
WORDS = ("sad sorry lost alone", "angry mad stop shout", "happy glad nice good", "well so okay")
SESSIONS = ("1.1", "[b] ä", "会话")


def odd_table(folder):
    """A manifest of text, whose every name is odd."""
    lines = ["utterance_id,speaker,session,dialogue,emotion,transcript"]
    for session in SESSIONS:
        for number in range(12):
            kind = number % 4
            words = [*WORDS[kind].split()[number // 4 :], "the", "thing"]
            name = f"u[/{session}] #{number}"
            speaker = f"说话人 [/{session}] & {'AB'[number % 2]}"
            label = f'"{LABELS[kind]}"'
            lines.append(
                f"{name},{speaker},{session},[d{number // 4}] {session},{label},{' '.join(words)}"
            )
    path = folder / "[table] 表.csv"
    path.write_text("\n".join([*lines, ""]), "utf-8")
    return path


def test_names_of_any_kind_go_all_the_way(emotion_hpo, isolated, monkeypatch, unpainted):
    """From the table to the registered model, past a screen that fails."""
    table = odd_table(isolated)
    searched = emotion_hpo(
        "search", "corpus=manifest", f"corpus.table={table}", "model=text", "space=training",
        "split=session", "split.test_session=会话", "pruner=none", "training.epochs=1",
        "study.name=odd", "study.n_trials=1", "study.confirm_leaders=0", "study.final_seeds=[0]",
        "features.text.max_words=8",
    )  # fmt: skip
    assert searched.status == 0, searched.stderr
    home = StudyHome(isolated / "studies", "odd")

    def fail(_result):
        raise ValueError("no such style")

    with monkeypatch.context() as patched:
        patched.setattr(final, "show_final", fail)
        scored = emotion_hpo("final", "study.name=odd", "best=trial_0")
    assert scored.status == 2
    assert len(scored.stderr.splitlines()) < 6
    assert "it could not be shown" in scored.stderr
    assert "Traceback" not in scored.stderr
    result = json.loads(home.final(0).result.read_text("utf-8"))
    assert set(result["recall_by_class"]) == set(LABELS)

    page = home.report.page.read_text("utf-8")
    for label in ("[/sad]", "ang&amp;fru", "$hap$_{x}, :smile:", "快乐 😀 100%"):
        assert f">{label}</td>" in page
    assert re.search(r"In the figure .*is 快乐", page)
    recalls = home.report.table("recall", "tex").read_text("utf-8")
    assert "    {}[/sad] & 3 &" in recalls
    assert r"\$hap\$\_\{x\}, :smile: & 3 &" in recalls
    assert r"ang\&fru & 3 &" in recalls

    client = MlflowClient(f"sqlite:///{home.mlflow_database.resolve()}")
    version = client.get_model_version_by_alias("odd", "best")
    run = client.get_run(version.run_id)
    for label, name in zip(LABELS[:2], (".5b..2f.sad.5d.", "ang.26.fru"), strict=True):
        recall = result["recall_by_class"][label]["recall"]
        assert run.data.metrics[f"test/recall_{name}"] == recall
    for command in ("sync", "report", "status"):
        ended = emotion_hpo(command, "study.name=odd")
        assert (ended.status, ended.stderr) == (0, "")
    answered = emotion_hpo("predict", f"model={home.final(0).model}", "text=so [/sad] and :smile:")
    assert answered.status == 0, answered.stderr
    for label in LABELS:
        assert label in answered.stdout
