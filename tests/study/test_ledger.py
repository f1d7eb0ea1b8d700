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
from emotion_hpo.runtime.contents import Content
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.ledger import Looker

#: Holdouts by a name that only these tests know, of ten utterances each.
CORPUS_5, CORPUS_4 = (
    Content(tuple({"words": f"{name} {i}"} for i in range(10))) for name in ("corpus-5", "corpus-4")
)
LOOKER = Looker(study="quick", trial="trial_3", config="c0ffee")


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "studies" / "holdout_ledger.jsonl")


def score_once(ledger, content=CORPUS_5, model="model-a", accuracy=0.5, *, rescore=False):
    """Open a holdout and write what came out."""
    opening = ledger.open(content, model, LOOKER, rescore=rescore)
    ledger.score(*opening, accuracy)
    return opening.name


def openings(ledger, content=CORPUS_5):
    return ledger.openings(ledger.name_of(content))


def test_an_empty_ledger_permits_and_writes_nothing(ledger):
    ledger.check(CORPUS_5, "model-a", rescore=False)
    assert openings(ledger) == []
    assert not ledger.path.exists()


def test_an_opening_is_two_lines(ledger):
    opening = ledger.open(CORPUS_5, "model-a", LOOKER, rescore=False)
    held, opened = map(json.loads, ledger.path.read_text().splitlines())
    name = CORPUS_5.digest
    marks = [dict(one) for one in CORPUS_5.utterances]
    assert held.items() >= {"event": "holdout", "holdout": name, "utterances": marks}.items()
    assert opened.items() >= {**LOOKER.to_json(), "event": "opened", "holdout": name}.items()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", opened["at"])
    ledger.score(*opening, 0.7104)
    _, first, second = ledger.path.read_text().splitlines()
    assert json.loads(first) == opened
    assert json.loads(second)["accuracy"] == 0.7104
    assert [line.to_json() for line in openings(ledger)] == [{**opened, "accuracy": 0.7104}]


def test_a_second_scoring_is_refused_with_the_firsts_line(ledger):
    score_once(ledger, accuracy=0.7104)
    at = openings(ledger)[0].at
    before = ledger.path.read_bytes()
    said = rf"scored before: study quick, trial_3, {at}, accuracy 71\.04 %; .*rescore=true"
    for model in ("model-a", "model-b"):
        with pytest.raises(HoldoutError, match=said):
            ledger.check(CORPUS_5, model, rescore=False)
        with pytest.raises(HoldoutError, match=said):
            ledger.open(CORPUS_5, model, LOOKER, rescore=False)
    assert ledger.path.read_bytes() == before


def test_rescoring_is_counted_and_the_first_line_stays(ledger):
    names = [
        score_once(ledger, model=m, accuracy=a, rescore=True)
        for m, a in zip("aab", (1, 2, 3), strict=True)
    ]
    assert len(set(names)) == 3
    assert [one.accuracy for one in openings(ledger)] == [1, 2, 3]


def test_lines_are_only_added(ledger):
    content = b""
    for n in range(4):
        score_once(ledger, model=f"model-{n}", rescore=True)
        grown = ledger.path.read_bytes()
        assert grown.startswith(content)
        assert len(grown.splitlines()) == 1 + 2 * (n + 1)
        content = grown


def test_holdouts_do_not_know_each_other(ledger):
    score_once(ledger, CORPUS_5, accuracy=0.5)
    score_once(ledger, CORPUS_4, accuracy=0.6)
    assert [one.accuracy for one in openings(ledger, CORPUS_4)] == [0.6]
    assert [one.accuracy for one in openings(ledger)] == [0.5]


def part(*numbers, more=()):
    """Some of the utterances of `CORPUS_5`, and others."""
    known = tuple(CORPUS_5.utterances[number] for number in numbers)
    return Content(known + tuple({"words": text} for text in more))


