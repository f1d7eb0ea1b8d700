"""Which files of a folder are a model's weights, and of which form they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Format = Literal["safetensors", "onnx", "ctranslate2", "pickle"]

#: File or files by which each form is known, the preferred one first.
FORMATS: Mapping[Format, tuple[str, ...]] = {
    "safetensors": ("model.safetensors", "model-*.safetensors"),
    "onnx": ("model.onnx", "onnx/model.onnx"),
    "ctranslate2": ("model.bin",),
    "pickle": ("pytorch_model.bin", "pytorch_model-*.bin"),
}


#: What else changes a model's output, where it is there.
SETTINGS = (
    "config.json",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
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
    return sorted(file for pattern in FORMATS[form] for file in folder.glob(pattern))
