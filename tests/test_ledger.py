"""The ledger of openings: lines are only added, and a second look must be asked for."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import emotion_hpo
from emotion_hpo.errors import HoldoutError
from emotion_hpo.ledger import Ledger

FACTS = {"study": "quick", "trial": "trial_3", "config": "c0ffee", "commit": None}


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "studies" / "holdout_ledger.jsonl")


def score_once(ledger, holdout="corpus-5", model="model-a", accuracy=0.5, *, rescore=False):
    """Open a holdout and write what came out."""
    opening = ledger.open(holdout, model, FACTS, rescore=rescore)
    ledger.score(holdout, opening, accuracy)
    return opening


def test_an_empty_ledger_permits_and_writes_nothing(ledger):
    ledger.check("corpus-5", "model-a", rescore=False)
    assert ledger.openings("corpus-5") == []
    assert not ledger.path.exists()


def test_an_opening_is_two_lines(ledger):
    opening = ledger.open("corpus-5", "model-a", FACTS, rescore=False)
    opened = json.loads(ledger.path.read_text())
    assert opened.items() >= {**FACTS, "event": "opened", "holdout": "corpus-5"}.items()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", opened["at"])
    ledger.score("corpus-5", opening, 0.7104)
    first, second = ledger.path.read_text().splitlines()
    assert json.loads(first) == opened
    assert json.loads(second)["accuracy"] == 0.7104
    assert ledger.openings("corpus-5") == [{**opened, "accuracy": 0.7104}]


def test_a_second_scoring_is_refused_with_the_firsts_line(ledger):
    score_once(ledger, accuracy=0.7104)
    at = ledger.openings("corpus-5")[0]["at"]
    before = ledger.path.read_bytes()
    said = rf"scored before: study quick, trial_3, {at}, accuracy 71\.04 %; .*rescore=true"
    for model in ("model-a", "model-b"):
        with pytest.raises(HoldoutError, match=said):
            ledger.check("corpus-5", model, rescore=False)
        with pytest.raises(HoldoutError, match=said):
            ledger.open("corpus-5", model, FACTS, rescore=False)
    assert ledger.path.read_bytes() == before


def test_rescoring_is_counted_and_the_first_line_stays(ledger):
    names = [
        score_once(ledger, model=m, accuracy=a, rescore=True)
        for m, a in zip("aab", (1, 2, 3), strict=True)
    ]
    assert len(set(names)) == 3
    assert [one["accuracy"] for one in ledger.openings("corpus-5")] == [1, 2, 3]


def test_lines_are_only_added(ledger):
    content = b""
    for n in range(4):
        score_once(ledger, model=f"model-{n}", rescore=True)
        grown = ledger.path.read_bytes()
        assert grown.startswith(content)
        assert len(grown.splitlines()) == 2 * (n + 1)
        content = grown


def test_holdouts_do_not_know_each_other(ledger):
    score_once(ledger, "corpus-5", accuracy=0.5)
    score_once(ledger, "corpus-4", accuracy=0.6)
    assert [one["accuracy"] for one in ledger.openings("corpus-4")] == [0.6]
    assert [one["accuracy"] for one in ledger.openings("corpus-5")] == [0.5]


def test_a_cut_off_scoring_is_completed_by_the_same_model_alone(ledger):
    opening = ledger.open("corpus-5", "model-a", FACTS, rescore=False)
    with pytest.raises(HoldoutError, match=r"scored before: .*, not finished"):
        ledger.open("corpus-5", "model-b", FACTS, rescore=False)
    ledger.check("corpus-5", "model-a", rescore=False)
    assert ledger.open("corpus-5", "model-a", FACTS, rescore=False) == opening
    ledger.score("corpus-5", opening, 0.5)
    assert len(ledger.openings("corpus-5")) == 1
    with pytest.raises(HoldoutError, match=r"accuracy 50\.00 %"):
        ledger.open("corpus-5", "model-a", FACTS, rescore=False)


def test_a_cut_off_rescoring_is_completed_with_rescore(ledger):
    score_once(ledger, model="model-a")
    cut = ledger.open("corpus-5", "model-b", FACTS, rescore=True)
    with pytest.raises(HoldoutError, match="scored before"):
        ledger.open("corpus-5", "model-b", FACTS, rescore=False)
    assert ledger.open("corpus-5", "model-b", FACTS, rescore=True) == cut
    assert len(ledger.openings("corpus-5")) == 2


BROKEN = [
    ('{"event": "opened", "hold', "cut off"),
    ("3", "not a mapping"),
    ("{}", "nothing in it"),
    ('{"event": "opened", "holdout": "corpus-5"}', "nobody opened it"),
    ('{"event": "scored", "holdout": "corpus-5", "opening": "opening_1"}', "no figure"),
    ('{"event": "shut", "holdout": "corpus-5", "opening": "opening_1"}', "no such event"),
    ("\udcff", "not UTF-8"),
]


@pytest.mark.parametrize(("line", "why"), BROKEN)
def test_a_broken_line_permits_nothing(ledger, line, why):
    """Whoever could break the ledger could otherwise look again."""
    score_once(ledger)
    with ledger.path.open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape") + b"\n")
    said = r"holdout_ledger\.jsonl is not readable; mend its broken line by hand"
    for rescore in (False, True):
        with pytest.raises(HoldoutError, match=said):
            ledger.open("corpus-4", "model-b", FACTS, rescore=rescore)


@pytest.mark.parametrize("name", ["holdout_ledger.jsonl", "holdout_ledger.lock"])
def test_a_folder_in_its_place_permits_nothing(ledger, name):
    (ledger.path.parent / name).mkdir(parents=True)
    said = r"holdout_ledger\.jsonl cannot be read and written \(Is a directory\); no holdout is"
    with pytest.raises(HoldoutError, match=said):
        ledger.open("corpus-5", "model-a", FACTS, rescore=True)


@pytest.mark.parametrize("method", ["read_text", "mkdir"])
def test_a_ledger_that_may_not_be_touched_permits_nothing(ledger, monkeypatch, method):
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(HoldoutError, match=r"ledger\.jsonl .* \(Permission denied\); no holdout"):
        ledger.open("corpus-5", "model-a", FACTS, rescore=False)


@pytest.mark.parametrize("ending", ["", "\n\n", " \n", "\r\n"])
def test_an_editors_line_ends_break_nothing(ledger, ending):
    score_once(ledger)
    ledger.path.write_bytes(ledger.path.read_bytes().rstrip() + ending.encode())
    score_once(ledger, model="model-b", rescore=True)
    assert len(ledger.openings("corpus-5")) == 2


def test_any_letters_stay_in_one_line(ledger):
    facts = {**FACTS, "study": "a\nb\u2028c\x85d ✓"}
    ledger.open("corpus-5", "model-a", facts, rescore=False)
    assert ledger.openings("corpus-5")[0]["study"] == facts["study"]


RACER = """
import sys
from pathlib import Path
from emotion_hpo.ledger import Ledger
facts = {"study": "quick", "trial": "trial_3"}
print("ready", flush=True)
sys.stdin.readline()
try:
    print(Ledger(Path(sys.argv[1])).open("corpus-5", sys.argv[2], facts, rescore=False))
except PermissionError as error:
    print("refused")
"""


HOLDER = """
import sys
from pathlib import Path
from emotion_hpo.ledger import Ledger
with Ledger(Path(sys.argv[1])).alone_with("corpus-5"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_while_one_process_is_at_a_holdout_another_is_refused_until_it_is_gone(ledger):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(ledger.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(emotion_hpo.__file__).parents[1])},
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(HoldoutError, match="another process is about to score this holdout"),
            ledger.alone_with("corpus-5"),
        ):
            pass
        with ledger.alone_with("corpus-4"):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with ledger.alone_with("corpus-5"):
        pass


def test_of_two_processes_at_once_one_wins(ledger):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(ledger.path), model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(emotion_hpo.__file__).parents[1])},
        )
        for model in ("model-a", "model-b")
    ]
    for one in racers:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in racers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    answers = [one.communicate()[0].strip() for one in racers]
    assert sorted(answers) == ["opening_1", "refused"]
    winner = ("model-a", "model-b")[answers.index("opening_1")]
    assert [one["model"] for one in ledger.openings("corpus-5")] == [winner]
