"""The nested protocol: every session the test once, mean, spread, and going on after a stop."""

import json

import numpy as np
import pytest

from emotion_hpo.config import RowsSplit
from emotion_hpo.console.nested import show_nested
from emotion_hpo.errors import ConfigError, HoldoutError, StudyError
from emotion_hpo.final.nested import check_nestable, nested, with_test
from emotion_hpo.metrics import fold_interval
from emotion_hpo.runtime.contents import Content
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.ledger import Looker
from tests.records import final_result, gains, scores


def result(config, accuracy):
    session = config.split.test_session
    return final_result(
        **scores(accuracy),
        study=config.study.name,
        test_session=session,
        test_speakers=[f"Ses0{session}F"],
        n_train=400,
        n_test=100,
        baseline={**scores(0.5), "parts": ["text"], "gain": gains(accuracy - 0.5)},
    )


def contents(sessions):
    return {one: Content(({"words": f"said in {one}"},)) for one in sessions}


@pytest.fixture
def protocol(make_study):
    home, config = make_study("deep")
    seen = []

    def score(one):
        seen.append(one.split.test_session)
        scored = result(one, 0.5 + 0.02 * int(one.split.test_session))
        write_record(StudyHome(home.directory, one.study.name).final(0).result, scored)
        return scored

    return home, config, score, seen


def test_every_session_is_the_test_once(protocol):
    home, config, score, seen = protocol
    found = nested(config, contents("123"), score)
    assert seen == ["1", "2", "3"]
    assert json.loads(home.nested.read_text()) == found.to_json()
    values = [0.52, 0.54, 0.56]
    assert found.accuracy.mean == pytest.approx(0.54)
    assert found.accuracy.spread == pytest.approx(np.std(values, ddof=1))
    assert found.accuracy.interval == fold_interval(values, 400, 100)
    assert found.gain.baseline.mean == pytest.approx(0.04)
    assert found.gain.default is None


def test_what_a_model_reads_of_a_dialogue_is_named(protocol, capsys):
    _, config, score, _ = protocol

    def score_with_context(study):
        reads = {"1": None, "2": "both", "3": "past"}[study.split.test_session]
        return score(study).model_copy(update={"turns_read": reads})

    show_nested(nested(config, contents("123"), score_with_context))
    said = capsys.readouterr().out
    assert "The model of session 2 reads the turns after, too: not for live use." in said
    assert "The model of session 3 reads the turns before, and none after." in said
    assert "The model of session 1" not in said


def test_what_is_finished_is_not_repeated(protocol):
    _, config, score, seen = protocol
    stop_after = iter([True, False])
    assert (
        nested(config, contents("12"), lambda one: score(one) if next(stop_after) else None) is None
    )
    nested(config, contents("12"), score)
    assert seen == ["1", "2"]


def test_a_result_that_the_ledger_was_not_told_of_is_entered(protocol):
    """Killed between the two: the session is not scored again, and its line is no loose end."""
    home, config, score, seen = protocol
    ledger = Ledger(home.ledger)
    looker = Looker(study="deep-test1", trial="trial_0", config="c", by="me")
    opening = ledger.open(contents("1")["1"], "model", looker, rescore=False)
    score(with_test(config, "1"))
    for _ in range(2):
        nested(config, contents("12"), score)
        (line,) = ledger.openings(opening.holdout)
        assert line.accuracy == pytest.approx(0.52)
        assert len(home.ledger.read_text().splitlines()) == 3
    assert seen == ["1", "2"]


def test_nothing_is_scored_where_one_session_would_fail(protocol, make_study):
    _, config, score, seen = protocol
    _, speakers = make_study("deep", "split=speakers", "split.validation_session='4'")
    with pytest.raises(ConfigError, match=r"split.validation_session"):
        nested(speakers, contents("123"), score)
    _, other = make_study("deep", "training.learning_rate=0.5")
    home, other = StudyHome(other.study.directory, "deep-test3"), with_test(other, "3")
    study_file.write_or_compare(home, other, {}, synthetic=True)
    with pytest.raises(StudyError, match=r"'deep-test3' was searched with another (?s:.*)rate"):
        nested(config, contents("123"), score)
    assert seen == []


def test_a_session_that_another_study_has_scored_is_told_before_any_is_searched(protocol):
    home, config, score, seen = protocol
    ledger = Ledger(home.ledger)
    mine = Looker(study="deep-test2", trial="trial_0", config="c", by="me")
    ledger.open(contents("2")["2"], "model", mine, rescore=False)  # cut off before its score
    theirs = mine.model_copy(update={"study": "another"})
    opening = ledger.open(contents("3")["3"], "model", theirs, rescore=False)
    ledger.score(*opening, 0.6123)
    with pytest.raises(HoldoutError, match=r"of study deep-test3 was .* another, .* 61\.23 %"):
        nested(config, contents("123"), score)
    assert seen == []
    nested(config, contents("123"), score, rescore=True)
    assert seen == ["1", "2", "3"]
    nested(config, contents("123"), score)  # all are scored: there is nothing to refuse


def test_every_session_that_failed_is_named(protocol):
    _, config, score, seen = protocol
    errors = {"1": StudyError("no space left"), "3": ConfigError("no such space")}

    def fail(study):
        if error := errors.get(study.split.test_session):
            raise error
        return score(study)

    with pytest.raises(StudyError) as failure:
        nested(config, contents("123"), fail, n_beside=2)
    assert str(failure.value) == "deep-test1: no space left\ndeep-test3: no such space"
    errors["3"] = ZeroDivisionError()
    with pytest.raises(ExceptionGroup, match="deep-test1 and deep-test3 failed") as defects:
        nested(config, contents("123"), fail)
    assert list(defects.value.exceptions) == list(errors.values())
    del errors["3"]
    with pytest.raises(StudyError, match=r"^no space left$"):
        nested(config, contents("123"), fail)
    assert seen == ["2", "3"]


def test_rows_as_the_test_part_are_not_nested():
    rows = {"name": "rows", "test": {"every": 5}, "validation": {"last": 0.2}}
    with pytest.raises(ConfigError, match=r"^split=rows has one test part, the rows of split.test"):
        check_nestable(RowsSplit(**rows))


def test_each_is_a_study_of_its_own(protocol):
    _, config, _, _ = protocol
    one = with_test(config, "3")
    assert (one.study.name, one.split.test_session) == ("deep-test3", "3")
    assert with_test(config, "4").study.name != one.study.name


def test_it_is_shown_as_synthetic_with_mean_and_spread(protocol, capsys):
    _, config, score, _ = protocol
    show_nested(nested(config, contents("123"), score))
    text = capsys.readouterr().out
    assert "study deep (synthetic data)" in text
    assert "Mean accuracy 54.00 %, standard deviation between sessions 2.00 %" in text
    assert "Gain over the baseline: +4.00 points" in text
