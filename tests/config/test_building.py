"""Configurations from plain data: what is refused and how it is said; laws of paths and prints."""

import copy
import re
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_hpo.config import (
    Range,
    SearchConfig,
    build,
    differences,
    dump,
    fingerprint,
    flatten,
    with_value,
)
from emotion_hpo.config.base import Section
from emotion_hpo.config.space import Space
from emotion_hpo.errors import ConfigError
from tests.pipeline import compose_config


@pytest.fixture(scope="module")
def valid() -> dict[str, Any]:
    """A complete configuration as plain data."""
    return dump(compose_config("study=smoke"))


def without(mapping: dict[str, Any], path: str) -> dict[str, Any]:
    """A copy of a nested mapping that lacks one path."""
    changed = copy.deepcopy(mapping)
    node = changed
    *above, last = path.split(".")
    for step in above:
        node = node[step]
    del node[last]
    return changed


def complaints(plain: Any) -> list[str]:
    """The lines of the error that building gives."""
    with pytest.raises(ConfigError, match=r".") as caught:
        build(SearchConfig, plain)
    return str(caught.value).splitlines()


BAD_VALUES = [
    # path, value, the one line that is said (its beginning), why it is bad
    ("model.droput", 0.1, "model.droput: unknown key 'droput', did you mean 'dropout'?", "a slip"),
    ("model.zzz", 1, "model.zzz: unknown key 'zzz' (valid: context, dropout,", "near nothing"),
    ("corpus.root", "x", "corpus.root: unknown key 'root' (valid: name, scale, seed", "emodb's"),
    (
        "model.encoders.text.unit",
        5,
        "model.encoders.text.unit: unknown key 'unit', did you mean 'units'? (valid: bidirectional",
        "a slip in a member of a union",
    ),
    (
        "model.encoders.mocap.units",
        5,
        "model.encoders.mocap.units: unknown key 'units' (valid: channels, columns,",
        "another member's key",
    ),
    (
        "model.encoders.text.embedding.dims",
        3,
        "model.encoders.text.embedding.dims: unknown key 'dims' (valid: dimensions, trainable,",
        "nested below a union",
    ),
    (
        "model.encoders.text.name",
        "lsm",
        "model.encoders.text: unknown name 'lsm', did you mean 'lstm'? (valid: attention_decoder,",
        "no such encoder",
    ),
    ("corpus.name", "twn", "corpus: unknown name 'twn', did you mean 'twin'?", "no such corpus"),
    (
        "split.name",
        None,
        "split: unknown name 'None' (valid: given, improvised_only, last_fifth,",
        "no name",
    ),
    (
        "model.encoders.text.embedding.dimensions",
        0,
        "model.encoders.text.embedding.dimensions: input should be greater than or equal to 1, "
        "but got 0",
        "below the bound",
    ),
    (
        "training.optimizer.momentum",
        0.9,
        "training.optimizer.momentum: unknown key 'momentum' (valid: name)",
        "Adam has none",
    ),
    (
        "model.encoders.text.pooling",
        "men",
        "model.encoders.text.pooling: input should be 'last', 'first', 'mean', 'max' or "
        "'attention', but got 'men'",
        "not among the literals",
    ),
    ("model", 3, "model: keys with values are needed here, but got 3", "not a mapping"),
    ("model.encoders", {}, "model.encoders: at least 1 must be given", "nothing to train"),
    ("model.encoders.text", None, "model.encoders.text: keys with values are needed here", "null"),
    (
        "model.encoders.mocap.channels",
        [4, 0],
        "model.encoders.mocap.channels.1: input should be greater than or equal to 1, but got 0",
        "one item of a list",
    ),
    (
        "model.encoders.text.columns",
        [-1, 3],
        "model.encoders.text.columns.0: input should be greater than or equal to 0, but got -1",
        "one item of a list that may be null",
    ),
    ("model.encoders.text.columns", [0], "model.encoders.text.columns.1: a value is", "half"),
    ("split.n_validation", 0, "split.n_validation: input should be greater than 0, but", "none"),
    ("split.n_validation", -0.5, "split.n_validation: input should be greater than 0", "negative"),
    (
        "split.n_validation",
        "many",
        "split.n_validation: input should be a valid integer or a valid number, but got 'many'",
        "neither member of the union",
    ),
    ("split.n_validation", 2.5, "split.n_validation: from 1 on it is a count and must", "half one"),
    ("split.n_validation", float("inf"), "split.n_validation: input should be a finite", "inf"),
    ("training.learning_rate", float("nan"), "training.learning_rate: input should be a f", "nan"),
    ("training.epochs", 3.5, "training.epochs: input should be a valid integer, got a", "half one"),
    ("study.name", "a/b", "study.name: a study's name is its folder's", "leaves the folder"),
    ("study.name", "..", "study.name: a study's name is its folder's", "leaves the folder"),
    ("study.name", "", "study.name: a study's name is its folder's", "no name"),
    ("study.name", "a" * 101, "study.name: a study's name is its folder's", "too long for a file"),
    ("study.name", 2024, "study.name: text is needed here, but 2024 is a number: in YAML", "0x7e8"),
    ("split.test_session", 1.1, "split.test_session: text is needed here, but 1.1 is", "or 1.10"),
    ("split.test_session", True, "split.test_session: text is needed here, but true", "or on"),
    ("split.test_session", None, "split.test_session: text is needed here, but null is n", "or ~"),
    ("split.test_session", date(2019, 5, 1), "split.test_session: text is needed here", "a date"),
    ("study.directory", 2024, "study.directory: text is needed here, but 2024 is a", "or 2_024"),
    ("study.directory", "", "study: directory is empty; write . if the folder you", "not ."),
    ("study.name", "features", "study.name: 'features' lies in every folder of", "the shards"),
    ("study.name", "a\n", "study.name: a study's name is its folder's", "a line break"),
    ("study.final_seeds", [], "study.final_seeds: at least 1 must be given", "no training"),
    ("study.final_seeds", [3, 3], "study.final_seeds: the same seed trains the same", "twice"),
    ("study.final_seeds", [-1], "study.final_seeds.0: input should be greater than", "negative"),
    ("study.final_seeds", [0, "x"], "study.final_seeds.1: input should be a valid integer", "word"),
    (
        "study.enqueue",
        [3],
        "study.enqueue.0: keys with values are needed here, but got 3",
        "number",
    ),
    (
        "study.enqueue",
        [{"model": {"dropout": 0.1}}],
        "study.enqueue.0.model: input should be a valid string or a valid integer or",
        "nested, not a path",
    ),
    ("launcher.n_workers", 0, "launcher.n_workers: input should be greater than", "nobody works"),
    (
        "tracking.uri",
        "postgresql://me:secret@db/mlflow",
        "tracking.uri: a URI with a password would be stored with the study; a server takes",
        "it would be shown",
    ),
    ("storage.name", "postgres", "storage: unknown name 'postgres', did you mean", "a slip"),
]


