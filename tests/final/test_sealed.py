"""Altering every byte of the sealed session changes nothing that is decided before it is opened."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from emotion_hpo.corpus import Twin, write_release
from emotion_hpo.errors import HoldoutError
from emotion_hpo.features.preparation import prepare_features, quiet
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.worker import Worker
from emotion_hpo.selection.confirmation import confirm
from emotion_hpo.selection.expected_score import estimate_expected_score
from emotion_hpo.selection.leaders import plan_confirmations
from emotion_hpo.splits.parts import Development, split
from emotion_hpo.study import StudyHome
from emotion_hpo.study.study_file import write_or_compare
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training.fold_run import DataModule
from tests.pipeline import compose_config, trainer

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover

SIZE = (
    "corpus=iemocap", "features.mocap.n_parts=20", "tracking=none", "pruner=none", "model=smoke",
    "study.n_trials=2", "study.confirm_leaders=1", "study.confirm_seeds=1", "training.epochs=2",
    "split.n_validation=0.2",
)  # fmt: skip


def overwrite(folder: Path) -> int:
    """Replace every byte of every file by another one; count the files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        content = np.frombuffer(path.read_bytes(), np.uint8)
        path.write_bytes((content ^ 0x5A).tobytes())
    return len(files)


def everything_decided(release: Path, folder: Path) -> dict[str, object]:
    """Search, confirm and promise on a release; what came out, time and place apart."""
    home = StudyHome(folder, "study")
    home.path.mkdir(parents=True)
    config = compose_config(
        *SIZE, f"corpus.root={release}", f"study.directory={folder}", "study.name=study"
    )
    store = prepare_features(config, home.features, quiet, leave_out="5")
    development, _ = split(store, config.split)
    config, _ = adapt(config, store, development)
    write_or_compare(home, config, store.keys, synthetic=store.synthetic)
    data_module = DataModule(development)
    Study(home, config).open_slots()
    Worker(home, config, data_module, "worker_0").work()
    confirm(home, config, trainer(home))
    trials = read_trials(home)
    reruns = plan_confirmations(home, config, trials)
    answers = [
        hashlib.sha256(np.load(home.trial(one.number).probabilities)["probabilities"].tobytes())
        for one in trials
    ]
    return {
        "keys": {name: key for name, key in store.keys.items() if name != "5"},
        "values": [(one.value, one.best_epoch, dict(one.params)) for one in trials],
        "answers": [one.hexdigest() for one in answers],
        "confirmed": [
            home.confirmation(one.number, one.index).record.read_text().partition('"seconds"')[0]
            for one in reruns
        ],
        "expected": estimate_expected_score(home, config, development, trials),
    }


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release") / "IEMOCAP_full_release"
    write_release(Twin(0, 0.02), folder, quiet)
    return folder


def test_every_byte_of_the_sealed_session_may_change(release, tmp_path):
    mine = tmp_path / "IEMOCAP_full_release"
    shutil.copytree(release, mine)
    before = everything_decided(mine, tmp_path / "before")
    assert overwrite(mine / "Session5") > 10
    after = everything_decided(mine, tmp_path / "after")
    assert after == before
    assert before["expected"] is not None


def test_nor_do_the_bytes_of_its_features_matter(release, tmp_path):
    """All sessions are prepared, and the sealed one's shard is overwritten before the search."""
    config = compose_config(*SIZE, f"corpus.root={release}", "study.name=study")
    whole, sealed = tmp_path / "whole", tmp_path / "sealed"
    prepare_features(config, whole / "features", quiet)
    shutil.copytree(whole / "features", sealed / "features")
    key = prepare_features(config, whole / "features", quiet).keys["5"]
    shards = [path for path in (sealed / "features").rglob("*") if key in path.name]
    assert shards, "the sealed session has a shard of its own"
    n_files = sum(overwrite(path) if path.is_dir() else overwrite_one(path) for path in shards)
    assert n_files > 0
    assert everything_decided(release, sealed) == everything_decided(release, whole)


def overwrite_one(path: Path) -> int:
    content = np.frombuffer(path.read_bytes(), np.uint8)
    path.write_bytes((content ^ 0x5A).tobytes())
    return 1


def test_a_sealed_utterance_cannot_be_named(small_parts):
    development, holdout = small_parts
    sealed = holdout.unseal().ids[0]
    for part in (development.everything, development.validation, development.folds[0].train):
        with pytest.raises(HoldoutError, match=f"{sealed} is not among the development utterances"):
            part.select([sealed])
    assert not isinstance(holdout, Development)
    assert not hasattr(holdout, "everything")
    assert not hasattr(holdout, "validation")
