"""Which values were tried and which did well: importance, parallel coordinates, slices."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from emotion_hpo.config import Range
from emotion_hpo.report.findings import Findings, describe_validation, scored_value
from emotion_hpo.report.statistics import Importance, importance, scaled
from emotion_hpo.report.style import (
    BLUE,
    NARROW,
    SCALE,
    STATES,
    VERMILION,
    WIDE,
    Plot,
    draw_figure,
    error_bar_lengths,
    fold_label,
    format_objective,
    legend_above,
    name_ticks,
    share_axis,
    short_path,
    value_axis,
)


def importance_at_epoch(findings: Findings) -> tuple[Importance | None, str]:
    """Return importance over the values at an epoch that most trials reached, and name it.

    A pruned trial has had less time than a complete one: judged by its best value, it would look
    bad for having been cut off. All are judged by the best of their first training up to one epoch,
    the latest that two thirds of them have reached.
    """
    metric, sign = findings.objective, findings.sign
    trained = [trial for trial in findings.scored if trial.curve]
    if not trained:
        return None, ""
    curves = {trial.number: [e for e in trial.curve if e.training == 0] for trial in trained}
    lengths = sorted((len(curves[trial.number]) for trial in trained), reverse=True)
    epoch = lengths[max(math.ceil(2 / 3 * len(lengths)) - 1, 0)]
    judged = [trial for trial in trained if len(curves[trial.number]) >= epoch]
    reached = [
        [sign * report.metrics[metric] for report in curves[t.number][:epoch]
         if report.metrics[metric] is not None]
        for t in judged
    ]  # fmt: skip
    judged = [trial for trial, values in zip(judged, reached, strict=True) if values]
    values = [sign * max(value) for value in reached if value]
    importances = importance([trial.params for trial in judged], values, findings.config.space)
    return importances, f"their best {format_objective(metric)} up to epoch {epoch}"


def importance_plot(findings: Findings) -> Plot | None:
    """Plot bars of importance with their intervals."""
    importances, judged_by = importance_at_epoch(findings)
    if importances is None or importances.explained <= 0:
        return None

    def draw(axes: Axes) -> None:
        rows = range(len(importances.shares))
        shares = list(importances.shares.values())
        bars = error_bar_lengths(shares, [*importances.intervals.values()])
        axes.barh(rows, shares, color=BLUE, height=0.6, xerr=bars,
                  error_kw={"capsize": 3, "lw": 1.2, "ecolor": "#222222"})  # fmt: skip
        axes.axvline(0, color="#444444", lw=0.8)
        axes.set_yticks(rows, [short_path(path) for path in importances.shares])
        axes.invert_yaxis()
        axes.set_ylabel("parameter")
        share_axis(axes, "variance lost when shuffled", axis="x")
        axes.grid(visible=False, axis="y")

    trust = (
        f"The forest explains {100 * importances.explained:.0f} % of the variance of trials that "
        "it has not seen"
    )
    if importances.explained < 0.3:
        trust += ": too little to rank the parameters by"
    is_unused = any(interval_.ends is None for interval_ in importances.intervals.values())
    unused = "; not estimable, so without a bar, where no forest used a parameter" * is_unused
    caption = (
        f"Permutation importance in a random forest over {importances.n_trials} trials, judged by "
        f"{judged_by}, on {describe_validation(findings)}. Bars: 90 % interval over resampled "
        f"trials{unused}. {trust}."
    )
    height = 1.1 + 0.3 * len(importances.shares)
    figure = draw_figure(NARROW + 1, height, draw, synthetic=findings.synthetic)
    return Plot("importance", "Importance of the parameters", caption, figure)


def parallel_plot(findings: Findings) -> Plot | None:
    """Plot each trial as a line through its values, coloured by its score; the best last."""
    space, scored = findings.config.space, findings.scored
    if not scored or not space:
        return None
    paths = list(space)
    order = sorted(scored, key=lambda trial: findings.sign * scored_value(trial))
    values = [scored_value(trial) for trial in order]

    def draw(axes: Axes) -> None:
        lines = np.array([
            [(scaled(space[path], trial.params.get(path)), row) for row, path in enumerate(paths)]
            for trial in order
        ])  # fmt: skip
        if len(paths) == 1:
            lines = np.concatenate([lines, lines + np.array([0, 0.2])], axis=1)
        norm = Normalize(min(values), max(values) if max(values) > min(values) else None)
        widths = [1.0] * (len(order) - 1) + [2.4]
        drawn_lines = LineCollection([*lines], cmap=f"{SCALE}_r", norm=norm, lw=widths, alpha=0.8)
        drawn_lines.set_array(np.array(values))
        axes.add_collection(drawn_lines)
        axes.set_xlim(-0.14, 1.06)
        axes.set_ylim(max(len(paths) - 1, 0.2) + 0.1, -0.1)
        labels = [f"{short_path(path)}\n{_ends(space[path])}" for path in paths]
        axes.set_yticks(range(len(paths)), labels)
        axes.set_xticks([0, 1], ["low", "high"])
        axes.set_xlabel("place in the range")
        axes.set_ylabel("parameter (with its range)")
        bar = axes.figure.colorbar(drawn_lines, ax=axes, pad=0.02)
        value_axis(bar.ax, findings.objective)

    caption = (
        f"Each line is one of {len(order)} trials with a value, through its place in each range, "
        f"coloured by its {format_objective(findings.objective)} on "
        f"{describe_validation(findings)}; the thick line is the best value. Left of low: the "
        "parameter's condition did not hold."
    )
    height = 1.2 + 0.42 * max(len(paths), 3)
    figure = draw_figure(WIDE, height, draw, synthetic=findings.synthetic)
    return Plot("parallel_coordinates", "Parallel coordinates", caption, figure)


def slices_plot(findings: Findings) -> Plot | None:
    """Plot the value against each parameter alone."""
    space, scored = findings.config.space, findings.scored
    if not scored or not space:
        return None
    columns = min(3, len(space))
    rows = math.ceil(len(space) / columns)

    def draw(*panels: Axes) -> None:
        for axes, (path, range_) in zip(panels, space.items(), strict=False):
            _slice(axes, findings, path, range_)
        for axes in panels[len(space) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            value_axis(axes, findings.objective)
        legend_above(panels[0])

    caption = (
        f"{format_objective(findings.objective).capitalize()} of each trial on "
        f"{describe_validation(findings)} against one parameter at a time, over its whole range; "
        "the star is the best complete trial. Other parameters vary too."
    )
    figure = draw_figure(
        WIDE,
        2.35 * rows,
        draw,
        columns=columns,
        rows=rows,
        share_y=True,
        synthetic=findings.synthetic,
    )
    return Plot("slices", "Slices", caption, figure)


def _slice(axes: Axes, findings: Findings, path: str, range_: Range) -> None:
    for state, (colour, mark) in STATES.items():
        shown = [t for t in findings.scored if t.state is state and path in t.params]
        if shown:
            axes.plot([_place(range_, t.params[path]) for t in shown],
                      [scored_value(t) for t in shown], mark,
                      color=colour, ms=3.5, alpha=0.8, label=state.value)  # fmt: skip
    best = findings.best
    if best is not None and path in best.params:
        axes.plot(_place(range_, best.params[path]), scored_value(best), "*", color=VERMILION,
                  ms=11, mec="white", label="best")  # fmt: skip
    if range_.choices is not None:
        name_ticks(axes, [str(choice) for choice in range_.choices])
        axes.set_xlim(-0.4, len(range_.choices) - 0.6)
    else:
        _range_axis(axes, range_)
    axes.set_xlabel(fold_label(axes, f"{short_path(path)} ({parameter_unit(path)})"))


def _range_axis(axes: Axes, range_: Range) -> None:
    """Set an axis to the whole range, whatever of it was tried."""
    assert range_.low is not None
    assert range_.high is not None
    low, high = float(range_.low), float(range_.high)
    if range_.log:
        axes.set_xscale("log")
        ticks = [low, math.sqrt(low * high), high]
        axes.set_xticks(ticks, [f"{tick:.0f}" if tick >= 100 else f"{tick:.2g}" for tick in ticks])
        axes.minorticks_off()
        margin = (high / low) ** 0.05
        axes.set_xlim(low / margin, high * margin)
    elif high > low:
        axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def parameter_unit(path: str) -> str:
    """Return the unit of a parameter, by the last word of its name."""
    last = path.rpartition(".")[2]
    if last.endswith("_s"):
        return "seconds"
    counted = {"units", "heads", "rank", "depth", "reach", "batch_size", "batch_turns", "epochs"}
    if last in counted or last.endswith("_units") or last.startswith(("max_", "turns_")):
        return "number"
    return "share" if last.endswith("dropout") else "value"


def _place(range_: Range, value: object) -> float:
    if range_.choices is not None:
        return range_.choices.index(value) if value in range_.choices else -1
    return float(value)  # type: ignore[arg-type]


def _ends(range_: Range) -> str:
    if range_.choices is not None:
        return f"{len(range_.choices)} choices"
    return f"{range_.low:g} to {range_.high:g}" + (", log" if range_.log else "")
