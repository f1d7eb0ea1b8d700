"""A data set that lies encoded on one device, for a GPU: the same batches, gathered there."""

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.dataset.batch import Batch, Sequence
from emotion_hpo.dataset.batches import Dataset


class ResidentDataset:
    """A data set that lies encoded on one device; its batches are those of the original.

    Padded to the longest utterance once, and cut to the batch's longest when asked for. The rows of
    a whole epoch go there at once, so that nothing else does until the epoch ends.
    """

    def __init__(self, data: Dataset, device: torch.device) -> None:
        self.device = device
        self.utterances = data.utterances
        self.labels = data.labels.to(device)
        self._data = data
        whole = data.batch(np.arange(len(data)))
        self._modalities = {
            name: sequence.to(device) for name, sequence in whole.modalities.items()
        }

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self._data)

    def epoch(self, batch_size: int, bucket_batches: int, seed: list[int]) -> Iterator[Batch]:
        """As `Dataset.epoch`."""
        return self._batches(self._data.order(batch_size, bucket_batches, seed))

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """As `Dataset.in_order`."""
        return self._batches(self._data.by_length(batch_size))

    def vote_shares(self) -> Tensor:
        """As `Dataset.vote_shares`."""
        return self._data.vote_shares().to(self.device)

    def _batches(self, order: list[NDArray[np.int64]]) -> Iterator[Batch]:
        every = torch.from_numpy(np.concatenate(order)).to(self.device)
        sizes = [len(rows) for rows in order]
        for rows, rows_B in zip(order, every.split(sizes), strict=True):  # type: ignore[no-untyped-call]
            modalities = {}
            for name, sequence in self._modalities.items():
                longest = max(1, int(self._data.n_steps[name][rows].max()))
                values = sequence.values[:, :longest].index_select(0, rows_B)
                mask_BT = sequence.mask[:, :longest].index_select(0, rows_B)
                present_B = sequence.present.index_select(0, rows_B)
                modalities[name] = Sequence(values, mask_BT, present_B)
            yield Batch(modalities, self.labels.index_select(0, rows_B), rows_B)


#: A data set is encoded once, however many trials of a search read it.
_RESIDENT: WeakKeyDictionary[Dataset, ResidentDataset] = WeakKeyDictionary()


def on_device(data: Dataset, device: torch.device) -> Dataset | ResidentDataset:
    """Return a data set where a network on that device finds it."""
    if device.type == "cpu":
        return data
    resident = _RESIDENT.get(data)
    if resident is None or resident.device != device:
        resident = _RESIDENT[data] = ResidentDataset(data, device)
    return resident
