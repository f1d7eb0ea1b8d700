"""The Berlin Database of Emotional Speech as distributed (Burkhardt et al., INTERSPEECH 2005).

Ten actors say ten German sentences in seven emotions, of which the four that match this project are
classes; the others are counted and left out. A file's name says all: `03a01Fa.wav` is speaker 03,
sentence a01, emotion F, take a. The sentences carry no emotion by design, so a model of the text
alone must stay near chance. Takes of one sentence by one speaker are not independent: together they
are a *dialogue*, of no order in time. Two speakers are a session, in the order of their numbers.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from emotion_hpo.config.corpus import EmodbCorpus
from emotion_hpo.corpus import sound
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault, raise_if_any
from emotion_hpo.corpus.schema import Recording, validate_table
from emotion_hpo.errors import CorpusError

#: Letter of a file's name → emotion (W: Wut, F: Freude, T: Trauer).
_CLASSES: Mapping[str, str] = {"W": "anger", "F": "happiness", "N": "neutral", "T": "sadness"}
#: L: Langeweile, E: Ekel, A: Angst.
_LEFT_OUT: Mapping[str, str] = {"L": "boredom", "E": "disgust", "A": "fear"}

#: Speakers 03, 10, 11, 12 and 15 are men, 08, 09, 13, 14 and 16 women.
_SESSIONS: Mapping[str, str] = {
    "03": "1", "08": "1", "09": "2", "10": "2", "11": "3", "12": "3",
    "13": "4", "14": "4", "15": "5", "16": "5",
}  # fmt: skip

_SENTENCES: Mapping[str, str] = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}

_NAME = re.compile(r"(?P<speaker>\d\d)(?P<sentence>[ab]\d\d)(?P<emotion>[A-Z])(?P<take>[a-z])")


@dataclass(frozen=True)
class Emodb:
    """The Berlin recordings under `root/wav` (the `Corpus` protocol).

    Attributes:
        root: The folder that holds `wav`.
        strict: Whether any fault is an error.
    """

    root: Path
    strict: bool = False

    name = "emodb"
    synthetic = False
    classes = tuple(_CLASSES.values())
    modalities = ("speech", "text")
    ready_made = ()

    def check(self) -> None:
        """Check the names of the files; where it is strict, their headers, too.

        Raises:
            CorpusError: A file is missing or misnamed, or it is strict and at fault.
        """
        self.sessions()
        if self.strict:
            raise_if_any(self.faults())

    def sessions(self) -> tuple[str, ...]:
        """All sessions, sorted."""
        return tuple(sorted({_SESSIONS[path.stem[:2]] for path in self._files}))

    def fingerprint(self, session: str, digests: Digests) -> str:
        """Changes with the names and contents of the session's files."""
        files = [f"{path.name} {digests.of(path)} " for path in self._of(session)]
        return hashlib.sha256("".join(files).encode()).hexdigest()

    @property
    def left_out(self) -> Mapping[str, int]:
        """Recordings of other emotions, by emotion."""
        letters = Counter(path.stem[5] for path in _recordings(self.root))
        return {name: letters[letter] for letter, name in _LEFT_OUT.items() if letters[letter]}

    def remarks(self) -> tuple[str, ...]:
        """What was left out, and how much."""
        if not self.left_out:
            return ()
        counts = ", ".join(f"{count} of {name}" for name, count in self.left_out.items())
        return (f"left out, as no class here: {counts}",)

    def faults(self) -> tuple[Fault, ...]:
        """Recordings that are no audio, or have no sample."""
        headers = map(_read_header, self._files)
        return tuple(header for header in headers if isinstance(header, Fault))

    def table(self, session: str) -> pd.DataFrame:
        """The session's utterances; only the headers of the recordings are read."""
        rows = pd.DataFrame([self._row(path) for path in self._of(session)])
        return validate_table(rows, self.classes, str(self.root))

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        """Read a speaker's takes of a sentence, at their own rate, channels averaged to one."""
        paths = [path for path in self._of(session) if path.stem[:5] == dialogue]
        if not paths:
            raise CorpusError(f"{self.root}: session {session} has no dialogue {dialogue!r}")
        for path in paths:
            name = f"wav/{path.name}"
            if isinstance(_read_header(path), sound.Header):
                samples, rate, faults = sound.read_usable_samples(path, f"{name}, {path.stem}")
            else:
                samples, rate, faults = None, sound.ANY_RATE_HZ, ()
            yield Recording(
                path.stem,
                None if samples is None else sound.average_channels(samples),
                rate,
                sources={"speech": name},
                faults=faults,
            )

    def _row(self, path: Path) -> dict[str, object]:
        header = _read_header(path)
        seconds = None if isinstance(header, Fault) else header.seconds
        return {
            "utterance_id": path.stem,
            "session": _SESSIONS[path.stem[:2]],
            "dialogue": path.stem[:5],
            "turn": None,
            "speaker": path.stem[:2],
            "emotion": _CLASSES[path.stem[5]],
            "start_s": None if seconds is None else 0.0,
            "end_s": seconds,
            "transcript": _SENTENCES[path.stem[2:5]],
            "audio": f"wav/{path.name}",
            "has_speech": seconds is not None,
            "has_text": True,
            "has_mocap": False,
        }

    def _of(self, session: str) -> list[Path]:
        """The session's recordings of the four classes."""
        paths = [path for path in self._files if _SESSIONS[path.stem[:2]] == session]
        if not paths:
            raise CorpusError(
                f"{self.root}: no session {session!r} (valid: {', '.join(self.sessions())})"
            )
        return paths

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        """All recordings of the four classes, sorted by name."""
        paths = tuple(path for path in _recordings(self.root) if path.stem[5] in _CLASSES)
        if not paths:
            raise CorpusError(
                f"{self.root / 'wav'}: no recording of {', '.join(_CLASSES.values())}; expected "
                "files such as 03a01Wa.wav: point corpus.root at the unpacked download"
            )
        return paths


