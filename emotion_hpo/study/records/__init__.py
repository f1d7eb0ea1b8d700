"""A typed record for each JSON file of a study: one model for its writer and for every reader.

`read_record(path, kind)` reads a file as its record or says in one line what is wrong with it, a
file of another version included; `write_record(path, record)` replaces it as a whole. The fields
stand in docs/records.md.
"""

from emotion_hpo.study.records.base import (
    Part,
    Record,
    StoredInterval,
    describe_first,
    read_if_there,
    read_record,
    write_record,
)
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.cost import Cost, FinalCost, Latency
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.nested import NestedResult
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Confirmation, Selection
from emotion_hpo.study.records.study_facts import StudyFacts
from emotion_hpo.study.records.trial import Curve, TrialRecord

__all__ = [
    "Baseline",
    "Confirmation",
    "Cost",
    "Curve",
    "FinalCost",
    "FinalResult",
    "Latency",
    "NestedResult",
    "Part",
    "Record",
    "SearchSummary",
    "Selection",
    "StoredInterval",
    "StudyFacts",
    "TrialRecord",
    "describe_first",
    "read_if_there",
    "read_record",
    "write_record",
]