@pytest.mark.parametrize(("path", "value", "said", "why"), BAD_VALUES)
def test_bad_value_is_refused(valid, path, value, said, why):
    (line,) = complaints(with_value(valid, path, value))
    assert line.startswith(said), why


MISSING = [
    ("training.epochs", "training.epochs: a value is needed here"),
    ("corpus.name", "corpus: a `name` is needed here"),
    ("model.encoders.text.name", "model.encoders.text: a `name` is needed here"),
    ("model.encoders.text.units", "model.encoders.text.units: a value is needed here"),
    ("space", "space: a value is needed here"),
]


@pytest.mark.parametrize(("path", "line"), MISSING)
def test_missing_value_is_named(valid, path, line):
    assert complaints(without(valid, path)) == [line]


def test_all_errors_come_at_once(valid):
    plain = with_value(valid, "model.droput", 0.3)
    plain = with_value(plain, "training.batch_size", -1)
    plain = with_value(plain, "model.encoders.speech.name", "rnn")
    plain = with_value(plain, "space", {"model.dropout": {"low": 1, "high": 0}})
    plain = without(plain, "corpus.seed")
    assert [line.partition(":")[0] for line in complaints(plain)] == [
        "corpus.seed",
        "model.encoders.speech",
        "model.droput",
        "training.batch_size",
        "space.model.dropout",
    ]


@pytest.mark.parametrize("plain", [None, [], "search", 3])
def test_what_is_no_mapping_is_refused(plain):
    assert complaints(plain) == [f"keys with values are needed here, but got {plain!r}"]


