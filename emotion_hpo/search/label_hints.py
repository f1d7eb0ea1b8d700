"""A remark on what the labelled turns of dialogues have and the others lack.

Labels run on, so that which turns of a dialogue have one tells of their neighbours' labels. Where
only they have features, a model learns from what the others lack; where it is used, nobody knows.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import TEXT, TEXT_FACTORS
from emotion_hpo.features.extraction import source_of
from emotion_hpo.features.utterances import Utterances

#: Between the shares of labelled turns and of others that have a modality: less is chance, or a few
#: broken files.
_LARGEST_DIFFERENCE = 0.1


def describe_label_hints(
    utterances: Utterances, modalities: Collection[str], ready_made: Collection[str]
) -> list[str]:
    """Return a line for what labelled turns have much more often, or less, than the others.

    Args:
        utterances: Those of the development part; all turns beside them are looked at.
        modalities: What a model reads of a turn.
        ready_made: The modalities whose features the corpus brings.
    """
    turns = utterances.turns
    is_labelled = turns.labels >= 0
    if is_labelled.all():
        return []
    shares = {}
    for name in modalities:
        has_it = _find_present(turns, name)
        pair = has_it[is_labelled].mean(), has_it[~is_labelled].mean()
        if abs(pair[0] - pair[1]) > _LARGEST_DIFFERENCE:
            shares[source_of(name, ready_made)] = pair
    return [
        f"{name}: {100 * labelled:.0f} % of the turns with a label have it, and {100 * other:.0f} "
        "% of those without. A model that reads dialogues can tell from that which turns have a "
        "label, and its score is too good; give it to every turn, or leave it out."
        for name, (labelled, other) in shares.items()
    ]


def _find_present(turns: Utterances, modality: str) -> NDArray[np.bool_]:
    """Return which turns have a modality, `(n,)`."""
    if modality == TEXT_FACTORS or (modality == TEXT and TEXT not in turns.framed):
        return turns.table["transcript"].notna().to_numpy(bool)
    return np.array([len(turns.sequence(modality, row)) > 0 for row in range(len(turns))])
