"""A saved model's networks as one function of arrays, which is traced into an ONNX file.

What the preprocessor does with features of an utterance stands in it, too: the cut, the scale, the
mask. A value that is not finite is lost; an utterance that lacks a modality has none but such.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from emotion_hpo.dataset.batch import InputShape, TurnOrder
from emotion_hpo.dataset.batch import Sequence as Modality
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.dataset.scaling import FeatureReader
from emotion_hpo.models.network import Network
from emotion_hpo.predict.onnx_inputs import DEVIATION, GAP_S, MEAN, SPEAKER, list_inputs


class Graph(nn.Module):
    """`(arrays in the order of list_inputs) -> (B, C)` probabilities, the networks averaged."""

    def __init__(self, preprocessor: Preprocessor, networks: Sequence[Network]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self._names = [each.name for each in list_inputs(preprocessor)]
        self._shapes = preprocessor.shapes()
        self._readers = dict(preprocessor.readers)

    def forward(self, *arrays: Tensor) -> Tensor:
        """Return the probabilities of utterances, or of a dialogue's turns in their order."""
        given = dict(zip(self._names, arrays, strict=True))
        modalities = {name: self._read(name, given, shape) for name, shape in self._shapes.items()}
        order = None
        if SPEAKER in given:
            speakers_1L, gaps_1L = given[SPEAKER][None], given[GAP_S][None]
            order = TurnOrder(torch.ones_like(speakers_1L) > 0, speakers_1L, gaps_1L)
        every = []
        for network in self.networks:
            assert isinstance(network, Network)
            states_BU = network.fuse(modalities)
            if network.context is not None and order is not None:
                states_BU = network.context(states_BU[None], order)[0]
            every.append(network.head.classes(states_BU).softmax(1))
        return torch.stack(every).mean(0)

    def _read(self, name: str, given: dict[str, Tensor], shape: InputShape) -> Modality:
        values = given[name]
        if shape.n_tokens is not None:
            tokens_BT = values[:, : shape.max_length]
            mask_BT = tokens_BT > 0
            return Modality(tokens_BT, mask_BT, mask_BT.any(1))
        values_BTD = values[:, None] if shape.max_length == 1 else values[:, : shape.max_length]
        if name in self._readers:
            values_BTD = _scaled(values_BTD, self._readers[name], name, given)
        is_valid_BTD = (values_BTD - values_BTD) == 0  # of NaN and of infinity it is NaN
        mask_BT = is_valid_BTD.any(2) if name in self._readers else is_valid_BTD.all(2)
        return Modality(torch.where(is_valid_BTD, values_BTD, 0.0), mask_BT, mask_BT.any(1))


def _scaled(
    values_BTD: Tensor, reader: FeatureReader, name: str, given: dict[str, Tensor]
) -> Tensor:
    """Return values scaled as a reader scales them."""
    if reader.corpus is None:
        return values_BTD
    if reader.by_speaker:
        return (values_BTD - given[name + MEAN][:, None]) / given[name + DEVIATION][:, None]
    mean_D, deviation_D = (
        torch.from_numpy(part) for part in (reader.corpus.mean, reader.corpus.deviation)
    )
    return (values_BTD - mean_D) / deviation_D
