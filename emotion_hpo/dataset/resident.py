"""A data set that lies encoded on one device: the same batches, gathered there.

For a GPU its features lie there; and of a network whose encoders are frozen, on any device, the
vectors that they make of it, so that an epoch trains what follows them alone.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emotion_hpo.dataset.batch import Batch, Encoded, Sequence
from emotion_hpo.dataset.batches import BatchSource, Dataset, Rows, UtteranceDataset


class ResidentDataset:
    """A data set that lies encoded on one device; its batches are those of the original.

    Padded to the longest utterance once, and cut to the batch's longest when asked for. The rows of
    a whole epoch go there at once, so that nothing else does until the epoch ends.

    Args:
        data: Whose batches.
        device: Where they lie.
        vectors: What frozen encoders gave for every utterance, in the place of its features; None:
            the features.
    """

    def __init__(
        self,
        data: UtteranceDataset,
        device: torch.device,
        vectors: Mapping[str, Sequence] | None = None,
    ) -> None:
        self.device = device
        self.utterances = data.utterances
        self.labels = data.labels.to(device)
        self._data = data
        self.n_steps: Mapping[str, NDArray[np.int64]] = data.n_steps
        if vectors is None:
            vectors = data.batch(np.arange(len(data))).modalities
        else:
            self.n_steps = {name: np.ones(len(data), np.int64) for name in vectors}
        self._modalities = {name: sequence.to(device) for name, sequence in vectors.items()}

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self._data)

    def epoch(self, batch_size: int, bucket_batches: int, seed: list[int]) -> Iterator[Batch]:
        """As `Dataset.epoch`."""
        return self._batches(self._data.order(batch_size, bucket_batches, seed))

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """As `Dataset.in_order`."""
        return self._batches(self._data.by_length(batch_size))

    def batch(self, rows: Rows) -> Batch:
        """As `Dataset.batch`."""
        return next(self._batches([rows]))

    def vote_shares(self) -> Tensor:
        """As `Dataset.vote_shares`."""
        return self._data.vote_shares().to(self.device)

    def _batches(self, order: list[Rows]) -> Iterator[Batch]:
        every = torch.from_numpy(np.concatenate(order)).to(self.device)
        sizes = [len(rows) for rows in order]
        for rows, rows_B in zip(order, every.split(sizes), strict=True):  # type: ignore[no-untyped-call]
            modalities = {}
            for name, sequence in self._modalities.items():
                longest = max(1, int(self.n_steps[name][rows].max()))
                values = sequence.values[:, :longest].index_select(0, rows_B)
                mask_BT = sequence.mask[:, :longest].index_select(0, rows_B)
                present_B = sequence.present.index_select(0, rows_B)
                modalities[name] = type(sequence)(values, mask_BT, present_B)
            yield Batch(modalities, self.labels.index_select(0, rows_B), rows_B)


#: What frozen encoders made of a data set, and which ones they were.
_VECTORS: WeakKeyDictionary[Dataset, tuple[str, ResidentDataset]] = WeakKeyDictionary()

#: Utterances that frozen encoders read at once.
_BATCH = 64

#: A data set is encoded once, however many trials of a search read it.
_RESIDENT: WeakKeyDictionary[Dataset, ResidentDataset] = WeakKeyDictionary()


def on_device(data: Dataset, device: torch.device) -> BatchSource:
    """Return a data set where a network on that device finds it."""
    if device.type == "cpu":
        return data
    resident = _RESIDENT.get(data.turns)
    if resident is None or resident.device != device:
        resident = _RESIDENT[data.turns] = ResidentDataset(data.turns, device)
    return data.reading_from(resident)


def with_vectors(
    data: Dataset,
    encoders: Mapping[str, nn.Module],
    device: torch.device,
    autocast: torch.autocast,
) -> BatchSource:
    """Return a data set with the vectors of frozen encoders in the place of its features.

    They are computed once for these utterances and weights.

    Args:
        data: Which utterances.
        encoders: By modality; on the device.
        device: Where they compute.
        autocast: How precisely.
    """
    key = f"{device} {autocast.fast_dtype if autocast._enabled else None} {_digest(encoders)}"
    known = _VECTORS.get(data.turns)
    if known is None or known[0] != key:
        vectors = _encode(data.turns, encoders, device, autocast)
        known = _VECTORS[data.turns] = key, ResidentDataset(data.turns, device, vectors)
    return data.reading_from(known[1])


def _encode(
    data: UtteranceDataset,
    encoders: Mapping[str, nn.Module],
    device: torch.device,
    autocast: torch.autocast,
) -> dict[str, Encoded]:
    """Return `(n, 1, output_units)` of each modality, in the data set's order."""
    source, parts = on_device(data, device), defaultdict(list)
    order = data.by_length(_BATCH)
    with torch.no_grad(), autocast:
        for rows in order:
            for name, sequence in source.batch(rows).modalities.items():
                if name in encoders:
                    parts[name].append((encoders[name](sequence), sequence.present))
    inverse = torch.from_numpy(np.argsort(np.concatenate(order))).to(device)
    vectors = {}
    for name, pairs in parts.items():
        values, present = (torch.cat(pieces)[inverse] for pieces in zip(*pairs, strict=True))
        vectors[name] = Encoded(values[:, None], present[:, None], present)
    return vectors


def _digest(encoders: Mapping[str, nn.Module]) -> str:
    """Return what changes whenever a weight does."""
    digest = hashlib.sha256()
    for name, encoder in encoders.items():
        digest.update(name.encode())
        for weight in encoder.state_dict().values():
            digest.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()
