"""Utterances become batches: scaled features, encoded words, masks, lengths in buckets.

`Inputs.fit` learns from the training part alone what reading needs (a vocabulary, means and
deviations) and is stored with every model; `Inputs.read` makes a `Dataset` of any utterances.
"""

from emotion_hpo.dataset.batches import Dataset
from emotion_hpo.dataset.inputs import Inputs
from emotion_hpo.dataset.resident import ResidentDataset, on_device
from emotion_hpo.dataset.scaling import FeatureReader, Scale

__all__ = ["Dataset", "FeatureReader", "Inputs", "ResidentDataset", "Scale", "on_device"]
