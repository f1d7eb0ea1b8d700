"""How several searches went, on one time axis: the best so far, and what random ones may expect."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from emotion_hpo.report.findings import Findings, describe_validation
from emotion_hpo.report.progress import random_values, sort_by_end, time_unit
from emotion_hpo.report.statistics import best_so_far, expected_best
from emotion_hpo.report.style import MARKS, NARROW, SERIES, WIDE, Plot, draw_figure, value_axis
from emotion_hpo.study import TrialState


def compared_progress_plots(studies: Sequence[Findings], *, synthetic: bool) -> list[Plot]:
    """Plot how far each study has come by how much training; nothing without a complete trial."""
    with_best = [study for study in studies if study.best is not None]
    if not with_best:
        return []
    unit, divisor = time_unit(max(sum(t.seconds for t in study.trials) for study in with_best))
    arms = {study.name: random_values(study) for study in with_best}
    arms = {name: values for name, values in arms.items() if len(values) >= 3}

    def draw(*panels: Axes) -> None:
        for place, study in enumerate(with_best):
            ended = sort_by_end(study)
            spent = np.cumsum([t.seconds / divisor for t in ended])
            at = [i for i, t in enumerate(ended) if t.state is TrialState.COMPLETE]
            best = best_so_far([ended[i].value or 0.0 for i in at], study.sign)
            panels[0].step([*spent[at], spent[-1]], [*best, best[-1]], where="post",
                           color=SERIES[place % len(SERIES)], marker=MARKS[place % len(MARKS)],
                           markevery=[*range(len(best))], ms=3.5, label=study.name)  # fmt: skip
        panels[0].set_xlabel(f"training, all workers ({unit})")
        value_axis(panels[0], with_best[0].objective)
        panels[0].legend(loc="best")
        for place, name in enumerate(study.name for study in with_best):  # the colours of the left
            if name not in arms:
                continue
            values = arms[name]
            sign = with_best[0].sign
            expected = sign * expected_best([sign * value for value in values])
            panels[1].plot(range(1, len(expected) + 1), expected, color=SERIES[place % len(SERIES)],
                           marker=MARKS[place % len(MARKS)], ms=3.5, label=name)  # fmt: skip
        if arms:
            panels[1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
            panels[1].set_xlabel("random trials (number)")
            value_axis(panels[1], with_best[0].objective)
            panels[1].legend(loc="best")

    random = (
        " Right: expected best of k random trials (Tang et al. 2020), of the studies that searched "
        "at random without pruning."
        if arms
        else ""
    )
    left = "Left: the best" if arms else "The best"
    caption = (
        f"{left} complete trial so far, on {describe_validation(with_best[0])}, against the "
        "training of all trials until then, pruned and failed ones among them; each mark is a "
        f"complete trial.{random}"
    )
    columns = 2 if arms else 1
    width = WIDE if arms else NARROW + 1
    figure = draw_figure(width, 2.9, draw, columns=columns, synthetic=synthetic)
    return [Plot("progress", "Best so far", caption, figure)]
