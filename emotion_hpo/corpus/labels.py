"""Labels that a configuration names, held against those that the corpus has.

A slip would make a class without an utterance, which every figure would carry along; and labels
that differ in their spelling alone would be two classes.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from emotion_hpo.errors import CorpusError


def check_labels(key: str, labels: Iterable[str], meanings: Mapping[str, str], source: str) -> None:
    """Refuse labels that a corpus does not know.

    Args:
        key: Of the configuration that names them.
        labels: As configured.
        meanings: What a user might write → the corpus's own label.
        source: File or folder that the message names.

    Raises:
        CorpusError: With a line for each, and the nearest label that there is.
    """
    known = sorted(set(meanings.values()))
    if wrong := [label for label in labels if label not in known]:
        valid = ", ".join(known[:20]) + (" …" if len(known) > 20 else "")
        raise CorpusError(
            "\n".join(
                f"{key}: {source} has no label {label!r}{_hint(label, meanings)} (valid: {valid})"
                for label in wrong
            )
        )


def unmerged(classes: Iterable[str], merge: Mapping[str, str]) -> list[str]:
    """Classes that must be labels: one that others are merged into may have a name of its own."""
    return [label for label in classes if label not in merge.values()]


def _hint(label: str, meanings: Mapping[str, str]) -> str:
    spelt = {_spelling(word): label for word, label in meanings.items()}
    near = difflib.get_close_matches(_spelling(label), spelt, n=1, cutoff=0.6)
    return f", did you mean {spelt[near[0]]!r}?" if near else ""


def spelling_remarks(counts: Mapping[str, int]) -> Iterator[str]:
    """A line for labels that differ in case or spaces alone.

    Args:
        counts: Label → utterances.

    >>> list(spelling_remarks({"Happy": 2, "happy": 40, "sad": 9}))
    ['labels alike but for their spelling: 2 of Happy, 40 of happy; are they one?']
    """
    alike: dict[str, list[str]] = {}
    for label in sorted(counts):
        alike.setdefault(_spelling(label), []).append(label)
    for labels in alike.values():
        if len(labels) > 1:
            listed = ", ".join(f"{counts[label]} of {label}" for label in labels)
            yield f"labels alike but for their spelling: {listed}; are they one?"


def _spelling(label: str) -> str:
    """A label without case, spaces and what stands for spaces."""
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", label).casefold())
