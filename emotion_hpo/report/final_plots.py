"""The final model on the test part: confusion matrix, recall by class, breakdowns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from emotion_hpo import metrics
from emotion_hpo.metrics.intervals import EXACT
from emotion_hpo.report.formatting import interval_method, join_methods
from emotion_hpo.report.reading import Final, Findings
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
from emotion_hpo.selection.suggestion import BASELINE

#: Columns of `predictions.csv` by which the test part is broken down, where it has them.
_BREAKDOWNS = ("speaker", "scenario", "wears_markers", "has_text", "has_speech", "has_mocap")

#: More parts than this of one kind are no breakdown.
_MOST_PARTS = 12


def confusion_plot(result: Mapping[str, Any]) -> Plot:
    """Plot the confusion matrix of a `result.json`: recall by colour, counts in words."""
    classes = result["confusion"]["classes"]
    counts = np.array(result["confusion"]["counts"])
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
        f"{result['trial']} on session {result['test_session']}: {result['n_test']:,} test "
        f"utterances in {result['n_dialogues']} dialogues of {len(result['test_speakers'])} "
        "speakers. Counts, and their share of the true class; the diagonal is the recall."
    )
    figure = draw_figure(NARROW, 3.8, draw, synthetic=result["synthetic"])
    return Plot("confusion", "Confusion matrix", caption, figure)


def recall_plot(final: Final) -> Plot:
    """Plot the recall of each class with its interval."""
    result = final.result
    recalls = {
        name: recall
        for name, recall in result["recall_by_class"].items()
        if recall["recall"] is not None
    }

    def draw(axes: Axes) -> None:
        _bars(axes, [(f"{name}\n({recall['n']})", recall["recall"], recall["interval"])
                     for name, recall in recalls.items()])  # fmt: skip
        axes.axhline(result["uar"], color=VERMILION, lw=1.2, ls="--", label="their mean: UAR")
        axes.set_xlabel("true emotion (utterances)")
        share_axis(axes, "recall")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1))  # beside the bars there is no room

    methods = join_methods([recall["interval"] for recall in recalls.values()])
    caption = (
        f"Recall of each emotion on {result['n_test']:,} test utterances in "
        f"{result['n_dialogues']} dialogues. Bars: 95 % interval by {methods}."
    )
    figure = draw_figure(NARROW, 2.9, draw, synthetic=result["synthetic"])
    return Plot("recall", "Recall of each emotion", caption, figure)


def breakdown_plot(final: Final) -> Plot | None:
    """Plot accuracy by speaker, scenario and whatever else stands beside the predictions."""
    rows = breakdown(final)
    if not rows:
        return None
    result = final.result

    def draw(axes: Axes) -> None:
        groups = list(dict.fromkeys(row["by"] for row in rows))
        for place, row in enumerate(rows):
            colour = SERIES[groups.index(row["by"]) % len(SERIES)]
            ends = error_bar_lengths([row["accuracy"]], [row["interval"]])
            face = "white" if interval_method(row["interval"]) == EXACT else colour
            axes.errorbar(row["accuracy"], place, xerr=ends, fmt="o", color=colour, mfc=face,
                          capsize=3)  # fmt: skip
        axes.axvline(result["accuracy"], color=GREY, lw=1.2, ls="--", label="all utterances")
        labels = [f"{row['by']}: {row['value']} ({row['n']})" for row in rows]
        axes.set_yticks(range(len(rows)), labels)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_ylabel("part (utterances)")
        share_axis(axes, "test accuracy", axis="x")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))

    methods = join_methods([row["interval"] for row in rows])
    is_mixed = EXACT in methods.split(" or ") and methods != EXACT
    hollow = f"; a hollow mark: {EXACT}" if is_mixed else ""
    caption = (
        f"Accuracy on parts of the {result['n_test']:,} test utterances, whose number stands "
        f"beside each. Bars: 95 % interval by {methods}{hollow}. Many parts are looked "
        "at here: one that stands out may do so by chance."
    )
    figure = draw_figure(NARROW + 1, 1.3 + 0.3 * len(rows), draw, synthetic=result["synthetic"])
    return Plot("breakdowns", "Parts of the test session", caption, figure)


def breakdown(final: Final) -> list[dict[str, Any]]:
    """Return accuracy and UAR of parts of the test set, as stored, else from the predictions."""
    if stored := _stored_breakdown(final):
        return stored
    table = final.predictions
    if table is None or "predicted" not in table:
        return []
    classes: list[str] = final.result["confusion"]["classes"]
    columns = [name for name in _BREAKDOWNS if name in table]
    rows = []
    for by in columns:
        parts = [*table.groupby(by)]
        if 1 < len(parts) <= _MOST_PARTS:
            rows += [_part(by, value, part, classes) for value, part in parts]
    return rows


def _stored_breakdown(final: Final) -> list[dict[str, Any]]:
    return [
        {
            "by": kind.replace("_", " "),
            "value": name,
            "n": part["n"],
            "accuracy": part["accuracy"],
            "interval": part["accuracy_interval"],
            "uar": part["uar"],
        }
        for kind, parts in (final.result.get("by") or {}).items()
        for name, part in parts.items()
        if part["n"] > 0 and len(parts) <= _MOST_PARTS
    ]


def _part(by: str, value: object, part: pd.DataFrame, classes: list[str]) -> dict[str, Any]:
    index = {name: place for place, name in enumerate(classes)}
    labels, predicted = (
        np.array([index[str(class_name)] for class_name in part[name]], np.int64)
        for name in ("emotion", "predicted")
    )
    dialogues = list(part["dialogue"].astype(str))
    interval = metrics.interval("accuracy", labels, predicted, dialogues, len(classes))
    return {
        "by": by.replace("_", " "),
        "value": value,
        "n": len(part),
        "accuracy": interval.estimate,
        "interval": interval.as_json(),
        "uar": float(metrics.METRICS["uar"].score(labels, np.eye(len(classes))[predicted])),
    }


def against_baseline_plot(findings: Findings, final: Final | None) -> Plot | None:
    """Plot the final model and the baseline on the same test part, with intervals."""
    if final is None or not final.result.get("baseline") or final.result["trial"] == BASELINE:
        return None
    result, plain = final.result, final.result["baseline"]
    names = [
        name
        for name, metric in metrics.METRICS.items()
        if metric.unit == "share"
        and all(scores.get(f"{name}_interval") is not None for scores in (result, plain))
    ]

    def draw(axes: Axes) -> None:
        for side, (scores, label) in enumerate(((result, result["trial"]), (plain, "baseline"))):
            places = [index + 0.3 * side for index in range(len(names))]
            _marks(axes, places, [(scores[name], scores[f"{name}_interval"]) for name in names],
                   SERIES[side], ("o", "s")[side], label)  # fmt: skip
        shown = [metrics.METRICS[name].label for name in names]
        axes.set_xticks([i + 0.15 for i in range(len(names))], shown)
        axes.set_xlim(-0.5, len(names) - 0.2)
        axes.set_xlabel("metric (on the test session)")
        share_axis(axes, "value")
        legend_above(axes)

    shown_intervals = [scores[f"{name}_interval"] for scores in (result, plain) for name in names]
    methods = join_methods(shown_intervals)
    caption = (
        f"{result['trial']} beside a linear model on {' and '.join(plain['parts'])}, both on "
        f"the same {result['n_test']:,} test utterances in {result['n_dialogues']} dialogues. "
        f"The baseline does not read more. Bars: 95 % interval by {methods}."
    )
    figure = draw_figure(NARROW, 2.8, draw, synthetic=findings.synthetic)
    return Plot("against_baseline", "Beside the baseline", caption, figure)


def _bars(axes: Axes, rows: list[tuple[str, float, Any]]) -> None:
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
    figures: list[tuple[float, Any]],
    colour: str,
    mark: str,
    label: str,
) -> None:
    values = [value for value, _ in figures]
    ends = error_bar_lengths(values, [interval for _, interval in figures])
    axes.errorbar(places, values, yerr=ends, fmt=mark, color=colour, capsize=4, label=label)
