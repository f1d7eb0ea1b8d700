"""Warnings about classes that a part of a split lacks, before anything is trained.

In: the folds, or counts by session. Out: a line for each class of which a part has no utterance,
with counts, and for classes that may be spellings of each other. A class that nothing can learn is
an error.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from emotion_hpo.corpus.labels import spelling_remarks
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.splits.parts import Development

#: So many folds or sessions are named.
_N_NAMED = 5


def describe_missing_classes(development: Development) -> list[str]:
    """Return a line for each class that a training or validation part lacks, and like spellings.

    Raises:
        ConfigError: All of the development part lacks a class: nothing can learn it.
    """
    everything = development.everything
    if absent := _missing_labels(everything):
        raise ConfigError(
            f"split: no utterance of {_format_labels(absent)} outside the test session "
            f"({_format_counts(everything)}): no model can learn it; leave it out by "
            "corpus.classes, or seal another session"
        )
    lines = [*spelling_remarks(dict(zip(everything.classes, _n_by_class(everything), strict=True)))]
    parts = {
        "training": ("it is not learnt there", [fold.train for fold in development.folds]),
        "validation": (
            "it is not judged there, and the UAR is of the others",
            [fold.validation for fold in development.folds],
        ),
    }
    names = [fold.name for fold in development.folds]
    for part, (what, utterances) in parts.items():
        lacking: dict[str, list[int]] = {}
        for index, of_fold in enumerate(utterances):
            for label in _missing_labels(of_fold):
                lacking.setdefault(label, []).append(index)
        for label, at in lacking.items():
            if len(names) == 1:
                where, counts = f"the {part} part", f" ({_format_counts(utterances[0])})"
            else:
                where, counts = (
                    f"the {part} part of {_format_some([names[i] for i in at], names)}",
                    "",
                )
            lines.append(f"no utterance of {label} in {where}{counts}: {what}")
    return lines


def describe_missing_in_test(counts: Mapping[str, int], session: str) -> list[str]:
    """Return a line for each class that the test part lacks.

    Args:
        counts: Class → utterances of the test part.
        session: Its name.
    """
    listed = ", ".join(f"{label} {n}" for label, n in counts.items())
    return [
        f"no utterance of {label} in the test part, session {session} ({listed}): it has no "
        "recall, and the UAR is of the others"
        for label, n in counts.items()
        if n == 0
    ]


def describe_missing_by_session(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return a line for each class that some sessions lack: any of them may become a part.

    Args:
        counts: Session → class → utterances.
    """
    lacking: dict[str, list[str]] = {}
    for session, of_session in counts.items():
        for label, n in of_session.items():
            if n == 0:
                lacking.setdefault(label, []).append(session)
    return [
        f"no utterance of {label} in {_format_some(sessions, counts, 'session')}"
        for label, sessions in lacking.items()
    ]


def _n_by_class(utterances: Utterances) -> list[int]:
    counts: list[int] = np.bincount(utterances.labels, minlength=len(utterances.classes)).tolist()
    return counts


def _missing_labels(utterances: Utterances) -> list[str]:
    counts = zip(utterances.classes, _n_by_class(utterances), strict=True)
    return [label for label, n in counts if n == 0]


def _format_counts(utterances: Utterances) -> str:
    counts = zip(utterances.classes, _n_by_class(utterances), strict=True)
    return ", ".join(f"{label} {n}" for label, n in counts)


def _format_labels(labels: Sequence[str]) -> str:
    return " and of ".join(labels)


def _format_some(names: Sequence[str], of: Iterable[str], what: str = "fold") -> str:
    """Format how many of all are meant, the first of them named.

    >>> _format_some(["1"], ["1", "2"]), _format_some(["4", "5"], "12345", "session")
    ('1 of 2 folds (1)', '2 of 5 sessions (4, 5)')
    """
    more = ", …" * (len(names) > _N_NAMED)
    return f"{len(names)} of {len([*of])} {what}s ({', '.join(names[:_N_NAMED])}{more})"