ACCEPTED = [
    # path, value, what becomes of it
    ("study.name", "2024", "2024"),
    ("split.test_session", "1.10", "1.10"),
    ("split.n_validation", 5.0, 5),
    ("split.n_validation", 0.2, 0.2),
    ("training.clip_norm", None, None),
    ("training.learning_rate", "1e-3", 0.001),
    ("model.encoders.mocap.channels", (4, 5), [4, 5]),
]


@pytest.mark.parametrize(("path", "value", "becomes"), ACCEPTED)
def test_accepted_value(valid, path, value, becomes):
    built = flatten(dump(build(SearchConfig, with_value(valid, path, value))))[path]
    assert built == becomes
    assert type(built) is type(becomes)


def test_configurations_are_frozen(valid):
    config = build(SearchConfig, valid)
    with pytest.raises(ValueError, match="frozen"):
        config.study.seed = 1


class Spaced(Section):
    """A space alone."""

    space: Space


RANGES = [
    # range, complaint, why it is bad
    ({"low": 3, "high": 1}, "low <= high must hold, but got low=3, high=1", "upside down"),
    ({"low": 0.0, "high": 1, "log": True}, "low > 0 must hold with log=true", "log of zero"),
    ({"low": -1, "high": 1, "log": True}, "low > 0 must hold with log=true", "log of less"),
    ({"low": 0, "high": 1, "choices": [1]}, "give either choices, or low and high", "both"),
    ({"high": 1, "choices": [1]}, "give either choices, or low and high", "both, in part"),
    ({"choices": [1, 2, 1]}, "a choice occurs twice", "the second is never told apart"),
    ({"choices": []}, "at least 1 must be given", "nothing to draw"),
    ({"choices": [1, 2], "log": True}, "log and step go with low and high", "ignored otherwise"),
    ({"choices": [1, 2], "step": 1}, "log and step go with low and high", "ignored otherwise"),
    ({"low": 1}, "give low and high, or choices", "no upper bound"),
    ({"log": True}, "give low and high, or choices", "no bounds"),
    ({}, "give low and high, or choices", "nothing at all"),
    ({"low": 1, "high": 9, "log": True, "step": 2}, "log and step exclude each other", "both"),
    ({"low": 1, "high": 9, "step": 0.5}, "step must be whole where low and high are", "half"),
    ({"low": 1, "high": 9, "step": 0}, "input should be greater than 0, but got 0", "stands still"),
    ({"low": 0.0, "high": float("inf")}, "input should be a finite number", "no end"),
    ({"low": float("nan"), "high": 1.0}, "input should be a finite number", "no number"),
    ({"low": "a", "high": 1}, "input should be a valid integer or a valid number", "a word"),
    ({"low": 1, "high": 2, "lo": 1}, "unknown key 'lo', did you mean 'low'?", "a slip"),
    ({"choices": [[1]]}, "input should be a valid string or a valid integer", "a list"),
    ({"low": 1, "high": 2, "when": {"a": [[1]]}}, "input should be a valid string", "a list"),
    ({"low": 1, "high": 2, "when": {"a": []}}, "when: a is given no value", "no value"),
    (0.3, "keys with values are needed here, but got 0.3", "a value, not a range"),
]


@pytest.mark.parametrize(("plain", "said", "why"), RANGES)
def test_bad_range_is_refused(plain, said, why):
    pattern = rf"^space\.model\.dropout[\w.]*: {re.escape(said)}"
    with pytest.raises(ConfigError, match=pattern) as caught:
        build(Spaced, {"space": {"model.dropout": plain}})
    assert "\n" not in str(caught.value), why


def test_space_is_read_nested_and_dotted_and_the_later_part_wins():
    nested = {"model": {"dropout": {"low": 0.0, "high": 0.4}}, "a": {"b": {"choices": [1]}}}
    dotted = {"model.dropout": {"low": 0.0, "high": 0.1}, "a.b": {"choices": [1]}}
    overridden = {**dotted, "model": {"dropout": {"high": 0.4}}}
    assert build(Spaced, {"space": nested}) == build(Spaced, {"space": overridden})
    assert build(Spaced, {"space": overridden}).space["model.dropout"].high == 0.4


