"""`nested.json`: the whole search repeated with each session as the test."""

from typing import Literal

from pydantic import Field

from emotion_hpo.config.turns_read import TurnsRead
from emotion_hpo.study.records.base import Part, Record, is_absent
from emotion_hpo.study.records.final_result import ExpectedAndTest
from emotion_hpo.study.records.intervals import StoredInterval


class OverSessions(Part):
    """A score, or a gain, over all sessions."""

    mean: float = Field(description="over the sessions")
    spread: float | None = Field(description="standard deviation between them")
    interval: StoredInterval = Field(description="Nadeau and Bengio's, for overlapping trainings")


class SessionResult(Part):
    """A session as the test."""

    test_session: str = Field(description="its name")
    study: str = Field(description="the study that was searched for it")
    trial: str = Field(description="the trial that was scored")
    accuracy: float = Field(description="share of right answers")
    accuracy_interval: StoredInterval = Field(description="of the accuracy")
    uar: float = Field(description="unweighted average recall")
    n_test: int = Field(description="its utterances")
    expected: ExpectedAndTest | None = Field(description="what was expected before the test")
    test_speakers: tuple[str, ...] = Field(description="who speaks there")
    turns_read: TurnsRead | None = Field(
        None,
        exclude_if=is_absent,
        description="of the dialogue beside an utterance, as in `result.json`; absent if none",
    )


class NestedGains(Part):
    """Gains in accuracy over other models; null where no session has such a one."""

    baseline: OverSessions | None = Field(description="over the plain model")
    default: OverSessions | None = Field(description="over the default configuration")


class NestedResult(Record):
    """What the nested protocol came to."""

    version: Literal[1] = Field(1, description="of this file's layout")
    study: str = Field(description="the study whose name the sessions' studies begin with")
    synthetic: bool = Field(description="whether the corpus is invented")
    sessions: tuple[SessionResult, ...] = Field(description="each session as the test")
    accuracy: OverSessions = Field(description="share of right answers")
    uar: OverSessions = Field(description="unweighted average recall")
    gain: NestedGains = Field(description="in accuracy")
