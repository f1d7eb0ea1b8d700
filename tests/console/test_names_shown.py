"""Names of classes, speakers, sessions and modalities are shown letter by letter."""

import pytest

from emotion_hpo.console.answer import show_answer
from emotion_hpo.console.corpus import show_corpus
from emotion_hpo.console.final import show_final
from emotion_hpo.console.nested import show_nested
from emotion_hpo.study.records.nested import (
    NestedGains,
    NestedResult,
    OverSessions,
    SessionResult,
)
from emotion_hpo.study.records.prepared_corpus import PreparedCorpus
from tests.console.results import PART, RECALL, WITHOUT, shown_result

#: Names that rich, a terminal or a template would take for something of their own.
ODD = ["[/sad]", "[happy]", ":smile:", "ang&fru", "{neu}", "100% 中性 😀", "n" * 60]


def unbroken(text):
    """Cells of a table, however they are spaced."""
    return text.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("name", ODD)
def test_names_are_shown_as_they_are(capsys, monkeypatch, name):
    """Of classes, speakers, sessions and modalities, in every table and line."""
    monkeypatch.setenv("COLUMNS", "200")
    result = shown_result(
        study="s",
        test_session=name,
        test_speakers=[name],
        recall_by_class={name: RECALL},
        by={kind: {name: PART, f"{name}2": PART} for kind in ("speaker", "scenario")},
        without={name: WITHOUT},
    )
    show_final(result)
    out = unbroken(capsys.readouterr().out)
    for words in (f"recall {name}", f"speaker {name}", f"scenario {name}2", f"without {name}"):
        assert unbroken(words) in out
    session = SessionResult(
        test_session=name, study="s", trial="trial_1", accuracy=0.5, uar=0.5, n_test=9,
        accuracy_interval=result.accuracy_interval, expected=None, test_speakers=(name,),
    )  # fmt: skip
    score = OverSessions(mean=0.5, spread=0.1, interval=result.accuracy_interval)
    gain = NestedGains(baseline=None, default=None)
    show_nested(
        NestedResult(
            study="s", synthetic=False, sessions=(session,), accuracy=score, uar=score, gain=gain
        )
    )
    assert unbroken(name) in unbroken(capsys.readouterr().out)
    show_answer({name: 0.9, f"{name}2": 0.1}, synthetic=False)
    assert unbroken(name) in unbroken(capsys.readouterr().out)
    show_corpus_of(name)
    assert unbroken(capsys.readouterr().out).count(unbroken(name)) == 5


def show_corpus_of(name):
    durations = dict.fromkeys(("median_s", "mean_s", "p95_s", "max_s", "hours"))
    show_corpus(
        PreparedCorpus.from_json({
            "corpus": "manifest", "synthetic": False, "n_utterances": 3,
            "n_by_session_emotion": {f"{name}1": {f"{name}2": 3}},
            "n_by_modality": {"text": 3}, "missing": {}, "dimensions": {}, "motion_lost": {},
            "n_words": 9, "durations": durations, "dialogues": None, "n_word_types": 4,
            "seconds": 1, "peak_memory_mb": 9, "keys": {},
            "words_without_vectors": {"n_types": 1, "n_words": 1, "first": [name]},
            "remarks": [f"2 of {name}"], "faults": {"bad": {"n": 1, "first": [f"{name}.wav"]}},
        })
    )  # fmt: skip
