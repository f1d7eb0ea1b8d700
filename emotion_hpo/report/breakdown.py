"""Parts of the test utterances, by whatever divides them."""

from dataclasses import dataclass

from emotion_hpo.metrics import Interval
from emotion_hpo.study.records.final_result import FinalResult

#: More parts than this of one kind are no breakdown.
MOST_PARTS = 12


@dataclass(frozen=True)
class NamedPart:
    """A part of the test utterances, and how good the model is on it.

    Attributes:
        kind: What divides the utterances: `speaker`, `wears markers` …
        name: Which part of these it is.
        n: Utterances.
        accuracy: Share of right answers.
        interval: Of the accuracy.
        uar: Unweighted average recall.
    """

    kind: str
    name: str
    n: int
    accuracy: float
    interval: Interval
    uar: float | None

    @property
    def label(self) -> str:
        """What it is, for an axis or a table."""
        return f"{self.kind}: {self.name}"


def list_parts(result: FinalResult) -> list[NamedPart]:
    """Return the parts of the test utterances that have any, kind by kind."""
    return [
        NamedPart(
            kind.replace("_", " "), name, part.n, part.accuracy, part.accuracy_interval, part.uar
        )
        for kind, parts in result.breakdowns.items()
        if len(parts) <= MOST_PARTS
        for name, part in parts.items()
        if part.accuracy is not None
    ]
