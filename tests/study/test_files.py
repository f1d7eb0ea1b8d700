"""Files of a study: whole or absent, for every reader and at every moment."""

import json
import math
import os
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_hpo.errors import StudyError
from emotion_hpo.study import (
    Epoch,
    FinalHome,
    StudyHome,
    Trial,
    TrialHome,
    TrialState,
    check_writable,
    make_folder,
    read_json,
    read_yaml,
    replacing,
    write_bytes,
    write_json,
    write_yaml,
)
from emotion_hpo.study.curves import read_curve, write_curve
from emotion_hpo.study.records.trial import Curve

HOME = StudyHome(Path("studies"), "name")


def files(home) -> list[Path]:
    """What the properties of a home name."""
    values = (
        getattr(home, name)
        for name, value in vars(type(home)).items()
        if isinstance(value, property)
    )
    return [value for value in values if isinstance(value, Path)]


def test_no_two_files_share_a_name():
    homes = [HOME, *(make(n) for make in (HOME.trial, HOME.final) for n in (1, 11))]
    everything = [path for home in homes for path in files(home)]
    assert len(set(everything)) == len(everything)


@pytest.mark.parametrize("home", [HOME.trial(3), HOME.final(3)], ids=["trial", "final"])
def test_a_trials_files_lie_in_its_folder(home):
    assert isinstance(home, TrialHome | FinalHome)
    assert home.path.name == "trial_3"
    assert HOME.path in home.path.parents
    assert all(path.parent == home.path for path in files(home))


def test_studies_share_features_ledger_and_mlflow():
    other = StudyHome(Path("studies"), "other")
    shared = {path for path in files(HOME) if path in files(other)}
    assert shared == {
        HOME.features,
        HOME.ledger,
        HOME.mlflow_database,
        HOME.mlflow_artifacts,
        HOME.mlflow_lock,
    }


@pytest.mark.parametrize(
    ("state", "is_finished"),
    [
        ("waiting", False),
        ("running", False),
        ("complete", True),
        ("pruned", True),
        ("failed", True),
        ("interrupted", False),
    ],
)
def test_what_counts_towards_the_budget(state, is_finished):
    assert TrialState(state).is_finished is is_finished
    assert len(TrialState) == 6


def test_time_of_a_trial_is_that_of_its_epochs():
    curve = tuple(Epoch(n, {}, 0.1, 0.0) for n in range(1, 11))
    assert Trial(7, TrialState.COMPLETE, curve=curve).seconds == 1.0
    assert Trial(7, TrialState.WAITING).seconds == 0
    assert Trial(7, TrialState.WAITING).name == "trial_7"


EPOCHS = st.builds(
    Epoch,
    epoch=st.integers(1, 100),
    metrics=st.dictionaries(st.text(max_size=9), st.floats(allow_nan=False, allow_infinity=False)),
    seconds=st.floats(0, 1e6),
    finished_at=st.floats(0, 2e9),
)


@given(EPOCHS)
def test_epochs_round_trip(epoch):
    stored = Curve(epochs=(epoch,)).to_json()
    assert Curve.from_json(stored).epochs == (epoch,)
    assert stored["epochs"][0].keys() == {field.name for field in fields(Epoch)}


def test_curve_round_trips_and_is_empty_before(tmp_path):
    home = TrialHome(tmp_path / "trial_0")
    assert read_curve(home) == ()
    curve = (Epoch(1, {"val/accuracy": 0.5}, 2.0, 3.0), Epoch(2, {"val/accuracy": 0.6}, 2.0, 5.0))
    write_curve(home, curve)
    assert read_curve(home) == curve


BROKEN_CURVES = [
    ("[{", "is not readable", "cut off"),
    ("\xff", "is not readable", "not UTF-8"),
    (
        '{"version": 1, "epochs": [{"epoch": 1}]}',
        "was not written by this version: epochs.0",
        "gaps",
    ),
    ("3", "was not written by this version: it names no version", "not a mapping"),
    ('{"version": 2, "epochs": []}', "was not .*: it is of version 2, and 1 is read", "newer"),
    ('{"version": true, "epochs": []}', "was not .*: it is of version True", "no number"),
]


@pytest.mark.parametrize(("content", "said", "why"), BROKEN_CURVES)
def test_broken_curve_is_named(tmp_path, content, said, why):
    home = TrialHome(tmp_path)
    home.curve.write_bytes(content.encode("latin-1"))
    with pytest.raises(StudyError, match=rf"curve\.json {said}.*; restore it from a copy, or"):
        read_curve(home)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def finite(content):
    """The content as JSON can say it."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, list):
        return [finite(one) for one in content]
    if isinstance(content, dict):
        return {key: finite(one) for key, one in content.items()}
    return content


@given(content=JSON)
def test_json_round_trips_and_every_reader_knows_it(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "content.json"
    write_json(path, content)

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    assert json.loads(path.read_text("utf-8"), parse_constant=refuse) == finite(content)
    assert read_json(path) == finite(content)
    assert path.read_bytes().endswith(b"\n")


def test_yaml_keeps_order_and_letters(tmp_path):
    path = tmp_path / "deep" / "er" / "study.yaml"
    content = {"z": "größe — ✓", "a": [1, 2.5, None, True], "m": {"y": "1e-3", "x": 1e-3}}
    write_yaml(path, content)
    assert read_yaml(path) == content
    assert list(read_yaml(path)) == ["z", "a", "m"]
    assert "größe — ✓" in path.read_text("utf-8")


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\xff", b"a: b: c"])
def test_broken_yaml_is_named_in_one_line(tmp_path, content):
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"study\.yaml is not readable: .") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("is_flushed", [True, False])
def test_what_is_not_written_to_its_end_leaves_the_old(tmp_path, is_flushed):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with suppress(KeyboardInterrupt), replacing(path, is_flushed=is_flushed) as file:
        file.write(b"ne")
        raise KeyboardInterrupt
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"old")]
    with replacing(path, is_flushed=is_flushed) as file:
        file.write(b"new")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"new")]


def test_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    """Cut off before the renaming, the old content stays and nothing lies about."""
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StudyError, match=r"cannot write .*file: No space left on device"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["file/below", "folder", "."])
def test_unwritable_file_is_named(tmp_path, monkeypatch, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match="cannot write "):
        write_bytes(Path(name), b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_folder_is_no_file_to_write_before_the_work(tmp_path):
    with pytest.raises(StudyError, match="it is a folder; give another output=FILE"):
        check_writable(tmp_path)
    check_writable(tmp_path / "new" / "file.csv")
    check_writable(None)


def test_folder_is_made_or_named(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    assert make_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == [], "the trial of writing leaves nothing"
    (tmp_path / "file").touch()
    with pytest.raises(StudyError, match=r"cannot write to .*/file/c: Not a dir.*study\.directory"):
        make_folder(tmp_path / "file" / "c")
    with pytest.raises(StudyError, match=r"cannot write to .*/file: File exists"):
        make_folder(tmp_path / "file")


@pytest.mark.parametrize("name", ["why?", "100%20"])
def test_a_folder_whose_name_would_change_a_databases_address_is_refused(tmp_path, name):
    with pytest.raises(StudyError, match=r"holds a '[?%]'; choose another study.directory=FOLDER"):
        make_folder(tmp_path / name / "study")
    assert not list(tmp_path.iterdir())
