"""Where the files of the release lie, as unpacked.

Names that begin with a dot are leftovers of macOS archives (`._Ses01F_impro01.wav`, `.DS_Store`);
no file is looked for under such a name.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from emotion_hpo.corpus.iemocap.naming import is_dialogue
from emotion_hpo.errors import CorpusError

#: Part of the motion → the release's folder.
MOTION_FOLDERS = {"head": "MOCAP_head", "hand": "MOCAP_hand", "face": "MOCAP_rotated"}

#: A file of this name beside the sessions says that the release is invented.
SYNTHETIC_MARK = "SYNTHETIC.txt"

_SESSION = re.compile(r"Session([0-9]+)")


@dataclass(frozen=True)
class Release:
    """The folder that holds `Session1` to `Session5`."""

    root: Path

    @property
    def is_synthetic(self) -> bool:
        """Whether a mark says that its content is invented."""
        return (self.root / SYNTHETIC_MARK).is_file()

    def sessions(self) -> tuple[str, ...]:
        """The sessions that are there.

        Raises:
            CorpusError: There is none.
        """
        folders = self.root.iterdir() if self.root.is_dir() else ()
        numbers = [_SESSION.fullmatch(folder.name) for folder in folders if folder.is_dir()]
        if sessions := sorted(match[1] for match in numbers if match):
            return tuple(sessions)
        trouble = "has no folder Session1 …" if self.root.is_dir() else "no such folder"
        raise CorpusError(
            f"{self.root}: {trouble}; point corpus.root at the unpacked IEMOCAP_full_release"
        )

    def dialogues(self, session: str) -> tuple[str, ...]:
        """Those that were evaluated.

        Raises:
            CorpusError: The session is unknown, has none, or holds another session's.
        """
        if session not in self.sessions():
            valid = ", ".join(self.sessions())
            raise CorpusError(f"{self.root}: no session {session!r} (valid: {valid})")
        folder = self._dialog(session) / "EmoEvaluation"
        names = [path.stem for path in folder.glob("*.txt") if is_dialogue(path.stem)]
        if not names:
            raise CorpusError(f"{folder}: no evaluation such as Ses01F_impro01.txt; unpack again")
        own = f"Ses{int(session):02d}"  # a copy elsewhere would stand in training and test at once
        if foreign := sorted(name for name in names if not name.startswith(own)):
            raise CorpusError(f"{folder}: {foreign[0]} belongs to another session; unpack again")
        return tuple(sorted(names))

    def unevaluated(self, session: str) -> tuple[str, ...]:
        """Dialogues that were transcribed, but whose evaluation is not there."""
        folder = self._dialog(session) / "transcriptions"
        names = {path.stem for path in folder.glob("*.txt") if is_dialogue(path.stem)}
        return tuple(sorted(names - set(self.dialogues(session))))

    def evaluation(self, session: str, dialogue: str) -> Path:
        """Times, labels and votes."""
        return self._dialog(session) / "EmoEvaluation" / f"{dialogue}.txt"

    def transcription(self, session: str, dialogue: str) -> Path:
        """Words."""
        return self._dialog(session) / "transcriptions" / f"{dialogue}.txt"

    def sentence(self, session: str, dialogue: str, utterance_id: str) -> Path:
        """One utterance's recording."""
        folder = self.root / f"Session{session}" / "sentences" / "wav"
        return folder / dialogue / f"{utterance_id}.wav"

    def dialogue_sound(self, session: str, dialogue: str) -> Path:
        """The whole dialogue's recording, a channel an actor."""
        return self._dialog(session) / "wav" / f"{dialogue}.wav"

    def motion(self, session: str, dialogue: str, part: str) -> Path:
        """One part of the motion capture."""
        return self._dialog(session) / MOTION_FOLDERS[part] / f"{dialogue}.txt"

    def _dialog(self, session: str) -> Path:
        return self.root / f"Session{session}" / "dialog"
