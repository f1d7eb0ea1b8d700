"""The twin writes itself as IEMOCAP's release: the form of the real one, invented content.

So the code that reads the licensed release can be tried and tested by anyone. A dialogue is written
at a time. Beside what the twin knows stand things that a reader must not take: macOS leftovers,
ids without a label, frames between the turns whose values are absurd.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol, TextIO

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from emotion_hpo.corpus.iemocap.release import SYNTHETIC_MARK
from emotion_hpo.corpus.schema import MOTION_PARTS, Recording
from emotion_hpo.corpus.twin import release_text
from emotion_hpo.corpus.twin.motion import FRAMES_PER_S
from emotion_hpo.corpus.twin.stage import frame_times, frames_within
from emotion_hpo.errors import CorpusError

_HEAD = "pitch roll yaw tra_x tra_y tra_z"
#: Part → folder, and what the second line says.
_MOTION = {"head": "MOCAP_head", "hand": "MOCAP_hand", "face": "MOCAP_rotated"}
#: Value of every column in the frames beside a turn.
_ABSURD = 9999.0
#: And how far beside they are: a small part of a frame.
_BESIDE_S = 0.1 / FRAMES_PER_S
#: How much of each actor the other's microphone hears.
_CROSSTALK = 0.1
_RATE_HZ = 16_000

OnProgress = Callable[[int, int, str], None]


class _Recorded(Protocol):
    """What of a twin is written."""

    def sessions(self) -> tuple[str, ...]: ...

    def table(self, session: str) -> pd.DataFrame: ...

    def labels(self, session: str) -> Mapping[str, str]: ...

    def recordings(self, session: str, dialogue: str) -> Iterable[Recording]: ...


def write_release(twin: _Recorded, root: Path, on_progress: OnProgress) -> int:
    """Write a twin below a folder, which must be empty or new.

    Returns:
        The number of turns written, of every label.

    Raises:
        CorpusError: The folder holds something, or cannot be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise CorpusError(f"{root}: is not empty; write_release needs a folder of its own")
    tables = {session: twin.table(session) for session in twin.sessions()}
    total = sum(table["dialogue"].nunique() for table in tables.values())
    done = 0
    try:
        root.mkdir(parents=True, exist_ok=True)
        (root / SYNTHETIC_MARK).write_text(
            "Invented: IEMOCAP's form, a synthetic twin's content.\n"
        )
        for session, table in tables.items():
            folder = root / f"Session{session}"
            labelled = table.assign(label=table["utterance_id"].map(twin.labels(session)))
            for name, rows in labelled.groupby("dialogue"):
                dialogue = str(name)
                recordings = {
                    recording.utterance_id: recording
                    for recording in twin.recordings(session, dialogue)
                }
                _write_dialogue(folder, dialogue, rows, recordings, crlf=done % 2 == 1)
                done += 1
                on_progress(done, total, f"writing {dialogue}")
    except OSError as error:
        raise CorpusError(f"{root}: cannot be written ({error.strerror})") from error
    return sum(map(len, tables.values()))


