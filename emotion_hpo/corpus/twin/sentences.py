"""What is said: sentences from a small grammar, with words that lean towards the emotion shown.

Clauses are patterns with slots (`patterns.txt`); an utterance is a chain of clauses of exactly as
many words as its shape asks for. Order matters as in speech: "not happy" means the opposite, and
in long utterances what comes before "but" may belong to another emotion. Some lines of the plays
come again word for word in other sessions.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.corpus.twin import plays
from emotion_hpo.corpus.twin.expression import DIFFICULTY
from emotion_hpo.corpus.twin.figures import CLASSES
from emotion_hpo.corpus.twin.lexicon import slots, topics
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


def sentence(emotion: int, n_words: int, rng: np.random.Generator, topic: str = "") -> str:
    """Say something.

    Args:
        emotion: The emotion shown, as its number.
        n_words: How many words to say.
        rng: The utterance's own stream.
        topic: Scene whose things are spoken of, or of nothing in particular.
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
        said += _clause(first if before else lean, n_words - len(said), draws, topic)
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


def _clause(lean: int, n_left: int, draws: Iterator[float], topic: str) -> list[str]:
    """One clause of at most `n_left` words."""
    clauses, cumulative = _clauses(min(n_left, _LONGEST))
    clause = clauses[int(np.searchsorted(cumulative[lean], next(draws), side="right"))]
    return [
        word if slot is None else _filled(word, slot, lean, next(draws), topic)
        for word, slot in zip(clause.words, clause.slot, strict=True)
    ]


def _filled(word: str, slot: str, lean: int, draw: float, topic: str) -> str:
    """Fill a slot; the draw decides whether the word is the scene's or tinted, and which it is."""
    if topic and (own := topics(topic).get(slot)):
        if draw < DIFFICULTY.text_topic:
            return word.replace(slot, own[int(draw / DIFFICULTY.text_topic * len(own))])
        draw = (draw - DIFFICULTY.text_topic) / (1 - DIFFICULTY.text_topic)
    if draw < DIFFICULTY.text_tint:
        draw, row = draw / DIFFICULTY.text_tint, lean
    else:
        draw, row = (draw - DIFFICULTY.text_tint) / (1 - DIFFICULTY.text_tint), _PLAIN
    if slot.startswith("!"):
        row = int(_OPPOSITE[row])
    fitting = slots()[slot.removeprefix("!")]
    choice = fitting.words[int(np.searchsorted(fitting.cumulative[row], draw, side="right"))]
    return word.replace(slot, choice)


def transcripts(seed: int, key: str, rows: pd.DataFrame, known: Set[str] | None) -> list[str]:
    """What is said in each row.

    Args:
        seed: The corpus's.
        key: Goes before an id to name its stream.
        rows: With `utterance_id`, `meant`, `n_words`, `line`, `line_words` and `emotion`.
        known: What was said in earlier sessions, of which IEMOCAP's share is said again, word for
            word, in the scripted rows that have a class; None in the first.
    """
    scripted = rows.loc[rows["line"] >= 0, ["line", "meant", "line_words"]].drop_duplicates("line")
    lines = {
        line: sentence(emotion, n_words, stream(seed, f"line{line}", "text"))
        for line, emotion, n_words in scripted.itertuples(index=False)
    }
    said, slips = [], []
    # `Ses01F_impro05a` and every `impro05`: all sessions play the same scenes.
    scenes = rows["dialogue"].str.extract(r"_(impro\d\d|script)", expand=False)
    for name, emotion, n_words, line, scene in zip(
        rows["utterance_id"], rows["meant"], rows["n_words"], rows["line"], scenes, strict=True
    ):
        rng = stream(seed, key + name, "text")
        said.append(lines[line] if line >= 0 else sentence(emotion, n_words, rng, scene))
        slips.append(plays.slipped(lines[line], n_words, rng) if line >= 0 else said[-1])
    rng = stream(seed, key, "repeats", rows["session"].iloc[0])
    exact = plays.repeated(said, slips, rows, known, rng)
    return [said[i] if exact[i] else slips[i] for i in range(len(rows))]


def with_sounds(
    seed: int, key: str, rows: pd.DataFrame, alone: "pd.Series[bool]", count: int
) -> list[str]:
    """Put a bracketed sound in place of the first word of `count` transcripts.

    Transcripts that are said more than once are left alone, so that they stay repeats.
    """
    rng = stream(seed, key, "sounds")
    is_class = rows["label"] < len(CLASSES)
    emotion = rows["label"].where(is_class, rows["shown"]).to_numpy()
    scores = rng.random(len(rows)) ** (1 / _SOUNDING[emotion])
    scores[~alone.to_numpy()] = 0
    marked = list(rows["transcript"])
    for row in np.argsort(-scores, kind="stable")[:count]:
        rest = " ".join(marked[row].split()[1:])
        marked[row] = f"{_SOUNDS[emotion[row]]} {rest[:1].upper()}{rest[1:]}".strip()
    return marked
