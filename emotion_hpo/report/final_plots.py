"""The final model on the test part: confusion matrix, recall by class, breakdowns."""

import numpy as np
from matplotlib.axes import Axes

from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.metrics import METRICS, Interval
from emotion_hpo.metrics.confidence_interval import EXACT
from emotion_hpo.report.breakdown import list_parts
from emotion_hpo.report.findings import Final, Findings
from emotion_hpo.report.formatting import join_origins
from emotion_hpo.report.style import (
    BLACK,
    BLUE,
    GREY,
    NARROW,
    SCALE,
    SERIES,
    VERMILION,
    Plot,
    draw_figure,
    error_bar_lengths,
    legend_above,
    name_ticks,
    share_axis,
    text_colour_on,
)
from emotion_hpo.runtime.formatting import format_share
from emotion_hpo.selection.suggestion import BASELINE
from emotion_hpo.study.records.final_result import FinalResult


def confusion_plot(result: FinalResult) -> Plot:
    """Plot the confusion matrix of a `result.json`: recall by colour, counts in words."""
    classes = result.confusion.classes
    counts = np.array(result.confusion.counts)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)

    def draw(axes: Axes) -> None:
        image = axes.imshow(100 * shares, vmin=0, vmax=100, cmap=SCALE)
        name_ticks(axes, classes)
        axes.set_yticks(range(len(classes)), classes)
        axes.set_xlabel("predicted emotion (class)")
        axes.set_ylabel("true emotion (class)")
        axes.grid(visible=False)
        for row, column in np.ndindex(counts.shape):
            axes.text(column, row, f"{counts[row, column]}\n{100 * shares[row, column]:.0f} %",
                      ha="center", va="center", color=text_colour_on(shares[row, column]),
                      fontsize=9)  # fmt: skip
        axes.figure.colorbar(image, ax=axes, label="share of the true class (%)", shrink=0.9)

    caption = (
        f"{result.trial} on session {result.test_session}: {result.n_test:,} test "
        f"utterances in {result.n_dialogues} dialogues of {len(result.test_speakers)} "
        "speakers. Counts, and their share of the true class; the diagonal is the recall."
    )
    figure = draw_figure(NARROW, 3.8, draw, synthetic=result.synthetic)
    return Plot("confusion", "Confusion matrix", caption, figure)


def recall_plot(final: Final) -> Plot:
    """Plot the recall of each class with its interval."""
    result = final.result
    recalls = [
        (f"{name}\n({recall.n})", recall.recall, recall.interval)
        for name, recall in result.recall_by_class.items()
        if recall.recall is not None
    ]

    def draw(axes: Axes) -> None:
        _bars(axes, recalls)
        axes.axhline(result.uar, color=VERMILION, lw=1.2, ls="--", label="their mean: UAR")
        axes.set_xlabel("true emotion (utterances)")
        share_axis(axes, "recall")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1))  # beside the bars there is no room

    methods = join_origins([interval for _, _, interval in recalls])
    caption = (
        f"Recall of each emotion on {result.n_test:,} test utterances in "
        f"{result.n_dialogues} dialogues. Bars: 95 % interval by {methods}."
    )
    figure = draw_figure(NARROW, 2.9, draw, synthetic=result.synthetic)
    return Plot("recall", "Recall of each emotion", caption, figure)


def breakdown_plot(final: Final) -> Plot | None:
    """Plot accuracy by speaker, scenario and whatever else stands beside the predictions."""
    parts = list_parts(final.result)
    if not parts:
        return None
    result = final.result

    def draw(axes: Axes) -> None:
        kinds = list(dict.fromkeys(part.kind for part in parts))
        for place, part in enumerate(parts):
            colour = SERIES[kinds.index(part.kind) % len(SERIES)]
            ends = error_bar_lengths([part.accuracy], [part.interval])
            face = "white" if part.interval.origin == EXACT else colour
            axes.errorbar(part.accuracy, place, xerr=ends, fmt="o", color=colour, mfc=face,
                          capsize=3)  # fmt: skip
        axes.axvline(result.accuracy, color=GREY, lw=1.2, ls="--", label="all utterances")
        labels = [f"{part.label} ({part.n})" for part in parts]
        axes.set_yticks(range(len(parts)), labels)
        axes.set_ylim(len(parts) - 0.4, -0.6)
        axes.set_ylabel("part (utterances)")
        share_axis(axes, "test accuracy", axis="x")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))

    methods = join_origins([part.interval for part in parts])
    is_mixed = EXACT in methods.split(" or ") and methods != EXACT
    hollow = f"; a hollow mark: {EXACT}" if is_mixed else ""
    caption = (
        f"Accuracy on parts of the {result.n_test:,} test utterances, whose number stands "
        f"beside each. Bars: 95 % interval by {methods}{hollow}. Many parts are looked "
        "at here: one that stands out may do so by chance."
    )
    figure = draw_figure(NARROW + 1, 1.3 + 0.3 * len(parts), draw, synthetic=result.synthetic)
    return Plot("breakdowns", "Parts of the test session", caption, figure)


