"""What accuracy costs: value against weights and latency, and the front of a search for both.

The front holds the complete trials that no other beats without a higher cost: what to choose among,
once somebody says how much a millisecond is worth.
"""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.document import Table
from emotion_hpo.report.findings import Findings, describe_validation
from emotion_hpo.report.formatting import format_value
from emotion_hpo.report.style import (
    BLACK,
    STATES,
    VERMILION,
    WIDE,
    Plot,
    draw_figure,
    format_objective,
    value_axis,
)
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import Trial, TrialState
from emotion_hpo.study.trials import front_of

#: More names than this would lie on each other.
_MOST_NAMES = 10

_AXES = {"parameters": "trained weights (number)", "latency_ms": "latency of one utterance (ms)"}
_WORDS = {"parameters": "trained weights", "latency_ms": "ms an utterance"}


def cost_plot(findings: Findings) -> Plot | None:
    """Plot value against the number of weights, and against latency."""
    costs = findings.costs
    if not any(trial.number in costs for trial in findings.scored):
        return None
    shown = {
        "parameters": {number: float(cost.n_parameters) for number, cost in costs.items()},
        "latency_ms": {number: cost.latency_ms for number, cost in costs.items()},
    }

    def draw(*panels: Axes) -> None:
        for axes, (kind, cost) in zip(panels, shown.items(), strict=True):
            _plot_trials(axes, findings, cost)
            _cost_axis(axes, kind)
        value_axis(panels[0], findings.objective)
        _legend(panels[0])

    caption = (
        f"What trials reached on {describe_validation(findings)} against what their networks cost "
        f"to use: trained weights, and {_describe_timing(findings)}. The star is the "
        "best complete trial."
    )
    figure = draw_figure(WIDE, 3.0, draw, columns=2, share_y=True, synthetic=findings.synthetic)
    return Plot("cost", "Accuracy against size and latency", caption, figure)


def front_plot(findings: Findings) -> Plot | None:
    """Plot the Pareto front of a search with two objectives; None if there is none."""
    against, front = findings.config.study.second_objective, _front(findings)
    if against is None or not front:
        return None
    cost = {trial.number: trial.cost for trial in findings.trials if trial.cost is not None}

    def draw(axes: Axes) -> None:
        _plot_trials(axes, findings, cost, has_best=False)
        x, y = [cost[trial.number] for trial in front], [trial.value for trial in front]
        axes.step(x, y, where="post", color=BLACK, lw=1.2, zorder=1)  # type: ignore[arg-type]
        axes.plot(x, y, "D", color=VERMILION, ms=6, mec="white", label="on the front")  # type: ignore[arg-type]
        for trial in front if len(front) <= _MOST_NAMES else ():
            axes.annotate(trial.name, (cost[trial.number], trial.value or 0.0), (-5, 5),
                          textcoords="offset points", ha="right", fontsize=7)  # fmt: skip
        axes.margins(x=0.14, y=0.12)
        _cost_axis(axes, against)
        value_axis(axes, findings.objective)
        _legend(axes)

    how = f": {_describe_timing(findings)}" if against == "latency_ms" else ""
    caption = (
        f"Complete trials by {format_objective(findings.objective)} on "
        f"{describe_validation(findings)} and {_WORDS[against]}{how}. The line is the front: no "
        "trial is better at no higher cost. Its values are the best of many noisy ones, so it "
        "looks better than it is."
    )
    figure = draw_figure(WIDE * 0.75, 3.4, draw, synthetic=findings.synthetic)
    return Plot("front", f"Front of accuracy against {_WORDS[against]}", caption, figure)


def front_table(findings: Findings) -> Table | None:
    """Return the trials of the front, cheapest first."""
    against, front = findings.config.study.second_objective, _front(findings)
    if against is None or not front:
        return None
    paths = list(findings.config.space)
    rows = [
        (
            trial.name,
            format_score(findings.objective, trial.value),
            f"{trial.cost:,.0f}" if against == "parameters" else f"{trial.cost:.3f}",
            *(format_value(trial.params[path]) if path in trial.params else "–" for path in paths),
        )
        for trial in front
    ]
    columns = ("trial", format_objective(findings.objective), _WORDS[against],
               *(path.rpartition(".")[2] if [p.rpartition(".")[2] for p in paths].count(
                   path.rpartition(".")[2]) == 1 else path for path in paths))  # fmt: skip
    note = "Each is the best of the trials that cost no more."
    return Table("front", f"The front: {format_count(len(front), 'trial')}", columns, rows, note)


def _front(findings: Findings) -> list[Trial]:
    return front_of(findings.trials, findings.objective)


def _describe_timing(findings: Findings) -> str:
    """Describe how latency was measured, for a caption."""
    timed = findings.costs.values()
    threads = sorted({cost.n_threads for cost in timed})
    devices = ", ".join(sorted({cost.device for cost in timed}))
    most = max((cost.n_timed for cost in timed), default=0)
    return (
        f"the median time of up to {most} single utterances from features to probabilities, on "
        f"{' or '.join(map(str, threads))} thread{'s' if threads != [1] else ''} ({devices}), "
        "while other workers trained"
    )


def _plot_trials(
    axes: Axes, findings: Findings, cost: Mapping[int, float], *, has_best: bool = True
) -> None:
    shown = [trial for trial in findings.scored if trial.number in cost]
    for state in (TrialState.COMPLETE, TrialState.PRUNED):
        colour, mark = STATES[state]
        chosen = [trial for trial in shown if trial.state is state]
        if chosen:
            axes.plot([cost[trial.number] for trial in chosen],
                      [trial.value for trial in chosen if trial.value is not None],
                      mark, color=colour, ms=4, label=state.value)  # fmt: skip
    best = findings.best
    if has_best and best is not None and best.number in cost and best.value is not None:
        axes.plot(cost[best.number], best.value, "*", color=VERMILION, ms=11, mec="white",
                  label="best")  # fmt: skip


def _cost_axis(axes: Axes, kind: str) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if kind == "parameters":
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(_AXES[kind])


def _legend(axes: Axes) -> None:
    handles = axes.get_legend_handles_labels()[0]
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles))
