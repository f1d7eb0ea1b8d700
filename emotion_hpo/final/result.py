"""Builds `result.json`: the retrained models on the unsealed test, in one record."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np

from emotion_hpo.config.turns_read import TurnsRead, find_turns_read
from emotion_hpo.dataset.batches import Reads
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.breakdowns import (
    break_down,
    group_by_source,
    layer_weights,
    normalised_by_speaker,
    remove_context,
    remove_each_source,
)
from emotion_hpo.final.cost import measure_final_cost
from emotion_hpo.final.evaluation import (
    Probabilities,
    accuracy_by_seed,
    count_confusions,
    measure_calibration,
    measure_recalls,
    measure_scores,
)
from emotion_hpo.final.expected_score import compare_with_test
from emotion_hpo.final.plan import Plan
from emotion_hpo.final.rivals import compare_baseline, compare_default, compare_lone
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.selection.suggestion import BASELINE
from emotion_hpo.study.expected_score import ExpectedScore
from emotion_hpo.study.records.final_result import (
    FinalResult,
    Member,
    Scoring,
    Validated,
    WordsComparison,
)
from emotion_hpo.study.records.ledger import ScoredOpening


@dataclass(frozen=True)
class Models:
    """Models that have learnt from train + validation: the members, and their rivals.

    Attributes:
        plan: How the members' answers are combined.
        members: Each with a network a seed.
        default: The default configuration's trial and model; None where it is the winner.
        baseline: The plain model, trained on the same.
        lone: The configuration without context; None where there is no such rival.
        baseline_alone: The plain model without the turns before; None where it reads none.
    """

    plan: Plan
    members: Sequence[SavedModel]
    default: tuple[str, SavedModel] | None
    baseline: SavedModel
    lone: SavedModel | None = None
    baseline_alone: SavedModel | None = None

    @property
    def turns_read(self) -> TurnsRead | None:
        """What the members read of a dialogue beside an utterance."""
        return find_turns_read(member.config.model for member in self.members)

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the members read, sorted."""
        names = {name for member in self.members for name in member.preprocessor.modalities}
        return tuple(sorted(names))

    @property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """What was recorded → the modalities made of it that the members read."""
        origins = {
            name: origin for member in self.members for name, origin in member.origins.items()
        }
        return group_by_source(self.modalities, origins)

    def answers(self, utterances: Utterances, reads: Reads = "all") -> Probabilities:
        """Return the members' combined probabilities by seed `(seeds, n, classes)`.

        Args:
            utterances: Which ones.
            reads: How much of its dialogue a member reads beside each, at most what it reads.
        """
        return self.plan.combined(
            [
                member.probabilities(member.preprocessor.transform(utterances), reads=reads)
                for member in self.members
            ]
        )


@dataclass(frozen=True)
class Occasion:
    """On what, and as which look at the holdout, the models are scored.

    Attributes:
        study: Name of the study.
        objective: Metric that was searched for.
        corpus: Name of the corpus.
        synthetic: Whether it is invented.
        test_session: The holdout's session.
        expected: The score that was expected of the models; None where nothing was.
        opening: Name of this opening in the ledger.
        openings: Every opening of the holdout, this one among them.
        began: When the command began, by `time.monotonic`.
    """

    study: str
    objective: str
    corpus: str
    synthetic: bool
    test_session: str
    expected: ExpectedScore | None
    opening: str
    openings: Sequence[ScoredOpening]
    began: float


def build_result(
    models: Models,
    by_seed: Probabilities,
    everything: Utterances,
    test: Utterances,
    occasion: Occasion,
    words: WordsComparison | None = None,
) -> FinalResult:
    """Score the models on the test; return what `result.json` holds, without the paper's score.

    Args:
        models: What is scored, and what it is compared with.
        by_seed: The members' answers to the test `(seeds, n, classes)`.
        everything: Train + validation.
        test: The unsealed test.
        occasion: What is known beside them.
        words: The model's scores by other words of the test, if there are any.
    """
    answers = by_seed.mean(0)
    predicted = answers.argmax(1)
    scores, single = measure_scores(test, answers), accuracy_by_seed(test, by_seed)
    # Of an ensemble with the baseline, what the trials say
    first = max(models.plan.members, key=lambda recipe: recipe.name != BASELINE)
    scorings = _list_scorings(occasion, scores.accuracy)
    accuracies = [scoring.accuracy for scoring in scorings if scoring.accuracy is not None]
    alone = models.baseline_alone
    overlaps = [line.overlaps for line in occasion.openings if line.opening == occasion.opening]
    return FinalResult(
        **dict(scores),
        study=occasion.study,
        trial=models.plan.name,
        members=tuple(
            Member(trial=recipe.name, epochs=recipe.epochs, weight=weight)
            for recipe, weight in zip(models.plan.members, models.plan.weights, strict=True)
        ),
        rule=models.plan.rule,
        corpus=occasion.corpus,
        synthetic=occasion.synthetic,
        n_train=len(everything),
        n_test=len(test),
        n_dialogues=int(test.table["dialogue"].nunique()),
        test_session=occasion.test_session,
        test_speakers=tuple(sorted(test.table["speaker"].unique())),
        epochs=first.epochs,
        seeds=tuple(first.seeds),
        modalities=models.modalities,
        validation=Validated(objective=occasion.objective, value=first.value),
        recall_by_class=measure_recalls(test, predicted),
        confusion=count_confusions(test, predicted),
        accuracy_by_seed=single,
        accuracy_mean=float(np.mean(single)),
        accuracy_spread=_spread(single),
        calibration=measure_calibration(test.labels, answers),
        baseline=compare_baseline(models.baseline, test, answers),
        default=compare_default(models.default, test, answers),
        by=break_down(test, everything, models.members, answers),
        without=remove_each_source(test, models.answers, models.sources),
        layer_weights=layer_weights(models.members) or None,
        turns_read=models.turns_read,
        less_context=remove_context(partial(models.answers, test), test, models.turns_read),
        lone=compare_lone(models.lone, test, answers),
        baseline_alone=None if alone is None else compare_baseline(alone, test, answers),
        words=words,
        normalised_by_speaker=normalised_by_speaker(models.members),
        expected=compare_with_test(occasion.expected, occasion.objective, test, answers),
        cost=measure_final_cost(models.members, test),
        paper_protocol=None,
        n_scorings=len(occasion.openings),
        scorings=scorings,
        scorings_spread=_spread(accuracies),
        overlaps=overlaps[0],
        opening=occasion.opening,
        model=models.plan.identity,
        seconds=time.monotonic() - occasion.began,
        scored_at=datetime.now(UTC).isoformat(),
    )


def _list_scorings(occasion: Occasion, accuracy: float) -> tuple[Scoring, ...]:
    """Return every opening of the holdout, this one with the accuracy that just came out."""
    return tuple(
        Scoring(
            study=line.study,
            trial=line.trial,
            by=line.by,
            at=line.at,
            accuracy=accuracy if line.opening == occasion.opening else line.accuracy,
        )
        for line in occasion.openings
    )


def _spread(values: Sequence[float]) -> float | None:
    """Return the standard deviation; None of a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
