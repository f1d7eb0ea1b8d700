"""Word error rate: substitutions, deletions and insertions per manual word.

As NIST's `sclite` and `jiwer` count them: the fewest edits that turn the manual words into the
recognised ones (Levenshtein 1966), summed over the utterances before they are divided, so that a
long utterance weighs more than a short one. Words are compared in lower case, without punctuation
and without sounds in brackets; `2` and `two` are two words.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from emotion_hpo.features.text import tokenise
from emotion_hpo.study.records.transcription import WordErrors

#: Edits so far: all of them, then substitutions, deletions and insertions.
_Edits = tuple[int, int, int, int]


def count_word_errors(pairs: Iterable[tuple[str, str]]) -> WordErrors | None:
    """Return the errors over some utterances; None where no manual word is among them.

    Args:
        pairs: Manual and recognised words of each.

    >>> errors = count_word_errors([("See you [LAUGHTER] tomorrow.", "see tomorrow morrow")])
    >>> (errors.n_words, errors.n_substituted, errors.n_deleted, errors.n_inserted)
    (3, 2, 0, 0)
    """
    n_utterances = n_words = n_substituted = n_deleted = n_inserted = 0
    for manual, recognised in pairs:
        if not (reference := normalise(manual)):
            continue
        _, substituted, deleted, inserted = count_edits(reference, normalise(recognised))
        n_utterances, n_words = n_utterances + 1, n_words + len(reference)
        n_substituted += substituted
        n_deleted += deleted
        n_inserted += inserted
    if not n_words:
        return None
    return WordErrors(
        n_utterances=n_utterances,
        n_words=n_words,
        n_substituted=n_substituted,
        n_deleted=n_deleted,
        n_inserted=n_inserted,
        rate=(n_substituted + n_deleted + n_inserted) / n_words,
    )


def normalise(transcript: str) -> list[str]:
    r"""Return the words that are compared.

    >>> normalise("[BREATHING] Goin' home, 'cause I DON'T care!")
    ['goin', 'home', 'cause', 'i', "don't", 'care']
    >>> normalise("cafe\N{COMBINING ACUTE ACCENT}") == normalise("café")
    True
    """
    composed = unicodedata.normalize("NFC", transcript)
    words = (word.strip("'") for word in tokenise(composed) if not word.startswith("["))
    return [word for word in words if word]


def count_edits(reference: Sequence[str], recognised: Sequence[str]) -> _Edits:
    """Return the fewest edits between two sequences, and how many of each kind they are.

    Where several ways are as short, that with fewest deletions and insertions counts.
    """
    row: list[_Edits] = [(n, 0, 0, n) for n in range(len(recognised) + 1)]
    for n_before, word in enumerate(reference):
        above, row = row, [(n_before + 1, 0, n_before + 1, 0)]
        for place, other in enumerate(recognised):
            n, substituted, deleted, inserted = above[place]
            changed = int(word != other)
            left, top = row[-1], above[place + 1]
            row.append(
                min(
                    (n + changed, substituted + changed, deleted, inserted),
                    (top[0] + 1, top[1], top[2] + 1, top[3]),
                    (left[0] + 1, left[1], left[2], left[3] + 1),
                    key=lambda edits: (edits[0], edits[2] + edits[3]),
                )
            )
    return row[-1]
