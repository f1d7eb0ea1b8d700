"""From a configuration to its feature store: what every command does before its own work."""

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.corpus import open_corpus
from emotion_hpo.features.store import FeatureStore, prepare

#: Utterances done, utterances in all, what is being done.
OnProgress = Callable[[int, int, str], None]


def prepare_features(
    config: ExperimentConfig,
    directory: Path,
    on_progress: OnProgress,
    *,
    leave_out: str | None = None,
) -> FeatureStore:
    """Extract and store what is not stored yet, on all cores; at once where everything is there.

    Args:
        config: The corpus and its features.
        directory: Folder of all stores.
        on_progress: Shows how far it is.
        leave_out: The sealed session, for a caller that must not see it.

    Raises:
        CorpusError: The corpus cannot be read.
        FeatureError: The features cannot be extracted or stored.
    """
    corpus = open_corpus(config.corpus)
    return prepare(corpus, config.features, directory, n_cores(), on_progress, leave_out=leave_out)


def quiet(_done: int, _total: int, _what: str) -> None:
    """Show nothing."""


def n_cores() -> int:
    """Cores that this process may use, which a cluster may have made fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory_mb() -> int:
    """The most memory that this process and its workers can have held at once, in MB.

    The system remembers the peak of this process and the highest peak among the workers that have
    ended; the sum counts every worker with the latter.
    """
    kilobytes = 1024 if sys.platform == "darwin" else 1  # macOS counts bytes
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / kilobytes
    own = _own_peak_kb() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / kilobytes
    return round((own + n_cores() * worker) / 1024)


def _own_peak_kb() -> int | None:
    """This process's peak where Linux tells it; `getrusage` there begins with its starter's."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else None
