"""`final/NAME/result.json`: what a final model reaches on the sealed session.

Every score is a share of 1; every interval has 95 % (docs/statistics.md says how it is made).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from emotion_hpo.config.turns_read import TurnsRead
from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.metrics.registry import METRICS
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study.records.base import FileName, Part, Record, is_absent
from emotion_hpo.study.records.cost import FinalCost
from emotion_hpo.study.records.intervals import StoredInterval
from emotion_hpo.study.records.ledger import Overlap
from emotion_hpo.study.records.metrics import with_metrics

#: What a model that reads dialogues may be left with, as a table names it.
LESS_CONTEXT: dict[Literal["past", "alone"], str] = {
    "past": "the turns before alone",
    "alone": "its dialogue hidden",
}


class Member(Part):
    """A model that the scored one is made of."""

    trial: FileName = Field(description="`trial_42`, or `baseline`")
    epochs: int = Field(description="that it was trained for")
    weight: float = Field(description="its share in the answer; all weights sum to 1")


class Validated(Part):
    """What the model had reached in the search."""

    objective: str = Field(description="metric that was searched for")
    value: float | None = Field(description="its value; null of an ensemble, which is no trial")


class Recall(Part):
    """How many of a class were recognised."""

    recall: float | None = Field(description="null where the test session lacks the class")
    interval: StoredInterval = Field(description="of the recall")
    n: int = Field(description="utterances of the class")


class Confusion(Part):
    """Counts of true and predicted classes."""

    classes: tuple[str, ...] = Field(description="names of rows and columns")
    counts: tuple[tuple[int, ...], ...] = Field(description="a row a true class")

    @model_validator(mode="after")
    def _is_square(self) -> Self:
        if {len(self.classes)} != {len(self.counts), *map(len, self.counts)}:
            raise ValueError("a row and a column for each class must stand here")
        return self


class ReliabilityBin(Part):
    """Answers that are about equally sure."""

    confidence: float = Field(description="mean probability of the predicted class")
    accuracy: float = Field(description="share of right answers")
    n: int = Field(description="utterances")


class Calibration(Part):
    """Whether the model is as sure as it is right."""

    ece: float = Field(description="expected calibration error")
    brier: float = Field(description="Brier score")
    reliability: tuple[ReliabilityBin, ...] = Field(description="bins of a reliability diagram")


class Gain(Part):
    """A paired difference of a score: this model less the other one."""

    difference: float = Field(description="positive where this model is better")
    interval: StoredInterval = Field(description="of the difference")


class AccuracyGain(Gain):
    """A paired difference of accuracies, with McNemar's test."""

    n_only_this: int = Field(description="utterances that this model alone has right")
    n_only_other: int = Field(description="utterances that the other one alone has right")
    mcnemar_p: float = Field(description="p-value of McNemar's exact test")


class _NamedGains(Part):
    accuracy: AccuracyGain = Field(description="of the accuracy")
    uar: Gain = Field(description="of the UAR")


class _NamedScores(Part):
    accuracy: float = Field(description="share of right answers")
    accuracy_interval: StoredInterval = Field(description="of the accuracy")
    uar: float = Field(description="unweighted average recall")
    uar_interval: StoredInterval = Field(description="of the UAR")

    def by_metric(self) -> dict[str, tuple[float, Interval]]:
        """Return metric → value and interval; a file from before a metric was added has fewer."""
        return {
            name: (getattr(self, name), interval)
            for name in METRICS
            if (interval := getattr(self, f"{name}_interval")) is not None
        }


if TYPE_CHECKING:  # what the code names by itself; the registry's other metrics are beside them

    class Gains(_NamedGains):
        """Paired differences by metric."""

    class Scores(_NamedScores):
        """Scores of a model on all test utterances."""

else:
    Gains = with_metrics("Gains", _NamedGains, {"": Gain})
    Gains.__doc__ = "Paired differences by metric; positive where this model is better."
    Scores = with_metrics("Scores", _NamedScores, {"": float, "_interval": StoredInterval})
    Scores.__doc__ = "Scores of a model on all test utterances."


class BaselineComparison(Scores):
    """The plain model on the test session."""

    parts: tuple[str, ...] = Field(description="modalities that it reads")
    gain: Gains = Field(description="of the final model over it")


