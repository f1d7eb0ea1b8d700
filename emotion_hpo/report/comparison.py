"""Studies side by side, paired: their best trials on the same utterances, and their finals.

Two figures of two models on the same utterances share what makes an utterance hard, so their
difference is far surer than the distance of their own intervals suggests: it is what is shown.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from emotion_hpo.errors import StudyError
from emotion_hpo.metrics import METRICS, Comparison, Metric, compare
from emotion_hpo.metrics.formatting import format_difference, format_score
from emotion_hpo.report.document import Card, Page, PageSection, Table, Text
from emotion_hpo.report.formatting import (
    METHODS,
    format_difference_ends,
    format_ends,
    format_hours,
    format_value,
    interval_method,
)
from emotion_hpo.report.progress import random_values, sort_by_end, time_unit
from emotion_hpo.report.reading import Final, Findings, StoredPredictions, describe_validation
from emotion_hpo.report.statistics import best_so_far, expected_best
from emotion_hpo.report.style import (
    BLACK,
    MARKS,
    NARROW,
    SERIES,
    WIDE,
    Plot,
    draw_figure,
    error_bar_lengths,
    format_objective,
    share_axis,
    value_axis,
)
from emotion_hpo.runtime.formatting import format_count, format_share
from emotion_hpo.study import TrialState


def comparison_page(studies: Sequence[Findings]) -> Page:
    """Return several studies on one page.

    Raises:
        StudyError: They were not judged by the same metric.
    """
    objectives = {study.objective for study in studies}
    if len(objectives) > 1:
        raise StudyError(
            f"the studies looked at different metrics ({', '.join(sorted(objectives))}); compare "
            "studies of one study.objective"
        )
    names = [study.name for study in studies]
    synthetic = any(study.synthetic for study in studies)
    sections = (
        PageSection("figures", "Side by side", [_figures(studies)]),
        PageSection(
            "differences", "Paired differences", _differences(studies, synthetic=synthetic)
        ),
        PageSection("progress", "How the searches went", _progress(studies, synthetic=synthetic)),
        PageSection("configuration", "Their best trials", _configurations(studies)),
    )
    return Page(
        title=" and ".join(names) if len(names) < 3 else f"{len(names)} studies",
        kind="Comparison",
        lead=f"How do {', '.join(names[:-1])} and {names[-1]} compare?",
        synthetic=synthetic,
        cards=[
            Card(study.name, format_score(study.objective, study.best.value), _card_note(study))
            for study in studies
            if study.best is not None
        ],
        sections=[section for section in sections if section.blocks],
        remarks=[remark for study in studies for remark in study.remarks],
        foot="Made by emotion_hpo from the studies' files. Nothing was trained or scored for it.",
    )


def _card_note(study: Findings) -> str:
    return f"best {format_objective(study.objective)} of {format_count(len(study.trials), 'trial')}"


def _figures(studies: Sequence[Findings]) -> Table:
    rows = [
        (
            study.name,
            f"{sum(t.state.is_finished for t in study.trials)} of {study.config.study.n_trials}",
            format_hours(sum(t.seconds for t in study.trials)),
            f"{study.config.sampler.name}, {study.config.pruner.name}"
            + (f", warm-started from {study.config.warm_start}" if study.config.warm_start else ""),
            study.best.name if study.best else "–",
            format_score(study.objective, study.best.value if study.best else None),
            _scored(study),
            format_share(study.final.result["accuracy"]) if study.final else "–",
            format_ends(study.final.result["accuracy_interval"]) if study.final else "–",
            interval_method(study.final.result["accuracy_interval"]) if study.final else "–",
        )
        for study in studies
    ]
    columns = (
        "study", "trials", "training", "sampler, pruner", "best", "validation", "scored",
        "test accuracy", "95 % interval", "by",
    )  # fmt: skip
    note = (
        "Best and validation: of the search. Scored: the model whose test accuracy stands beside "
        f"it, the first where a study has scored several. {METHODS}"
    )
    return Table("studies", "The studies", columns, rows, note)


def _scored(study: Findings) -> str:
    """Return the model that the study's test figure is of."""
    if study.final is None:
        return "–"
    name, n = study.final.result["trial"], len(study.finals)
    return f"{name} (first of {n})" if n > 1 else str(name)


def _pair_name(first: Findings, second: Findings, part: str) -> str:
    """Name two studies, and the model that stands for each."""
    if part == "test":
        names = [study.final.result["trial"] if study.final else None for study in (first, second)]
    else:
        names = [study.best.name if study.best else None for study in (first, second)]
    of_each = [
        f"{study.name} ({name})" if name else study.name
        for study, name in zip((first, second), names, strict=True)
    ]
    return " less ".join(of_each)


def _differences(studies: Sequence[Findings], *, synthetic: bool) -> list[Text | Table | Plot]:
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
            "both models meet the same dialogues (utterances where it says so: an older version "
            "stored no dialogues). "
            "McNemar's test is of accuracy alone, and takes utterances as independent. "
            "Best trials were chosen on these validation utterances: both are too good there."
        )
        blocks.append(Table("differences", "Differences", columns, rows, note))
        blocks.append(_difference_plot(shown, synthetic=synthetic))
    return blocks


def _row(
    pair: str, part: str, metric: Metric, comparison: Comparison, answers: StoredPredictions
) -> tuple[object, ...]:
    unit = "" if answers.knows_dialogues else ", of utterances"
    return (
        pair,
        part,
        metric.label,
        format_difference(metric.name, comparison.difference),
        format_difference_ends(comparison.interval, metric.name),
        f"{comparison.interval.method}{unit}",
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
    index = {name: place for place, name in enumerate(final.result["confusion"]["classes"])}
    columns = [f"p_{name}" for name in index]
    return StoredPredictions(
        utterance_ids=table["utterance_id"].to_numpy(str),
        dialogues=table["dialogue"].to_numpy(str),
        knows_dialogues=True,
        labels=table["emotion"].map(index).to_numpy(np.int64),
        predicted=table["predicted"].map(index).to_numpy(np.int64),
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


def _progress(studies: Sequence[Findings], *, synthetic: bool) -> list[Text | Table | Plot]:
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


def _configurations(studies: Sequence[Findings]) -> list[Table]:
    best = [study.best.params if study.best is not None else {} for study in studies]
    paths = dict.fromkeys(path for params in best for path in params)
    rows = [
        (
            path,
            *(format_value(params[path]) if path in params else "not searched" for params in best),
        )
        for path in paths
    ]
    names = [f"{study.name} ({study.best.name})" if study.best else study.name for study in studies]
    columns = ("parameter", *names)
    title = "Parameters of the best trials"
    return [Table("configurations", title, columns, rows)] if rows else []
