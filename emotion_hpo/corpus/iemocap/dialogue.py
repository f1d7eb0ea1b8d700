"""One dialogue's files become rows of the utterance table, and a list of what was wrong.

Every turn that was evaluated is a row; one whose label is no class has no emotion. What only the
transcript has (ids such as `…_FXX0`) is none: nobody judged it, and it has no recording of its own.
A modality whose file is missing or unusable is absent from
the row, never zeros and never another dialogue's. Recordings are looked at by their headers alone,
motion by its first and last frame.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from emotion_hpo.corpus import sound
from emotion_hpo.corpus.faults import Fault, text_lines
from emotion_hpo.corpus.iemocap import motion
from emotion_hpo.corpus.iemocap.evaluation import Turn, read_turns
from emotion_hpo.corpus.iemocap.naming import parse_id
from emotion_hpo.corpus.iemocap.release import Release
from emotion_hpo.corpus.iemocap.transcription import transcription
from emotion_hpo.corpus.schema import MOTION_PARTS
from emotion_hpo.errors import CorpusError

#: The release's rate; another one is resampled, and noted.
SAMPLE_RATE_HZ = 16_000

#: A recording may be this much shorter than its turn.
_LATE_S = 0.5

#: The recording of a turn, and whether it can be used; what is odd about it is noted.
Heard = Callable[[Turn, list[Fault]], tuple[Path, bool]]


@dataclass(frozen=True)
class DialogueRows:
    """What was read of a dialogue.

    Attributes:
        rows: Of the utterance table.
        faults: What is wrong.
        labels: Turns of every label, those that are no class too.
        n_untimed: Lines of the transcript without id and time.
        n_unlabelled: Ids of the transcript that were not evaluated.
    """

    rows: list[dict[str, Any]]
    faults: list[Fault]
    labels: Counter[str]
    n_untimed: int
    n_unlabelled: int

    @classmethod
    def lost(cls, evaluation: Path) -> "DialogueRows":
        """Of a dialogue whose evaluation is not there."""
        kind = "missing evaluation, its turns left out"
        return cls([], [Fault(kind, str(evaluation))], Counter(), 0, 0)


def read_dialogue(
    release: Release, session: str, dialogue: str, classes: Mapping[str, str], audio: str
) -> DialogueRows:
    """Read a dialogue's small files, and the headers of its large ones.

    Args:
        release: Where files lie.
        session: Of the dialogue.
        dialogue: Its name.
        classes: Label → the class that it counts as; turns of other labels have no emotion.
        audio: `sentences` or `dialog`: which recordings are used.
    """
    faults: list[Fault] = []
    path = release.evaluation(session, dialogue)
    evaluated = read_turns(text_lines(path, faults), path, dialogue, faults)
    if not evaluated:
        faults.append(Fault("evaluation without a turn", str(path)))
    path = release.transcription(session, dialogue)
    lines = text_lines(path, faults) if path.is_file() else ()
    if not path.is_file():
        faults.append(Fault("missing transcript", str(path)))
    transcript = transcription(lines, path, dialogue, faults)
    moved = _moved(release, session, dialogue, faults) if evaluated else []
    if audio == "sentences":
        heard: Heard = partial(_sentence, release, session, dialogue)
    else:
        heard = _in_dialogue(release, session, dialogue, faults)
    rows = []
    for turn in evaluated:
        name = parse_id(turn.utterance_id)
        assert name is not None, "the evaluation's reader checks ids"
        words = transcript.words.get(turn.utterance_id)
        if words is None:
            where = release.transcription(session, dialogue)
            faults.append(Fault("label without transcript", f"{where}, {turn.utterance_id}"))
        recording, has_speech = heard(turn, faults)
        overlap = (first < turn.end_s and last >= turn.start_s for first, last in moved)
        valence, activation, dominance = turn.attributes
        rows.append({
            "utterance_id": turn.utterance_id,
            "session": session,
            "dialogue": dialogue,
            "speaker": name.speaker,
            "emotion": classes.get(turn.label),
            "start_s": turn.start_s,
            "end_s": turn.end_s,
            "transcript": words,
            "audio": recording.relative_to(release.root).as_posix(),
            "scenario": name.scenario,
            "wears_markers": name.wears_markers,
            "valence": valence,
            "activation": activation,
            "dominance": dominance,
            "votes": json.dumps(turn.votes()),
            "has_speech": has_speech,
            "has_text": words is not None,
            "has_mocap": any(overlap),
        })  # fmt: skip
    return DialogueRows(
        rows,
        faults,
        Counter(turn.label for turn in evaluated),
        transcript.n_untimed,
        len(transcript.words.keys() - {turn.utterance_id for turn in evaluated}),
    )


def _moved(
    release: Release, session: str, dialogue: str, faults: list[Fault]
) -> list[tuple[float, float]]:
    """First and last time of each part of the motion that is there."""
    spans = []
    for part, width in MOTION_PARTS.items():
        path = release.motion(session, dialogue, part)
        if not path.is_file():
            faults.append(Fault("missing motion", str(path)))
        elif (span := motion.read_time_range(path, width)) is None:
            faults.append(Fault("motion without a frame", str(path)))
        else:
            spans.append(span)
    return spans


def _sentence(
    release: Release, session: str, dialogue: str, turn: Turn, faults: list[Fault]
) -> tuple[Path, bool]:
    """The recording of a turn, and whether it can be used."""
    path = release.sentence(session, dialogue, turn.utterance_id)
    seconds, odd = _usable(path, n_channels=1)
    faults += [Fault(kind, str(path)) for kind in odd]
    if seconds is not None and seconds < turn.end_s - turn.start_s - _LATE_S:
        faults.append(Fault("recording ends before the turn", str(path)))
    return path, seconds is not None


def _in_dialogue(release: Release, session: str, dialogue: str, faults: list[Fault]) -> Heard:
    """As `_sentence`, for turns that are cut from the dialogue's recording."""
    path = release.dialogue_sound(session, dialogue)
    seconds, odd = _usable(path, n_channels=2)
    faults += [Fault(kind, str(path)) for kind in odd]

    def heard(turn: Turn, faults: list[Fault]) -> tuple[Path, bool]:
        if seconds is not None and turn.end_s > seconds + 1:
            faults.append(Fault("recording ends before the turn", f"{path}, {turn.utterance_id}"))
        return path, seconds is not None and turn.start_s < seconds

    return heard


def _usable(path: Path, n_channels: int) -> tuple[float | None, list[str]]:
    """Length of a recording, None where it cannot be used; and what is odd about it."""
    if not path.is_file():
        return None, ["missing wav"]
    try:
        header = sound.read_header(path)
    except CorpusError:
        return None, [sound.UNREADABLE]
    if not header.n_frames:
        return None, ["empty wav"]
    odd = []
    if header.n_channels != n_channels:
        if n_channels == 2:
            return None, [f"wav of {header.n_channels} channels, where each actor has one"]
        odd.append(f"wav of {header.n_channels} channels, averaged")
    if header.sample_rate_hz != SAMPLE_RATE_HZ:
        odd.append(f"wav of {header.sample_rate_hz} Hz, resampled")
    return header.seconds, odd
