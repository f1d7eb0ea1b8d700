"""Every protocol's folds: no part holds a row of another, and the test rows are the right ones."""

import json

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.cli.search import SearchCommand
from emotion_hpo.config import GivenSplit, Rows, build, dump, with_value
from emotion_hpo.errors import ConfigError
from emotion_hpo.splits import protocols
from emotion_hpo.splits.emobox import read_ids
from emotion_hpo.splits.parts import Holdout, split
from emotion_hpo.splits.protocols import check_folds, find_protocol
from emotion_hpo.splits.rows import divide_rows, mask_rows
from tests.pipeline import SMALL, compose_config


def parts_of(store, given=None, folds=None):
    return protocols.parts_of(store, given or compose_config(*SMALL).split, folds)


@pytest.fixture
def folds_folder(small_store, tmp_path):
    """Two folds of EmoBox over the small corpus; its keys begin with the corpus's name."""
    ids = [id_ for name in small_store.sessions for id_ in small_store.open(name).table[
        lambda table: table["emotion"].notna()]["utterance_id"]]  # fmt: skip
    for fold in (1, 2):
        (tmp_path / f"fold_{fold}").mkdir()
        for part in ("train", "test"):
            keys = [key for row, key in enumerate(ids) if (row % 2 == fold - 1) == (part == "test")]
            text = "".join(json.dumps({"key": f"twin-{key}"}) + "\n" for key in keys)
            path = tmp_path / f"fold_{fold}" / f"twin_{part}_fold_{fold}.jsonl"
            path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "n_folds"),
    [("session5", 1), ("loso5", 5), ("loso10", 10), ("tail20", 1), ("improvised", 1),
     ("emobox", 2)],
)  # fmt: skip
def test_no_part_holds_a_row_of_another(small_store, folds_folder, name, n_folds):
    folds = find_protocol(name).folds(parts_of(small_store, folds=folds_folder))
    assert len({fold.name for fold in folds}) == n_folds
    tested = []
    for fold in folds:
        development, holdout = split(small_store, fold.split)
        (divided,) = development.folds
        test = holdout.unseal()
        visible = {*divided.train.turns.ids, *divided.validation.turns.ids}
        assert not visible & set(test.turns.ids)
        assert not set(divided.train.turns.ids) & set(divided.validation.turns.ids)
        assert len(holdout.content) == len(test) or name == "improvised"
        assert sum(holdout.counts().values()) == len(test)
        on_test, _ = split(small_store, fold.on_test)
        assert on_test.folds[0].validation.ids == test.ids
        assert not set(on_test.folds[0].train.ids) & set(test.ids)
        tested += test.ids
    assert len(set(tested)) == len(tested)


def test_loso10_trains_on_the_partner_and_validates_on_the_next_session(small_store):
    fold = find_protocol("loso10").folds(parts_of(small_store))[0]
    development, holdout = split(small_store, fold.split)
    (divided,) = development.folds
    assert set(holdout.unseal().table["speaker"]) == {"Ses01F"}
    assert set(divided.validation.table["session"]) == {"2"}
    assert "Ses01M" in set(divided.train.table["speaker"])


def test_tail20_is_cut_as_keras_cuts_it(small_store):
    """`validation_split=0.2` of 4,936 sorted rows leaves 3,948; the last session is in both."""
    fold = find_protocol("tail20").folds(parts_of(small_store))[0]
    development, holdout = split(small_store, fold.split)
    test, (divided,) = holdout.unseal(), development.folds
    n = len(test) + len(development.everything)
    assert len(test) == n - int(n * 0.8)
    assert min(test.ids) > max(development.everything.ids)
    assert set(test.table["session"]) == {"5"}
    assert "5" not in set(divided.validation.table["session"])
    assert n - int(n * 0.8) < len(small_store.open("5").table["emotion"].dropna())
    assert "5" in set(divided.train.table["session"]), "which makes it a protocol of its own"


def test_tail20_validates_a_fifth_of_the_rest_where_ids_do_not_go_by_session(small_store):
    """As of corpora whose ids begin with no session: each part has rows of all sessions."""
    (fold,) = find_protocol("tail20").folds(parts_of(small_store))
    table = pd.DataFrame({
        "utterance_id": [f"u{row:03d}" for row in range(100)],
        "session": [str(row % 5 + 1) for row in range(100)],
        "emotion": "ang",
    })  # fmt: skip
    parts = {name: np.flatnonzero(rows) for name, rows in divide_rows(table, fold.split).items()}
    assert [*parts["test"]] == [*range(80, 100)]
    rest = [row for row in range(80) if row % 5 != 4]  # of the other sessions
    assert [*parts["validation"]] == rest[51:], "the last fifth of 64, as Keras cuts it"
    assert len(parts["training"]) == 80 - 13


