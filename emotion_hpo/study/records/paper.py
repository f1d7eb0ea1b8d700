"""`paper.json`: the published tables, ours beside theirs."""

from typing import Literal

from pydantic import Field

from emotion_hpo.study.records.base import Part, Record
from emotion_hpo.study.records.intervals import StoredInterval
from emotion_hpo.study.records.protocol import ProtocolResult
from emotion_hpo.study.records.study_facts import Hardware


class PaperRowResult(Part):
    """A row of a published table that was trained, or combined of such."""

    key: str = Field(description="of the row in `published.yaml`")
    result: ProtocolResult = Field(description="what it reaches")


class ClaimResult(Part):
    """What a source claims, as a paired difference over the same test utterances."""

    claim: str = Field(description="what is said to be better than what")
    published: str = Field(description="both figures, as printed")
    first: str = Field(description="row that is said to be better")
    second: str = Field(description="the other row")
    difference: StoredInterval = Field(description="of the accuracies, the first less the second")


class ModularityResult(Part):
    """A network of which only a part was trained, beside the same network trained whole."""

    change: str = Field(description="what was changed of the trained network")
    part: ProtocolResult = Field(description="with the other encoders frozen")
    whole: ProtocolResult = Field(description="trained whole")
    difference: StoredInterval = Field(description="of the accuracies, the part less the whole")


class LeftOut(Part):
    """A row that could not be trained here."""

    key: str = Field(description="of the row")
    reason: str = Field(description="why, and what to do")


class PaperResult(Record):
    """The published tables, ours beside theirs."""

    version: Literal[1] = Field(1, description="of this file's layout")
    corpus: str = Field(description="the corpus")
    synthetic: bool = Field(description="whether the corpus is invented")
    n_utterances: int = Field(description="of the four classes, all sessions")
    seeds: tuple[int, ...] = Field(description="of the trainings")
    epochs: int | None = Field(description="of each training; null: its source's, or 30")
    remarks: tuple[str, ...] = Field(description="in what the rows differ from their sources")
    rows: tuple[PaperRowResult, ...] = Field(description="the main table first")
    claims: tuple[ClaimResult, ...] = Field(description="of the sources")
    modularity: tuple[ModularityResult, ...] = Field(description="the paper's own claim")
    left_out: tuple[LeftOut, ...] = Field(description="rows that could not be trained here")
    hardware: Hardware = Field(description="the machine")
