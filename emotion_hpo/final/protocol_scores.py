"""What a configuration's answers under a protocol are worth: by fold, pooled, averaged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.final.protocol_answers import Answers, pool
from emotion_hpo.final.protocols import Answered
from emotion_hpo.metrics import METRICS, Interval, compare, fold_interval, interval
from emotion_hpo.metrics.combination import choose_weights, maximum_confidence, weighted
from emotion_hpo.splits.protocols import PROTOCOLS
from emotion_hpo.study.records.protocol import (
    ProtocolFoldScore,
    ProtocolResult,
    ProtocolScore,
    TestPicked,
)

#: Fold → the answers of each seed.
ByFold = Mapping[str, tuple[Answers, ...]]


def score_protocol(answered: Answered, corpus: str, *, synthetic: bool) -> ProtocolResult:
    """Return what a configuration reaches under a protocol."""
    by_fold, candidate = answered.by_fold, answered.candidate
    each = [part for parts in by_fold.values() for part in parts]
    return ProtocolResult(
        name=candidate.name,
        protocol=candidate.protocol,
        description=PROTOCOLS[candidate.protocol].description,
        corpus=corpus,
        synthetic=synthetic,
        config=candidate.config.identity,
        seeds=candidate.seeds,
        folds=tuple(_score_fold(name, parts) for name, parts in by_fold.items()),
        pooled_accuracy=score_pooled("accuracy", by_fold),
        pooled_uar=score_pooled("uar", by_fold),
        averaged_accuracy=_score_averaged("accuracy", by_fold),
        averaged_uar=_score_averaged("uar", by_fold),
        n_parameters=max(part.n_parameters for part in each),
        epoch_seconds=float(np.mean([part.epoch_seconds for part in each])),
        test_picked=_score_on_test(answered.on_test) if answered.on_test else None,
        other_looks=answered.other_looks,
    )


def _score_fold(name: str, parts: Sequence[Answers]) -> ProtocolFoldScore:
    first = parts[0]
    return ProtocolFoldScore(
        name=name,
        n_train=first.n_train,
        n_validation=len(first.validation_labels),
        n_test=len(first.labels),
        accuracy=float(np.mean([_score("accuracy", part) for part in parts])),
        uar=float(np.mean([_score("uar", part) for part in parts])),
        epochs=tuple(part.epoch for part in parts),
    )


def score_pooled(metric: str, by_fold: ByFold) -> ProtocolScore:
    """Return a score over the utterances of all folds' test parts."""
    scores, intervals = [], []
    for parts in zip(*by_fold.values(), strict=True):  # of each seed
        labels, probabilities, dialogues = pool(parts)
        n_classes = probabilities.shape[1]
        scores.append(METRICS[metric].score(labels, probabilities))
        intervals.append(interval(metric, labels, probabilities, dialogues, n_classes))
    mean = float(np.mean(scores))
    return ProtocolScore(mean=mean, by_seed=tuple(scores), interval=mean_interval(mean, intervals))


def _score_averaged(metric: str, by_fold: ByFold) -> ProtocolScore:
    """Return the mean of the folds' scores."""
    of_folds = np.array([[_score(metric, part) for part in parts] for parts in by_fold.values()])
    firsts = [parts[0] for parts in by_fold.values()]
    n_train = round(float(np.mean([part.n_train for part in firsts])))
    n_test = round(float(np.mean([len(part.labels) for part in firsts])))
    return ProtocolScore(
        mean=float(of_folds.mean()),
        by_seed=tuple(map(float, of_folds.mean(0))),
        interval=fold_interval(list(map(float, of_folds.mean(1))), n_train, n_test),
    )


def _score_on_test(on_test: ByFold) -> TestPicked:
    """Return what a paper prints that chooses its epoch on the test part."""
    each = [part for parts in on_test.values() for part in parts]
    best = [int(part.accuracies.argmax()) for part in each]
    pairs = [*zip(each, best, strict=True)]
    return TestPicked(
        accuracy=float(np.mean([part.accuracies[epoch] for part, epoch in pairs])),
        uar=float(np.mean([part.uars[epoch] for part, epoch in pairs])),
        last_accuracy=float(np.mean([part.accuracies[-1] for part in each])),
        last_uar=float(np.mean([part.uars[-1] for part in each])),
        epochs=tuple(epoch + 1 for epoch in best),
    )


def compare_pooled(first: ByFold, second: ByFold) -> Interval:
    """Return by how much the first configuration is more accurate, over the same test utterances.

    Seeds are paired; the ends are the mean of the seeds' own.
    """
    differences = []
    seeds, other_seeds = (list(zip(*each.values(), strict=True)) for each in (first, second))
    n_seeds = max(len(seeds), len(other_seeds))  # of what trains without a seed there is one
    for seed in range(n_seeds):
        parts, others = seeds[seed % len(seeds)], other_seeds[seed % len(other_seeds)]
        labels, probabilities, dialogues = pool(parts)
        _, other, _ = pool(others)
        n_classes = probabilities.shape[1]
        differences.append(compare(labels, probabilities, other, dialogues, n_classes).interval)
    mean = float(np.mean([each.estimate for each in differences if each.estimate is not None]))
    return mean_interval(mean, differences)


def mean_interval(mean: float, intervals: Sequence[Interval]) -> Interval:
    """Return the interval of a mean over seeds whose spread is the data's: the mean of their ends.

    Seeds share the test utterances, so that their mean is hardly surer than each of them.
    """
    ends = [each.ends for each in intervals if each.ends is not None]
    first = intervals[0]
    if not ends:
        return first
    low, high = np.mean(np.array(ends, float), axis=0)
    return Interval(
        mean, min(float(low), mean), max(float(high), mean), first.level, first.method,
        first.n_utterances, first.n_dialogues,
    )  # fmt: skip


def _score(metric: str, part: Answers) -> float:
    return METRICS[metric].score(part.labels, part.probabilities)


def combine(members: Sequence[ByFold], rule: str) -> dict[str, tuple[Answers, ...]]:
    """Combine several configurations' answers, seed by seed; weights are chosen on validation.

    What trains without a seed stands beside each of the others' seeds.
    """
    n_seeds = max(len(parts) for member in members for parts in member.values())

    return {
        name: tuple(
            _combined([member[name][seed % len(member[name])] for member in members], rule)
            for seed in range(n_seeds)
        )
        for name in members[0]
    }


def _combined(parts: Sequence[Answers], rule: str) -> Answers:
    stacked = np.stack([part.probabilities for part in parts])
    weights: NDArray[np.float64] = np.full(len(parts), 1 / len(parts))
    if rule == "weighted":
        validation = np.stack([part.validation for part in parts])
        weights = choose_weights(validation, parts[0].validation_labels, "accuracy")
    is_surest = rule == "maximum_confidence"
    answers = maximum_confidence(stacked) if is_surest else weighted(stacked, weights)
    labels = parts[0].labels
    return replace(
        parts[0],
        probabilities=np.asarray(answers, np.float32),
        accuracies=np.array([METRICS["accuracy"].score(labels, answers)]),
        uars=np.array([METRICS["uar"].score(labels, answers)]),
        n_parameters=sum(part.n_parameters for part in parts),
        epoch_seconds=sum(part.epoch_seconds for part in parts),
    )