def against_baseline_plot(findings: Findings, final: Final | None) -> Plot | None:
    """Plot the final model and the baseline on the same test part, with intervals."""
    if final is None or final.result.trial == BASELINE:
        return None
    result, plain = final.result, final.result.baseline
    scored, of_plain = result.by_metric(), plain.by_metric()
    shown = [
        metric
        for name, metric in METRICS.items()
        if metric.unit == "share" and name in scored and name in of_plain
    ]
    sides = {
        result.trial: [scored[metric.name] for metric in shown],
        "baseline": [of_plain[metric.name] for metric in shown],
    }

    def draw(axes: Axes) -> None:
        for side, (label, values) in enumerate(sides.items()):
            places = [index + 0.3 * side for index in range(len(shown))]
            _marks(axes, places, values, SERIES[side], ("o", "s")[side], label)
        axes.set_xticks([i + 0.15 for i in range(len(shown))], [metric.label for metric in shown])
        axes.set_xlim(-0.5, len(shown) - 0.2)
        axes.set_xlabel("metric (on the test session)")
        share_axis(axes, "value")
        legend_above(axes)

    methods = join_origins([interval for values in sides.values() for _, interval in values])
    caption = (
        f"{result.trial} beside a linear model on {' and '.join(plain.parts)}, both on "
        f"the same {result.n_test:,} test utterances in {result.n_dialogues} dialogues. "
        f"The baseline does not read more. Bars: 95 % interval by {methods}."
    )
    if reading := describe_turns_read(result.turns_read):
        caption += f" {result.trial} {reading}."
    figure = draw_figure(NARROW, 2.8, draw, synthetic=findings.synthetic)
    return Plot("against_baseline", "Beside the baseline", caption, figure)


def reliability_plot(final: Final) -> Plot | None:
    """Plot confidence against accuracy."""
    result = final.result
    calibration = result.calibration
    if not calibration.reliability:
        return None
    bins = calibration.reliability

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="perfectly calibrated")
        most = max(bin_.n for bin_ in bins)
        x, y = [bin_.confidence for bin_ in bins], [bin_.accuracy for bin_ in bins]
        axes.plot(x, y, color=BLUE, lw=1.2)
        axes.scatter(
            x,
            y,
            [12 + 90 * bin_.n / most for bin_ in bins],
            color=BLUE,
            label="answers about as sure",
        )
        share_axis(axes, "confidence of the answer", axis="x")
        share_axis(axes, "accuracy")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    caption = (
        f"Accuracy of answers that are about equally sure, on {result.n_test:,} test "
        "utterances; a larger mark is a bin of more. Expected calibration error "
        f"{format_share(calibration.ece)}, Brier score {calibration.brier:.3f}."
    )
    figure = draw_figure(NARROW, 3.4, draw, synthetic=result.synthetic)
    return Plot("reliability", "Reliability of its confidence", caption, figure)


def _bars(axes: Axes, rows: list[tuple[str, float, Interval]]) -> None:
    heights = [height for _, height, _ in rows]
    ends = error_bar_lengths(heights, [interval for _, _, interval in rows])
    axes.bar(range(len(rows)), heights, 0.6, color=BLUE, yerr=ends,
             error_kw={"capsize": 4, "lw": 1.2, "ecolor": BLACK})  # fmt: skip
    name_ticks(axes, [label for label, _, _ in rows])
    axes.set_ylim(0, 1.02)
    axes.grid(visible=False, axis="x")


def _marks(
    axes: Axes,
    places: list[float],
    figures: list[tuple[float, Interval]],
    colour: str,
    mark: str,
    label: str,
) -> None:
    values = [value for value, _ in figures]
    ends = error_bar_lengths(values, [interval for _, interval in figures])
    axes.errorbar(places, values, yerr=ends, fmt=mark, color=colour, capsize=4, label=label)
