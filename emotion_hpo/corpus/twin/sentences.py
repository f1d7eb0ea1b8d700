"""What is said: sentences from a small grammar, with words that lean towards the emotion shown.

Clauses are patterns with slots (`patterns.txt`); an utterance is a chain of clauses of exactly as
many words as its shape asks for. Order matters as in speech: "not happy" means the opposite, and
in long utterances what comes before "but" may belong to another emotion. Some lines of the plays
come again word for word in other sessions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin import figures
from emotion_hpo.corpus.twin.expression import DIFFICULTY
from emotion_hpo.corpus.twin.figures import CLASSES
from emotion_hpo.corpus.twin.lexicon import slots
from emotion_hpo.corpus.twin.randomness import stream

#: How much likelier a clause is with those who prefer it than with others.
_PREFERENCE = 5.0
#: Share of long utterances whose first part speaks of another emotion, up to a "but".
_TURNS = 0.3
#: Words from which an utterance is long enough for that.
_LONG = 12
#: Row of the lexicon's probabilities that leans towards no emotion.
_PLAIN = len(CLASSES)
#: What a speaker negates: "not happy" is sad or angry, "not alone" is glad.
_OPPOSITE = np.array([1, 3, 1, 1, _PLAIN])
#: Sounds in brackets by emotion.
_SOUNDS = ("[BREATHING]", "[LAUGHTER]", "[LAUGHTER]", "[SIGH]")
#: How often one is heard: laughter is frequent where people are excited.
_SOUNDING = np.array([0.6, 2.0, 0.6, 1.0])
#: Letters of `patterns.txt`, in the order of the classes.
_LETTERS = "aens"
#: No clause has more words.
_LONGEST = 12


@dataclass(frozen=True)
class _Clause:
    """One pattern, its words split; `slot` is None where the word stands as it is."""

    words: tuple[str, ...]
    slot: tuple[str | None, ...]


@cache
def _clauses(longest: int) -> tuple[tuple[_Clause, ...], NDArray[np.float64]]:
    """Clauses of up to so many words, and `(5, clauses)` cumulative probabilities by emotion."""
    clauses, weights = [], []
    for line in files(__package__).joinpath("patterns.txt").read_text("utf-8").splitlines():
        mark, _, text = line.partition("|")
        words = tuple(text.split())
        if line.startswith("#") or len(words) > longest:
            continue
        cores = (word.rstrip(".,!?") for word in words)
        slot = tuple(core if core.removeprefix("!") in slots() else None for core in cores)
        clauses.append(_Clause(words, slot))
        # In proportion to its length, or speech would be a chain of exclamations.
        liked = [_PREFERENCE if letter in mark else 1.0 for letter in _LETTERS + "-"]
        weights.append([len(words) * like for like in liked])
    cumulative = np.cumsum(np.array(weights).T, axis=1)
    return tuple(clauses), cumulative / cumulative[:, -1:]


def sentence(emotion: int, n_words: int, rng: np.random.Generator) -> str:
    """Say something.

    Args:
        emotion: The emotion shown, as its number.
        n_words: How many words to say.
        rng: The utterance's own stream.
    """
    draws = iter(rng.random(4 * n_words + 8).tolist())
    clear = next(draws) < DIFFICULTY.text_clear
    lean = emotion if clear else _PLAIN
    turn = n_words >= _LONG and next(draws) < _TURNS
    first = int(next(draws) * len(CLASSES)) if turn else lean
    until = n_words * (0.3 + 0.3 * next(draws)) if turn else 0.0
    said: list[str] = []
    while len(said) < n_words:
        before = len(said) < until
        if turn and not before:
            said.append("but")
            turn = False
            continue
        said += _clause(first if before else lean, n_words - len(said), draws)
    return _punctuated(said)


def _punctuated(words: list[str]) -> str:
    """Write words down as a transcriber does: capitals after full stops, "an" before vowels."""
    begins = True
    written = []
    for word, following in zip(words, [*words[1:], "."], strict=True):
        spelt = "an" if word == "a" and following[0] in "aeiou" else word
        written.append(spelt[0].upper() + spelt[1:] if begins else spelt)
        begins = word[-1] in ".!?"
    text = " ".join(written)
    return text if begins else text.rstrip(",") + "."


def _clause(lean: int, n_left: int, draws: Iterator[float]) -> list[str]:
    """One clause of at most `n_left` words."""
    clauses, cumulative = _clauses(min(n_left, _LONGEST))
    clause = clauses[int(np.searchsorted(cumulative[lean], next(draws), side="right"))]
    return [
        word if slot is None else _filled(word, slot, lean, next(draws))
        for word, slot in zip(clause.words, clause.slot, strict=True)
    ]


def _filled(word: str, slot: str, lean: int, draw: float) -> str:
    """Fill a slot; the uniform draw decides whether the word is tinted, and then which it is."""
    if draw < DIFFICULTY.text_tint:
        draw, row = draw / DIFFICULTY.text_tint, lean
    else:
        draw, row = (draw - DIFFICULTY.text_tint) / (1 - DIFFICULTY.text_tint), _PLAIN
    if slot.startswith("!"):
        row = int(_OPPOSITE[row])
    fitting = slots()[slot.removeprefix("!")]
    choice = fitting.words[int(np.searchsorted(fitting.cumulative[row], draw, side="right"))]
    return word.replace(slot, choice)


def transcripts(seed: int, key: str, rows: pd.DataFrame, earlier: pd.DataFrame | None) -> list[str]:
    """What is said in each row.

    Args:
        seed: The corpus's.
        key: Goes before an id to name its stream.
        rows: With `utterance_id`, `shown`, `n_words`, `scenario` and `emotion`.
        earlier: Rows with `transcript` besides, of which IEMOCAP's share is repeated word for word
            in the scripted rows; or None.
    """
    said = [
        sentence(emotion, n_words, stream(seed, key + name, "text"))
        for name, emotion, n_words in zip(
            rows["utterance_id"], rows["shown"], rows["n_words"], strict=True
        )
    ]
    if earlier is not None:
        _repeat(said, rows, earlier, stream(seed, key, "repeats", rows["session"].iloc[0]))
    return said


def _repeat(
    said: list[str], rows: pd.DataFrame, earlier: pd.DataFrame, rng: np.random.Generator
) -> None:
    """Replace scripted lines by earlier ones until the published share of all lines is repeated."""
    known = set(earlier["transcript"])
    missing = round(figures.REPEATED * len(said)) - sum(line in known for line in said)
    plays = earlier[earlier["scenario"] == "scripted"]
    lines: dict[tuple[int, str], list[str]] = {}
    for n_words, emotion, line in zip(
        plays["n_words"], plays["emotion"], plays["transcript"], strict=True
    ):
        lines.setdefault((n_words, emotion), []).append(line)
    shapes = list(zip(rows["n_words"], rows["emotion"], strict=True))
    for row in rng.permutation(np.flatnonzero((rows["scenario"] == "scripted").to_numpy())):
        candidates = lines.get(shapes[row], [])
        if missing > 0 and candidates and said[row] not in known:
            said[row] = candidates[int(rng.integers(len(candidates)))]
            missing -= 1


def with_sounds(seed: int, key: str, rows: pd.DataFrame, count: int) -> list[str]:
    """Put a bracketed sound in place of the first word of `count` transcripts.

    Transcripts that are said more than once are left alone, so that they stay repeats.
    """
    rng = stream(seed, key, "sounds")
    emotion = rows["emotion"].map(figures.CLASSES.index).to_numpy()
    scores = rng.random(len(rows)) ** (1 / _SOUNDING[emotion])
    scores[rows["transcript"].duplicated(keep=False)] = 0
    marked = list(rows["transcript"])
    for row in np.argsort(-scores, kind="stable")[:count]:
        rest = " ".join(marked[row].split()[1:])
        marked[row] = f"{_SOUNDS[emotion[row]]} {rest[:1].upper()}{rest[1:]}".strip()
    return marked