def open_corpus(config: EmodbCorpus) -> Emodb:
    """Open the configured folder and check it.

    Raises:
        CorpusError: A file is missing or misnamed, or it is strict and at fault.
    """
    corpus = Emodb(config.root, config.strict)
    corpus.check()
    return corpus


def _recordings(root: Path) -> list[Path]:
    """All recordings, sorted by name; hidden leftovers of archives are none."""
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; point corpus.root at the unpacked download")
    folder = root / "wav"
    if not folder.is_dir():
        raise CorpusError(
            f"{root}: has no folder wav; point corpus.root at the folder that holds it"
        )
    with _readable(folder):
        names = list(folder.iterdir())
    paths = sorted(
        path for path in names if path.suffix.lower() == ".wav" and not path.name.startswith(".")
    )
    for path in paths:
        _check_name(path)
    return paths


def _check_name(path: Path) -> None:
    """Say what is wrong with a file's name."""
    match = _NAME.fullmatch(path.stem)
    wrong = None
    if match is None:
        wrong = "is not speaker, sentence, emotion and take as in 03a01Fa"
    elif match["speaker"] not in _SESSIONS:
        wrong = f"names speaker {match['speaker']} (valid: {', '.join(_SESSIONS)})"
    elif match["sentence"] not in _SENTENCES:
        wrong = f"names sentence {match['sentence']} (valid: {', '.join(_SENTENCES)})"
    elif match["emotion"] not in {**_CLASSES, **_LEFT_OUT}:
        letters = ", ".join([*_CLASSES, *_LEFT_OUT])
        wrong = f"names emotion {match['emotion']} (valid: {letters})"
    if wrong:
        raise CorpusError(f"{path}: the name {wrong}; rename the file or move it out of the folder")


def _read_header(path: Path) -> sound.Header | Fault:
    """Return what is known of a recording, or its fault."""
    try:
        header = sound.read_header(path)
    except CorpusError:
        return Fault(sound.UNREADABLE, str(path))
    return header if header.n_frames else Fault("empty wav", str(path))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say which file cannot be read, and why."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be read ({error.strerror}); mend its permissions, or unpack it again"
        ) from error
