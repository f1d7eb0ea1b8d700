"""How often the test session was looked at: by whom, when, and how far the figures lie apart."""

import statistics
from collections import Counter
from collections.abc import Sequence

from emotion_hpo.report.document import Table, Text
from emotion_hpo.report.findings import Findings
from emotion_hpo.report.formatting import format_times
from emotion_hpo.runtime.formatting import format_share
from emotion_hpo.study.records.final_result import Scoring
from emotion_hpo.study.records.ledger import ScoredOpening

Scorings = Sequence[ScoredOpening | Scoring]

#: Looks that are no scoring, by what the ledger calls them.
_LOOKS = {
    "paper_protocol": "looked at after every epoch of {trial}, for the reference's own figure",
    "replayed": "read again to replay {trial}",
    "protocol": "scored under a protocol of fixed configurations, for {trial}",
}


def list_scorings(findings: Findings) -> Scorings:
    """Return every scoring of this study's test session that is known.

    The ledger tells of all. Where it was left behind, the results tell of those before them.
    """
    stored: Scorings = max(
        (final.result.scorings for final in findings.finals), key=len, default=()
    )
    return stored if len(stored) > len(findings.openings) else findings.openings


def scored_text(findings: Findings) -> Text | None:
    """Say that the test session was scored more than once, and each score."""
    scorings = list_scorings(findings)
    if len(scorings) < 2:
        return None
    people = Counter(scoring.by or "somebody whose name is not known" for scoring in scorings)
    who = " and ".join(
        f"{name} ({format_times(n)})" if len(people) > 1 else name for name, n in people.items()
    )
    first, last = (
        _format_minute(choose(scoring.at for scoring in scorings)) for choose in (min, max)
    )
    return Text(
        f"This test session has been scored {format_times(len(scorings))}, by {who}, from {first} "
        f"to {last} (UTC). {_accuracies(scorings)}Every figure after the first was made by "
        "somebody who could have seen an earlier one, so it is optimistic.",
        is_remark=True,
    )


def _format_minute(at: str) -> str:
    """Format a time of the ledger for a sentence.

    >>> _format_minute("2026-11-20T13:14:29Z")
    '2026-11-20 13:14'
    """
    return at.replace("T", " ")[:16]


def _accuracies(scorings: Scorings) -> str:
    """Format the accuracies, and their spread where all are of one holdout."""
    accuracies = [scoring.accuracy for scoring in scorings if scoring.accuracy is not None]
    if not accuracies:
        return ""
    sentence = f"Accuracy {', '.join(map(format_share, accuracies))}"
    if len(accuracies) < 2 or len(set(map(_name_holdout, scorings))) > 1:
        return f"{sentence}. "
    return f"{sentence}: standard deviation {100 * statistics.stdev(accuracies):.2f} points. "


def ledger_blocks(findings: Findings) -> list[Text | Table]:
    """Return every opening of this study's holdouts, by any study, and every other look."""
    scorings = list_scorings(findings)
    if not scorings:
        return [Text("The test session has not been opened.")]
    rows = [
        (number, scoring.at, scoring.by or "–", scoring.study, scoring.trial,
         "not finished" if scoring.accuracy is None else format_share(scoring.accuracy),
         (scoring.commit if isinstance(scoring, ScoredOpening) else None) or "–",
         _name_holdout(scoring))
        for number, scoring in enumerate(scorings, 1)
    ]  # fmt: skip
    columns = ("opening", "at (UTC)", "by", "study", "model", "accuracy", "commit", "holdout")
    table = Table("ledger", "Openings of the test session", columns, rows)
    looks = [
        Text(f"Besides, it was {_LOOKS[look.event].format(trial=look.trial)} (study {look.study}, "
             f"{look.at}, by {look.by or 'somebody'}).")
        for look in findings.looks
    ]  # fmt: skip
    looks += [
        Text(overlap.sentence, is_remark=True)
        for overlap in (scorings[0].overlaps if isinstance(scorings[0], ScoredOpening) else ())
    ]
    if len(scorings) == 1:
        first = Text("The test session has been opened once, by this study.")
    else:
        first = Text(
            f"The test session has been opened {format_times(len(scorings))}. Every figure after "
            "the first was made by somebody who could have seen an earlier one.",
            is_remark=True,
        )
    return [first, table, *looks]


def _name_holdout(scoring: ScoredOpening | Scoring) -> str:
    """Return the beginning of a holdout's digest, enough to tell holdouts apart; a result has none.

    >>> _name_holdout(Scoring(study="s", trial="trial_0", by=None, at="2026-11-20", accuracy=None))
    '–'
    """
    name = scoring.holdout if isinstance(scoring, ScoredOpening) else "–"
    return name if len(name) <= 24 else f"{name[:23]}…"
