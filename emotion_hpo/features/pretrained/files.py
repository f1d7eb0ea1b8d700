"""Which files of a folder are a model's weights, and of which form they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

Format = Literal["safetensors", "onnx", "ctranslate2", "pickle"]

#: File or files by which each form is known, the preferred one first.
FORMATS: Mapping[Format, tuple[str, ...]] = {
    "safetensors": ("model.safetensors", "model-*.safetensors"),
    "onnx": ("model.onnx", "onnx/model.onnx", "model.onnx_data", "onnx/model.onnx_data"),
    "ctranslate2": ("model.bin",),
    "pickle": ("pytorch_model.bin", "pytorch_model-*.bin"),
}


#: What else changes a model's output, where it is there: settings, and every file of a tokenizer.
SETTINGS = (
    "config.json",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
    "preprocessor_config.json",
    "processor_config.json",  # transformers may read the former's settings from it
    "tokenizer*.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*.json",
    "*_vocab.json",
    "vocab.txt",
    "merges.txt",
    "dict.txt",
    "bpe.codes",
    "*.model",  # SentencePiece's
    "*.spm",
    "*.tokenizer",
    *("byte_maps.json", "emoji.json", "normalizer.json", "word_*.json"),
)


@dataclass(frozen=True)
class Weights:
    """A model's files.

    Attributes:
        folder: That holds them.
        format: Of the weights.
        files: All that its output depends on, sorted.
    """

    folder: Path
    format: Format
    files: tuple[Path, ...]


def weight_files(folder: Path, form: Format) -> list[Path]:
    """Return the files of a folder that hold weights of a form, sorted."""
    files = sorted(file for pattern in FORMATS[form] for file in folder.glob(pattern))
    # What lies beside an ONNX file is no model without it
    return files if any(file.suffix != ".onnx_data" for file in files) else []


def is_settings(name: str) -> bool:
    """Return whether a file of this name decides, beside the weights, what a model gives.

    >>> is_settings("sentencepiece.bpe.model"), is_settings("README.md")
    (True, False)
    """
    return "/" not in name and any(fnmatch(name, pattern) for pattern in SETTINGS)
