"""From a configuration as composed to a candidate: plain values, by the protocol's first fold."""

from emotion_hpo.config import SearchConfig
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.final.protocols import Candidate
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.splits.parts import split
from emotion_hpo.splits.protocols import ProtocolFold
from emotion_hpo.training.fold_run import check_modalities


def make_candidate(
    store: FeatureStore,
    config: SearchConfig,
    folds: tuple[ProtocolFold, ...],
    *,
    name: str,
    protocol: str,
    seeds: tuple[int, ...],
    test_picked: bool,
) -> Candidate:
    """Return a configuration in plain values, under a protocol.

    Args:
        store: Of all sessions.
        config: As composed, or as a study has stored it.
        folds: Of the protocol.
        name: Of the configuration.
        protocol: Its name.
        seeds: Of its trainings.
        test_picked: Whether it is also trained with the test part as validation.

    Raises:
        ConfigError: The corpus lacks what the model reads, or a fold does not fit it.
    """
    first = config.model_copy(update={"split": folds[0].split, "space": {}})
    development, _ = split(store, folds[0].split)
    plain, _ = adapt(first, store, development)
    check_modalities(plain, store.modalities, store.corpus_name)
    if not plain.model.has_seed:
        seeds = seeds[:1]  # every training is the same
    chosen_by = f"{config.study.value} {config.study.objective}"
    return Candidate(name, plain.experiment(), protocol, folds, seeds, test_picked, chosen_by)
