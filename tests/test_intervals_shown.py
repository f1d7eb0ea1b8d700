"""Every interval that is shown: it holds its estimate, has a width, and is the one function's."""

import re
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from emotion_hpo.console.final import show_final
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final import evaluation
from emotion_hpo.metrics import METRICS, Interval, interval
from emotion_hpo.metrics.formatting import format_interval
from emotion_hpo.report.final_plots import against_baseline_plot
from emotion_hpo.report.final_tables import (
    breakdown_table,
    final_table,
    recall_table,
    reference_table,
)
from emotion_hpo.report.formatting import format_ends
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.final_result import FinalResult, PartScores
from emotion_hpo.tracking.final_run import metrics_of, tags_of
from tests.records import baseline, final_result

CLASSES = ("ang", "hap", "sad")


def a_test(labels, dialogues) -> Utterances:
    """Test utterances of two speakers, without features."""
    n = len(labels)
    table = pd.DataFrame(
        {
            "utterance_id": [f"u{row:03d}" for row in range(n)],
            "speaker": ["AB"[row % 2] for row in range(n)],
            "emotion": [CLASSES[label] for label in labels],
            "dialogue": dialogues,
        }
    )
    return Utterances(table, CLASSES, (), np.zeros((n, 2), np.int64))


def result_of(test, predicted, other) -> FinalResult:
    """What `final` writes of two models' answers, as far as it has intervals."""
    answers, others = (np.eye(3, dtype=np.float32)[row] for row in (predicted, other))
    scores = evaluation.measure_scores(test, answers).to_json()
    compared = evaluation.measure_scores(test, others).to_json()
    gain = evaluation.measure_gains(test, answers, others).to_json()
    groups = {name: (test.table["speaker"] == name).to_numpy() for name in "AB"}
    parts = {
        name: PartScores(
            n=int(rows.sum()),
            **evaluation.measure("accuracy", test, predicted, rows),
            **evaluation.measure("uar", test, predicted, rows),
        ).to_json()
        for name, rows in groups.items()
        if rows.any()
    }
    recalls = evaluation.measure_recalls(test, predicted)
    without = {name: compared[name] for name in compared if name.startswith(("accuracy", "uar"))}
    return final_result(
        **scores,
        study="s",
        n_test=len(test),
        n_dialogues=test.table["dialogue"].nunique(),
        test_speakers=["A", "B"],
        modalities=["text"],
        recall_by_class={name: recall.to_json() for name, recall in recalls.items()},
        confusion=evaluation.count_confusions(test, predicted).to_json(),
        calibration=evaluation.measure_calibration(test.labels, answers).to_json(),
        baseline={"parts": ["text"], "gain": gain, **compared},
        default={"trial": "trial_1", "gain": gain, **compared},
        by={"speaker": parts},
        without={"text": without | {"loss_of_accuracy": gain["accuracy"]}},
    )


def intervals_of(written) -> Iterator[Interval]:
    """Every interval in a record, in whatever part of it."""
    if isinstance(written, Interval):
        yield written
    elif isinstance(written, BaseModel):
        for _, value in written:
            yield from intervals_of(value)
    elif isinstance(written, dict):
        for value in written.values():
            yield from intervals_of(value)


def check(shown: Interval) -> None:
    if shown.method == "not estimable":
        assert shown.ends is None
        assert shown.reason
        return
    assert shown.low <= shown.estimate <= shown.high
    assert shown.low < shown.high


NONE_RIGHT = (np.zeros(12, int), np.ones(12, int), np.zeros(12, int), [f"d{n}" for n in range(12)])
TWO_DIALOGUES = (np.arange(16) % 2, np.where(np.arange(16) % 8 < 3, np.arange(16) % 2, 2),
                 np.zeros(16, int), [f"d{n // 8}" for n in range(16)])  # fmt: skip
ONE = (np.array([2]), np.array([2]), np.array([2]), ["d"])


@st.composite
def drawn_cases(draw):
    n, seed, n_dialogues = (
        draw(st.integers(1, 30)),
        draw(st.integers(0, 999)),
        draw(st.integers(1, 9)),
    )
    rng = np.random.default_rng(seed)
    labels, predicted, other = rng.integers(0, 3, (3, n)) // draw(st.sampled_from([1, 2, 3]))
    return labels, predicted, other, [f"d{one}" for one in rng.integers(0, n_dialogues, n)]


@given(st.one_of(st.sampled_from([NONE_RIGHT, TWO_DIALOGUES, ONE]), drawn_cases()))
@settings(max_examples=12, deadline=None)
def test_every_stored_interval_is_the_one_functions(case):
    labels, predicted, other, dialogues = case
    test = a_test(labels, dialogues)
    result = result_of(test, predicted, other)
    every = [*intervals_of(result)]
    assert len(every) >= len(METRICS) + 3 + 2 * 2 * len(METRICS) + 2 * 1 + 2
    for stored in every:
        check(stored)

    def by_function(metric, rows=slice(None), said=predicted, less=None):
        few = None if less is None else less[rows]
        return interval(
            metric, labels[rows], said[rows], np.array(dialogues)[rows].tolist(), 3, less=few
        )

    for metric in (name for name, one in METRICS.items() if one.exact is not None):
        assert result.by_metric()[metric][1] == by_function(metric)
        assert result.baseline.by_metric()[metric][1] == by_function(metric, said=other)
    for index, name in enumerate(CLASSES):
        recall = result.recall_by_class[name]
        assert recall.interval == by_function("accuracy", labels == index)
        assert recall.recall == recall.interval.estimate
    for name, part in result.by["speaker"].items():
        rows = (test.table["speaker"] == name).to_numpy()
        assert part.accuracy_interval == by_function("accuracy", rows)
        assert part.uar_interval == by_function("uar", rows)
    for metric in (name for name, one in METRICS.items() if one.exact is not None):
        gain = getattr(result.baseline.gain, metric)
        assert gain.interval == by_function(metric, less=other)
        assert gain.difference == gain.interval.estimate