def test_a_holdout_that_is_mostly_an_earlier_one_is_refused_as_a_second_look(ledger):
    score_once(ledger, accuracy=0.7104)
    nearly = part(*range(8), more="abc")
    said = r"^8 of the 11 utterances of this holdout were scored before: study quick, .* 71\.04 %"
    with pytest.raises(HoldoutError, match=said):
        ledger.check(nearly, "model-b", rescore=False)
    with pytest.raises(HoldoutError, match=said):
        ledger.open(nearly, "model-b", LOOKER, rescore=False)
    with pytest.raises(HoldoutError, match=r"^this holdout was scored before"):
        ledger.check(part(0, 1, 2), "model-b", rescore=False)
    with pytest.raises(HoldoutError, match=r"11 utterances of the holdout of study deep were"):
        ledger.check_studies({"deep": nearly})


def test_what_a_second_look_added_is_known_from_then_on(ledger):
    score_once(ledger)
    score_once(ledger, part(*range(8), more="abc"), rescore=True)
    assert [line.opening for line in openings(ledger)] == ["opening_1", "opening_2"]
    with pytest.raises(HoldoutError, match=r"^this holdout was scored before"):
        ledger.check(part(more="abc"), "model-b", rescore=False)


def test_two_halves_that_were_scored_apart_are_a_second_look_together(ledger):
    score_once(ledger, part(*range(5)))
    score_once(ledger, part(*range(5, 10)))
    with pytest.raises(HoldoutError, match=r"^this holdout was scored before"):
        ledger.check(CORPUS_5, "model-b", rescore=False)


def test_a_smaller_overlap_is_written_down(ledger):
    score_once(ledger)
    mixed = part(0, 1, 2, more="abcdef")
    opening = ledger.open(
        mixed, "model-b", LOOKER.model_copy(update={"study": "later"}), rescore=False
    )
    (line,) = openings(ledger, mixed)
    (overlap,) = line.overlaps
    assert (overlap.n_shared, overlap.study, overlap.trial) == (3, "quick", "trial_3")
    assert overlap.holdout == CORPUS_5.digest != opening.holdout
    assert openings(ledger)[0].overlaps == ()


@pytest.mark.parametrize(
    ("version", "fault"),
    [({}, "it names no version"), ({"version": 2}, "it is of version 2, and 1 is read here")],
)
def test_a_ledger_of_another_version_is_named(ledger, version, fault):
    score_once(ledger)
    first, *rest = ledger.path.read_text().splitlines()
    line = json.loads(first)
    del line["version"]
    ledger.path.write_text("\n".join([*rest, json.dumps(line | version), ""]))
    with pytest.raises(HoldoutError, match=rf"by this version: line 3: {fault}; keep the file"):
        ledger.check(CORPUS_5, "model-a", rescore=True)


def test_a_cut_off_scoring_is_completed_by_the_same_model_alone(ledger):
    opening = ledger.open(CORPUS_5, "model-a", LOOKER, rescore=False)
    with pytest.raises(HoldoutError, match=r"scored before: .*, not finished"):
        ledger.open(CORPUS_5, "model-b", LOOKER, rescore=False)
    ledger.check(CORPUS_5, "model-a", rescore=False)
    assert ledger.open(CORPUS_5, "model-a", LOOKER, rescore=False) == opening
    ledger.score(*opening, 0.5)
    assert len(openings(ledger)) == 1
    with pytest.raises(HoldoutError, match=r"accuracy 50\.00 %"):
        ledger.open(CORPUS_5, "model-a", LOOKER, rescore=False)


def test_a_cut_off_rescoring_is_completed_with_rescore(ledger):
    score_once(ledger, model="model-a")
    cut = ledger.open(CORPUS_5, "model-b", LOOKER, rescore=True)
    with pytest.raises(HoldoutError, match="scored before"):
        ledger.open(CORPUS_5, "model-b", LOOKER, rescore=False)
    assert ledger.open(CORPUS_5, "model-b", LOOKER, rescore=True) == cut
    assert len(openings(ledger)) == 2


