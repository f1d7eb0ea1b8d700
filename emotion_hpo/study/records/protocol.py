"""`protocols/NAME.json`: a fixed configuration under one of the field's protocols."""

from typing import Literal

from pydantic import Field

from emotion_hpo.study.records.base import Part, Record
from emotion_hpo.study.records.intervals import StoredInterval


class ProtocolScore(Part):
    """A score, over the seeds."""

    mean: float = Field(description="over the seeds")
    by_seed: tuple[float, ...] = Field(description="of each seed")
    interval: StoredInterval = Field(
        description="of pooled utterances by dialogues, the mean of the seeds' ends; of an average "
        "of folds Nadeau and Bengio's"
    )


class ProtocolFoldScore(Part):
    """A fold's test part."""

    name: str = Field(description="the session, speaker or number of the fold")
    n_train: int = Field(description="utterances trained on")
    n_validation: int = Field(description="utterances by which the epoch is chosen")
    n_test: int = Field(description="utterances scored")
    accuracy: float = Field(description="share of right answers, the mean over the seeds")
    uar: float = Field(description="unweighted average recall, the mean over the seeds")
    epochs: tuple[int, ...] = Field(description="chosen by validation, of each seed")


class TestPicked(Part):
    """What a paper prints that chooses its epoch on the test part: too good by that choice.

    A training of its own, on all but the test part; averaged over folds and seeds.
    """

    __test__ = False  # no class of tests, whatever pytest takes it for

    accuracy: float = Field(description="of the best epoch on the test part")
    uar: float = Field(description="of the same epoch")
    last_accuracy: float = Field(description="of the last epoch")
    last_uar: float = Field(description="of the last epoch")
    epochs: tuple[int, ...] = Field(description="chosen on the test part, fold by fold")


class ProtocolResult(Record):
    """A fixed configuration under a protocol."""

    version: Literal[1] = Field(1, description="of this file's layout")
    name: str = Field(description="preset, or STUDY/trial_N")
    protocol: str = Field(description="its name")
    description: str = Field(description="what it divides, and what validates")
    corpus: str = Field(description="the corpus")
    synthetic: bool = Field(description="whether the corpus is invented")
    config: str = Field(description="fingerprint of the configuration")
    seeds: tuple[int, ...] = Field(description="of the trainings")
    folds: tuple[ProtocolFoldScore, ...] = Field(description="each test part")
    pooled_accuracy: ProtocolScore = Field(description="over the utterances of all test parts")
    pooled_uar: ProtocolScore = Field(description="over the utterances of all test parts")
    averaged_accuracy: ProtocolScore = Field(description="mean of the folds' accuracies")
    averaged_uar: ProtocolScore = Field(description="mean of the folds' UAR")
    n_parameters: int = Field(description="trainable weights")
    epoch_seconds: float = Field(description="of an epoch's training and validation, the mean")
    test_picked: TestPicked | None = Field(description="null unless it was asked for")
    other_looks: int = Field(
        description="lines of the ledger on these test parts that are of other configurations"
    )
