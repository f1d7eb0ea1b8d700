"""The pickle that the reference's `mocap_data_collect.py` wrote: IEMOCAP's utterances in one file.

An array of dicts, one an utterance: id, label, times, votes, samples, words, and motion in 200
parts. Read without running anything of it (`pickled`), array by array. Motion that the reference
borrowed from another dialogue, or turned into zeros, is absent here.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config.corpus import CollectedCorpus
from emotion_hpo.corpus.collected_entry import (
    count_lacking,
    count_numbers,
    count_votes,
    find_error,
    is_motion,
    read_array,
    read_number,
    read_transcript,
)
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault, raise_if_any
from emotion_hpo.corpus.iemocap.evaluation import MEANINGS, WORDS
from emotion_hpo.corpus.iemocap.naming import UtteranceName, parse_id
from emotion_hpo.corpus.labels import check_labels, spelling_remarks, unmerged
from emotion_hpo.corpus.pickled import PickledArray, read_pickle
from emotion_hpo.corpus.schema import MOTION_PARTS, Recording, validate_table
from emotion_hpo.errors import CorpusError

__all__ = ["Collected", "open_corpus"]

#: The pickle's key of each part of the motion.
_MOTION = {"head": "mocap_head", "hand": "mocap_hand", "face": "mocap_rot"}
#: Has no motion in the release; the reference gave it another dialogue's.
_BORROWED = "Ses05M_script01_1b"
_RATE_HZ = 16_000
#: 16-bit samples reach this.
_LOUDEST = 2.0**15


@dataclass(frozen=True)
class Collected:
    """The reference's pickle (the `Corpus` protocol).

    Attributes:
        path: `data_collected.pickle`.
        classes: Labels, in the order of the network's outputs.
        merge: Pairs of a label and the class that it counts as.
        strict: Whether any fault is an error.
    """

    path: Path
    classes: tuple[str, ...]
    merge: tuple[tuple[str, str], ...] = ()
    strict: bool = False

    name = "collected"
    synthetic = False
    modalities = ("mocap", "speech", "text")
    ready_made = ()

    def check(self) -> None:
        """Check every entry, and that the classes are among the labels.

        Raises:
            CorpusError: The file is missing or broken, or it is strict and at fault.
        """
        if self.strict:
            raise_if_any(self.faults())
        self.sessions()

    def sessions(self) -> tuple[str, ...]:
        """All sessions, sorted."""
        return tuple(sorted(self._table["session"].unique()))

    def remarks(self) -> tuple[str, ...]:
        """What is context or not in the file, and how the reference cut its audio."""
        labels, class_of = self._counts, self._class_of
        others = [f"{n} of {label}" for label, n in labels.most_common() if label not in class_of]
        remarks = [
            *spelling_remarks(labels),
            "audio as the reference cut it: the left channel, whoever speaks",
        ]
        if others:
            remarks.append(f"context alone, as no class here: {', '.join(others)}")
        if n_lacking := count_lacking(entry["id"] for entry, _ in self._entries):
            remarks.append(
                f"turns that the file seems to lack, by the numbers of its ids: {n_lacking}, and "
                "any after a speaker's last; corpus=iemocap has every turn of a dialogue"
            )
        return tuple(remarks)

    def faults(self) -> tuple[Fault, ...]:
        """Motion that is zero, of another shape or borrowed; utterances without sound or words."""
        sessions = self.sessions()
        return tuple(
            Fault(kind, f"{self.path}, {entry['id']}")
            for entry, name in self._entries
            if name.session in sessions
            for kind in self._kinds_of_fault(entry, name)
        )

    def fingerprint(self, session: str, digests: Digests) -> str:
        """Changes with the session's rows, samples and motion."""
        table = self.table(session)
        rows = table.to_json(orient="split")
        ids = hashlib.sha256(repr(list(table["utterance_id"])).encode()).hexdigest()

        def recorded() -> Iterator[bytes]:
            for dialogue in table["dialogue"].unique():
                for recording in self.recordings(session, dialogue):
                    yield recording.utterance_id.encode()
                    yield b"" if recording.samples is None else recording.samples.tobytes()
                    for part, frames in (recording.motion or {}).items():
                        yield f"{part} {frames.shape}".encode() + frames.tobytes()

        content = digests.of_part(self.path, ids, recorded)
        facts = f"{session} {self.classes} {self.merge} {content} {rows}"
        return hashlib.sha256(facts.encode()).hexdigest()

    def table(self, session: str) -> pd.DataFrame:
        """The session's turns; no samples are read."""
        if session not in self.sessions():
            valid = ", ".join(self.sessions())
            raise CorpusError(f"{self.path}: no session {session!r} (valid: {valid})")
        return self._table[self._table["session"] == session].reset_index(drop=True)

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        """Samples, and motion as it was averaged."""
        ids = set(self.table(session).query("dialogue == @dialogue")["utterance_id"])
        if not ids:
            raise CorpusError(f"{self.path}: session {session} has no dialogue {dialogue!r}")
        for entry, name in self._entries:
            if entry["id"] in ids:
                source = self.path.name
                signal = read_array(entry.get("signal"))
                samples = None
                if signal is not None and signal.size:
                    samples = (signal.ravel() / _LOUDEST).astype(np.float32)
                is_lost = signal is None and count_numbers(entry.get("signal"))
                fault = Fault("samples that cannot be read", f"{source}, {entry['id']}")
                motion = self._motion(entry, name)
                yield Recording(
                    entry["id"],
                    samples,
                    _RATE_HZ,
                    motion or None,
                    sources={"speech": source, "mocap": source},
                    faults=(fault,) if is_lost else (),
                )

    def _motion(
        self, entry: Mapping[str, Any], name: UtteranceName
    ) -> dict[str, NDArray[np.float32]]:
        """The parts of the motion that hold anything."""
        motion = {}
        for part, width in MOTION_PARTS.items():
            values = read_array(entry.get(_MOTION[part]))
            if name.dialogue != _BORROWED and values is not None and is_motion(values, width):
                motion[part] = values.astype(np.float32)
        return motion

    def _kinds_of_fault(self, entry: Mapping[str, Any], name: UtteranceName) -> Iterator[str]:
        if not count_numbers(entry.get("signal")):
            yield "no samples"
        if not read_transcript(entry):
            yield "label without transcript"
        if name.dialogue == _BORROWED:
            yield "motion of another dialogue, left out"
            return
        for part, width in MOTION_PARTS.items():
            values = read_array(entry.get(_MOTION[part]))
            if values is None or not values.size:
                yield f"no {part} motion"
            elif values.ndim != 2 or values.shape[1] != width:
                yield f"{part} motion of shape {values.shape}, left out"
            elif not is_motion(values, width):
                yield f"{part} motion is all zeros, left out"

    @cached_property
    def _table(self) -> pd.DataFrame:
        self._check_labels()
        class_of = self._class_of
        labelled = {name.session for entry, name in self._entries if entry["emotion"] in class_of}
        if not labelled:
            raise CorpusError(f"{self.path}: no utterance of {', '.join(class_of)}")
        rows = [self._row(entry, name) for entry, name in self._entries if name.session in labelled]
        return validate_table(pd.DataFrame(rows), self.classes, str(self.path))

    def _check_labels(self) -> None:
        """Refuse classes without an utterance, and to merge what no IEMOCAP has."""
        present = {label: label for label in self._counts}
        words = {word: label for word, label in WORDS.items() if label in present}
        source, merge = str(self.path), dict(self.merge)
        check_labels("corpus.classes", unmerged(self.classes, merge), {**words, **present}, source)
        check_labels("corpus.merge", merge, {**MEANINGS, **present}, source)

    def _row(self, entry: Mapping[str, Any], name: UtteranceName) -> dict[str, Any]:
        words = read_transcript(entry)
        return {
            "utterance_id": entry["id"],
            "session": name.session,
            "dialogue": name.dialogue,
            "speaker": name.speaker,
            "emotion": self._class_of.get(entry["emotion"]),
            "start_s": entry["start"],
            "end_s": entry["end"],
            "transcript": words,
            "scenario": name.scenario,
            "wears_markers": name.wears_markers,
            "valence": read_number(entry.get("v")),
            "activation": read_number(entry.get("a")),
            "dominance": read_number(entry.get("d")),
            "votes": json.dumps(count_votes(entry.get("emo_evo"))),
            "has_speech": count_numbers(entry.get("signal")) > 0,
            "has_text": words is not None,
            "has_mocap": bool(self._motion(entry, name)),
        }

    @cached_property
    def _counts(self) -> Counter[str]:
        """Label → utterances."""
        return Counter(entry["emotion"] for entry, _ in self._entries)

    @cached_property
    def _class_of(self) -> dict[str, str]:
        return {**{name: name for name in self.classes}, **dict(self.merge)}

    @cached_property
    def _entries(self) -> list[tuple[dict[str, Any], UtteranceName]]:
        """The dicts and what their ids say, checked."""
        content = read_pickle(self.path)
        items = content.items() if isinstance(content, PickledArray) else content
        if not isinstance(items, list) or not items:
            raise CorpusError(f"{self.path}: holds no list of utterances")
        wrong, entries = [], []
        for place, entry in enumerate(items):
            if trouble := find_error(entry):
                wrong.append(f"{self.path}, entry {place}: {trouble}")
            else:
                name = parse_id(entry["id"])
                assert name is not None, "its complaint would have been made"
                entries.append(
                    ({**entry, "start": float(entry["start"]), "end": float(entry["end"])}, name)
                )
        if wrong:
            raise CorpusError("\n".join(wrong[:10]))
        return entries

    def __getstate__(self) -> dict[str, Any]:
        settings = {"path", "classes", "merge", "strict"}
        return {key: value for key, value in vars(self).items() if key in settings}


def open_corpus(config: CollectedCorpus) -> Collected:
    """Open the configured pickle and read its entries.

    Raises:
        CorpusError: It is missing or broken, or strict and at fault.
    """
    corpus = Collected(
        config.file, config.classes, tuple(sorted(config.merge.items())), config.strict
    )
    corpus.check()
    return corpus
