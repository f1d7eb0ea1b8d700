"""How a search went: best so far, expected best of k trials, who trained when."""

from itertools import accumulate
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from emotion_hpo.report.findings import Findings, describe_validation, scored_value
from emotion_hpo.report.statistics import best_so_far, expected_best
from emotion_hpo.report.style import (
    BLACK,
    BLUE,
    GREY,
    HATCHES,
    STATES,
    WIDE,
    Plot,
    draw_figure,
    format_objective,
    legend_above,
    value_axis,
)
from emotion_hpo.study import Trial, TrialState


def progress_plot(findings: Findings) -> Plot | None:
    """Plot the best value so far against trials, epochs and hours of training."""
    ended = sort_by_end(findings)
    if not any(trial.value is not None for trial in ended):
        return None
    unit, divisor = time_unit(sum(trial.seconds for trial in ended))
    spent = [(1, len(trial.curve), trial.seconds / divisor) for trial in ended]
    trials, epochs, hours = (list(accumulate(column)) for column in zip(*spent, strict=True))
    scored = [index for index, trial in enumerate(ended) if trial in findings.scored]
    complete = [i for i in scored if ended[i].state is TrialState.COMPLETE] or scored
    best = best_so_far([scored_value(ended[i]) for i in complete], findings.sign)

    def draw(*panels: Axes) -> None:
        for axes, cost, label in zip(
            panels,
            (trials, epochs, hours),
            ("trials ended (number)", "epochs trained (number)", f"training, all workers ({unit})"),
            strict=True,
        ):
            for state in (TrialState.PRUNED, TrialState.COMPLETE):
                colour, mark = STATES[state]
                shown = [i for i in scored if ended[i].state is state]
                if shown:
                    axes.plot([cost[i] for i in shown],
                              [scored_value(ended[i]) for i in shown], mark,
                              color=colour, ms=3.5, label=f"{state.value} trial")  # fmt: skip
            reached = [*(cost[i] for i in complete), cost[-1]]
            axes.step(reached, [*best, best[-1]], where="post", color=BLACK, label="best so far")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=cost is not hours))
            axes.set_xlabel(label)
        value_axis(panels[0], findings.objective)
        legend_above(panels[0])

    caption = (
        f"Each mark is a trial's value, the {format_objective(findings.objective)} on "
        f"{describe_validation(findings)}; the line is the best complete trial so far. The best of "
        "many noisy values looks better than the same configuration would be again."
    )
    figure = draw_figure(WIDE, 2.7, draw, columns=3, share_y=True, synthetic=findings.synthetic)
    return Plot("best_so_far", "Best so far", caption, figure)


def expected_plot(findings: Findings) -> Plot | None:
    """Plot the expected best of k random trials; None where trials are not independent draws."""
    values = random_values(findings)
    if len(values) < 3:
        return None
    expected = findings.sign * expected_best([findings.sign * value for value in values])

    def draw(axes: Axes) -> None:
        k = np.arange(1, len(expected) + 1)
        axes.plot(k, expected, color=BLUE, marker="o", ms=3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("random trials (number)")
        value_axis(axes, findings.objective)
        axes.set_ylabel(f"expected best {axes.get_ylabel()}")

    caption = (
        f"Expected best of k random configurations, the unbiased estimate of Tang et al. (2020) "
        f"from {len(values)} complete trials that the sampler drew (those that a person chose are "
        f"left out), each on {describe_validation(findings)}. At the right end the curve rests on "
        "the one best trial."
    )
    figure = draw_figure(WIDE * 0.62, 2.7, draw, synthetic=findings.synthetic)
    return Plot("expected_best", "Expected best of k random trials", caption, figure)


def random_values(findings: Findings) -> list[float]:
    """Return the values of independent random draws; none unless search was random, unpruned."""
    config = findings.config
    if config.sampler.name != "random" or config.pruner.name != "none":
        return []
    return [
        scored_value(trial)
        for trial in findings.scored
        if trial.state is TrialState.COMPLETE and not findings.is_known(trial)
    ]


def _bar_style(state: TrialState) -> dict[str, Any]:
    """Return how the bar of a trial is filled."""
    colour = STATES.get(state, (GREY, "o"))[0]
    return {"facecolor": colour, "edgecolor": "white", "hatch": HATCHES.get(state, "")}


def timeline_plot(findings: Findings) -> Plot | None:
    """Plot which worker trained which trial when."""
    timed = [trial for trial in findings.trials if trial.started_at and trial.finished_at]
    if not timed:
        return None
    workers = sorted({trial.worker or "unknown" for trial in timed})
    start = min(_number(trial.started_at) for trial in timed)
    end = max(_number(trial.finished_at) for trial in timed)
    unit, divisor = time_unit(end - start)

    def draw(axes: Axes) -> None:
        for trial in timed:
            begins = (_number(trial.started_at) - start) / divisor
            lasts = (_number(trial.finished_at) - _number(trial.started_at)) / divisor
            row = workers.index(trial.worker or "unknown")
            axes.barh(row, lasts, left=begins, height=0.7, lw=0.6, **_bar_style(trial.state))
            if lasts > 0.035 * (end - start) / divisor:
                colour = STATES.get(trial.state, (GREY, "o"))[0]
                behind = {"fc": colour, "ec": "none", "pad": 1}
                axes.text(begins + lasts / 2, row, str(trial.number), ha="center", va="center",
                          color="white", fontsize=7, bbox=behind)  # fmt: skip
        axes.set_yticks(range(len(workers)), workers)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"time since the first trial began ({unit})")
        axes.set_ylabel("worker")
        states = dict.fromkeys(trial.state for trial in timed)
        handles = [Patch(**_bar_style(state), label=state.value) for state in states]
        axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0),
                    ncols=len(states))  # fmt: skip
        axes.set_xlim(left=0)

    caption = (
        "Each bar is a trial, from its beginning to its end, with its number where there is room; "
        "gaps are time without a trial. A trial that was interrupted shows each of its lives. No "
        "utterances are counted here."
    )
    height = 1.0 + 0.32 * len(workers)
    figure = draw_figure(WIDE, max(height, 1.6), draw, synthetic=findings.synthetic)
    return Plot("timeline", "Timeline of the workers", caption, figure)


def sort_by_end(findings: Findings) -> list[Trial]:
    """Return trials in the order in which they ended."""
    return sorted(findings.trials, key=lambda trial: (trial.finished_at or 0, trial.number))


def time_unit(seconds: float) -> tuple[str, float]:
    """Return the unit of time for an axis, and how many seconds it has."""
    if seconds > 7200:
        return "hours", 3600.0
    return ("minutes", 60.0) if seconds > 120 else ("seconds", 1.0)


def _number(value: float | None) -> float:
    assert value is not None
    return value
