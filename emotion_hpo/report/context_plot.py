"""What the dialogue is worth to the final model: its accuracy with all, a part or none of it."""

from collections.abc import Iterator

from matplotlib.axes import Axes

from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.metrics import Interval
from emotion_hpo.metrics.confidence_interval import EXACT
from emotion_hpo.report.findings import Final
from emotion_hpo.report.formatting import join_origins
from emotion_hpo.report.style import (
    NARROW,
    SERIES,
    Plot,
    draw_figure,
    error_bar_lengths,
    share_axis,
)
from emotion_hpo.selection.suggestion import BASELINE
from emotion_hpo.study.records.final_result import LESS_CONTEXT, FinalResult

#: Label, accuracy, its interval, and which colour: the model itself, or one of its rivals.
_Row = tuple[str, float, Interval, str]


def context_plot(final: Final) -> Plot | None:
    """Plot the accuracy of a model that reads dialogues beside those that read less of them."""
    result = final.result
    if result.less_context is None:
        return None
    rows = list(_rows(result))

    def draw(axes: Axes) -> None:
        for place, (_, accuracy, interval, colour) in enumerate(rows):
            ends = error_bar_lengths([accuracy], [interval])
            face = "white" if interval.origin == EXACT else colour
            axes.errorbar(accuracy, place, xerr=ends, fmt="o", color=colour, mfc=face, capsize=3)
        axes.set_yticks(range(len(rows)), [label for label, *_ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_ylabel("model, and what it reads")
        share_axis(axes, "test accuracy", axis="x")

    reading = describe_turns_read(result.turns_read)
    caption = (
        f"Accuracy of {result.trial} on {result.n_test:,} test utterances with all of the dialogue "
        "that it reads and with less, beside models that were trained with less. Bars: 95 % "
        f"interval by {join_origins([interval for _, _, interval, _ in rows])}; the paired "
        "differences, which are surer, stand in the table."
    )
    if reading:
        caption += f" {result.trial} {reading}."
    figure = draw_figure(NARROW + 1, 1.2 + 0.3 * len(rows), draw, synthetic=result.synthetic)
    return Plot("context", "What the dialogue is worth", caption, figure)


def _rows(result: FinalResult) -> Iterator[_Row]:
    own, trained_alone, of_baseline = SERIES[:3]
    yield result.trial, result.accuracy, result.accuracy_interval, own
    for reads, less in (result.less_context or {}).items():
        label = f"{result.trial}, {LESS_CONTEXT[reads]}"
        yield label, less.accuracy, less.accuracy_interval, own
    if (lone := result.lone) is not None:
        yield "trained without context", lone.accuracy, lone.accuracy_interval, trained_alone
    baseline = result.baseline
    if result.trial != BASELINE:
        yield "baseline", baseline.accuracy, baseline.accuracy_interval, of_baseline
    if (alone := result.baseline_alone) is not None:
        label = "baseline without the turns before"
        yield label, alone.accuracy, alone.accuracy_interval, of_baseline
