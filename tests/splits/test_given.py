"""`split=given`: the parts are a column's values, and the sealed one changes nothing."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.config import GivenSplit, TwinCorpus, build
from emotion_hpo.corpus import open_corpus
from emotion_hpo.dataset.dialogues import read_turns
from emotion_hpo.errors import ConfigError, HoldoutError
from emotion_hpo.features.preparation import prepare_features, quiet
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.splits.opening import open_development, open_development_and_holdout
from emotion_hpo.splits.parts import check_sessions
from emotion_hpo.splits.shared_dialogues import describe_shared_dialogues
from tests.pipeline import compose_config

PARTS = ("train", "1.10", "null")
KEYS = ("corpus=manifest", "model=text", "+corpus.features.video=VIDEO")
GIVEN = ("split=given", "split.validation='1.10'", "split.test='null'")


@pytest.fixture
def table() -> pd.DataFrame:
    """A row in six is for testing; sessions say nothing of it."""
    rows = range(48)
    return pd.DataFrame({
        "utterance_id": [f"u{row:02d}" for row in rows],
        "speaker": [f"s{row % 4}" for row in rows],
        "session": [str(row % 3) for row in rows],
        "split": [PARTS[0] if row % 6 < 4 else PARTS[row % 6 - 3] for row in rows],
        "dialogue": [f"{row % 6}_{row // 12}" for row in rows],
        "emotion": ["ab"[row // 6 % 2] for row in rows],
        "transcript": [f"word{row}" for row in rows],
    })  # fmt: skip


def written(folder: Path, table: pd.DataFrame, video: np.ndarray | None = None, *more: str):
    """The configuration of a table, written with its features into a folder: by default given."""
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "table.csv", index=False)
    np.save(folder / "video.npy", np.ones((len(table), 3)) if video is None else video)
    keys = [key.replace("VIDEO", str(folder / "video.npy")) for key in KEYS]
    return compose_config(*keys, f"corpus.table={folder / 'table.csv'}", *(more or GIVEN))


def test_the_parts_are_those_of_the_column(table, tmp_path):
    config = written(tmp_path, table)
    _, development, holdout = open_development_and_holdout(config, tmp_path / "features", quiet)
    (fold,) = development.folds
    ids = {part: set(table["utterance_id"][table["split"] == part]) for part in PARTS}
    assert set(fold.train.ids) == ids["train"]
    assert set(fold.validation.ids) == ids["1.10"]
    assert set(holdout.unseal().ids) == ids["null"]
    assert holdout.counts() == {"a": 4, "b": 4}
    with pytest.raises(HoldoutError, match="is not among the development"):
        development.everything.select([min(ids["null"])])


def test_a_search_reads_no_sealed_row_and_every_byte_of_them_may_change(
    table, tmp_path, monkeypatch
):
    opened = []
    true_open = FeatureStore.open
    monkeypatch.setattr(
        FeatureStore, "open", lambda store, name: opened.append(name) or true_open(store, name)
    )
    sealed = (table["split"] == "null").to_numpy()
    changed, video = table.copy(), np.ones((len(table), 3))
    for column in ("speaker", "session", "dialogue", "transcript"):
        changed.loc[sealed, column] = [f"else {row}" for row in range(sealed.sum())]
    changed.loc[sealed, "utterance_id"] = [f"x{row}" for row in range(sealed.sum())]
    changed.loc[sealed, "emotion"] = ["b", "a"] * (sealed.sum() // 2)
    video[sealed] = 7
    shown = []
    for folder, rows, values in (("before", table, None), ("after", changed, video)):
        config = written(tmp_path / folder, rows, values)
        features = tmp_path / folder / "features"
        store, development = open_development(config, features, quiet)
        everything = development.everything
        shown.append((
            store.keys, everything.table.to_json(), everything.labels.tolist(),
            [everything.sequence("video", row).tolist() for row in range(len(everything))],
            [fold.validation.ids for fold in development.folds],
        ))  # fmt: skip
        assert not [path for path in features.rglob("*") if path.name.startswith("null")]
    assert shown[0] == shown[1]
    assert set(opened) == {"train", "1.10"}


def test_any_column_may_say_it_and_a_session_is_not_needed(table, tmp_path):
    parts = ("split.train=s1", "split.validation=s2", "split.test=s0")
    by_speaker = ("split=given", "split.column=speaker", *parts)
    config = written(tmp_path, table[table["speaker"] != "s3"], np.ones((36, 3)), *by_speaker)
    store = prepare_features(config, tmp_path / "features", quiet)
    assert store.sessions == ("s0", "s1", "s2")
    own = table.drop(columns="session").rename(columns={"split": "my part"})
    config = written(tmp_path / "own", own, None, *GIVEN, "split.column='my part'")
    corpus = open_corpus(config.corpus, config.split.session_column)
    assert corpus.sessions() == tuple(sorted(PARTS))


def test_other_splits_do_not_look_at_the_column(table, tmp_path):
    config = written(tmp_path, table, None, "split=session", "split.test_session='2'")
    with_column = open_corpus(config.corpus)
    assert with_column.sessions() == ("0", "1", "2")
    without = written(tmp_path / "without", table.drop(columns="split"), None, "split=session")
    pd.testing.assert_frame_equal(with_column.table("0"), open_corpus(without.corpus).table("0"))


SLIPS = [
    ({"test": "tset"}, "split.test: no row of the table has 'tset' in the column 'split'; there"),
    ({"validation": "x"}, "split.validation: no row of the table has 'x' in the column 'split'"),
    ({"train": "x"}, "split.train: no row of the table has 'x' in the column 'split'; there are"),
]


@pytest.mark.parametrize(("changes", "message"), SLIPS)
def test_a_value_that_no_row_has_is_told(changes, message):
    values = {"column": "split", "train": "train", "validation": "dev", "test": "test", **changes}
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_sessions(GivenSplit(name="given", **values), ("dev", "test", "train"))


def test_rows_of_no_part_are_told():
    split = GivenSplit(name="given", column="part", train="a", validation="b", test="c")
    with pytest.raises(ConfigError, match="rows with d, e in the column 'part' would be of no par"):
        check_sessions(split, ("a", "b", "c", "d", "e"))


def test_the_same_value_twice_is_refused():
    values = {"column": "split", "train": "train", "validation": "dev", "test": "dev"}
    with pytest.raises(ConfigError, match="train, validation and test are three values, but got"):
        build(GivenSplit, {"name": "given", **values})


def test_a_row_without_a_part_is_named_by_its_line(table, tmp_path):
    table.loc[3, "split"] = None
    config = written(tmp_path, table)
    with pytest.raises(Exception, match=r"1 rows have no split:\n.*table\.csv, line 5"):
        open_corpus(config.corpus, "split").sessions()


def test_a_corpus_that_is_no_manifest_has_its_sessions_alone():
    twin = TwinCorpus(name="twin", seed=0, scale=0.002)
    with pytest.raises(ConfigError, match="corpus=twin has no column 'split'; split=given takes"):
        open_corpus(twin, "split")
    assert open_corpus(twin, "session").sessions() == ("1", "2", "3", "4", "5")


def test_a_dialogue_is_that_of_its_session(table, tmp_path):
    """Dialogues of one name differ between sessions of one part; without sessions they do not."""
    table["dialogue"], table["turn"] = "1", [row // 3 for row in range(len(table))]
    config = written(tmp_path / "sessions", table)
    _, development = open_development(config, tmp_path / "sessions" / "features", quiet)
    (fold,) = development.folds
    own = table[table["split"] == "train"].set_index("utterance_id")["session"]
    assert own.nunique() == 3
    assert dict(fold.train.table.set_index("utterance_id")["dialogue"]) == dict(own + "/1")
    assert sorted(map(len, read_turns(fold.train.table)[2])) == sorted(own.value_counts())
    table["turn"] = range(len(table))
    config = written(tmp_path / "none", table.drop(columns="session"))
    _, development = open_development(config, tmp_path / "none" / "features", quiet)
    assert set(development.everything.table["dialogue"]) == {"1"}


def test_a_dialogue_of_several_parts_is_told(table, tmp_path):
    config = written(tmp_path / "apart", table)
    _, development = open_development(config, tmp_path / "features", quiet)
    assert describe_shared_dialogues(config.split, development) == []
    corpus = open_corpus(config.corpus, config.split.session_column)
    assert not [line for line in corpus.remarks() if "several values" in line]
    table["dialogue"] = [str(row // 12) for row in range(len(table))]
    config = written(tmp_path / "shared", table)
    _, development = open_development(config, tmp_path / "features", quiet)
    (line,) = describe_shared_dialogues(config.split, development)
    assert line.startswith(
        "dialogues in training and in validation, by the column 'split': 4 (1/0,"
    )
    remarks = open_corpus(config.corpus, config.split.session_column).remarks()
    assert any("several values of split: 8 (1/0, 1/1, " in line for line in remarks)
    assert describe_shared_dialogues(compose_config("split=paper").split, development) == []
