"""Annotators' votes as a table gives them: a count for each label, in JSON.

`{"happy": 2, "sad": 1}`, or a list of the labels, one a vote: `["happy", "happy", "sad"]`.
"""

import json
from collections import Counter
from typing import Any

Votes = dict[str, float]

_MOST_VOTES = 1_000_000  # more are no annotators


def read_votes(text: str) -> Votes | str:
    """Read the votes of an utterance.

    Returns:
        Label to its number of votes, which may be a fraction; or what is wrong with the text.

    >>> read_votes('["sad", "sad", "happy"]'), read_votes('{"sad": -1}')
    ({'sad': 2, 'happy': 1}, 'sad has -1 votes')
    """
    try:
        given = json.loads(text, object_pairs_hook=list[Any])
    except (ValueError, RecursionError):
        return "no JSON"
    if not isinstance(given, list) or not given:
        return _nothing(text)
    if all(isinstance(label, str) for label in given):
        return dict(Counter(label.strip() for label in given))
    if not text.startswith("{"):
        return "a list of labels holds something else"
    return _counts(given)


def _nothing(text: str) -> Votes | str:
    """What stands for no vote at all, or that neither an object nor a list is there."""
    return {} if "".join(text.split()) in {"{}", "[]"} else "neither an object nor a list"


def _counts(pairs: list[tuple[str, Any]]) -> Votes | str:
    votes: Votes = {}
    for label, n in pairs:
        if isinstance(n, bool) or not isinstance(n, int | float) or not 0 <= n <= _MOST_VOTES:
            return f"{label} has {json.dumps(n):.20} votes"
        if label.strip() in votes:
            return f"{label} stands twice"
        votes[label.strip()] = n if n % 1 else int(n)
    return votes
