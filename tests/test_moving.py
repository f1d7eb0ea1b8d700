"""A finished study, its corpus and its MLflow folder go on from any other place."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mlflow import MlflowClient
from mlflow.tracking._tracking_service import utils

import emotion_hpo
from emotion_hpo.predict.reading import find_model
from emotion_hpo.study import StudyHome, read_json, study_file
from emotion_hpo.tracking.serving import serving_app

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover

SIZE = (
    "corpus=manifest", "model=text", "split=session", "split.test_session=3", "training.epochs=1",
    "study.final_seeds=[0]", "study.confirm_leaders=0", "launcher.n_workers=1", "study.name=moved",
    "model.encoders.text.units=4", "model.encoders.text.embedding.dimensions=4", "space=training",
)  # fmt: skip

#: Loads a registered model as any other program does.
LOAD = """
import sys
import mlflow, pandas
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/moved@best")
print(*model.predict(pandas.DataFrame({"text": ["good day"]})).columns)
"""


def write_corpus(folder: Path, *, prefix: str = "", suffix: str = "wav") -> Path:
    """Twelve recordings with words, in three sessions."""
    folder.mkdir(parents=True)
    rows = ["utterance_id,speaker,session,emotion,dialogue,transcript,audio"]
    for number in range(12):
        generator, session = np.random.default_rng(number), number // 4 + 1
        name, emotion = f"{prefix}u{number}", ("glad", "sad")[number % 2]
        words = " ".join(generator.choice([*"abcdefghijklmnop"], 6))
        soundfile.write(folder / f"{name}.{suffix}", 0.1 * generator.standard_normal(8000), 16_000)
        rows.append(f"{name},s{session},{session},{emotion},{prefix}{number // 2},{words},"
                    f"{name}.{suffix}")  # fmt: skip
    (folder / "table.csv").write_text("\n".join([*rows, ""]))
    return folder / "table.csv"


def move(folder: Path, to: Path) -> None:
    """Move a folder; as a process of its own, the next command knows nothing of its old place."""
    shutil.move(folder, to)
    utils._artifact_repos_cache.clear()


def touch(folder: Path) -> None:
    """Give every file a time of its own, in the reverse of their order."""
    for second, path in enumerate(sorted(folder.rglob("*"), reverse=True)):
        os.utime(path, (1e9 + second, 1e9 + second))


def test_a_finished_study_goes_on_from_another_place(emotion_hpo, isolated, unpainted):
    first, second, third = (isolated / name for name in ("first", "second place", "third"))
    table = write_corpus(first / "corpus")
    where = f"study.directory={first / 'studies'}"
    begun = emotion_hpo("search", *SIZE, f"corpus.table={table}", where, "study.n_trials=1")
    assert begun.status == 0, begun.stderr
    scored = emotion_hpo("final", where, "study.name=moved", "best=trial_0")
    assert scored.status == 0, scored.stderr

    move(first, second)
    touch(second)
    where = f"study.directory={second / 'studies'}"
    here = f"corpus.table={second / 'corpus' / 'table.csv'}"
    more = emotion_hpo("search", *SIZE, here, where, "study.n_trials=2")
    assert more.status == 0, more.stderr
    assert "2 of 2 trials finished" in more.stdout
    home = StudyHome(second / "studies", "moved")
    assert study_file.read(home).config.corpus.table == second / "corpus" / "table.csv"

    move(second, third)
    home = StudyHome(third / "studies", "moved")
    table = third / "corpus" / "table.csv"
    named = ("study.name=moved", f"study.directory={home.directory}")
    lost = emotion_hpo("final", *named, "best=trial_1", "rescore=true")
    assert (lost.status, "point corpus.table at your table" in lost.stderr) == (2, True)
    refused = emotion_hpo("final", *named, "best=trial_1", f"corpus.table={table}")
    assert "this holdout was scored before: study moved, trial_0" in refused.stderr
    again = emotion_hpo("final", *named, "best=trial_1", "rescore=true")
    assert again.status == 0, again.stderr
    assert read_json(home.final(1).result)["n_scorings"] == 2

    for command in ("report", "sync"):
        ended = emotion_hpo(command, *named)
        assert ended.status == 0, ended.stderr
    touch(third)
    assert find_model(home.path) == home.final(1).model, "the one that was scored last"
    assert serving_app(find_model(home.path))
    uri = f"sqlite:///{home.mlflow_database}"
    client = MlflowClient(uri)
    for run in client.search_runs([client.get_experiment_by_name("emotion_hpo").experiment_id]):
        assert run.info.artifact_uri.startswith(home.mlflow_artifacts.as_uri())
    version = client.get_model_version_by_alias("moved", "best")
    assert version.run_id
    assert load(uri, isolated) == "glad sad\n"
    assert not first.exists()
    assert not second.exists()


def load(uri: str, folder: Path) -> str:
    """What the registered model answers in an interpreter of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(emotion_hpo.__file__).parents[1])}
    command = [sys.executable, "-W", "ignore", "-c", LOAD, uri]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=folder, env=environment
    )
    return ended.stdout
