"""From a configuration to its divided utterances: what precedes every training and every scoring.

In: a configuration and the folder of the feature stores. Out: the store and its parts. A search,
its workers and a replay of a trial open the development part alone: the sealed session is then
neither extracted nor read. Where rows are sealed and no session (`RowsSplit`), the features of all
sessions are extracted, and the sealed rows are left out of what is handed out. Only what scores a
final model opens both.
"""

from pathlib import Path

from emotion_hpo.config import ExperimentConfig, RowsSplit
from emotion_hpo.features.preparation import OnProgress, prepare_features
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.splits.parts import Development, Holdout, split


def open_development(
    config: ExperimentConfig, directory: Path, on_progress: OnProgress
) -> tuple[FeatureStore, Development]:
    """Prepare the features of all sessions but the sealed one, and divide them into folds.

    Args:
        config: The corpus, its features and the split.
        directory: Folder of all feature stores.
        on_progress: Shows how far the preparation is.

    Raises:
        CorpusError: The corpus cannot be read.
        FeatureError: The features cannot be extracted or stored.
        ConfigError: The split does not fit the corpus.
    """
    is_session = not isinstance(config.split, RowsSplit)  # else only some rows are sealed
    sealed = config.split.test_session if is_session else None
    store = prepare_features(config, directory, on_progress, leave_out=sealed)
    development, _ = split(store, config.split)
    return store, development


def open_development_and_holdout(
    config: ExperimentConfig, directory: Path, on_progress: OnProgress
) -> tuple[FeatureStore, Development, Holdout]:
    """Prepare the features of all sessions, and divide them into development part and holdout.

    The holdout stays sealed until it is opened by `Holdout.unseal`.

    Args:
        config: The corpus, its features and the split.
        directory: Folder of all feature stores.
        on_progress: Shows how far the preparation is.

    Raises:
        CorpusError: The corpus cannot be read.
        FeatureError: The features cannot be extracted or stored.
        ConfigError: The split does not fit the corpus.
    """
    store = prepare_features(config, directory, on_progress)
    development, holdout = split(store, config.split)
    return store, development, holdout
