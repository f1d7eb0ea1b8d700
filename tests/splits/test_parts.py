"""Splits partition the development part and keep the holdout sealed."""

import numpy as np
import pytest

from emotion_hpo.config import LosoSplit, PaperSplit, SessionSplit, SpeakersSplit
from emotion_hpo.errors import ConfigError, HoldoutError
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.splits.parts import (
    Fold,
    _of_scenario,
    _refuse_one_class,
    check_sessions,
    split,
    validation_session,
)
from tests.pipeline import SMALL, compose_config

PAPER = PaperSplit(name="paper", test_session="5", n_validation=20)
SPEAKERS = SpeakersSplit(name="speakers", test_session="5", validation_session="4")


NEXT = SpeakersSplit(name="speakers", test_session="5", validation_session="next")
SESSION = SessionSplit(name="session", test_session="5")
LOSO = LosoSplit(name="loso", test_session="5")


@pytest.mark.parametrize(
    "config", [PAPER, SPEAKERS, NEXT, SESSION, LOSO], ids=lambda config: config.name
)
class TestEverySplit:
    def test_parts_of_a_fold_partition_the_development_utterances(self, small_store, config):
        development, _ = split(small_store, config)
        for fold in development.folds:
            train, validation = set(fold.train.ids), set(fold.validation.ids)
            assert train
            assert validation
            assert not train & validation
            assert train | validation == set(development.everything.ids)

    def test_no_utterance_validates_twice(self, small_store, config):
        development, _ = split(small_store, config)
        ids = [utterance_id for fold in development.folds for utterance_id in fold.validation.ids]
        assert len(set(ids)) == len(ids)
        assert development.validation.ids == sorted(ids)

    def test_folds_have_names_of_their_own(self, small_store, config):
        names = [fold.name for fold in split(small_store, config)[0].folds]
        assert len(set(names)) == len(names) > 0

    def test_ids_are_sorted(self, small_store, config):
        development, _ = split(small_store, config)
        parts = [part for fold in development.folds for part in (fold.train, fold.validation)]
        for part in (*parts, development.everything):
            assert part.ids == sorted(part.ids)

    def test_no_development_utterance_is_of_the_test_session(self, small_store, config):
        development, holdout = split(small_store, config)
        sealed = set(holdout.unseal().ids)
        parts = [part for fold in development.folds for part in (fold.train, fold.validation)]
        for part in (*parts, development.everything):
            assert "5" not in set(part.table["session"])
            assert not sealed & set(part.ids)
        assert set(holdout.unseal().table["session"]) == {"5"}

    def test_features_belong_to_their_row(self, small_store, config):
        development, _ = split(small_store, config)
        for part in (fold.validation for fold in development.folds):
            for row in (0, len(part) - 1):
                session = part.table["session"][row]
                shard = small_store.open(session)
                place = list(shard.table["utterance_id"]).index(part.ids[row])
                np.testing.assert_array_equal(
                    part.sequence("speech", row), shard.features["speech"][place]
                )


@pytest.mark.parametrize(("config", "column"), [(SESSION, "session"), (LOSO, "speaker")])
def test_each_session_or_speaker_validates_once(small_store, config, column):
    development, _ = split(small_store, config)
    groups = sorted(development.everything.table[column].unique())
    assert [fold.name for fold in development.folds] == groups
    for fold in development.folds:
        assert set(fold.validation.table[column]) == {fold.name}
        assert fold.name not in set(fold.train.table[column])
    together = {utterance_id for fold in development.folds for utterance_id in fold.validation.ids}
    assert together == set(development.everything.ids)


def test_loso_shares_no_speaker(small_store):
    for fold in split(small_store, LOSO)[0].folds:
        heard = set(fold.train.table["speaker"])
        assert not heard & set(fold.validation.table["speaker"])


def test_paper_split_takes_the_last_of_the_sorted_ids(small_store):
    development, _ = split(small_store, PAPER)
    assert development.validation.ids == development.everything.ids[-20:]


def test_paper_split_takes_a_share_below_one(small_store):
    quarter = PAPER.model_copy(update={"n_validation": 0.25})
    development, _ = split(small_store, quarter)
    assert len(development.validation) == round(len(development.everything) / 4)


def test_speakers_split_validates_on_new_speakers(small_store):
    development, _ = split(small_store, SPEAKERS)
    heard = set(development.folds[0].train.table["speaker"])
    assert not heard & set(development.validation.table["speaker"])


@pytest.mark.parametrize(("test", "next_"), [("1", "2"), ("4", "5"), ("5", "1")])
def test_the_session_after_the_test_validates(small_store, test, next_):
    development, _ = split(small_store, NEXT.model_copy(update={"test_session": test}))
    assert set(development.validation.table["session"]) == {next_}
    assert test not in set(development.everything.table["session"])