class DefaultComparison(Scores):
    """The default configuration on the test session, retrained like the final model."""

    trial: FileName = Field(description="the trial of the default configuration")
    gain: Gains = Field(description="of the final model over it")


class LoneComparison(Scores):
    """The same configuration without context: each utterance read as if nobody else had spoken.

    Its networks have the same seeds, epochs and optimiser steps as the model's.
    """

    batch_size: int | None = Field(
        description="utterances, so many that an epoch has the model's number of optimiser steps; "
        "null where nothing is trained in batches"
    )
    gain: Gains = Field(description="of the final model over it")


class PartScores(Part):
    """Scores on a part of the test utterances."""

    n: int = Field(description="utterances")
    accuracy: float | None = Field(description="share of right answers")
    accuracy_interval: StoredInterval = Field(description="of the accuracy")
    uar: float | None = Field(description="unweighted average recall")
    uar_interval: StoredInterval = Field(description="of the UAR")

    @model_validator(mode="after")
    def _has_an_accuracy(self) -> Self:
        if self.n > 0 and self.accuracy is None:
            raise ValueError("a part of some utterances has an accuracy")
        return self


class Without(Part):
    """Scores of the model where it is denied a part of what it reads."""

    accuracy: float = Field(description="share of right answers")
    accuracy_interval: StoredInterval = Field(description="of the accuracy")
    uar: float = Field(description="unweighted average recall")
    uar_interval: StoredInterval = Field(description="of the UAR")
    loss_of_accuracy: AccuracyGain = Field(description="with that part less without it")


class WordsComparison(Without):
    """Scores of the model where it reads other words of the same utterances."""

    own: str = Field(description="whose words it reads")
    other: str = Field(description="whose words it reads instead")


class ExpectedAndTest(Part):
    """What was expected of the model before the test, beside the test."""

    winner: str = Field(description="the trial that was meant")
    holds_for: str = Field(description="for whom: speakers already heard, or new ones")
    value: float = Field(description="expected value of the objective")
    interval: StoredInterval = Field(description="90 % interval of it")
    test: float = Field(description="value of the objective on the test session")
    is_inside: bool | None = Field(description="null where the interval has no ends")


class PaperSeed(Part):
    """One training that was tested after every epoch."""

    best: float = Field(description="best accuracy of all epochs")
    best_epoch: int = Field(description="the epoch that it is from")
    last: float = Field(description="accuracy after the last epoch")


class PaperProtocol(Part):
    """The reference's own score, the best epoch on the test session: no estimate of anything."""

    warning: str = Field(description="to be shown beside it")
    accuracy: float = Field(description="mean of the seeds' best epochs")
    by_seed: tuple[PaperSeed, ...] = Field(description="a training each")


class Scoring(Part):
    """An opening of the same holdout."""

    study: str = Field(description="who opened it")
    trial: str = Field(description="for which trial, or `ensemble`")
    by: str | None = Field(description="user of the system")
    at: str = Field(description="when (UTC, ISO 8601)")
    accuracy: float | None = Field(description="what came out; null if it was cut off")


class LayerWeights(Part):
    """How much a network has learnt to weigh the layers of a pretrained model."""

    layers: tuple[int, ...] = Field(description="hidden states; 0 is what enters layer 1")
    weights: tuple[tuple[float, ...], ...] = Field(
        description="of each network, of each layer; together 1"
    )