def _write_dialogue(
    folder: Path,
    dialogue: str,
    rows: pd.DataFrame,
    recordings: Mapping[str, Recording],
    *,
    crlf: bool,
) -> None:
    turns = release_text.turns(rows)
    dialog = folder / "dialog"
    evaluation = dialog / "EmoEvaluation"
    _write_text(evaluation / f"{dialogue}.txt", release_text.evaluation(turns), crlf=crlf)
    _write_text(evaluation / "Categorical" / f"{dialogue}_e2_cat.txt", ["not read"], crlf=crlf)
    transcript = release_text.transcript(turns)
    _write_text(dialog / "transcriptions" / f"{dialogue}.txt", transcript, crlf=crlf)
    _write_sounds(folder, dialogue, turns, recordings)
    _write_motion(dialog, dialogue, turns, recordings)
    for sibling in (evaluation, dialog / "transcriptions", dialog / "wav"):
        suffix = ".wav" if sibling.name == "wav" else ".txt"
        (sibling / f"._{dialogue}{suffix}").write_bytes(b"\x00\x05\x16\x07Mac OS X")
        (sibling / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")


def _write_text(path: Path, lines: Iterable[str], *, crlf: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    end = "\r\n" if crlf else "\n"
    path.write_bytes("".join(line + end for line in lines).encode())


def _write_sounds(
    folder: Path,
    dialogue: str,
    turns: list[release_text.Turn],
    recordings: Mapping[str, Recording],
) -> None:
    """A recording a turn, and the dialogue's own: the actress left, the actor right."""
    sentences = folder / "sentences" / "wav" / dialogue
    sentences.mkdir(parents=True, exist_ok=True)
    end_s = max(turn.end_s for turn in turns)
    both = np.zeros((round((end_s + 1) * _RATE_HZ), 2), np.float32)
    speaks = np.zeros(both.shape, dtype=bool)
    for turn in turns:
        samples = recordings[turn.utterance_id].samples
        assert samples is not None, "the twin always speaks"
        path = sentences / f"{turn.utterance_id}.wav"
        soundfile.write(path, samples, _RATE_HZ, subtype="PCM_16")
        first = round(turn.start_s * _RATE_HZ)
        own = 0 if turn.utterance_id.rsplit("_", 1)[1].startswith("F") else 1
        both[first : first + len(samples), own] = samples
        speaks[first : first + len(samples), own] = True
    # A microphone lets the other actor through while its own is silent.
    both += np.where(speaks, 0, _CROSSTALK * both[:, ::-1])
    (folder / "dialog" / "wav").mkdir(parents=True, exist_ok=True)
    path = folder / "dialog" / "wav" / f"{dialogue}.wav"
    soundfile.write(path, both, _RATE_HZ, subtype="PCM_16")


def _write_motion(
    dialog: Path,
    dialogue: str,
    turns: list[release_text.Turn],
    recordings: Mapping[str, Recording],
) -> None:
    """A file a part of the motion; none where no turn has any."""
    moved = [
        (turn, motion)
        for turn in turns
        if (motion := recordings[turn.utterance_id].motion) is not None
    ]
    if not moved:
        return
    for part, width in MOTION_PARTS.items():
        path = dialog / _MOTION[part] / f"{dialogue}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="ascii", newline="\r\n") as file:
            columns = _HEAD if part == "head" else " ".join(f"c{i}" for i in range(width))
            file.write(f"Frame# Time {columns}\n")
            file.write(" ".join(["markers"] * width) + "\n")
            written = 0.0  # turns overlap: what one has shown the next one need not
            for i, (turn, motion) in enumerate(moved):
                following = moved[i + 1][0].start_s if i + 1 < len(moved) else np.inf
                written = _write_frames(file, turn, motion[part], written, following)


def _write_frames(
    file: TextIO,
    turn: release_text.Turn,
    frames: NDArray[np.float32],
    written: float,
    following: float,
) -> float:
    """A turn's frames, and an absurd one on each side of it where no other turn is.

    Args:
        file: Gets the rows.
        turn: Whose frames.
        frames: `(frames, width)`.
        written: Until when frames are written already.
        following: Start of the next turn.

    Returns:
        Until when they are now.
    """
    first, _ = frames_within(turn.start_s, turn.end_s)
    times = frame_times(first, len(frames))
    absurd = np.full(frames.shape[1], _ABSURD)
    row = "%d %.5f" + " %.5f" * frames.shape[1] + "\n"
    lines = []
    if turn.start_s - written > 2 * _BESIDE_S:
        beside = turn.start_s - _BESIDE_S
        lines.append(row % (round(beside * FRAMES_PER_S), beside, *absurd))
    for time, values in zip(times.tolist(), frames.tolist(), strict=True):
        if time > written:
            lines.append(row % (round(time * FRAMES_PER_S), time, *values))
    if min(following, np.inf) - max(turn.end_s, written) > 2 * _BESIDE_S:
        beside = max(turn.end_s, written) + _BESIDE_S
        lines.append(row % (round(beside * FRAMES_PER_S), beside, *absurd))
    file.write("".join(lines).replace("nan", "NaN"))
    return max(written, turn.end_s)