def test_the_next_session_is_of_any_corpus_in_sorted_order():
    sessions = ("1.1", "1.10", "b")
    config = NEXT.model_copy(update={"test_session": "b"})
    assert check_sessions(config, sessions) == ("1.1", "1.10")
    assert validation_session(config, sessions) == "1.1"
    with pytest.raises(ConfigError, match=r"no session '5'; there are 1\.1, 1\.10, b"):
        check_sessions(NEXT, sessions)
    with pytest.raises(ConfigError, match=r"has 2 sessions .* split=speakers needs 3"):
        check_sessions(NEXT, ("4", "5"))


def test_search_cannot_name_a_holdout_utterance(small_store):
    development, holdout = split(small_store, PAPER)
    sealed = holdout.unseal().ids[0]
    with pytest.raises(HoldoutError, match=f"{sealed} is not among the development"):
        development.everything.select([sealed])


def test_named_utterances_come_sorted(small_store):
    development, _ = split(small_store, PAPER)
    ids = development.folds[0].train.ids[3:0:-1]
    assert development.everything.select(ids).ids == sorted(ids)


def test_splitting_reads_nothing_of_the_sealed_session(small_store, monkeypatch):
    opened = []
    true_open = FeatureStore.open

    def watch(store, session):
        opened.append(session)
        return true_open(store, session)

    monkeypatch.setattr(FeatureStore, "open", watch)
    split(small_store, PAPER)
    assert opened
    assert "5" not in opened


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (PAPER.model_copy(update={"test_session": "7"}), "test_session: no session '7'; there are"),
        (PAPER.model_copy(update={"n_validation": 10_000}), r"0 < n_validation < \d+"),
        (
            SPEAKERS.model_copy(update={"validation_session": "5"}),
            "validation_session: no session '5'",
        ),
        (SESSION.model_copy(update={"test_session": "7"}), "test_session: no session '7'"),
        (LOSO.model_copy(update={"test_session": "7"}), "test_session: no session '7'"),
    ],
    ids=[
        "unknown session",
        "more than there is",
        "the sealed session validates",
        "unknown session, folds",
        "unknown session, speakers",
    ],
)
def test_impossible_splits_say_why(small_store, config, message):
    with pytest.raises(ConfigError, match=message):
        split(small_store, config)


def test_one_session_beside_the_test_makes_no_folds():
    with pytest.raises(ConfigError, match=r"has 2 sessions \(4, 5\), and split=session needs 3"):
        check_sessions(SESSION, ("4", "5"))


@pytest.mark.parametrize("config", [PAPER, SPEAKERS, LOSO], ids=lambda config: config.name)
def test_one_session_cannot_be_divided(config):
    """It says so first, and not that the test session is another."""
    with pytest.raises(
        ConfigError, match=rf"has 1 session \(A\), and split={config.name} needs [23]"
    ):
        check_sessions(config, ("A",))


def test_one_speaker_makes_no_folds(small_store, monkeypatch):
    all_rows = Utterances.from_shards

    def alone(shards, classes):
        every = all_rows(shards, classes)
        first = every.table["speaker"] == every.table["speaker"][0]
        return every.subset(np.flatnonzero(first))

    monkeypatch.setattr(Utterances, "from_shards", alone)
    with pytest.raises(ConfigError, match="with one speaker alone in the development part"):
        split(small_store, LOSO)


def test_one_scenario_alone_everywhere(small_store):
    config = compose_config(*SMALL, "split.scenario=improvised").split
    development, holdout = split(small_store, config)
    whole, sealed = split(small_store, compose_config(*SMALL).split)
    for part, all_of_it in (
        (development.everything, whole.everything),
        (holdout.unseal(), sealed.unseal()),
    ):
        assert set(part.table["scenario"]) == {"improvised"}
        assert len(part) == (all_of_it.table["scenario"] == "improvised").sum()
    assert holdout.content == sealed.content, (
        "the ledger knows the recordings, not what is picked of them"
    )


def test_a_corpus_without_scenarios_has_none_to_pick(small_store):
    development, _ = split(small_store, compose_config(*SMALL).split)
    unknown = development.everything
    unknown.table["scenario"] = None
    with pytest.raises(ConfigError, match=r"split\.scenario: no utterance here is scripted"):
        _of_scenario(unknown, "scripted")


def test_a_training_part_of_one_class_is_refused(small_parts):
    everything = small_parts[0].everything
    part = everything.subset(np.flatnonzero(everything.labels == 1))
    fold = Fold("3", train=part, validation=everything)
    with pytest.raises(ConfigError, match=f"fold '3' has one class alone, '{part.classes[1]}'"):
        _refuse_one_class((fold,))
    _refuse_one_class(small_parts[0].folds)
