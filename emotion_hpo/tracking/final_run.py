"""What a final model's run in MLflow says: its figures, its tags, and a note for its reader."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from emotion_hpo.metrics.formatting import format_interval
from emotion_hpo.metrics.intervals import Interval
from emotion_hpo.metrics.registry import METRICS
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.runtime.naming import escaped


def figures_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a `result.json`, by the name that MLflow shows them under."""
    figures: dict[str, float | None] = {}
    for name in _metrics_in(result):
        interval = Interval.read(result[f"{name}_interval"])
        figures |= {name: result[name]}
        figures |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    for label, recall in result["recall_by_class"].items():
        name, interval = _legal(label), Interval.read(recall["interval"])
        figures |= {f"recall_{name}": recall["recall"]}
        figures |= {f"recall_{name}_low": interval.low, f"recall_{name}_high": interval.high}
    cost = {f"cost/{name}": result["cost"][name] for name in ("latency_ms", "n_parameters")}
    # A class that the test session lacks has no recall, and an interval may have no end.
    return {f"test/{name}": one for name, one in figures.items() if one is not None} | cost


def _metrics_in(result: Mapping[str, Any]) -> list[str]:
    """Return the names of the metrics that a result has; an earlier version stored fewer."""
    return [name for name in METRICS if name in result]


def _legal(label: str) -> str:
    """A class as a part of a metric's name, which no other class has.

    >>> _legal("ang&fru"), _legal("very_low")
    ('ang.26.fru', 'very.5f.low')
    """
    # `recall_very_low` is the lower end of class `very`.
    return re.sub(r"_(?=(low|high)$)", ".5f.", escaped(label))


def tags_of(result: Mapping[str, Any]) -> dict[str, str]:
    """What tells this scoring's run from every other one's, and a note."""
    return {
        "kind": "final",
        "trial": result["trial"],
        "opening": result["opening"],
        "n_scorings": str(result["n_scorings"]),
        "intervals": "; ".join(_methods(result)),
        "mlflow.note.content": note_of(result),
    }


def _methods(result: Mapping[str, Any]) -> Iterator[str]:
    """What decides the ends of each interval."""
    for name in _metrics_in(result):
        yield f"{name}: {Interval.read(result[f'{name}_interval']).method}"
    for name, recall in result["recall_by_class"].items():
        yield f"recall {name}: {Interval.read(recall['interval']).method}"


def note_of(result: Mapping[str, Any]) -> str:
    """A final model in a sentence."""
    return (
        f"{result['trial']} trained again on {result['n_train']} utterances, scored on the "
        f"{result['n_test']} of session {result['test_session']}, opened "
        f"{format_count(result['n_scorings'], 'time')}."
    )


def about(result: Mapping[str, Any]) -> str:
    """What stands beside a model in the registry, for whoever comes upon it there."""
    mark = "**synthetic data**: it says nothing of people. " if result["synthetic"] else ""
    interval = Interval.read(result["accuracy_interval"])
    return (
        f"{mark}Study {result['study']}: {note_of(result)} Test accuracy "
        f"{100 * result['accuracy']:.2f} % (95 % interval {format_interval(interval)}, "
        f"by {interval.method}). In: a row an utterance with any of the signature's columns "
        "(`speech` is a WAV file, `features.NAME` an array); out: the probability of each emotion."
    )
