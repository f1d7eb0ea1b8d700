"""Differences between studies, paired: their best trials on the same utterances, and their finals.

Two figures of two models on the same utterances share what makes an utterance hard, so their
difference is far surer than the distance of their own intervals suggests: it is what is shown.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes

from emotion_hpo.metrics import METRICS, Comparison, Metric, compare
from emotion_hpo.metrics.formatting import format_difference
from emotion_hpo.report.document import Table, Text
from emotion_hpo.report.findings import Final, Findings, StoredPredictions
from emotion_hpo.report.formatting import METHODS, format_difference_ends
from emotion_hpo.report.style import (
    BLACK,
    MARKS,
    NARROW,
    SERIES,
    Plot,
    draw_figure,
    error_bar_lengths,
    share_axis,
)


def difference_blocks(studies: Sequence[Findings], *, synthetic: bool) -> list[Text | Table | Plot]:
    """Return the differences of every two studies, with why some are not there."""
    rows, shown, remarks = [], [], []
    for first, second in combinations(studies, 2):
        for part, pair in (
            ("validation", _validation_pair(first, second)),
            ("test", _test_pair(first.final, second.final)),
        ):
            pair_name = _pair_name(first, second, part)
            if isinstance(pair, str):
                remarks.append(Text(f"{pair_name}, {part}: {pair}"))
                continue
            answers, other = pair
            first_answers = (
                answers.predicted if answers.probabilities is None else answers.probabilities
            )
            second_answers = other.predicted if other.probabilities is None else other.probabilities
            has_probabilities = (
                answers.probabilities is not None and other.probabilities is not None
            )
            for metric in METRICS.values():
                if metric.needs_probabilities and not has_probabilities:
                    continue
                comparison = compare(
                    answers.labels, first_answers, second_answers, [*answers.dialogues],
                    answers.n_classes, metric=metric.name,
                )  # fmt: skip
                rows.append(_row(pair_name, part, metric, comparison, answers))
                if metric.name == "accuracy":
                    shown.append((f"{pair_name}\n{part} ({len(answers.labels):,})", comparison))
    blocks: list[Text | Table | Plot] = [*remarks]
    if rows:
        columns = (
            "pair", "part", "metric", "difference", "95 % interval", "by", "n", "only 1st right",
            "only 2nd right", "McNemar p",
        )  # fmt: skip
        note = (
            "Points of 100 (a loss as it is: the lower, the better), on n utterances, of which the "
            f"first model or the second alone was right about so many. {METHODS} In every resample "
            "both models meet the same dialogues. McNemar's test is of accuracy alone, and takes "
            "utterances as independent. Best trials were chosen on these validation utterances: "
            "both are too good there."
        )
        blocks.append(Table("differences", "Differences", columns, rows, note))
        blocks.append(_difference_plot(shown, synthetic=synthetic))
    return blocks


def _pair_name(first: Findings, second: Findings, part: str) -> str:
    """Name two studies, and the model that stands for each."""
    if part == "test":
        names = [study.final.result.trial if study.final else None for study in (first, second)]
    else:
        names = [study.best.name if study.best else None for study in (first, second)]
    of_each = [
        f"{study.name} ({name})" if name else study.name
        for study, name in zip((first, second), names, strict=True)
    ]
    return " less ".join(of_each)


def _row(
    pair: str, part: str, metric: Metric, comparison: Comparison, answers: StoredPredictions
) -> tuple[object, ...]:
    return (
        pair,
        part,
        metric.label,
        format_difference(metric.name, comparison.difference),
        format_difference_ends(comparison.interval, metric.name),
        comparison.interval.method,
        len(answers.labels),
        comparison.n_first,
        comparison.n_second,
        f"{comparison.p_value:.3f}" if metric.name == "accuracy" else "–",
    )


def _validation_pair(
    first: Findings, second: Findings
) -> tuple[StoredPredictions, StoredPredictions] | str:
    answers, other = first.answers, second.answers
    if answers is None or other is None:
        return "a study has no complete trial with stored answers"
    return _same(answers, other)


def _test_pair(
    first: Final | None, second: Final | None
) -> tuple[StoredPredictions, StoredPredictions] | str:
    if first is None or second is None:
        return "not both studies have a final model"
    answers, other = _test_answers(first), _test_answers(second)
    if answers is None or other is None:
        return "predictions.csv of a final model is not there"
    return _same(answers, other)


def _test_answers(final: Final) -> StoredPredictions | None:
    table = final.predictions
    if table is None:
        return None
    index = {name: place for place, name in enumerate(final.result.confusion.classes)}
    columns = [f"p_{name}" for name in index]
    return StoredPredictions(
        utterance_ids=table["utterance_id"].to_numpy(str),
        dialogues=table["dialogue"].to_numpy(str),
        labels=np.asarray(table["emotion"].map(index), np.int64),
        predicted=np.asarray(table["predicted"].map(index), np.int64),
        probabilities=table[columns].to_numpy(float) if {*columns} <= {*table} else None,
        n_classes=len(index),
    )


def _same(
    answers: StoredPredictions, other: StoredPredictions
) -> tuple[StoredPredictions, StoredPredictions] | str:
    same = np.array_equal(answers.utterance_ids, other.utterance_ids)
    if not same or not np.array_equal(answers.labels, other.labels):
        return "they were judged on different utterances, so no difference is paired"
    return answers, other


def _difference_plot(shown: Sequence[tuple[str, Comparison]], *, synthetic: bool) -> Plot:
    def draw(axes: Axes) -> None:
        for place, (_, comparison) in enumerate(shown):
            ends = error_bar_lengths([comparison.difference], [comparison.interval])
            axes.errorbar(comparison.difference, place, xerr=ends, fmt=MARKS[place % len(MARKS)],
                          color=SERIES[place % len(SERIES)], capsize=4)  # fmt: skip
        axes.axvline(0, color=BLACK, lw=1)
        axes.set_yticks(range(len(shown)), [label for label, _ in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_ylabel("pair, part (utterances)")
        share_axis(axes, "difference in accuracy", axis="x")
        axes.set_xlabel("difference in accuracy (points of 100)")

    methods = " or ".join(dict.fromkeys(comparison.interval.method for _, comparison in shown))
    caption = (
        "Difference in accuracy on the same utterances, whose number stands beside each pair. "
        f"Bars: 95 % interval by {methods}, paired. One that spans 0 "
        "leaves open which is better."
    )
    figure = draw_figure(NARROW + 1.6, max(1.1 + 0.5 * len(shown), 2.2), draw, synthetic=synthetic)
    return Plot("differences", "Paired differences in accuracy", caption, figure)
