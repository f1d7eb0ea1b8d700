"""What single trainings did: learning curves, validation against re-run, seeds side by side."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from emotion_hpo.report.findings import Findings, describe_validation
from emotion_hpo.report.formatting import join_origins
from emotion_hpo.report.style import (
    BLACK,
    MARKS,
    NARROW,
    SERIES,
    STATES,
    VERMILION,
    WIDE,
    Plot,
    draw_figure,
    error_bar_lengths,
    format_objective,
    legend_above,
    share_axis,
    value_axis,
)
from emotion_hpo.study import Epoch, Trial, TrialState


def by_training(trial: Trial) -> list[list[Epoch]]:
    """Return a trial's epochs, one list for each of its trainings over folds and seeds."""
    by_index: dict[int, list[Epoch]] = {}
    for epoch in trial.curve:
        by_index.setdefault(epoch.training, []).append(epoch)
    return [*by_index.values()]


def _values_by_epoch(epochs: Sequence[Epoch], metric: str) -> list[tuple[int, float]]:
    shown = [(epoch.epoch, epoch.metrics.get(metric)) for epoch in epochs]
    return [(epoch, value) for epoch, value in shown if value is not None]


def learning_plot(findings: Findings) -> Plot | None:
    """Plot every training's objective and loss by epoch, with a mark where it was pruned."""
    trained = [trial for trial in findings.trials if trial.curve]
    if not trained:
        return None
    objective, best = findings.objective, findings.best
    cut = [trial for trial in trained if trial.state in {TrialState.PRUNED, TrialState.FAILED}]

    def draw(*panels: Axes) -> None:
        for axes, metric in zip(panels, (objective, "train/loss"), strict=True):
            for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED):
                of_state = [trial for trial in trained if trial.state is state]
                trainings = [each for trial in of_state for each in by_training(trial)]
                lines = [
                    line for training in trainings if (line := _values_by_epoch(training, metric))
                ]
                colour, mark = STATES[state]
                name = "complete" if state is TrialState.COMPLETE and len(of_state) > 1 else None
                axes.add_collection(
                    LineCollection(lines, colors=colour, lw=0.9, alpha=0.55, label=name)
                )
                if lines and state is not TrialState.COMPLETE:
                    last = [_values_by_epoch(by_training(trial)[-1], metric) for trial in of_state]
                    ends = [line[-1] for line in last if line]
                    axes.plot(*zip(*ends, strict=True), mark, color=colour, ms=5,
                              label=f"{state.value} here")  # fmt: skip
            for index, each in enumerate(by_training(best) if best is not None else ()):
                assert best is not None
                points = _values_by_epoch(each, metric)
                label = f"best: {best.name}" if index == 0 else None
                axes.plot(*zip(*points, strict=True), color=BLACK, lw=2, label=label)
                at = [point for point in points if point[0] == best.best_epoch]
                if metric == objective and at:
                    axes.plot(*at[0], "*", color=BLACK, ms=11,
                              label="its best epoch" if index == 0 else None)  # fmt: skip
            axes.autoscale_view()
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("epoch (number)")
        value_axis(panels[0], objective)
        panels[1].set_ylabel("training loss (nats)")
        legend_above(panels[0])

    caption = (
        f"Left: {format_objective(objective)} of each training after each epoch, on "
        f"{describe_validation(findings)}. Right: its mean loss while it was trained."
        f"{' Marks are where a trial was pruned or failed.' if cut else ''}"
    )
    figure = draw_figure(WIDE, 3.1, draw, columns=2, synthetic=findings.synthetic)
    return Plot("learning_curves", "Learning curves", caption, figure)


