"""Utterances become batches: scaled features, encoded words, masks, lengths in buckets.

`Preprocessor.fit` learns from the training part alone what reading needs (a vocabulary, means and
deviations) and is stored with every model; `Preprocessor.transform` makes a `Dataset` of any
utterances; of a model with context, a `DialogueDataset`, which reads every turn beside them.
"""

from emotion_hpo.dataset.batches import Dataset
from emotion_hpo.dataset.dialogues import DialogueDataset
from emotion_hpo.dataset.normalising import resolve_normalise
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.resident import ResidentDataset, on_device
from emotion_hpo.dataset.scaling import FeatureReader, Scale

__all__ = [
    "Dataset",
    "DialogueDataset",
    "FeatureReader",
    "Preprocessor",
    "ResidentDataset",
    "Scale",
    "on_device",
    "resolve_normalise",
]
