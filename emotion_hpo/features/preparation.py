"""From a configuration to its feature store: what every command does before its own work."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from emotion_hpo.config import ExperimentConfig
from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.faults import raise_if_any
from emotion_hpo.features.extraction import check_sections
from emotion_hpo.features.perturbed import Perturbed
from emotion_hpo.features.store import FeatureStore, prepare
from emotion_hpo.runtime.cores import n_readers
from emotion_hpo.runtime.usage import highest_child_peak_mb, own_peak_mb

#: Utterances done, utterances in all, what is being done.
OnProgress = Callable[[int, int, str], None]


def prepare_features(
    config: ExperimentConfig,
    directory: Path,
    on_progress: OnProgress,
    *,
    leave_out: str | None = None,
) -> FeatureStore:
    """Extract and store what is not stored yet, by several processes; at once where all is there.

    Of copies of the recordings, which are for training alone, the sealed session has none.

    Args:
        config: The corpus and its features.
        directory: Folder of all stores.
        on_progress: Shows how far it is.
        leave_out: The sealed session, for a caller that must not see it.

    Raises:
        ConfigError: There are settings of a modality that the corpus does not have, or copies of
            recordings are to be made where there are none.
        CorpusError: The corpus cannot be read; or, where it is to be strict, something cannot be
            used.
        FeatureError: The features cannot be extracted or stored.
    """
    corpus = open_corpus(config.corpus, config.split.session_column)
    check_sections(config.features, corpus)
    perturbed = {copy: Perturbed.open(corpus, copy) for copy in config.perturbations}
    store = prepare(
        corpus, config.features, directory, n_readers(), on_progress, leave_out=leave_out
    )
    if getattr(config.corpus, "strict", False):
        raise_if_any(store.faults())
    sealed, copies = config.split.test_session, {}
    for copy, recordings in perturbed.items():

        def on_copy(done: int, total: int, what: str, name: str = str(copy)) -> None:
            on_progress(done, total, f"{name}, {what}")

        copies[copy] = prepare(
            recordings, config.features, directory, n_readers(), on_copy, leave_out=sealed
        )
    return replace(store, copies=copies)


def quiet(_done: int, _total: int, _what: str) -> None:
    """Show nothing."""


def peak_memory_mb() -> int:
    """Return the most memory that this process and its workers can have held at once, in MB.

    The system remembers the peak of this process and the highest peak among the workers that have
    ended; the sum counts every worker with the latter.
    """
    return round(own_peak_mb() + n_readers() * highest_child_peak_mb())
