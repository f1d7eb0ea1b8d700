"""Names of a poorer grammar: legal there, readable where they can be, and never two alike."""

import re
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name, _validate_param_name

from emotion_hpo.config import flatten
from emotion_hpo.config.search import StudyConfig
from emotion_hpo.final.nested import with_test
from emotion_hpo.runtime.naming import ASCII_LETTERS, escaped
from emotion_hpo.study import StudyHome
from emotion_hpo.tracking.final_run import metrics_of
from emotion_hpo.tracking.runs import StudyRuns
from tests.pipeline import SMALL, compose_config
from tests.records import final_result, span

#: Letters that the escapes are made of, and others.
NEAR = st.text(alphabet="a.26fF_&- é快😀/:", max_size=14)


def unescaped(name):
    return re.sub(r"\.([0-9a-f]+)\.", lambda match: chr(int(match[1], 16)), name)


@given(st.text(max_size=20) | NEAR)
@example("a.26&")
@example("a&26.")
@example("..&..")
def test_an_escaped_name_is_legal_and_can_be_read_back(name):
    legal = escaped(name)
    assert unescaped(legal) == name
    _validate_metric_name(f"test/recall_{legal}")
    _validate_param_name(f"corpus.merge.{legal}")


@given(NEAR)
def test_the_escape_is_the_same_in_fewer_letters(name):
    legal = escaped(name, ASCII_LETTERS)
    assert unescaped(legal) == name
    assert re.fullmatch(r"[A-Za-z0-9_.-]*", legal)


@pytest.mark.parametrize(
    "name", ["happy", "very_sad-2", "1.10", "neutral calm", "glücklich", "快乐"]
)
def test_ordinary_names_stay_as_they_are(name):
    assert escaped(name) == name


def test_long_names_are_cut_and_stay_apart():
    names = ["&" * 200, "&" * 201, "x" * 300, "x" * 301]
    cut = [escaped(name) for name in names]
    assert {len(name) for name in cut} == {200}
    assert len(set(cut)) == len(cut)


def test_no_class_has_the_metric_of_another():
    """`recall_very_low` could be the recall of one class and the low end of another's."""
    labels = ["very", "very_low", "very_high", "ang&fru", "ang.26.fru", "Very", "[/sad]", "a/../b"]
    recalls = {
        label: {"recall": index / 10, "interval": span(index / 20, 1 - index / 50), "n": 9}
        for index, label in enumerate(labels)
    }
    logged = metrics_of(final_result(recall_by_class=recalls))
    of_classes = [name for name in logged if name.startswith("test/recall_")]
    assert len(of_classes) == 3 * len(labels)
    for name in logged:
        _validate_metric_name(name)
    assert logged["test/recall_very_low"] == 0.0
    assert logged["test/recall_very"] == 0.0
    assert logged["test/recall_very.5f.low"] == 0.1


@pytest.mark.parametrize("session", ["会话/2", "[/b] ä", "..", "Session 1", "x" * 200, "1.10"])
def test_a_session_of_any_name_is_a_study_of_the_nested_protocol(session):
    config = compose_config(*SMALL, "study.name=quick")
    study = with_test(config, session)
    assert study.split.test_session == session
    assert study.study.name.startswith("quick-test")
    assert StudyConfig.model_validate(study.study.model_dump()).name == study.study.name
    assert with_test(config, "1").study.name == "quick-test1"


def test_a_comparison_of_long_names_is_a_folder(tmp_path):
    homes = [StudyHome(tmp_path, letter * 100) for letter in "abc"]
    folder = homes[0].comparison(homes[1:]).path
    folder.mkdir(parents=True)
    assert folder != homes[0].comparison([homes[1], StudyHome(tmp_path, "d" * 100)]).path
    assert StudyHome(tmp_path, "a.1").comparison([StudyHome(tmp_path, "b")]).path.name == "a.1+b"


def test_parameters_of_a_merged_label_have_legal_names():
    logged = []
    client = SimpleNamespace(log_batch=lambda _run, params: logged.extend(params))
    config = {"corpus": {"merge": {"ang&fru": "ang", "[/sad]": "sad", "v1.5": "neu"}},
              "space": {"model.dropout": {"low": 0}}}  # fmt: skip
    StudyRuns(client, "0", "study@now", {}).log_params("run", flatten(config))
    assert {param.key: param.value for param in logged} == {
        "corpus.merge.ang.26.fru": "ang",
        "corpus.merge..5b..2f.sad.5d.": "sad",
        "corpus.merge.v1.5": "neu",
        "space.model.dropout.low": "0",
    }
    for param in logged:
        _validate_param_name(param.key)
