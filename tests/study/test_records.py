"""Files that an earlier version of the code wrote are read as their records, and written alike."""

import json
from pathlib import Path

import pytest

from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.ledger_file import LedgerFile
from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.cost import Cost
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Confirmation, Selection
from emotion_hpo.study.records.trial import Curve, TrialRecord

#: Of `study=smoke`, as its search, its confirmation and two scorings left them.
WRITTEN = Path(__file__).with_name("written")

KINDS = {
    "search.json": SearchSummary, "selection.json": Selection, "baseline.json": Baseline,
    "trial.json": TrialRecord, "curve.json": Curve, "cost.json": Cost,
    "confirmation.json": Confirmation, "result.json": FinalResult,
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_yesterday_is_read_and_written_byte_by_byte(tmp_path, name):
    record = read_record(WRITTEN / name, KINDS[name])
    write_record(tmp_path / name, record)
    assert (tmp_path / name).read_bytes() == (WRITTEN / name).read_bytes()


def test_every_file_of_yesterday_is_tried():
    assert {path.name for path in WRITTEN.iterdir()} == {*KINDS, "holdout_ledger.jsonl"}


def test_a_ledger_of_yesterday_says_what_it_said():
    path = WRITTEN / "holdout_ledger.jsonl"
    texts = path.read_text("utf-8").splitlines()
    assert [
        json.dumps(line.to_json(), ensure_ascii=False) for line in LedgerFile(path).lines()
    ] == texts
    first, second = Ledger(path).openings("9e73083599ae1045")
    assert (first.trial, second.trial, second.by) == ("trial_2", "ensemble", "ann")
    assert (first.accuracy, second.accuracy) == (0.30303030303030304, 0.696969696969697)
