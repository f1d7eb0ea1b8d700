"""A row that cannot be trained costs no other its place in the table."""

from types import SimpleNamespace

import pytest

from emotion_hpo.errors import StudyError, TrainingsFailed
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
    answering(monkeypatch, TrainingsFailed("1 of 2 trainings failed: loss is not finite"))
    answered, failed = paper_rows._answer(None, None, ROWS, None)
    assert [*answered] == ["a", "c"]
    assert failed == {"diverges": "1 of 2 trainings failed: loss is not finite"}


def test_where_every_row_diverges_the_error_is_told(monkeypatch):
    answering(monkeypatch, TrainingsFailed("loss is not finite"))
    rows = [SimpleNamespace(name="all"), SimpleNamespace(name="diverges")]
    with pytest.raises(TrainingsFailed, match="loss is not finite"):
        paper_rows._answer(None, None, rows, None)


@pytest.mark.parametrize(
    "error", [BatchStopped(), StudyError("another process trains what it needs")], ids=str
)
@pytest.mark.parametrize("rows", [ROWS, ROWS[1:2]], ids=["of several", "alone"])
def test_what_is_no_rows_fault_leaves_none_out(monkeypatch, error, rows):
    answering(monkeypatch, error)
    with pytest.raises(StudyError, match=str(error)):
        paper_rows._answer(None, None, rows, None)
