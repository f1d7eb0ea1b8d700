"""IEMOCAP as unpacked (Busso et al. 2008): five sessions of two actors, 151 dialogues.

What names say is in `naming`, where files lie in `release`; `evaluation`, `transcription` and
`motion` each read one kind of file; `dialogue` makes rows of them. Everything goes dialogue by
dialogue, so that memory does not grow with the corpus.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config.corpus import IemocapCorpus
from emotion_hpo.corpus import sound
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault, raise_if_any
from emotion_hpo.corpus.iemocap import motion
from emotion_hpo.corpus.iemocap.channels import channel, n_louder
from emotion_hpo.corpus.iemocap.dialogue import DialogueRows, read_dialogue
from emotion_hpo.corpus.iemocap.evaluation import MEANINGS
from emotion_hpo.corpus.iemocap.release import Release
from emotion_hpo.corpus.labels import check_labels, unmerged
from emotion_hpo.corpus.schema import MOTION_PARTS, Recording, validate_table
from emotion_hpo.errors import CorpusError

__all__ = ["Iemocap", "open_corpus"]

#: Raised with every change to what is read, so that stored features are made anew.
_VERSION = 2


@dataclass(frozen=True)
class Iemocap:
    """The release (the `Corpus` protocol).

    Attributes:
        root: The folder that holds `Session1` to `Session5`.
        classes: Labels, in the order of the network's outputs.
        merge: Pairs of a label and the class that it counts as.
        audio: `sentences`, or `dialog` to cut turns from whole dialogues.
        left_channel: Whose microphone is left in `dialog`: `female`, `male`, `wearer`, `listener`.
        strict: Whether any fault is an error.
    """

    root: Path
    classes: tuple[str, ...]
    merge: tuple[tuple[str, str], ...] = ()
    audio: str = "sentences"
    left_channel: str = "female"
    strict: bool = False

    name = "iemocap"
    modalities = ("mocap", "speech", "text")
    ready_made = ()

    @property
    def synthetic(self) -> bool:
        """Whether the twin wrote this release."""
        return self._release.is_synthetic

    def sessions(self) -> tuple[str, ...]:
        """All sessions, sorted."""
        return self._release.sessions()

    def fingerprint(self, session: str, digests: Digests) -> str:
        """Changes with the contents of the session's files."""
        settings = (self.classes, self.merge, self.audio, self.left_channel)
        digest = hashlib.sha256(f"{_VERSION} {settings} {session}".encode())
        release = self._release
        for dialogue in release.dialogues(session):
            files = [release.evaluation(session, dialogue)]
            files.append(release.transcription(session, dialogue))
            files += [release.motion(session, dialogue, part) for part in MOTION_PARTS]
            if self.audio == "dialog":
                files.append(release.dialogue_sound(session, dialogue))
            else:
                folder = release.sentence(session, dialogue, "").parent
                files += sorted(folder.glob("Ses*.wav"))
            for path in files:
                content = digests.of(path) if path.is_file() else None
                digest.update(f"{path.name} {content} ".encode())
        return digest.hexdigest()

    def remarks(self) -> tuple[str, ...]:
        """What is context, merged or left out, and how much."""
        dialogues = [dialogue for session in self.sessions() for dialogue in self._read(session)]
        n_unlabelled = sum(dialogue.n_unlabelled for dialogue in dialogues)
        n_untimed = sum(dialogue.n_untimed for dialogue in dialogues)
        labels = sum((dialogue.labels for dialogue in dialogues), Counter[str]())
        others = [
            f"{n} of {label}" for label, n in labels.most_common() if label not in self._class_of
        ]
        merged = [
            f"{labels[label]} of {label} count as {as_}"
            for label, as_ in self.merge
            if label != as_
        ]
        remarks = [
            ("synthetic: written by the twin", [""] if self.synthetic else []),
            ("context alone, as no class here: ", others),
            ("merged: ", merged),
            ("transcripts without a label: ", [str(n_unlabelled)]),
            ("untimed lines of transcripts: ", [str(n_untimed)]),
        ]
        return tuple(
            words + ", ".join(counts) for words, counts in remarks if counts and counts != ["0"]
        )

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the files."""
        dialogues = (dialogue for session in self.sessions() for dialogue in self._read(session))
        return (*(fault for dialogue in dialogues for fault in dialogue.faults), *self._swapped())

    def table(self, session: str) -> pd.DataFrame:
        """The session's turns; headers of recordings are read, motion by its ends."""
        read = self._read(session)
        if self.strict:
            raise_if_any(fault for dialogue in read for fault in dialogue.faults)
        rows = [row for dialogue in read for row in dialogue.rows]
        if all(row["emotion"] is None for row in rows):
            classes = ", ".join(self._class_of)
            raise CorpusError(f"{self.root}: session {session} has no utterance of {classes}")
        return validate_table(pd.DataFrame(rows), self.classes, str(self.root))

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        """Read a dialogue: its motion once, its recordings one at a time."""
        if dialogue not in self._release.dialogues(session):
            raise CorpusError(f"{self.root}: session {session} has no dialogue {dialogue!r}")
        rows = self._dialogue(session, dialogue).rows
        moved = self._motion(session, dialogue, rows)
        for i, row in enumerate(rows):
            if row["has_speech"]:
                samples, rate, faults = self._samples(row)
            else:
                samples, rate, faults = None, sound.ANY_RATE_HZ, ()
            frames = {part: cut[i] for part, cut in moved.items() if len(cut[i])}
            yield Recording(
                row["utterance_id"],
                samples,
                rate,
                frames or None,
                sources={"speech": row["audio"]},
                faults=faults,
            )

    def _samples(
        self, row: Mapping[str, Any]
    ) -> tuple[NDArray[np.float32] | None, int, tuple[Fault, ...]]:
        whole = self.audio == "sentences"
        cut = (None, None) if whole else (row["start_s"], row["end_s"])
        place = f"{row['audio']}, {row['utterance_id']}"
        read, rate, faults = sound.read_usable_samples(self.root / row["audio"], place, *cut)
        if read is None:
            return None, rate, faults
        if whole:
            return sound.average_channels(read), rate, faults
        return np.ascontiguousarray(read[:, channel(row, self.left_channel)]), rate, faults

    def _swapped(self) -> Iterator[Fault]:
        """Sessions whose channels are the wrong way round, judged by their first dialogue."""
        for session in self.sessions() if self.audio == "dialog" else ():
            rows = next((dialogue.rows for dialogue in self._read(session) if dialogue.rows), [])
            heard = [row for row in rows if row["has_speech"]]
            if heard:
                path = self.root / heard[0]["audio"]
                n_right = n_louder(path, heard, self.left_channel)
                if n_right < len(heard) / 2:
                    kind = "speakers are louder on the other channel: corpus.left_channel is wrong"
                    yield Fault(kind, f"{path}, {len(heard) - n_right} of {len(heard)} turns")

    def _motion(
        self, session: str, dialogue: str, rows: list[dict[str, Any]]
    ) -> dict[str, list[NDArray[np.float32]]]:
        """Part → the frames of each row."""
        spans = np.array([(row["start_s"], row["end_s"]) for row in rows]).reshape(-1, 2)
        if not any(row["has_mocap"] for row in rows):
            return {}
        files = {part: self._release.motion(session, dialogue, part) for part in MOTION_PARTS}
        return {
            part: motion.read_frames(path, MOTION_PARTS[part], spans)
            for part, path in files.items()
            if path.is_file() and motion.read_time_range(path, MOTION_PARTS[part])
        }

    def _read(self, session: str) -> list[DialogueRows]:
        """All dialogues of a session, read once."""
        if session not in self._sessions:
            dialogues = self._release.dialogues(session)
            read = [self._dialogue(session, dialogue) for dialogue in dialogues]
            self._sessions[session] = read + [
                DialogueRows.lost(self._release.evaluation(session, dialogue))
                for dialogue in self._release.unevaluated(session)
            ]
        return self._sessions[session]

    def _dialogue(self, session: str, dialogue: str) -> DialogueRows:
        return read_dialogue(self._release, session, dialogue, self._class_of, self.audio)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_sessions"}

    @cached_property
    def _sessions(self) -> dict[str, list[DialogueRows]]:
        return {}

    @cached_property
    def _release(self) -> Release:
        return Release(self.root)

    @cached_property
    def _class_of(self) -> dict[str, str]:
        """Label → the class that it counts as."""
        return {**{name: name for name in self.classes}, **dict(self.merge)}


def open_corpus(config: IemocapCorpus) -> Iemocap:
    """Open the configured release, find its sessions and check the labels.

    Raises:
        CorpusError: It has no session, or a configured label is unknown.
    """
    classes = unmerged(config.classes, config.merge)
    check_labels("corpus.classes", classes, MEANINGS, "IEMOCAP")
    check_labels("corpus.merge", config.merge, MEANINGS, "IEMOCAP")
    corpus = Iemocap(
        root=config.root,
        classes=config.classes,
        merge=tuple(sorted(config.merge.items())),
        audio=config.audio,
        left_channel=config.left_channel,
        strict=config.strict,
    )
    corpus.sessions()
    return corpus
