"""A row that cannot be trained costs no other its place in the table."""

from types import SimpleNamespace

import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.final import paper_rows
from emotion_hpo.search.batch import BatchStopped

ROWS = [SimpleNamespace(name=name) for name in ("a", "diverges", "c")]


def answering(monkeypatch, error):
    def answer(_home, _store, candidates, _train):
        if any(candidate.name in ("diverges", "all") for candidate in candidates):
            raise error
        return [SimpleNamespace(candidate=candidate) for candidate in candidates]

    monkeypatch.setattr(paper_rows, "answer_protocols", answer)


def test_what_diverges_is_left_out_with_its_reason(monkeypatch):
    answering(monkeypatch, StudyError("1 of 2 trainings failed: loss is not finite"))
    answered, failed = paper_rows._answer(None, None, ROWS, None)
    assert [*answered] == ["a", "c"]
    assert failed == {"diverges": "1 of 2 trainings failed: loss is not finite"}


def test_where_nothing_can_be_trained_the_error_is_told(monkeypatch):
    answering(monkeypatch, StudyError("no room on the disk"))
    rows = [SimpleNamespace(name="all"), SimpleNamespace(name="diverges")]
    with pytest.raises(StudyError, match="no room on the disk"):
        paper_rows._answer(None, None, rows, None)


def test_a_stop_stops(monkeypatch):
    answering(monkeypatch, BatchStopped())
    with pytest.raises(BatchStopped):
        paper_rows._answer(None, None, ROWS, None)
