"""The twin's words: regular forms of hand-chosen stems, how common each is, what it leans towards.

English word counts fall off as in Zipf's law; a word's probability within its part of speech is
that law times its leaning towards the emotion expressed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.figures import CLASSES
from emotion_hpo.corpus.twin.randomness import stream

#: Exponent and offset of the law of Zipf and Mandelbrot; set so that the corpus has about as many
#: word types, and as many that occur once, as IEMOCAP.
_ZIPF, _OFFSET = 0.84, 10.0
#: Where emotion's own stems stand in the law: as common as the n-th plain one.
_TINTED_EVERY = 3
#: A plain word's leaning towards each emotion, a scatter of logarithms: each says a bit.
_LEANING = 0.5
#: How much likelier an emotion's own stem is where that emotion is expressed, and elsewhere.
_OWN, _OTHERS = 20.0, 0.2

#: Slots that a scene fills with words of its own, and how many it has for each.
_TOPICAL, _PER_TOPIC = ("N", "NS", "V", "VD", "VG", "J"), 6

_VOWELS = "aeiou"


@dataclass(frozen=True)
class Slot:
    """The words that fit one slot.

    Attributes:
        words: In the order of the columns below.
        cumulative: `(5, words)`: cumulative probabilities by emotion, and of no emotion last.
    """

    words: tuple[str, ...]
    cumulative: NDArray[np.float64]


@cache
def slots() -> Mapping[str, Slot]:
    """Slot's name → its words."""
    stems = yaml.safe_load(files(__package__).joinpath("words.yaml").read_text(encoding="utf-8"))
    plain = {kind: words.split() for kind, words in stems["plain"].items()}
    tinted = {
        kind: [(word, label) for label in CLASSES for word in stems["tinted"][label][kind].split()]
        for kind in ("verb", "noun", "adjective", "interjection")
    }
    tinted["name"] = []
    forms: dict[str, tuple[str, Callable[[str], str]]] = {
        "V": ("verb", str), "VS": ("verb", plural), "VD": ("verb", past), "VG": ("verb", gerund),
        "N": ("noun", str), "NS": ("noun", plural), "J": ("adjective", str),
        "R": ("adjective", adverb), "UH": ("interjection", str),
        "W": ("name", str), "NP": ("noun", possessive),
    }  # fmt: skip
    return {
        name: _slot(name, [form(word) for word in plain[kind]],
                    [(form(word), label) for word, label in tinted[kind]])
        for name, (kind, form) in forms.items()
    }  # fmt: skip


@cache
def topics(scene: str) -> Mapping[str, tuple[str, ...]]:
    """Slot's name → words that are spoken where a scene is played, in any session."""
    own = {}
    for name in _TOPICAL:
        rng = stream(0, "topic", scene, name)
        words = slots()[name].words
        own[name] = tuple(words[i] for i in rng.permutation(len(words))[:_PER_TOPIC])
    return own


def _slot(name: str, plain: list[str], tinted: list[tuple[str, str]]) -> Slot:
    """Weigh the words of one slot."""
    rng = stream(0, "lexicon", name)  # a language is the same for all seeds
    own = [tinted[i] for i in rng.permutation(len(tinted))]
    words = [(word, "") for word in plain]
    # Where a slot has few plain words, emotion's own follow them.
    for i, (word, label) in enumerate(own):
        words.insert(min((i + 1) * _TINTED_EVERY, len(words)), (word, label))
    zipf = (np.arange(len(words)) + _OFFSET) ** -_ZIPF
    weights = np.tile(zipf, (len(CLASSES) + 1, 1))
    weights[:-1] *= np.exp(_LEANING * rng.normal(size=(len(CLASSES), len(words))))
    for column, (_, owner) in enumerate(words):
        for row, label in enumerate(CLASSES):
            if owner:
                weights[row, column] *= _OWN if owner == label else _OTHERS
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    return Slot(tuple(word for word, _ in words), cumulative)


def plural(word: str) -> str:
    """The form in -s.

    >>> [plural(word) for word in ("watch", "try", "play", "knife")]
    ['watches', 'tries', 'plays', 'knifes']
    """
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ies"
    return word + "s"


def possessive(word: str) -> str:
    """The form in 's.

    >>> possessive("doctor")
    "doctor's"
    """
    return word + "'s"


def past(word: str) -> str:
    """The regular past tense.

    >>> [past(word) for word in ("stop", "try", "use", "mail")]
    ['stopped', 'tried', 'used', 'mailed']
    """
    if word.endswith("e"):
        return word + "d"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ied"
    return _doubled(word) + "ed"


def gerund(word: str) -> str:
    """The form in -ing.

    >>> [gerund(word) for word in ("stop", "use", "lie", "mail")]
    ['stopping', 'using', 'lying', 'mailing']
    """
    if word.endswith("ie"):
        return word[:-2] + "ying"
    if word.endswith("e") and not word.endswith("ee"):
        return word[:-1] + "ing"
    return _doubled(word) + "ing"


def adverb(word: str) -> str:
    """The form in -ly.

    >>> [adverb(word) for word in ("quick", "happy", "simple")]
    ['quickly', 'happily', 'simply']
    """
    if word.endswith("y"):
        return word[:-1] + "ily"
    return word[:-1] + "y" if word.endswith("le") else word + "ly"


def _doubled(word: str) -> str:
    """Double the last consonant of a short stem with one vowel: stop, stopp-."""
    short = len(word) <= 4 and sum(letter in _VOWELS for letter in word) == 1
    ends = word[-1] not in _VOWELS + "wxyh" and word[-2] in _VOWELS
    return word + word[-1] if short and ends else word