AT = '"version": 1, "holdout": "corpus-5", "at": "2026-01-01T00:00:00Z"'
BROKEN = [
    ('{"event": "opened", "hold', "line 4 is no line of a ledger"),
    ("\udcff", "it is not UTF-8"),
    (f"{{{AT}}}", "line 4 is no line of a ledger"),
    (f'{{"event": "shut", {AT}}}', "line 4 is no line of a ledger"),
    (f'{{"event": "opened", {AT}}}', "line 4: study: field required"),
    (f'{{"event": "scored", {AT}, "opening": "opening_1"}}', "line 4: accuracy: field required"),
    (f'{{"event": "holdout", {AT}}}', "line 4: utterances: field required"),
    (f'{{"event": "holdout", {AT}, "utterances": [3]}}', "line 4: utterances.0: input should be"),
    (
        f'{{"event": "holdout", {AT}, "utterances": [{{"sound": "a"}}]}}',
        "line 4: utterances.0: sound must have",
    ),
    (
        f'{{"event": "scored", {AT}, "opening": "opening_1", "accuracy": 0.5}}',
        "no line says what holdout corpus-5 holds",
    ),
]


@pytest.mark.parametrize(("line", "fault"), BROKEN)
def test_a_broken_line_permits_nothing(ledger, line, fault):
    """Whoever could break the ledger could otherwise look again."""
    score_once(ledger)
    with ledger.path.open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape") + b"\n")
    message = rf"holdout_ledger\.jsonl is not readable: {fault}.*; mend its broken line by hand"
    for rescore in (False, True):
        with pytest.raises(HoldoutError, match=message):
            ledger.open(CORPUS_4, "model-b", LOOKER, rescore=rescore)


@pytest.mark.parametrize("name", ["holdout_ledger.jsonl", "holdout_ledger.lock"])
def test_a_folder_in_its_place_permits_nothing(ledger, name):
    (ledger.path.parent / name).mkdir(parents=True)
    said = r"holdout_ledger\.jsonl cannot be read and written \(Is a directory\); no holdout is"
    with pytest.raises(HoldoutError, match=said):
        ledger.open(CORPUS_5, "model-a", LOOKER, rescore=True)


@pytest.mark.parametrize("method", ["read_text", "mkdir"])
def test_a_ledger_that_may_not_be_touched_permits_nothing(ledger, monkeypatch, method):
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(HoldoutError, match=r"ledger\.jsonl .* \(Permission denied\); no holdout"):
        ledger.open(CORPUS_5, "model-a", LOOKER, rescore=False)


@pytest.mark.parametrize("ending", ["", "\n\n", " \n", "\r\n"])
def test_an_editors_line_ends_break_nothing(ledger, ending):
    score_once(ledger)
    ledger.path.write_bytes(ledger.path.read_bytes().rstrip() + ending.encode())
    score_once(ledger, model="model-b", rescore=True)
    assert len(openings(ledger)) == 2


def test_any_letters_stay_in_one_line(ledger):
    name = "a\nb\u2028c\x85d ✓"
    ledger.open(CORPUS_5, "model-a", Looker(study=name, trial="trial_3"), rescore=False)
    assert openings(ledger)[0].study == name


RACER = """
import sys
from pathlib import Path
from emotion_hpo.runtime.contents import Content
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.ledger import Looker
content = Content(({"words": "yes"},))
looker = Looker(study="quick", trial="trial_3")
print("ready", flush=True)
sys.stdin.readline()
try:
    print(Ledger(Path(sys.argv[1])).open(content, sys.argv[2], looker, rescore=False).name)
except PermissionError as error:
    print("refused")
"""


HOLDER = """
import sys
from pathlib import Path
from emotion_hpo.study.ledger import Ledger
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
    yes = Content(({"words": "yes"},))
    assert [line.model for line in openings(ledger, yes)] == [winner]


def test_a_protocol_is_a_look_that_its_continuation_does_not_repeat(ledger):
    other = LOOKER.model_copy(update={"config": "cafe", "trial": "trial_4"})
    for _ in range(2):  # cut off in between
        ledger.note_protocol(CORPUS_5, [LOOKER, other], "loso5", "5", on_test=False)
    assert [line.config for line in ledger.looks(CORPUS_5)] == ["c0ffee", "cafe"]
    ledger.note_protocol(CORPUS_5, [LOOKER], "loso5", "5", on_test=True)
    assert [line.test_picked for line in ledger.looks(CORPUS_5)] == [False, False, True]
    assert ledger.looks(CORPUS_4) == []
    ledger.check(CORPUS_5, "model-a", rescore=False)  # a fixed configuration chose nothing
