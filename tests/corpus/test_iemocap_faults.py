"""Every fault of the release's files has one documented outcome: a row each.

A breakage changes a copy of the release and returns how the place that is named must end.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotion_hpo.corpus.twin.stage import frame_times, frames_within
from emotion_hpo.errors import CorpusError
from tests.corpus.releases import opened

WHERE = "Ses01F_impro01"

Break = Callable[[Path, str], str]


def _evaluation(root: Path) -> Path:
    return root / "Session1" / "dialog" / "EmoEvaluation" / f"{WHERE}.txt"


def _transcript(root: Path) -> Path:
    return root / "Session1" / "dialog" / "transcriptions" / f"{WHERE}.txt"


def _wav(root: Path, name: str) -> Path:
    folder = root / "Session1" / "sentences" / "wav" / name.rsplit("_", 1)[0]
    return folder / f"{name}.wav"


def _motion(root: Path, folder: str = "MOCAP_rotated") -> Path:
    return root / "Session1" / "dialog" / folder / f"{WHERE}.txt"


def _edit(path: Path, old: str, new: bytes) -> str:
    """Replace the first occurrence; its line."""
    before, match, after = path.read_bytes().partition(old.encode())
    assert match
    path.write_bytes(before + new + after)
    return _line(before)


def _line(before: bytes) -> str:
    """The line that follows a text."""
    n_before = before.count(b"\n")
    return f"line {n_before + 1}"


def malformed_turn(root: Path, name: str) -> str:
    return _edit(_evaluation(root), f"\t{name}\t", b"\tnobody\t")


def malformed_vote(root: Path, name: str) -> str:
    return _edit(_evaluation(root), "C-E2:", b"C-E2;")


def malformed_transcript(root: Path, name: str) -> str:
    return _edit(_transcript(root), f"{name} [", b"no id and no words [")


def unknown_label(root: Path, name: str) -> str:
    label = _evaluation(root).read_text("utf-8").split(f"{name}\t")[1][:3]
    return _edit(_evaluation(root), f"{name}\t{label}", f"{name}\tjoy".encode())


def unknown_vote(root: Path, name: str) -> str:
    return _edit(_evaluation(root), "C-E2:\t", b"C-E2:\tJoyful; ")


def zero_length(root: Path, name: str) -> str:
    lines = _evaluation(root).read_text("utf-8").splitlines()
    times = next(line for line in lines if name in line).split("\t")[0]
    start = times[1:].split(" - ")[0]
    return _edit(_evaluation(root), times, f"[{start} - {start}]".encode())


def not_utf8(root: Path, name: str) -> str:
    return _edit(_transcript(root), "]: ", b"]: caf\xe9 ")


def no_transcript(root: Path, name: str) -> str:
    path = _transcript(root)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(line for line in lines if not line.startswith(name.encode())))
    return name


def no_transcript_file(root: Path, name: str) -> str:
    _transcript(root).unlink()
    return f"transcriptions/{WHERE}.txt"


def twice_transcribed(root: Path, name: str) -> str:
    path = _transcript(root)
    content = path.read_bytes()
    line = next(row for row in content.split(b"\n") if row.startswith(name.encode()))
    path.write_bytes(content + line + b"\n")
    return _line(content)


def no_wav(root: Path, name: str) -> str:
    _wav(root, name).unlink()
    return f"{name}.wav"


def empty_wav(root: Path, name: str) -> str:
    soundfile.write(_wav(root, name), np.zeros(0), 16_000)
    return f"{name}.wav"


def broken_wav(root: Path, name: str) -> str:
    _wav(root, name).write_bytes(b"no audio")
    return f"{name}.wav"


def stereo_wav(root: Path, name: str) -> str:
    samples, rate = soundfile.read(_wav(root, name))
    soundfile.write(_wav(root, name), np.stack([samples, samples], axis=1), rate)
    return f"{name}.wav"


def fast_wav(root: Path, name: str) -> str:
    samples, _ = soundfile.read(_wav(root, name))
    soundfile.write(_wav(root, name), samples, 44_100)
    return f"{name}.wav"


def fast_stereo_wav(root: Path, name: str) -> str:
    samples, _ = soundfile.read(_wav(root, name))
    soundfile.write(_wav(root, name), np.stack([samples, samples], axis=1), 44_100)
    return f"{name}.wav"


def half_a_wav(root: Path, name: str) -> str:
    content = _wav(root, name).read_bytes()
    _wav(root, name).write_bytes(content[: len(content) // 4])
    return f"{name}.wav"


def no_motion(root: Path, name: str) -> str:
    _motion(root, "MOCAP_hand").unlink()
    return f"MOCAP_hand/{WHERE}.txt"


def motion_without_frames(root: Path, name: str) -> str:
    path = _motion(root, "MOCAP_hand")
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:2]) + b"\n")
    return f"MOCAP_hand/{WHERE}.txt"


KEEPS, LOSES = "keeps the utterance", "loses the utterance"

COUNTED = [
    # what is broken, kind of fault, what becomes of the utterance, of its speech, of its words
    (malformed_turn, "malformed line, left out", LOSES, None, None),
    (unknown_label, "unknown label 'joy', left out", LOSES, None, None),
    (zero_length, "turn without length, left out", LOSES, None, None),
    (malformed_vote, "malformed line, left out", KEEPS, True, True),
    (unknown_vote, "unknown vote 'Joyful', left out", KEEPS, True, True),
    (malformed_transcript, "malformed line, left out", KEEPS, True, False),
    (no_transcript, "label without transcript", KEEPS, True, False),
    (no_transcript_file, "missing transcript", KEEPS, True, False),
    (twice_transcribed, "transcript given twice, first kept", KEEPS, True, True),
    (not_utf8, "not UTF-8, read as Windows-1252", KEEPS, True, True),
    (no_wav, "missing wav", KEEPS, False, True),
    (empty_wav, "empty wav", KEEPS, False, True),
    (broken_wav, "unreadable wav", KEEPS, False, True),
    (stereo_wav, "wav of 2 channels, averaged", KEEPS, True, True),
    (fast_wav, "wav of 44100 Hz, resampled", KEEPS, True, True),
    (fast_stereo_wav, "wav of 44100 Hz, resampled", KEEPS, True, True),
    (half_a_wav, "recording ends before the turn", KEEPS, True, True),
    (no_motion, "missing motion", KEEPS, True, True),
    (motion_without_frames, "motion without a frame", KEEPS, True, True),
]


@pytest.mark.parametrize(
    ("break_", "kind", "outcome", "has_speech", "has_text"),
    COUNTED,
    ids=[row[0].__name__ for row in COUNTED],
)
def test_counted_fault(damaged, break_: Break, kind, outcome, has_speech, has_text):
    root = damaged()
    before = opened(root).table("1")
    name = before.query(f"dialogue == '{WHERE}'")["utterance_id"].iloc[0]
    place = break_(root, name)
    corpus = opened(root)
    table = corpus.table("1").set_index("utterance_id")
    faults = [fault for fault in corpus.faults() if fault.kind == kind]
    assert any(fault.place.endswith(place) for fault in faults), corpus.faults()
    others = set(before["utterance_id"]) - {name}
    assert others <= set(table.index), "the other utterances stay"
    assert (name in table.index) == (outcome == KEEPS)
    if outcome == KEEPS:
        assert table.loc[name, "has_speech"] == has_speech
        assert table.loc[name, "has_text"] == has_text
        recording = next(
            recording
            for recording in corpus.recordings("1", WHERE)
            if recording.utterance_id == name
        )
        assert (recording.samples is not None) == has_speech
    with pytest.raises(CorpusError, match=r"Ses01F_impro01"):
        opened(root, strict=True).table("1")


def narrow_motion(root: Path, name: str) -> str:
    path = _motion(root)
    lines = path.read_bytes().split(b"\r\n")
    middle = len(lines) // 2
    lines[middle] = lines[middle].rsplit(b" ", 1)[0]
    path.write_bytes(b"\r\n".join(lines))
    return rf"MOCAP_rotated/{WHERE}.txt, line {middle + 1}: frame, time and 165 values must stand"


def narrow_motion_throughout(root: Path, name: str) -> str:
    shutil.copy(_motion(root, "MOCAP_hand"), _motion(root))
    return rf"MOCAP_rotated/{WHERE}.txt, line 3: frame, time and 165 values must stand here"


def worded_motion(root: Path, name: str) -> str:
    path = _motion(root, "MOCAP_head")
    lines = path.read_bytes().split(b"\r\n")
    lines[20] = lines[20].rsplit(b" ", 1)[0] + b" lost"
    path.write_bytes(b"\r\n".join(lines))
    return rf"MOCAP_head/{WHERE}.txt, line 21: 'lost' is no number"


def endless_motion(root: Path, name: str) -> str:
    path = _motion(root, "MOCAP_head")
    lines = path.read_bytes().split(b"\r\n")
    for number in range(2, len(lines) - 1):
        lines[number] = lines[number].rsplit(b" ", 1)[0] + b" -inf"
    path.write_bytes(b"\r\n".join(lines))
    return rf"MOCAP_head/{WHERE}.txt, line 3: '-inf' is no number"


def duplicate_id(root: Path, name: str) -> str:
    path = _evaluation(root)
    content = path.read_bytes()
    line = next(row for row in content.split(b"\n") if name.encode() in row)
    path.write_bytes(content + line + b"\n")
    first = _line(content[: content.index(line)])
    return rf"{WHERE}.txt, {_line(content)}: {name} stands in \S*, {first} already"


@pytest.mark.parametrize(
    "break_", [narrow_motion, narrow_motion_throughout, worded_motion, endless_motion, duplicate_id]
)
def test_refused_fault(damaged, break_: Break):
    root = damaged()
    table = opened(root).table("1")
    name = table.query(f"dialogue == '{WHERE}'")["utterance_id"].iloc[0]
    message = break_(root, name)
    with pytest.raises(CorpusError, match=message):
        list(opened(root).recordings("1", WHERE))


@pytest.mark.parametrize(
    ("break_", "kind"),
    [
        (Path.unlink, "missing evaluation, its turns left out"),
        (lambda path: path.write_bytes(b""), "evaluation without a turn"),
        # Line ends of old Macs: all is one line, and a comment.
        (
            lambda path: path.write_bytes(b"\r".join(path.read_bytes().splitlines())),
            "evaluation without a turn",
        ),
    ],
    ids=["missing", "empty", "one line"],
)
def test_a_dialogue_without_its_evaluation_is_counted(damaged, break_, kind):
    root = damaged()
    break_(_evaluation(root))
    assert WHERE not in set(opened(root).table("1")["dialogue"])
    faults = [fault for fault in opened(root).faults() if fault.kind == kind]
    assert [Path(fault.place) for fault in faults] == [_evaluation(root)]
    with pytest.raises(CorpusError, match=rf"{WHERE}.txt: {kind}"):
        opened(root, strict=True).table("1")


def test_a_fault_costs_a_turn_of_no_class_that_modality_alone(damaged):
    root = damaged()
    name, dialogue = (
        opened(root).table("1").query("emotion.isna()").iloc[0][["utterance_id", "dialogue"]]
    )
    broken_wav(root, name)
    corpus = opened(root)
    (fault,) = corpus.faults()
    assert fault.place.endswith(f"{name}.wav")
    row = corpus.table("1").set_index("utterance_id").loc[name]
    assert (row["has_speech"], row["has_text"]) == (False, True)
    recorded = {recording.utterance_id: recording for recording in corpus.recordings("1", dialogue)}
    assert recorded[name].samples is None


def test_a_dialogue_in_another_sessions_folder_is_refused(damaged):
    root = damaged()
    other = root / "Session2" / "dialog" / "EmoEvaluation" / f"{WHERE}.txt"
    other.parent.mkdir(parents=True)
    shutil.copy(_evaluation(root), other)
    with pytest.raises(CorpusError, match=rf"{WHERE} belongs to another session"):
        opened(root).table("2")


def test_motion_with_a_gap_is_absent_where_it_lacks(damaged):
    root = damaged()
    rows = opened(root).table("1").query("dialogue == @WHERE").sort_values("turn")
    start, end = rows.iloc[0][["start_s", "end_s"]]
    before = {
        recording.utterance_id: recording.motion
        for recording in opened(root).recordings("1", WHERE)
    }
    for folder in ("MOCAP_head", "MOCAP_hand", "MOCAP_rotated"):
        lines = _motion(root, folder).read_bytes().split(b"\r\n")
        other_parts = [
            line
            for i, line in enumerate(lines)
            if i < 2 or not line or not start <= float(line.split(b" ")[1]) < end
        ]
        _motion(root, folder).write_bytes(b"\r\n".join(other_parts))
    for recording in opened(root).recordings("1", WHERE):
        if recording.utterance_id == rows.iloc[0]["utterance_id"]:
            assert recording.motion is None, "its frames are gone"
        elif before[recording.utterance_id] is not None:
            row = rows.set_index("utterance_id").loc[recording.utterance_id]
            first, n_frames = frames_within(row["start_s"], row["end_s"])
            stays = frame_times(first, n_frames) >= end  # it may overlap the first turn
            assert stays.any()
            np.testing.assert_array_equal(
                recording.motion["face"], before[recording.utterance_id]["face"][stays]
            )


def test_faults_reach_screen_and_json(damaged, emotion_hpo, isolated):
    root = damaged()
    for path in sorted((root / "Session1" / "sentences" / "wav").rglob("*.wav"))[:12]:
        path.unlink()
    shown = emotion_hpo(
        "prepare", "corpus=iemocap", f"corpus.root={root}", "study.name=one", "output=found.json"
    )
    assert shown.status == 0, shown.stderr
    entry = json.loads((isolated / "found.json").read_text("utf-8"))["faults"]["missing wav"]
    assert len(entry["first"]) <= 10
    assert f"fault: missing wav ({entry['n']})" in shown.stdout
    assert entry["first"][0] in shown.stdout