def test_what_rows_are_sealed_is_told_without_opening_them(small_store, monkeypatch):
    (fold,) = find_protocol("tail20").folds(parts_of(small_store))
    _, holdout = split(small_store, fold.split)
    n = len(holdout.unseal())

    def unseal(_holdout):
        raise AssertionError("opened")

    monkeypatch.setattr(Holdout, "unseal", unseal)
    _, holdout = split(small_store, fold.split)
    assert len(holdout.content) == sum(holdout.counts().values()) == n


def test_emobox_ids_with_dashes_are_read_with_a_corpus_name_and_without(tmp_path):
    ids = frozenset(("03-01-01", "03-01-02", "01-01"))
    file = tmp_path / "fold.jsonl"
    for prefix in ("", "ravdess-"):
        file.write_text("".join(json.dumps({"key": f"{prefix}{id_}"}) + "\n" for id_ in ids))
        assert read_ids(file, ids) == ids


def test_shares_count_labelled_rows_alone(small_store):
    table = small_store.open("1").table.sort_values("utterance_id").reset_index(drop=True)
    labelled = table["emotion"].notna().to_numpy()
    n = int(labelled.sum())
    assert (mask_rows(table, Rows(last=0.2)) & labelled).sum() == n - int(n * 0.8)
    assert mask_rows(table, Rows(every=3)).sum() == n // 3
    assert not mask_rows(table, Rows(names=("2",))).any()
    assert np.array_equal(mask_rows(table, Rows(names=("1",))), np.ones(len(table), bool))


def test_a_given_split_is_itself(small_store):
    given = GivenSplit(name="given", column="c", train="1", validation="2", test="3")
    (fold,) = find_protocol("given").folds(parts_of(small_store, given=given))
    assert fold.split is given
    assert fold.on_test.session_column == "c"
    assert fold.on_test.train.names == ("1", "2"), "all but the test part"
    with pytest.raises(ConfigError, match="add split=given"):
        find_protocol("given").folds(parts_of(small_store))


def test_what_a_user_can_mistake_is_one_line(small_store, tmp_path):
    with pytest.raises(ConfigError, match="unknown protocol 'loso', did you mean 'loso5'"):
        find_protocol("loso")
    emobox = find_protocol("emobox")
    with pytest.raises(ConfigError, match="add folds=FOLDER"):
        emobox.folds(parts_of(small_store))
    with pytest.raises(ConfigError, match="has no fold_1"):
        emobox.folds(parts_of(small_store, folds=tmp_path))
    (tmp_path / "fold_1").mkdir()
    test = tmp_path / "fold_1" / "x_test_fold_1.jsonl"
    parts = parts_of(small_store, folds=tmp_path)
    test.write_text("{}\n")
    with pytest.raises(ConfigError, match=r"x_test_fold_1.jsonl:1: no JSON with a `key`"):
        emobox.folds(parts)
    first, second = sorted(parts.ids)[:2]
    test.write_text(f'{{"key": "x-{first}"}}\n{{"key": "x-nobody"}}\n')
    with pytest.raises(ConfigError, match="1 of 2 ids are of no utterance here, such as 'nobody'"):
        emobox.folds(parts)
    test.write_text(f'{{"key": "x-{first}"}}\n')
    with pytest.raises(ConfigError, match=r"x_train_fold_1\.jsonl cannot be read"):
        emobox.folds(parts)
    train = test.with_name("x_train_fold_1.jsonl")
    train.write_text(f'{{"key": "x-{second}"}}\n{{"key": "x-lost"}}\n')
    test.write_text(f'{{"key": "x-{first}", "emo": "sad"}}\n{{"key": "x-1", "emo": "fear"}}\n')
    (fold,) = emobox.folds(parts)
    assert fold.remark == (
        "fold 1, test: 1 of 2 ids are of classes that are left out here (fear). "
        "fold 1, training: 1 of 2 ids are of no utterance here, such as 'lost'."
    )


def test_folds_are_named_where_they_are_read_and_nowhere_else(folds_folder):
    check_folds(find_protocol("emobox"), folds_folder)
    check_folds(find_protocol("loso5"), None)
    with pytest.raises(ConfigError, match="add folds=FOLDER"):
        check_folds(find_protocol("emobox"), None)
    with pytest.raises(ConfigError, match="read by protocol=emobox alone, not by loso5"):
        check_folds(find_protocol("loso5"), folds_folder)


def test_a_search_cannot_choose_on_the_test_part():
    on_test = {"name": "rows", "test": {"names": ["5"]}, "validation": "test"}
    plain = with_value(dump(compose_config(*SMALL)), "split", on_test) | {"output": None}
    with pytest.raises(ConfigError, match="validates on the test part chooses on it"):
        build(SearchCommand, plain)
