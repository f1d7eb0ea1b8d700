"""What a final model's run in MLflow says: its figures, its tags, and a note for its reader."""

from collections.abc import Mapping
from typing import Any

from emotion_hpo.screen import counted


def figures_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a `result.json`, by the name that MLflow shows them under."""
    figures: dict[str, float | None] = {}
    for name in ("accuracy", "uar", "macro_f1"):
        low, high = result[f"{name}_interval"]
        figures |= {f"{name}": result[name], f"{name}_low": low, f"{name}_high": high}
    for name, one in result["recall_by_class"].items():
        low, high = one["interval"]
        figures |= {f"recall_{name}": one["recall"]}
        figures |= {f"recall_{name}_low": low, f"recall_{name}_high": high}
    cost = {f"cost/{name}": result["cost"][name] for name in ("latency_ms", "n_parameters")}
    # A class that the test session lacks has no recall, and an interval may have no end.
    return {f"test/{name}": one for name, one in figures.items() if one is not None} | cost


def tags_of(result: Mapping[str, Any]) -> dict[str, str]:
    """What tells this scoring's run from every other one's, and a note."""
    return {
        "kind": "final",
        "trial": result["trial"],
        "opening": result["opening"],
        "n_scorings": str(result["n_scorings"]),
        "mlflow.note.content": note_of(result),
    }


def note_of(result: Mapping[str, Any]) -> str:
    """A final model in a sentence."""
    return (
        f"{result['trial']} trained again on {result['n_train']} utterances, scored on the "
        f"{result['n_test']} of session {result['test_session']}, opened "
        f"{counted(result['n_scorings'], 'time')}."
    )


def about(result: Mapping[str, Any]) -> str:
    """What stands beside a model in the registry, for whoever comes upon it there."""
    mark = "**synthetic data**: it says nothing of people. " if result["synthetic"] else ""
    low, high = (f"{100 * one:.1f}" for one in result["accuracy_interval"])
    return (
        f"{mark}Study {result['study']}: {note_of(result)} Test accuracy "
        f"{100 * result['accuracy']:.2f} % (95 % interval {low} to {high} %). In: a row an "
        "utterance with any of the signature's columns (`speech` is a WAV file, `features.NAME` "
        "an array); out: the probability of each emotion."
    )
