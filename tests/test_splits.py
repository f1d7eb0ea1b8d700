"""Splits partition the development part and keep the holdout sealed."""

import numpy as np
import pytest

from emotion_hpo.config import PaperSplit, SpeakersSplit
from emotion_hpo.errors import ConfigError, HoldoutError
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.splits import split

PAPER = PaperSplit(name="paper", test_session="5", n_validation=20)
SPEAKERS = SpeakersSplit(name="speakers", test_session="5", validation_session="4")


@pytest.mark.parametrize("config", [PAPER, SPEAKERS], ids=lambda one: one.name)
class TestEverySplit:
    def test_parts_partition_the_development_utterances(self, small_store, config):
        development, _ = split(small_store, config)
        train, validation = set(development.train.ids), set(development.validation.ids)
        assert not train & validation
        assert train | validation == set(development.everything.ids)

    def test_ids_are_sorted(self, small_store, config):
        for part in vars(split(small_store, config)[0]).values():
            assert part.ids == sorted(part.ids)

    def test_no_development_utterance_is_of_the_test_session(self, small_store, config):
        development, holdout = split(small_store, config)
        assert "5" not in set(development.everything.table["session"])
        assert set(holdout.unseal().table["session"]) == {"5"}

    def test_features_belong_to_their_row(self, small_store, config):
        development, _ = split(small_store, config)
        part = development.validation
        for row in (0, len(part) - 1):
            session = part.table["session"][row]
            shard = small_store.open(session)
            place = list(shard.table["utterance_id"]).index(part.ids[row])
            np.testing.assert_array_equal(
                part.sequence("speech", row), shard.features["speech"][place]
            )


def test_paper_split_takes_the_last_of_the_sorted_ids(small_store):
    development, _ = split(small_store, PAPER)
    assert development.validation.ids == development.everything.ids[-20:]


def test_paper_split_takes_a_share_below_one(small_store):
    quarter = PAPER.model_copy(update={"n_validation": 0.25})
    development, _ = split(small_store, quarter)
    assert len(development.validation) == round(len(development.everything) / 4)


def test_speakers_split_validates_on_new_speakers(small_store):
    development, _ = split(small_store, SPEAKERS)
    heard = set(development.train.table["speaker"])
    assert not heard & set(development.validation.table["speaker"])


def test_search_cannot_name_a_holdout_utterance(small_store):
    development, holdout = split(small_store, PAPER)
    sealed = holdout.unseal().ids[0]
    with pytest.raises(HoldoutError, match=f"{sealed} is not among the development"):
        development.everything.named([sealed])


def test_named_utterances_come_sorted(small_store):
    development, _ = split(small_store, PAPER)
    wanted = development.train.ids[3:0:-1]
    assert development.everything.named(wanted).ids == sorted(wanted)


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
    ],
    ids=["unknown session", "more than there is", "the sealed session validates"],
)
def test_impossible_splits_say_why(small_store, config, message):
    with pytest.raises(ConfigError, match=message):
        split(small_store, config)
