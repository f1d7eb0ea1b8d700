"""`dialog/transcriptions/*.txt`: what was said.

A line gives an id, times and words. Some ids (`…_FXX0`) have no label, and some lines no time
(`F: [LAUGHTER]`): neither belongs to a turn that was evaluated. The times are those of the
evaluation's file, so they are not read twice.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from emotion_hpo.corpus.faults import Fault, format_place
from emotion_hpo.corpus.iemocap.naming import parse_id

_TIMED = re.compile(r"(\S+)\s+\[[^\]]*\]:?(.*)")
_UNTIMED = re.compile(r"\w{1,40}\s*:.*")


@dataclass(frozen=True)
class Transcription:
    """A dialogue's words.

    Attributes:
        words: Utterance id → words; an utterance without any is left out.
        n_untimed: Lines without id and time.
    """

    words: dict[str, str]
    n_untimed: int


def transcription(
    lines: Iterable[tuple[int, str]], path: Path, dialogue: str, faults: list[Fault]
) -> Transcription:
    """Read a dialogue's transcript.

    Args:
        lines: Numbered lines of the file.
        path: Named in faults.
        dialogue: That every id must belong to.
        faults: Gets malformed lines, and ids that come again, whose first words are kept.
    """
    words: dict[str, str] = {}
    n_untimed = 0
    for number, line in lines:
        text = line.strip()
        if not text:
            continue
        timed = _TIMED.fullmatch(text)
        name = timed and parse_id(timed[1])
        if timed and name and name.dialogue == dialogue:
            if timed[1] in words:
                faults.append(
                    Fault("transcript given twice, first kept", format_place(path, number))
                )
            elif said := timed[2].strip():
                words[timed[1]] = said
        elif _UNTIMED.fullmatch(text):
            n_untimed += 1
        else:
            faults.append(Fault("malformed line, left out", format_place(path, number)))
    return Transcription(words, n_untimed)
