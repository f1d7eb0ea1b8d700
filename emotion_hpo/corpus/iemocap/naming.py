"""What the names of IEMOCAP tell: `Ses01F_impro03_M012` is the man of Session 1, improvising.

The letter after the session is the actor who wears the markers in that dialogue, the last letter
the one who speaks.
"""

import re
from typing import NamedTuple

_DIALOGUE = re.compile(r"Ses(?P<session>[0-9]{2})(?P<wearer>[FM])_(?P<kind>impro|script)[0-9a-z_]+")
_UTTERANCE = re.compile(r"(?P<dialogue>Ses[0-9]{2}[FM]_[0-9a-z_]+)_(?P<gender>[FM])[0-9X]{3,4}")


class UtteranceName(NamedTuple):
    """What an utterance's id says."""

    session: str
    dialogue: str
    speaker: str
    scenario: str
    wears_markers: bool


def parse_id(utterance_id: str) -> UtteranceName | None:
    """Take an utterance's id apart; None where it is no such id.

    >>> parse_id("Ses01F_impro03_M012")
    UtteranceName(session='1', dialogue='Ses01F_impro03', speaker='Ses01M', scenario='improvised', \
wears_markers=False)
    """
    utterance = _UTTERANCE.fullmatch(utterance_id)
    dialogue = utterance and _DIALOGUE.fullmatch(utterance["dialogue"])
    if not utterance or not dialogue:
        return None
    return UtteranceName(
        session=str(int(dialogue["session"])),
        dialogue=utterance["dialogue"],
        speaker=f"Ses{dialogue['session']}{utterance['gender']}",
        scenario="improvised" if dialogue["kind"] == "impro" else "scripted",
        wears_markers=dialogue["wearer"] == utterance["gender"],
    )


def is_dialogue(name: str) -> bool:
    """Whether that is a dialogue's name.

    >>> is_dialogue("Ses05M_script01_1b"), is_dialogue("notes")
    (True, False)
    """
    return _DIALOGUE.fullmatch(name) is not None
