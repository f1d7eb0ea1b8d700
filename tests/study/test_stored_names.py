"""Names in YAML, in tables and in what is stored are text, or refused."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.config.study_name import SHARED
from emotion_hpo.corpus.parquet import names_as_text
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.final.nested import with_test
from emotion_hpo.study import StudyHome, read_json, read_yaml, write_json, write_yaml
from tests.nasty_names import NAMES
from tests.pipeline import compose_config


@pytest.fixture(scope="module")
def plain():
    return dump(compose_config("study=smoke"))


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_named_as_asked_or_refused_with_another_name(plain, name):
    try:
        assert build(SearchConfig, with_value(plain, "study.name", name)).study.name == name
    except ConfigError as error:
        (line,) = str(error).splitlines()
        near = line.rpartition("take ")[2].strip("'")
        assert build(SearchConfig, with_value(plain, "study.name", near)).study.name == near


def test_no_study_lies_where_all_studies_keep_something():
    home = StudyHome(Path("studies"), "study")
    shared = (home.features, home.ledger, home.mlflow_database, home.mlflow_artifacts)
    places = {*shared, home.comparison([]).path.parent}
    assert {place.name for place in places} == set(SHARED)


WRITTEN = ["1.10", "2019_05", "01", "1e3", "on", "null", "0x1f", "1:30", ""]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("key", ["test_session", "validation_session"])
def test_yaml_without_quotes_is_refused_and_with_quotes_taken(emotion_hpo, isolated, key, written):
    group = isolated / "mine" / "split"
    group.mkdir(parents=True)
    sessions = {"test_session": '"5"', "validation_session": '"4"', key: written}
    lines = "\n".join(f"{name}: {session}" for name, session in sessions.items())
    (group / "own.yaml").write_text(f"name: speakers\nscenario: null\n{lines}\n")
    ended = emotion_hpo("search", "--config-dir", "mine", "split=own")
    assert (ended.status, ended.stderr.count("\n")) == (2, 1)
    assert f"split.{key}: text is needed here, but " in ended.stderr
    assert "in YAML, quote it as you mean it" in ended.stderr


def test_names_of_any_length_have_folders(tmp_path):
    """Of a shard, where a sign may take nine bytes, and of a page that compares many studies."""
    names = ("😀" * 200, "x" * 200, "ä" * 200)
    keys = {name: f"{at:016}" for at, name in enumerate(names)}
    store = FeatureStore(tmp_path, "manifest", False, ("a", "b"), ("speech",), (), names, keys)
    for name in names:
        store.shard_path(name).mkdir()
    first, *others = (StudyHome(tmp_path, f"{at}" + "x" * 90) for at in range(4))
    first.comparison(others).path.mkdir(parents=True)
    assert first.comparison(others) != first.comparison(others[::-1])


def test_keys_of_yaml_are_names_too(plain):
    merged = yaml.safe_load("{1.10: sad, on: sad}")
    corpus = {
        "name": "collected", "file": "x", "classes": ["ang", "sad"], "merge": merged,
        "strict": False,
    }  # fmt: skip
    with pytest.raises(ConfigError) as raised:
        build(SearchConfig, {**plain, "corpus": corpus})
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == [
        "corpus.merge.1.1", "corpus.merge.1",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_holds_every_name_exactly(tmp_path, name):
    content = {"session": name, "classes": [name, "x"], "merge": {name: name}}
    write_yaml(tmp_path / "study.yaml", content)
    write_json(tmp_path / "search.json", content)
    assert read_yaml(tmp_path / "study.yaml") == read_json(tmp_path / "search.json") == content


@pytest.mark.parametrize("typed", ["~/corpus/t.csv", "~/x y"])
def test_home_is_expanded_wherever_a_path_is_given(plain, monkeypatch, typed):
    monkeypatch.setenv("HOME", "/home/ann")
    corpus = {
        "name": "manifest", "table": typed, "features": {"video": typed}, "classes": None,
        "synthetic": False, "strict": False, "transcripts": typed,
    }  # fmt: skip
    built = build(SearchConfig, with_value({**plain, "corpus": corpus}, "study.directory", typed))
    expanded = Path("/home/ann") / typed[2:]
    places = (built.corpus.table, built.corpus.features["video"], built.corpus.transcripts)
    assert {*places, built.study.directory} == {expanded}


def test_names_in_parquet_are_text_or_whole_numbers(tmp_path):
    import pyarrow as pa

    whole = pa.table({"session": pa.array([1, None, 10]), "start_s": [0.5, 1.0, 1.5]})
    assert names_as_text(whole, ["session"]).to_pydict() == {
        "session": ["1", None, "10"], "start_s": [0.5, 1.0, 1.5],
    }  # fmt: skip
    coded = pa.Table.from_pandas(pd.DataFrame({"session": pd.Categorical(["1.10", "1.1"])}))
    assert names_as_text(coded, ["session"]).to_pydict() == {"session": ["1.10", "1.1"]}
    for values in ([1.1, 1.10], [True, False], pd.to_datetime(["2019-05-01", "2019-05-02"])):
        lossy = pa.Table.from_pandas(pd.DataFrame({"session": values}))
        with pytest.raises(ValueError, match=r"^column session holds names, .*store it as text$"):
            names_as_text(lossy, ["session"])


def test_nested_studies_of_two_sessions_are_two(plain):
    config = build(SearchConfig, with_value(plain, "study.name", "deep"))
    studies = [with_test(config, name) for name in NAMES]
    assert [study.split.test_session for study in studies] == list(NAMES)
    assert len({study.study.name for study in studies}) == len(NAMES)
    assert studies[NAMES.index("1.10")].study.name == "deep-test1.10"