def test_a_metric_that_is_newer_than_a_file_is_left_out(capsys):
    content = final_result().to_json()
    for scores in (content, content["baseline"]):
        del scores["weighted_f1"], scores["weighted_f1_interval"]
    del content["baseline"]["gain"]["weighted_f1"]
    older = FinalResult.from_json(content)
    rest = [metric for metric in METRICS.values() if metric.name != "weighted_f1"]
    others = [metric.label for metric in rest]

    show_final(older)
    screen = capsys.readouterr().out
    assert "weighted F1" not in screen
    assert all(f"baseline {label}" in screen for label in others)
    final = SimpleNamespace(result=older)
    assert [row[0] for row in final_table(final).rows] == others
    (axes,) = against_baseline_plot(SimpleNamespace(synthetic=False), final).figure.axes
    shown = [tick.get_text() for tick in axes.get_xticklabels()]
    assert shown == [metric.label for metric in rest if metric.unit == "share"]
    mlflow = metrics_of(older)
    assert {f"test/{name}" in mlflow for name in METRICS.keys() - {"weighted_f1"}} == {True}
    assert not any("weighted_f1" in name for name in [*mlflow, tags_of(older)["intervals"]])

    plain = baseline().to_json()
    del plain["validation"]["weighted_f1"]
    assert Baseline.from_json(plain).to_json()["validation"]["weighted_f1"] is None


@pytest.mark.parametrize("case", [NONE_RIGHT, TWO_DIALOGUES, ONE])
def test_screen_report_and_mlflow_show_what_is_stored(case, capsys):
    labels, predicted, other, dialogues = case
    result = result_of(a_test(labels, dialogues), predicted, other)
    show_final(result)
    screen = capsys.readouterr().out
    final = SimpleNamespace(result=result)
    of_metrics = {name: around for name, (_, around) in result.by_metric().items()}
    of_baseline = {name: around for name, (_, around) in result.baseline.by_metric().items()}
    recalls = {name: recall.interval for name, recall in result.recall_by_class.items()}
    shown = [
        *((metric.label, of_metrics[name]) for name, metric in METRICS.items()
          if metric.unit == "share"),
        *((f"recall {name}", around) for name, around in recalls.items()),
        ("baseline accuracy", result.baseline.accuracy_interval),
    ]  # fmt: skip
    for name, around in shown:
        ends = format_interval(around) if around.ends else "not estimable"
        row = rf"^{name} +[\d.–]+( %)? +{re.escape(ends)} +{re.escape(around.origin)}"
        assert re.search(row, screen, re.MULTILINE), name
    gain = result.baseline.gain.accuracy.interval
    points = f"({100 * gain.low:+.1f} to {100 * gain.high:+.1f}, by {gain.method})"
    assert (
        f"Gain over the baseline (text): {100 * gain.estimate:+.2f} points of accuracy {points}"
        in screen
    )

    def named(around, metric="accuracy"):
        return format_ends(around, metric), around.origin

    for row, metric in zip(final_table(final).rows, METRICS, strict=True):
        assert row[2:4] == named(of_metrics[metric], metric)
        assert row[5:7] == named(of_baseline[metric], metric)
    for row, around in zip(recall_table(final).rows, recalls.values(), strict=True):
        assert row[3:5] == named(around)
    parts = [part for kind in result.breakdowns.values() for part in kind.values()]
    table = breakdown_table(final)
    for row, part in zip(table.rows if table else (), parts, strict=True):
        assert row[3:5] == named(part.accuracy_interval)
    (default, _) = reference_table(final).rows
    assert default[4:6] == (f"{100 * gain.low:+.2f} to {100 * gain.high:+.2f}", gain.method)

    logged, tag = metrics_of(result), tags_of(result)["intervals"]
    for name, around in [
        ("accuracy", result.accuracy_interval),
        *((f"recall_{name}", around) for name, around in recalls.items()),
    ]:
        assert logged.get(f"test/{name}") == around.estimate
        assert logged.get(f"test/{name}_low") == around.low
        assert logged.get(f"test/{name}_high") == around.high
        assert f"{name.replace('_', ' ')}: {around.method}" in tag


def test_twelve_of_which_none_is_right_are_said_to_be_no_certainty(capsys):
    """All that a screen says of them: 0 to 26.5 %, a baseline of 73.5 to 100, a gain of -100."""
    labels, predicted, other, dialogues = NONE_RIGHT
    show_final(result_of(a_test(labels, dialogues), predicted, other))
    screen = capsys.readouterr().out
    assert re.search(r"^accuracy +0\.00 % +0\.0 – 26\.5 % +exact +12", screen, re.MULTILINE)
    assert re.search(r"^baseline accuracy +100\.00 % +73\.5 – 100\.0 %", screen, re.MULTILINE)
    assert "-100.00 points of accuracy (-100.0 to -47.1, by exact)" in screen