def seeds_plot(findings: Findings) -> Plot | None:
    """Plot each seed's network of the final models beside the averaged model."""
    finals = [final for final in findings.finals if final.result.accuracy_by_seed]
    if not finals:
        return None

    def draw(axes: Axes) -> None:
        for row, final in enumerate(finals):
            result = final.result
            colour, mark = SERIES[row % len(SERIES)], MARKS[row % len(MARKS)]
            by_seed = result.accuracy_by_seed
            axes.plot(by_seed, [row] * len(by_seed), mark, color=colour, mfc="none", ms=7,
                      label="one seed's network" if row == 0 else None)  # fmt: skip
            ends = error_bar_lengths([result.accuracy], [result.accuracy_interval])
            axes.errorbar(result.accuracy, row + 0.22, xerr=ends, fmt="o", color=BLACK,
                          ms=4, capsize=3,
                          label="their average, 95 % interval" if row == 0 else None)  # fmt: skip
        axes.set_yticks(range(len(finals)), [final.result.trial for final in finals])
        axes.set_ylim(-0.6, len(finals) - 0.1)
        axes.set_ylabel("final model")
        share_axis(axes, "test accuracy", axis="x")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    first = finals[0].result
    methods = join_origins([final.result.accuracy_interval for final in finals])
    caption = (
        f"Accuracy of each seed's network on {first.n_test:,} test utterances in "
        f"{first.n_dialogues} dialogues, and of their averaged probabilities. Bars: 95 % "
        f"interval by {methods}, for the average."
    )
    figure = draw_figure(NARROW + 1, 1.5 + 0.4 * len(finals), draw, synthetic=findings.synthetic)
    return Plot("seeds", "Seeds of the final model", caption, figure)


def trainings_plot(findings: Findings, n_shown: int = 15) -> Plot | None:
    """Plot each training of the leading trials; None where each had but one."""
    repeated = [trial for trial in findings.scored if len(trial.trainings) > 1]
    if not repeated:
        return None
    leaders = sorted(repeated, key=lambda trial: -findings.sign * (trial.value or 0.0))[:n_shown]
    folds = list(dict.fromkeys(each.fold for trial in leaders for each in trial.trainings))

    def draw(axes: Axes) -> None:
        for place, fold in enumerate(folds):
            shown = [
                (each.value, row)
                for row, trial in enumerate(leaders)
                for each in trial.trainings
                if each.fold == fold
            ]
            axes.plot(*zip(*shown, strict=True), MARKS[place % len(MARKS)], ms=6, mfc="none",
                      color=SERIES[place % len(SERIES)], label=fold)  # fmt: skip
        means = [trial.value for trial in leaders if trial.value is not None]
        axes.plot(means, range(len(leaders)), "|",
                  color=BLACK, ms=14, mew=2, label="mean")  # fmt: skip
        axes.set_yticks(range(len(leaders)), [trial.name for trial in leaders])
        axes.set_ylim(len(leaders) - 0.4, -0.6)
        axes.set_ylabel("trial (best first)")
        value_axis(axes, findings.objective, axis="x")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="fold")

    caption = (
        f"Every training of the {len(leaders)} leading trials, over folds and seeds, on "
        f"{describe_validation(findings)} in all folds together; a trial's value is the mean. The "
        "upright bars are the means, not intervals."
    )
    height = 1.0 + 0.28 * len(leaders)
    figure = draw_figure(WIDE * 0.8, max(height, 2.2), draw, synthetic=findings.synthetic)
    return Plot("trainings", "Folds and seeds of the leading trials", caption, figure)


def confirmation_plot(
    findings: Findings, reruns: Sequence[tuple[str, float, Sequence[float]]]
) -> Plot:
    """Plot the value in the search against those of the confirmation.

    Args:
        findings: The study.
        reruns: Trial, its value in the search, its values when it was trained again.
    """

    def draw(axes: Axes) -> None:
        ends = [value for _, first, again in reruns for value in (first, *again)]
        low, high = min(ends), max(ends)
        axes.plot([low, high], [low, high], color=VERMILION, lw=1, ls="--", label="no shrinkage")
        for index, (name, first, again) in enumerate(reruns):
            colour, mark = SERIES[index % len(SERIES)], MARKS[index % len(MARKS)]
            axes.plot([first] * len(again), again, mark, color=colour, mfc="none", ms=6, label=name)
            axes.plot(first, sum(again) / len(again), "_", color=colour, ms=18, mew=2)
        value_axis(axes, findings.objective, axis="x")
        axes.set_xlabel(f"in the search: {axes.get_xlabel()}")
        value_axis(axes, findings.objective)
        axes.set_ylabel(f"trained again: {axes.get_ylabel()}")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))

    worse = "Above" if findings.sign < 0 else "Below"
    caption = (
        f"The leaders' values in the search against their values when trained again with other "
        f"seeds, on {describe_validation(findings)}. Horizontal bars: the mean of a trial's "
        f"re-runs. {worse} the dashed line, the search's value was partly luck."
    )
    figure = draw_figure(NARROW + 1.6, 3.4, draw, synthetic=findings.synthetic)
    return Plot("validation_against_rerun", "Validation against re-run", caption, figure)
