"""Builds `result.json`: the retrained models on the unsealed test, in one record."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np

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
from emotion_hpo.predict.saved_model import SavedEnsemble, SavedModel
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
    """Models that have learnt from train + validation: what is scored, and its rivals.

    Attributes:
        plan: What it is made by.
        model: What is scored.
        default: The default configuration's trial and model; None where it is the winner.
        baseline: The plain model, trained on the same.
        lone: The configuration without context; None where there is no such rival.
        baseline_alone: The plain model without the turns before; None where it reads none.
    """

    plan: Plan
    model: SavedEnsemble
    default: tuple[str, SavedModel] | None
    baseline: SavedModel
    lone: SavedModel | None = None
    baseline_alone: SavedModel | None = None

    @property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """What was recorded → the modalities made of it that a member reads."""
        return group_by_source(self.model.origins)


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
        n_protocol_scorings: How often fixed configurations were scored on it before.
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
    n_protocol_scorings: int
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
    # Of an ensemble with the baseline, which has no seeds, a trial
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
        epochs=first.epochs if len(models.plan.members) == 1 else None,
        seeds=tuple(first.seeds),
        modalities=tuple(sorted(models.model.origins)),
        validation=Validated(
            objective=occasion.objective,
            value=first.value if len(models.plan.members) == 1 else None,
        ),
        recall_by_class=measure_recalls(test, predicted),
        confusion=count_confusions(test, predicted),
        accuracy_by_seed=single,
        accuracy_mean=float(np.mean(single)),
        accuracy_spread=_spread(single),
        calibration=measure_calibration(test.labels, answers),
        baseline=compare_baseline(models.baseline, test, answers),
        default=compare_default(models.default, test, answers),
        by=break_down(test, everything, models.model.members, answers),
        without=remove_each_source(test, models.model.answers, models.sources),
        layer_weights=layer_weights(models.model.members) or None,
        turns_read=models.model.turns_read,
        less_context=remove_context(
            partial(models.model.answers, test), test, models.model.turns_read
        ),
        lone=compare_lone(models.lone, test, answers),
        baseline_alone=None if alone is None else compare_baseline(alone, test, answers),
        words=words,
        normalised_by_speaker=normalised_by_speaker(models.model.members),
        expected=compare_with_test(occasion.expected, occasion.objective, test, answers),
        cost=measure_final_cost(models.model.members, test),
        paper_protocol=None,
        n_scorings=len(occasion.openings),
        scorings=scorings,
        n_protocol_scorings=occasion.n_protocol_scorings or None,
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
