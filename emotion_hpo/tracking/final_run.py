"""What a final model's run in MLflow says: its metrics, its tags, and a note for its reader."""

import re
from collections.abc import Iterator

from emotion_hpo.config.turns_read import READINGS
from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.metrics.formatting import format_interval
from emotion_hpo.metrics.registry import METRICS
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.runtime.naming import escaped
from emotion_hpo.study.records.final_result import FinalResult


def metrics_of(result: FinalResult) -> dict[str, float]:
    """Return the metrics of a final model by the name that MLflow shows them under."""
    values: dict[str, float | None] = {}
    for name, value, interval in _scores(result):
        values |= {name: value}
        values |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    costs = {"latency_ms": result.cost.latency_ms, "n_parameters": result.cost.n_parameters}
    cost = {f"cost/{name}": float(value) for name, value in costs.items()}
    # A class that the test session lacks has no recall, and an interval may have no end.
    return {f"test/{name}": value for name, value in values.items() if value is not None} | cost


def _scores(result: FinalResult) -> Iterator[tuple[str, float | None, Interval]]:
    """Yield the name, the value and the interval of each score."""
    for name, interval in _intervals(result).items():
        yield name, getattr(result, name), interval
    for label, recall in result.recall_by_class.items():
        yield f"recall_{_escape_class(label)}", recall.recall, recall.interval


def _intervals(result: FinalResult) -> dict[str, Interval]:
    """Return the interval of each metric; an earlier version stored fewer."""
    stored = {name: getattr(result, f"{name}_interval") for name in METRICS}
    return {name: interval for name, interval in stored.items() if interval is not None}


def _escape_class(label: str) -> str:
    """Escape a class for a metric's name, so that no two classes share one.

    >>> _escape_class("ang&fru"), _escape_class("very_low")
    ('ang.26.fru', 'very.5f.low')
    """
    # `recall_very_low` is the lower end of class `very`.
    return re.sub(r"_(?=(low|high)$)", ".5f.", escaped(label))


def tags_of(result: FinalResult) -> dict[str, str]:
    """Return tags that tell this scoring's run from every other, and a note."""
    methods = [f"{name}: {interval.method}" for name, interval in _intervals(result).items()]
    for name, recall in result.recall_by_class.items():
        methods.append(f"recall {name}: {recall.interval.method}")
    reads = {"reads": READINGS[result.turns_read]} if result.turns_read else {}
    return {
        "kind": "final",
        "trial": result.trial,
        "opening": result.opening,
        "n_scorings": str(result.n_scorings),
        "intervals": "; ".join(methods),
        "mlflow.note.content": describe_final(result),
        **reads,
    }


def describe_final(result: FinalResult) -> str:
    """Describe a final model in a sentence, and in another what it reads of a dialogue."""
    reads = f" The model {READINGS[result.turns_read]}." if result.turns_read else ""
    return (
        f"{result.trial} trained again on {result.n_train} utterances, scored on the "
        f"{result.n_test} of session {result.test_session}, opened "
        f"{format_count(result.n_scorings, 'time')}.{reads}"
    )


def describe_version(result: FinalResult) -> str:
    """Describe a model for the registry, for whoever comes upon it there."""
    mark = "**synthetic data**: it says nothing of people. " if result.synthetic else ""
    interval = result.accuracy_interval
    return (
        f"{mark}Study {result.study}: {describe_final(result)} Test accuracy "
        f"{100 * result.accuracy:.2f} % (95 % interval {format_interval(interval)}, "
        f"by {interval.method}). In: a row an utterance with any of the signature's columns "
        "(`speech` is a WAV file, `features.NAME` an array); out: the probability of each emotion."
    )
