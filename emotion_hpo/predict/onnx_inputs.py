"""What a model's ONNX file reads: the names and shapes of its inputs, and their arrays.

Arrays hold features as the model was trained on; their cut, the corpus's scale and the mask stand
in the file.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_hpo.config.features import TEXT
from emotion_hpo.dataset import Dataset
from emotion_hpo.dataset.dialogues import read_turns
from emotion_hpo.dataset.preprocessor import Preprocessor
from emotion_hpo.errors import FeatureError

#: After a modality's name: the scale of each utterance's speaker, `(B, D)`.
MEAN, DEVIATION = ".mean", ".deviation"

#: Of each turn of a dialogue: who speaks, and the seconds since the turn before it ended.
SPEAKER, GAP_S = "speaker_number", "gap_s"

#: Rows and steps of the utterances that a trace goes through: neither may be 1.
_ROWS, _STEPS = 3, 2


@dataclass(frozen=True)
class GraphInput:
    """An argument of the graph.

    Attributes:
        name: Of it.
        axes: What is counted along each axis; numbers where it is fixed.
        is_number: Whether it holds int64; else float32.
    """

    name: str
    axes: tuple[str | int, ...]
    is_number: bool = False

    @property
    def dynamic_axes(self) -> dict[int, str]:
        """Return axis → its name, of those of no fixed length."""
        return {place: axis for place, axis in enumerate(self.axes) if isinstance(axis, str)}

    def example(self) -> Tensor:
        """Return what a trace is made of."""
        lengths = {"utterances": _ROWS}
        shape = [lengths.get(str(axis), _STEPS) if isinstance(axis, str) else axis
                 for axis in self.axes]  # fmt: skip
        return torch.ones(shape, dtype=torch.int64 if self.is_number else torch.float32)


def list_inputs(preprocessor: Preprocessor) -> list[GraphInput]:
    """Return the graph's arguments, in order."""
    inputs = []
    for name, shape in preprocessor.shapes().items():
        if name == TEXT and shape.n_tokens is not None:
            inputs.append(GraphInput(name, ("utterances", "words"), is_number=True))
            continue
        steps = () if shape.max_length == 1 else (f"{name}_steps",)
        inputs.append(GraphInput(name, ("utterances", *steps, shape.dimensions)))
        if is_scaled_by_speaker(preprocessor, name):
            scale = ("utterances", shape.dimensions)
            inputs += [GraphInput(name + MEAN, scale), GraphInput(name + DEVIATION, scale)]
    if preprocessor.in_dialogues:
        inputs.append(GraphInput(SPEAKER, ("utterances",), is_number=True))
        inputs.append(GraphInput(GAP_S, ("utterances",)))
    return inputs


def is_scaled_by_speaker(preprocessor: Preprocessor, modality: str) -> bool:
    """Return whether each speaker has a scale of their own."""
    reader = preprocessor.readers.get(modality)
    return reader is not None and reader.by_speaker and reader.corpus is not None


def arrange_inputs(preprocessor: Preprocessor, data: Dataset) -> dict[str, NDArray[Any]]:
    """Return input → array, padded to the longest utterance.

    Args:
        preprocessor: Of the model.
        data: Utterances as it reads them; of one dialogue, if the model reads such.

    Raises:
        FeatureError: They are of several dialogues.
    """
    turns = data.turns
    speakers, gaps_s, dialogues = read_turns(turns.utterances.table)
    rows, inputs = np.arange(len(turns)), dict[str, NDArray[Any]]()
    if preprocessor.in_dialogues:
        if len(dialogues) > 1:
            raise FeatureError("an ONNX file reads the turns of one dialogue, but these are more")
        (rows,) = dialogues
        inputs |= {SPEAKER: speakers[rows], GAP_S: gaps_s[rows]}
    of_words = turns.batch(rows).modalities
    for name, shape in preprocessor.shapes().items():
        if name in preprocessor.readers:
            sequences = [turns.utterances.sequence(name, row) for row in map(int, rows)]
            cut = [frames[: shape.max_length] for frames in sequences]
            values = _pad(cut, shape.dimensions)
        else:
            words = of_words[name]
            values = words.values.numpy()
            if shape.n_tokens is None:
                values = np.where(words.mask[..., None], values, np.float32(np.nan))
        is_vector = shape.n_tokens is None and shape.max_length == 1
        inputs[name] = values[:, 0] if is_vector else values
        if is_scaled_by_speaker(preprocessor, name):
            scales = preprocessor.readers[name].scales(turns.utterances, name)
            own = [scale for scale in (scales[row] for row in rows) if scale is not None]
            inputs[name + MEAN] = np.stack([scale.mean for scale in own])
            inputs[name + DEVIATION] = np.stack([scale.deviation for scale in own])
    return {each.name: inputs[each.name] for each in list_inputs(preprocessor)}


def _pad(sequences: list[NDArray[np.float32]], dimensions: int) -> NDArray[np.float32]:
    """Return `(n, longest, dimensions)`, NaN where there is no frame."""
    longest = max(1, *(len(frames) for frames in sequences))
    values = np.full((len(sequences), longest, dimensions), np.nan, np.float32)
    for place, frames in enumerate(sequences):
        if len(frames):  # what lacks a modality has no width either
            values[place, : len(frames)] = frames
    return values
