"""Text models: BERT, RoBERTa, MiniLM and their like, by transformers or by ONNX Runtime.

In: transcripts. Out: hidden states of each one's tokens, cut at what the model takes. Transcripts
of similar length are read at once, with their mask, which is exact in these models.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import PretrainedText
from emotion_hpo.errors import FeatureError, missing_extra
from emotion_hpo.features.pretrained.files import Weights
from emotion_hpo.features.pretrained.loading import batches, layer_numbers, load_model, load_part
from emotion_hpo.runtime.onnx_session import open_session

Floats = NDArray[np.float32]

#: Tokens of a batch, padding included.
_MOST_TOKENS = 2048


class TokenStates(NamedTuple):
    """Hidden states of one text.

    Attributes:
        states: `(tokens, layers, d)`.
        is_special: `(tokens,)`, True where the tokenizer put a mark of its own.
    """

    states: Floats
    is_special: NDArray[np.bool_]


@dataclass(frozen=True)
class TextModel:
    """A model that reads text.

    Attributes:
        tokenizer: Of transformers.
        run: `(inputs as arrays)` to states `(B, T, layers, d)`.
        most_tokens: That it takes.
    """

    tokenizer: Any
    run: Any
    most_tokens: int

    def encode(self, texts: list[str]) -> list[TokenStates]:
        """Return the states of each text."""
        return [states for _, states in sorted(self.iterate(texts), key=itemgetter(0))]

    def iterate(self, texts: list[str]) -> Iterator[tuple[int, TokenStates]]:
        """Yield the place and the states of each text, a batch of similar length after the other.

        Memory holds the states of one batch.
        """
        rows = [
            self.tokenizer(
                text,
                truncation=True,
                max_length=self.most_tokens,
                return_special_tokens_mask=True,
            )
            for text in texts
        ]
        for places in batches([len(row["input_ids"]) for row in rows], _MOST_TOKENS):
            batch = [
                {
                    name: values
                    for name, values in rows[place].items()
                    if name != "special_tokens_mask"
                }
                for place in places
            ]
            padded = self.tokenizer.pad(batch, return_tensors="np")
            states_BTLD = self.run(dict(padded))
            for place, own, mask in zip(
                places, states_BTLD, padded["attention_mask"].astype(bool), strict=True
            ):
                special = np.array(rows[place]["special_tokens_mask"], bool)
                yield place, TokenStates(own[mask], special)


def open_text_model(
    weights: Weights, section: PretrainedText, path: str, n_threads: int
) -> TextModel:
    """Open a model that reads text.

    Raises:
        FeatureError: It is none, or cannot give the layers that are asked for.
    """
    if weights.format == "ctranslate2":
        raise FeatureError(f"{path}.model: {weights.folder} holds no model of text")
    config = load_part("AutoConfig", weights, path)
    _require_sentencepiece(weights, path)
    tokenizer = load_part("AutoTokenizer", weights, path)
    most = min(int(section.max_tokens), int(tokenizer.model_max_length))
    if (n_positions := getattr(config, "max_position_embeddings", None)) is not None:
        # RoBERTa and its like count positions from behind that of padding.
        first = (config.pad_token_id or 0) + 1 if "roberta" in config.model_type else 0
        most = min(most, int(n_positions) - first)
    if weights.format == "onnx":
        return TextModel(tokenizer, _OnnxRun(weights, section, path, n_threads), most)
    layers = layer_numbers(section.layers, int(config.num_hidden_layers) + 1, path)
    return TextModel(tokenizer, _TorchRun(load_model(weights, path, n_threads), layers), most)


def _require_sentencepiece(weights: Weights, path: str) -> None:
    """Refuse a tokenizer that only SentencePiece reads where that is not installed.

    Raises:
        FeatureError: transformers would ask for another library.
    """
    names = {file.name for file in weights.files}
    pieces = sorted(name for name in names if name.endswith((".model", ".spm")))
    if pieces and "tokenizer.json" not in names and find_spec("sentencepiece") is None:
        raise FeatureError(
            f"{path}.model: {weights.folder} has its tokenizer as {pieces[0]} alone, which needs "
            "SentencePiece: pip install sentencepiece; or put the model's tokenizer.json there"
        )


@dataclass(frozen=True)
class _TorchRun:
    """A batch through a model of transformers."""

    model: Any
    layers: list[int] | None

    def __call__(self, inputs: dict[str, NDArray[np.int64]]) -> Floats:
        import torch

        tensors = {
            name: torch.from_numpy(values).to(self.model.device) for name, values in inputs.items()
        }
        with torch.inference_mode():
            output = self.model(**tensors, output_hidden_states=self.layers is not None)
        chosen = (
            [output.last_hidden_state]
            if self.layers is None
            else [output.hidden_states[layer] for layer in self.layers]
        )
        states: Floats = torch.stack(chosen, dim=2).float().cpu().numpy()
        return states


class _OnnxRun:
    """A batch through ONNX Runtime; the last layer alone, as the file gives it."""

    def __init__(
        self, weights: Weights, section: PretrainedText, path: str, n_threads: int
    ) -> None:
        if section.layers != "last":
            raise FeatureError(
                f"{path}.layers: {weights.folder} is an ONNX file, which gives the last layer "
                f"alone; take {path}.layers=last, or a model in transformers' form"
            )
        file = next(file for file in weights.files if file.suffix == ".onnx")
        try:
            self._session = open_session(file, n_threads)
        except ImportError:
            raise missing_extra(f"{path}.model", "onnxruntime", "pretrained") from None
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise FeatureError(f"{path}.model: {file} cannot be read: {reason}") from None
        self._inputs = [value.name for value in self._session.get_inputs()]
        outputs = [value.name for value in self._session.get_outputs() if len(value.shape) == 3]
        if not outputs:
            raise FeatureError(f"{path}.model: {file} gives no states of tokens, (B, T, d)")
        self._output = outputs[0]

    def __call__(self, inputs: dict[str, NDArray[np.int64]]) -> Floats:
        zeros = np.zeros_like(inputs["input_ids"])
        given = {name: inputs.get(name, zeros).astype(np.int64) for name in self._inputs}
        (states_BTD,) = self._session.run([self._output], given)
        states: Floats = np.asarray(states_BTD, np.float32)[:, :, None]
        return states
