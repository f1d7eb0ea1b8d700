"""The synthetic twin: IEMOCAP's exact shape, invented content.

IEMOCAP cannot be shipped, and a project that only runs on it cannot be tried. The twin copies what
is published of its shape (`figures`, `dialogue_figures`; `shape`, `moods`, `lengths`, `timing`) and
invents what was said (`sentences`, `plays`), how it sounded (`voice`) and how it looked (`motion`)
from what each turn expresses (`expression`, which also holds the difficulty). All of it passes the
same extractors as recordings do. Since it can draw any number of new utterances (`fresh`, `draw`),
a configuration's *true* accuracy can be computed: what no real corpus can tell. Every figure from
it is *synthetic*.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from emotion_hpo.config.corpus import TwinCorpus
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.corpus.schema import Recording, validate_table
from emotion_hpo.corpus.twin import motion, voice
from emotion_hpo.corpus.twin.dialogue_figures import LABELS
from emotion_hpo.corpus.twin.draws import Draw
from emotion_hpo.corpus.twin.expression import DIFFICULTY
from emotion_hpo.corpus.twin.figures import CLASSES, SESSIONS
from emotion_hpo.corpus.twin.stage import Stage
from emotion_hpo.corpus.twin.table import HIDDEN, acts, twin_table
from emotion_hpo.errors import CorpusError

__all__ = ["Draw", "Twin", "open_corpus"]

#: Raised with every change to what is synthesised, so that stored features are made anew.
_VERSION = 3


@dataclass(frozen=True)
class Twin:
    """A synthetic corpus (the `Corpus` protocol).

    Attributes:
        seed: Everything follows from it and from an utterance's id.
        scale: Share of IEMOCAP's turns that it has.
        extra: More utterances of the same kind instead of the corpus's own, or None.
    """

    seed: int
    scale: float = 1.0
    extra: Draw | None = None

    name = "twin"
    synthetic = True
    classes = CLASSES
    modalities = ("mocap", "speech", "text")
    ready_made = ()

    def fresh(self, n: int, seed: int, like: str | None = None) -> "Twin":
        """`n` utterances by speakers that nobody has heard, in dialogues, as a corpus of its own.

        Args:
            n: How many; a pair of speakers has about 250.
            seed: Of the draw.
            like: Session whose shape (emotions, lengths, lost markers) is drawn; None: all.
        """
        return self._with(Draw(n, seed, known=False, like=like))

    def draw(self, n: int, seed: int, like: str | None = None) -> "Twin":
        """`n` new utterances by this twin's own speakers, as a corpus of its own; as `fresh`."""
        return self._with(Draw(n, seed, known=True, like=like))

    def sessions(self) -> tuple[str, ...]:
        """All sessions, sorted."""
        return tuple(sorted(self._all()["session"].unique()))

    def fingerprint(self, session: str, digests: Digests) -> str:  # noqa: ARG002 (no file)
        """Changes with the seed, the scale, the difficulty and the synthesis."""
        facts = f"{_VERSION} {DIFFICULTY} {self!r} {session}"
        return hashlib.sha256(facts.encode()).hexdigest()

    def remarks(self) -> tuple[str, ...]:
        """What a reader of its figures must know."""
        return ("synthetic: IEMOCAP's shape, invented content",)

    def faults(self) -> tuple[Fault, ...]:
        """None: nothing is read."""
        return ()

    def table(self, session: str) -> pd.DataFrame:
        """The session's turns, context rows without emotion among them; nothing is synthesised."""
        rows = self._session(session).drop(columns=list(HIDDEN))
        return validate_table(rows, self.classes, f"twin, session {session}")

    def labels(self, session: str) -> Mapping[str, str]:
        """Utterance id → the label that its annotators agree on, of a context row, too.

        For whoever writes the twin down as IEMOCAP's release; no model may see it.
        """
        rows = self._session(session)
        return {
            name: LABELS[label]
            for name, label in zip(rows["utterance_id"], rows["label"], strict=True)
        }

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        """Synthesise a dialogue's turns, one at a time, in their order in time."""
        rows = self._session(session)
        rows = rows[rows["dialogue"] == dialogue]
        if rows.empty:
            raise CorpusError(f"twin: session {session} has no dialogue {dialogue!r}")
        key = self.extra.key if self.extra else ""
        # A fresh speaker is another one in every draw; a known one is the corpus's own.
        who = "" if self.extra is None or self.extra.known else key
        voices = {name: voice.voice(self.seed, who + name) for name in rows["speaker"].unique()}
        face = motion.face(self.seed, who + dialogue.partition("_")[0])
        stage = Stage()
        in_time = rows.sort_values("turn")
        spans = zip(in_time["start_s"], in_time["end_s"], strict=True)
        for span, (utterance_id, speaker, act) in zip(spans, acts(in_time, key), strict=True):
            samples = voice.speak(self.seed, act, voices[speaker])
            moved = None
            if not np.isnan(act.nan_share):
                moved = stage.show(*span, partial(motion.move, self.seed, act, face))
            yield Recording(utterance_id, samples, voice.SAMPLE_RATE_HZ, moved)

    def _with(self, extra: Draw) -> "Twin":
        if extra.n < 1:
            raise CorpusError(f"twin: n >= 1 must hold, but got n={extra.n}")
        if extra.like is not None and extra.like not in SESSIONS:
            valid = ", ".join(SESSIONS)
            raise CorpusError(f"twin: no session {extra.like!r} to draw from (valid: {valid})")
        return Twin(self.seed, self.scale, extra)

    def _session(self, session: str) -> pd.DataFrame:
        rows = self._all()
        if session not in self.sessions():
            raise CorpusError(f"twin: no session {session!r} (valid: {', '.join(self.sessions())})")
        return rows[rows["session"] == session]

    def _all(self) -> pd.DataFrame:
        return twin_table(self.seed, self.scale, self.extra)


def open_corpus(config: TwinCorpus) -> Twin:
    """Return the twin that a configuration describes."""
    return Twin(config.seed, config.scale)
