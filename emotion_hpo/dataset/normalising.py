"""How features are scaled where the configuration leaves it open (`normalise: auto`).

By speaker where whoever is judged later is somebody else, and where everybody says enough to be
known by. A choice by validation would often be wrong: on one pair of new speakers it is luck.
"""

from collections.abc import Collection

import pandas as pd

from emotion_hpo.config.features import FeaturesConfig, Normalisation

#: Of fewer utterances, one emotion too many is taken for the voice.
FEWEST_UTTERANCES = 8


def resolve_normalise(
    features: FeaturesConfig, table: pd.DataFrame, ready_made: Collection[str]
) -> FeaturesConfig:
    """Return the features with each `normalise: auto` decided: `speaker` or `corpus`.

    Args:
        features: As configured.
        table: The development part's utterances, of all its sessions.
        ready_made: The modalities whose features the corpus brings; they get a section.
    """
    decided = _suits(table)
    absent = [name for name in ready_made if name not in type(features).model_fields]
    current = {**dict.fromkeys(absent, "auto"), **features.normalisation}
    return features.with_normalisation(
        {name: decided for name, normalise in current.items() if normalise == "auto"}
    )


def _suits(table: pd.DataFrame) -> Normalisation:
    """Return what suits a corpus: `speaker` where sessions share none, and everyone says enough."""
    n_sessions = table.groupby("speaker")["session"].nunique()
    n_utterances = table["speaker"].value_counts()
    are_apart = len(table["session"].unique()) > 1 and bool((n_sessions == 1).all())
    return "speaker" if are_apart and n_utterances.min() >= FEWEST_UTTERANCES else "corpus"
