"""What Python code gets of the pipeline: the notebook of `examples/` by its cells, and errors."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from emotion_hpo import api
from emotion_hpo.study import StudyHome
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.search_summary import SearchSummary

NOTEBOOK = Path(__file__).parents[1] / "examples" / "first_study.ipynb"


def test_the_notebook_runs_from_the_corpus_to_an_answer(isolated, monkeypatch):
    monkeypatch.setattr("sys.argv", ["python"])
    names = {"__name__": "notebook"}
    for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert sys.argv == ["python"]

    home = StudyHome(isolated / "studies", "first")
    summary = read_record(home.summary, SearchSummary)
    assert names["summary"] == summary
    assert summary.confirmed is not None
    assert names["result"] == read_record(home.final(names["result"].trial).result, FinalResult)
    assert len(list(names["folder"].glob("report/figures/*.png"))) >= 3
    assert names["answer"].modalities == ("text",)
    np.testing.assert_allclose(names["answer"].probabilities.sum(), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "overrides", "message"),
    [
        (api.search, ("study=smok",), "did you mean 'smoke'"),
        (api.search, ("study.n_trials=few",), "study.n_trials"),
        (api.search, ("--cfg", "job"), "on the command line alone"),
        (api.final, ("study.name=nowhere",), "no study 'nowhere'"),
        (api.load_model, ("nowhere",), "no model at nowhere"),
    ],
)
@pytest.mark.usefixtures("isolated")
def test_what_a_user_can_mend_is_an_error_of_ours(function, overrides, message):
    with pytest.raises(api.EmotionHpoError, match=message):
        function(*overrides)