class FinalResult(Scores, Record):
    """What a final model reaches on the sealed session, and all that it is compared with."""

    version: Literal[1] = Field(1, description="of this file's layout")
    study: str = Field(description="name of the study")
    trial: FileName = Field(description="`trial_42`, `ensemble` or `baseline`")
    members: tuple[Member, ...] = Field(description="trials that it is made of")
    rule: str = Field(description="how their answers are combined; `single` for one trial")
    corpus: str = Field(description="name of the corpus")
    synthetic: bool = Field(description="whether the corpus is invented")
    n_train: int = Field(description="utterances of train + validation")
    n_test: int = Field(description="utterances of the test session")
    n_dialogues: int = Field(description="dialogues of the test session")
    test_session: str = Field(description="the sealed session")
    test_speakers: tuple[str, ...] = Field(description="who speaks there")
    epochs: int | None = Field(description="of the retraining; null of an ensemble: of `members`")
    seeds: tuple[int, ...] = Field(description="of each member that has any, a training each")
    modalities: tuple[str, ...] = Field(description="what the model reads")
    validation: Validated = Field(description="the model in the search")
    recall_by_class: dict[str, Recall] = Field(description="class → its recall")
    confusion: Confusion = Field(description="counts of true and predicted classes")
    accuracy_by_seed: tuple[float, ...] = Field(description="of each single network")
    accuracy_mean: float = Field(description="their mean")
    accuracy_spread: float | None = Field(description="their standard deviation")
    calibration: Calibration = Field(description="whether it is as sure as it is right")
    baseline: BaselineComparison = Field(description="the plain model on the same utterances")
    default: DefaultComparison | None = Field(
        description="the default configuration; null where it is the winner, or failed"
    )
    by: dict[str, dict[str, PartScores]] = Field(
        description="`scenario`, `speaker`, `wears_markers`, `modalities`, "
        "`transcript_in_training` and, of a model that reads dialogues, `position` (the number of "
        "the turn in its dialogue) → part → scores"
    )
    without: dict[str, Without] = Field(
        description="what was recorded → scores with all that is made of it removed"
    )
    layer_weights: dict[str, LayerWeights] | None = Field(
        None,
        exclude_if=is_absent,
        description="of each modality whose layers a network mixes; absent where none does",
    )
    turns_read: TurnsRead | None = Field(
        None,
        exclude_if=is_absent,
        description="of the dialogue beside an utterance: `past`, or `both` where turns after it "
        "are read, which no live use has; absent where none is",
    )
    less_context: dict[Literal["past", "alone"], Without] | None = Field(
        None,
        exclude_if=is_absent,
        description="`past` (of a model that reads turns after) and `alone` → scores with but the "
        "turns before read beside an utterance, or none; absent where the model reads none",
    )
    lone: LoneComparison | None = Field(
        None,
        exclude_if=is_absent,
        description="the same configuration without context, trained for it; absent of an "
        "ensemble, and where the model reads no turns",
    )
    baseline_alone: BaselineComparison | None = Field(
        None,
        exclude_if=is_absent,
        description="the plain model without the turns before; absent where it reads none",
    )
    words: WordsComparison | None = Field(
        None,
        exclude_if=is_absent,
        description="manual words read in the place of recognised ones, or the reverse; absent "
        "where there are but one kind, and where the model reads no words",
    )
    normalised_by_speaker: tuple[str, ...] = Field(
        description="modalities scaled by each test speaker's own unlabelled utterances"
    )
    expected: ExpectedAndTest | None = Field(
        description="null where nothing was expected of this model"
    )
    cost: FinalCost = Field(description="of all its networks")
    paper_protocol: PaperProtocol | None = Field(description="null unless it was asked for")
    n_scorings: int = Field(description="openings of this holdout")
    scorings: tuple[Scoring, ...] = Field(description="every opening, this one among them")
    n_protocol_scorings: int | None = Field(
        None,
        description="how often fixed configurations were scored on it before, by `evaluate` or "
        "`paper`",
        exclude_if=is_absent,
    )
    scorings_spread: float | None = Field(description="standard deviation of their accuracies")
    overlaps: tuple[Overlap, ...] = Field(
        description="earlier holdouts with some of the same utterances"
    )
    opening: str = Field(description="name of its opening in the ledger")
    model: str = Field(description="identity of the model")
    seconds: float = Field(description="that the command took")
    scored_at: str = Field(description="when (UTC, ISO 8601)")

    @property
    def is_ensemble(self) -> bool:
        """Whether several models answer together."""
        return len(self.members) > 1

    @property
    def protocol_remark(self) -> str | None:
        """What to think of the score where fixed configurations were scored on the same before."""
        if not self.n_protocol_scorings:
            return None
        return (
            "Fixed configurations were scored on this session before, "
            f"{format_count(self.n_protocol_scorings, 'time')}, under protocols: if that guided a "
            "choice, the score is optimistic."
        )

    @property
    def breakdowns(self) -> Mapping[str, Mapping[str, PartScores]]:
        """What divides the test utterances → part → scores; a kind of one part divides nothing."""
        return {kind: parts for kind, parts in self.by.items() if len(parts) > 1}
