"""How features are scaled where the configuration leaves it open (`normalise: auto`).

By speaker where whoever is judged later is somebody else, and where everybody says enough to be
known by. A choice by validation would often be wrong: on one pair of new speakers it is luck.
"""

from collections.abc import Collection, Mapping

import pandas as pd

from emotion_hpo.config.features import FeaturesConfig, Normalisation
from emotion_hpo.config.space import Range

#: Of fewer utterances, one emotion too many is taken for the voice.
FEWEST_UTTERANCES = 8

#: Of the utterances, that must be by speakers who say so many: a few others do not decide.
_LARGEST_SHARE = 0.9


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


def describe_speaker_scaling(
    features: FeaturesConfig, space: Mapping[str, Range], modalities: Collection[str]
) -> list[str]:
    """Return a line where a model may read test utterances to scale them, else none.

    Args:
        features: As decided.
        space: What is searched; it may choose to scale by speaker.
        modalities: What the model reads.
    """
    values = {name: {str(features.normalisation.get(name))} for name in modalities}
    for name in modalities:
        if (searched := space.get(f"features.{name}.normalise")) is not None:
            values[name] = {str(choice) for choice in searched.choices or ()}
    names = sorted(name for name in modalities if "speaker" in values[name])
    if not names:
        return []
    return [
        f"{', '.join(names)}: scaled by each speaker's own utterances. Those of a test speaker are "
        "read for it, without their labels."
    ]


def _suits(table: pd.DataFrame) -> Normalisation:
    """Return what suits a corpus: `speaker` where each says enough, in one session alone."""
    n_sessions = table.groupby("speaker")["session"].nunique()
    n_utterances = table["speaker"].value_counts()
    are_apart = len(table["session"].unique()) > 1 and bool((n_sessions == 1).all())
    by_talkers = n_utterances[n_utterances >= FEWEST_UTTERANCES].sum() / len(table)
    return "speaker" if are_apart and by_talkers >= _LARGEST_SHARE else "corpus"
