"""How transformers opens a folder: offline, in float32, without a line of the folder's own code."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

from emotion_hpo.errors import FeatureError, missing_extra
from emotion_hpo.features.pretrained.files import Weights
from emotion_hpo.runtime.formatting import format_count

#: Parts that many checkpoints lack, and on which no hidden state of an encoder depends.
_UNREAD = frozenset({"decoder", "masked_spec_embed", "pooler"})

_OFFLINE = {"local_files_only": True, "trust_remote_code": False}


def load_part(kind: str, weights: Weights, path: str) -> Any:  # noqa: ANN401 (it has no types)
    """Return what `transformers.KIND.from_pretrained` makes of the folder's settings.

    Args:
        kind: `AutoConfig`, `AutoFeatureExtractor` or `AutoTokenizer`.
        weights: The model's files.
        path: Of the section in the configuration.

    Raises:
        FeatureError: The folder does not hold that.
    """
    transformers = _transformers(path)
    with _as_errors(weights, path):
        return getattr(transformers, kind).from_pretrained(str(weights.folder), **_OFFLINE)


def load_model(weights: Weights, path: str, n_threads: int) -> Any:  # noqa: ANN401
    """Return the model, on the GPU where there is one.

    Args:
        weights: Its files.
        path: Of the section in the configuration.
        n_threads: Of the processor, for this process; 0 leaves them as they are.

    Raises:
        FeatureError: The files are no model, lack weights of it, or are a pickle of more than that.
    """
    transformers = _transformers(path)
    import torch

    if n_threads:
        torch.set_num_threads(n_threads)
    with _as_errors(weights, path), warnings.catch_warnings():
        # torch says of a pickle's form what is no matter once it is read or refused
        warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
        model, info = transformers.AutoModel.from_pretrained(
            str(weights.folder),
            dtype=torch.float32,
            use_safetensors=weights.format == "safetensors",
            weights_only=True,
            output_loading_info=True,
            **_OFFLINE,
        )
    _require_all(info["missing_keys"], weights, path)
    model.requires_grad_(False)
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _require_all(missing: Iterable[str], weights: Weights, path: str) -> None:
    """Refuse a model some of whose weights transformers has drawn at random.

    Args:
        missing: Names of the weights that the files lack.
        weights: The files.
        path: Of the section in the configuration.

    Raises:
        FeatureError: What is read of the model depends on them.
    """
    names = sorted(name for name in missing if _UNREAD.isdisjoint(name.split(".")))
    if names:
        raise FeatureError(
            f"{path}.model: {weights.folder} lacks {format_count(len(names), 'weight')} that its "
            f"config.json names, such as {names[0]}; take both files from the same model"
        )


def layer_numbers(layers: str | tuple[int, ...], n_states: int, path: str) -> list[int] | None:
    """Return the hidden states to take; None is the model's output, its last layer.

    Args:
        layers: As configured.
        n_states: What enters the first layer, and each layer's output.
        path: Of the section in the configuration.

    Raises:
        FeatureError: There is no such layer.
    """
    if layers == "last":
        return None
    numbers = [*range(n_states)] if isinstance(layers, str) else list(layers)
    if numbers[-1] >= n_states:
        raise FeatureError(
            f"{path}.layers: the model has the hidden states 0 to {n_states - 1}, but got "
            f"{numbers[-1]}"
        )
    return numbers


def batches(sizes: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield places by size, so many at once that padded to the longest they hold `most` at most.

    >>> list(batches([3, 9, 4, 3], 10))
    [[0, 3], [2], [1]]
    """
    batch: list[int] = []
    for place in sorted(range(len(sizes)), key=sizes.__getitem__):
        if batch and (len(batch) + 1) * sizes[place] > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _transformers(path: str) -> Any:  # noqa: ANN401
    try:
        import transformers
    except ImportError:
        raise missing_extra(f"{path}.name=pretrained", "transformers", "pretrained") from None
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


@contextmanager
def _as_errors(weights: Weights, path: str) -> Iterator[None]:
    """Turn what transformers refuses into one line."""
    try:
        yield
    except UnpicklingError:  # torch reads neither, and does not say which it is
        raise FeatureError(
            f"{path}.model: the pickle in {weights.folder} is damaged, or holds more than weights, "
            "which can run code of its author's; nothing of it ran; take the model as safetensors"
        ) from None
    except Exception as error:  # of transformers, torch, safetensors, tokenizers: each has its own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FeatureError(f"{path}.model: {weights.folder} cannot be read: {reason}") from None