@pytest.mark.parametrize(
    ("plain", "whole"),
    [
        ({"low": 1, "high": 3}, True),
        ({"low": 1.0, "high": 3}, False),
        ({"low": 1, "high": 3.0}, False),
        ({"choices": [1, 2]}, False),
    ],
)
def test_whole_numbers_need_whole_bounds(plain, whole):
    bounds = build(Range, plain)
    assert bounds.is_integer is whole
    assert build(Range, dump(bounds)).is_integer is whole


KEYS = st.text("abcdefg_", min_size=1, max_size=4)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
TREES = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6),
    max_size=4,
)


@given(TREES)
def test_flatten_loses_nothing(tree):
    rebuilt: dict[str, Any] = {}
    for path, value in flatten(tree).items():
        rebuilt = with_value(rebuilt, path, value)
    assert rebuilt == tree


@given(TREES, KEYS, st.lists(KEYS, max_size=3), LEAVES)
def test_with_value_sets_that_path_alone(tree, head, rest, value):
    path = ".".join([head, *rest])
    before = copy.deepcopy(tree)
    changed = with_value(tree, path, value)
    assert tree == before, "the original stays as it is"
    assert flatten(changed)[path] == value
    assert with_value(changed, path, value) == changed
    on_the_way = {path.rsplit(".", n)[0] for n in range(path.count(".") + 1)}
    others = {
        name: leaf
        for name, leaf in flatten(tree).items()
        if name not in on_the_way and not name.startswith(f"{path}.")
    }
    assert others.items() <= flatten(changed).items()


@given(TREES, TREES)
def test_differences_are_symmetric_and_empty_only_between_equals(first, second):
    there, back = differences(first, second), differences(second, first)
    assert [line.partition(":")[0] for line in there] == [line.partition(":")[0] for line in back]
    assert (there == []) == (first == second)


def test_differences_show_both_values():
    old = {"model": {"dropout": 0.1, "units": 8}, "name": "a"}
    new = {"model": {"dropout": 0.2, "depth": 2}, "name": "a"}
    assert differences(old, new) == [
        "model.depth: (absent) → 2",
        "model.dropout: 0.1 → 0.2",
        "model.units: 8 → (absent)",
    ]


@given(TREES)
def test_fingerprint_forgets_the_order_of_keys(tree):
    backwards = dict(reversed(tree.items()))
    assert fingerprint(backwards) == fingerprint(tree)
    assert re.fullmatch(r"[0-9a-f]{16}", fingerprint(tree))


def test_fingerprint_changes_with_every_leaf(valid):
    original = fingerprint(build(SearchConfig, valid))
    for path, value in flatten(valid).items():
        assert fingerprint(with_value(valid, path, [value, "changed"])) != original, path


def test_fingerprint_is_the_same_in_another_process(valid):
    """Hashes of strings differ from process to process; this one must not."""
    code = (
        "import json, sys; from emotion_hpo.config import *;"
        "print(fingerprint(build(SearchConfig, json.load(sys.stdin))))"
    )
    config = build(SearchConfig, valid)
    ended = subprocess.run(
        [sys.executable, "-c", code],
        input=config.model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert ended.stdout.strip() == fingerprint(config)


def test_fingerprint_of_known_data_stays():
    """Stored studies hold fingerprints: another one for the same data would orphan them."""
    known = {"model": {"dropout": 0.1, "name": "größe"}, "n": [1, 2.0, None]}
    assert fingerprint(known) == "459dd52b46a364e3"


@pytest.mark.parametrize(
    ("address", "is_here"), [("auto", False), ("10.0.0.1:6379", False), (None, True)]
)
def test_a_file_is_no_storage_for_several_machines(valid, address, is_here):
    ray = {"name": "ray", "n_workers": 2, "address": address, "cpus": 1, "gpus": 0}
    plain = with_value(valid, "launcher", ray)
    if is_here:
        assert build(SearchConfig, plain).launcher.name == "ray"
        return
    (line,) = complaints(plain)
    assert line.startswith("launcher: launcher=ray runs workers on several machines")
    assert "use storage=postgresql" in line


def test_a_study_from_before_there_was_batch_turns_keeps_its_batches_of_turns(valid):
    before = with_value(without(valid, "training.batch_turns"), "training.batch_size", 2000)
    assert build(SearchConfig, before).training.batch_turns == 2000
    assert build(SearchConfig, valid).training.batch_turns == 400
