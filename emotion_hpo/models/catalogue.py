"""The catalogue of models: encoders, heads, contexts, presets, with their parameter counts.

Counts are of trainable parameters, at the paper's widths and input shapes: 2,736 words and the
unknown one, 50 words of text, 100 frames of 34 features, 200 parts of 189 marker coordinates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from torch import nn

from emotion_hpo.config import ModelConfig, build
from emotion_hpo.config.base import Section
from emotion_hpo.config.model import (
    AttentionContext,
    AttentionDecoderEncoder,
    AttentionFusion,
    ConcatFusion,
    ContextConfig,
    Conv1dEncoder,
    Conv2dEncoder,
    CrossAttentionFusion,
    EmbeddingConfig,
    EncoderConfig,
    FusionConfig,
    GatedFusion,
    GruEncoder,
    LinearFusion,
    LowRankFusion,
    LstmEncoder,
    MlpEncoder,
    NetworkModel,
    RecurrentContext,
    ResidualMlpEncoder,
    SpeakerRecurrentContext,
    TransformerEncoder,
)
from emotion_hpo.dataset.batch import InputShape
from emotion_hpo.features.functionals import STATISTICS
from emotion_hpo.models.context.build import build_context
from emotion_hpo.models.fusion import build_head
from emotion_hpo.models.network import ModalityEncoder, Network, count_trainable

WORDS = InputShape(0, 50, n_tokens=2738)
SHORT_TERM = InputShape(34, 100)
SPECTROGRAM = InputShape(128, 128)
FACTORS = InputShape(500, 1)
FUNCTIONALS = InputShape(882, 1)
MOTION = InputShape(189, 200)
PAPER_INPUTS = {
    "text": WORDS, "text_factors": FACTORS, "speech": SHORT_TERM, "functionals": FUNCTIONALS,
    "mocap": MOTION,
}  # fmt: skip
#: Mean and deviation of Whisper tiny's states; the mean of MiniLM's.
PRETRAINED_INPUTS = {
    "probe": {"speech": InputShape(768, 1)},
    "fusion_pretrained": {"speech": InputShape(768, 1), "text": InputShape(384, 1)},
}
N_CLASSES = 4

#: Part of a network → as it is called in a configuration.
_AFTER_ENCODERS = {"head": "fusion", "context": "context"}

_NOWHERE = torch.device("meta")  # sizes without memory, and without drawing a weight
_WORD_VECTORS = EmbeddingConfig(vectors="random", dimensions=300, trainable=True)


@dataclass(frozen=True)
class Row:
    """One line of the catalogue.

    Attributes:
        kind: encoder, head, context or preset.
        name: As it is chosen or, for an encoder, as the field calls it.
        modality: Of an encoder, the one that it is shown with; it takes any.
        parameters: Part → trainable parameters; `all` is their sum.
    """

    kind: str
    name: str
    modality: str
    parameters: dict[str, int]


class _Preset(Section):
    """A file of `conf/model`."""

    model: ModelConfig


def count_parts(network: nn.Module) -> dict[str, int]:
    """Count a network's trainable parameters: all, encoders and their parts, head, context."""
    counts = {"all": count_trainable(network)}
    for name, encoder in network.get_submodule("encoders").named_children():
        assert isinstance(encoder, ModalityEncoder)
        counts[name] = count_trainable(encoder)
        counts |= {f"{name}.{part}": n for part, n in _parts(encoder).items()}
    for name, part in network.named_children():
        if name in _AFTER_ENCODERS:
            counts[_AFTER_ENCODERS[name]] = count_trainable(part)
    return counts


def encoder_rows() -> list[Row]:
    """Return every architecture under the field's name, with the modality that it is known from."""
    return [
        Row("encoder", name, modality, _encoder_counts(config, shape))
        for modality, name, config, shape in _encoders()
    ]


def head_rows() -> list[Row]:
    """Return every fusion, over three encoders of 256 units."""
    fusions: list[FusionConfig] = [
        LinearFusion(name="linear"),
        ConcatFusion(name="concat", units=256),
        AttentionFusion(name="attention", units=256, heads=1),
        GatedFusion(name="gated", units=256),
        LowRankFusion(name="low_rank", units=256, rank=4),
        CrossAttentionFusion(name="cross_attention", units=64, depth=1, heads=4, feed_forward=2),
    ]
    with _NOWHERE:
        return [
            Row(
                "head",
                fusion.name,
                "",
                {"all": count_trainable(build_head(fusion, [256] * 3, N_CLASSES))},
            )
            for fusion in fusions
        ]


def context_rows() -> list[Row]:
    """Return every context, of 128 units over fused vectors of 256."""
    contexts: list[ContextConfig] = [
        RecurrentContext(name="recurrent"),
        AttentionContext(name="attention"),
        SpeakerRecurrentContext(name="speaker_recurrent"),
    ]
    with _NOWHERE:
        modules = [(context.name, build_context(context, 256)) for context in contexts]
    return [
        Row("context", name, "", {"all": count_trainable(module)})
        for name, module in modules
        if module is not None
    ]


def preset_rows(presets: Mapping[str, ModelConfig]) -> list[Row]:
    """Return every preset, at the inputs that it is meant for.

    How many numbers a classical model learns is known when it has been trained: it counts none.
    """
    return [
        Row("preset", name, ", ".join(preset.encoders), count_parts(_blank(name, preset)))
        if isinstance(preset, NetworkModel)
        else Row("preset", name, "", {})
        for name, preset in presets.items()
    ]


def read_presets(folder: Path) -> dict[str, ModelConfig]:
    """Read every preset of a folder such as `conf/model`, by name; only its model is read."""
    presets = {}
    for file in sorted(folder.rglob("*.yaml")):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        content.pop("defaults", None)
        preset = build(_Preset, {"model": content})
        presets[file.relative_to(folder).with_suffix("").as_posix()] = preset.model
    return presets


def inputs_of(preset: str) -> dict[str, InputShape]:
    """Return the input shapes that a preset is meant for, by its name."""
    label = preset.rsplit("/", 1)[-1]
    if "spectrogram" in label:
        return PAPER_INPUTS | {"speech": SPECTROGRAM}
    if label in PRETRAINED_INPUTS:
        return PRETRAINED_INPUTS[label]
    if "functionals" in label:
        return PAPER_INPUTS | {"speech": FUNCTIONALS}
    return PAPER_INPUTS


def _encoders() -> Iterator[tuple[str, str, EncoderConfig, InputShape]]:
    """Modality, name, configuration and input; widths of Tripathi et al. 2018."""
    perceptron = MlpEncoder(name="mlp", units=1024, depth=2, taper=0.5, output_units=256)
    recurrent = LstmEncoder(
        name="lstm", units=512, depth=2, taper=0.5, bidirectional=False, pooling="last",
        output_units=512,
    )  # fmt: skip
    attentive = recurrent.model_copy(update={"units": 128, "taper": 1.0, "pooling": "attention"})
    gru = GruEncoder(**attentive.model_dump() | {"name": "gru"})
    both_ways = {"bidirectional": True}
    images = Conv2dEncoder(name="conv2d", channels=(32, 64, 64, 128, 128), output_units=256)
    decoder = AttentionDecoderEncoder(
        name="attention_decoder", units=128, bidirectional=False, output_units=256
    )
    convolutions = Conv1dEncoder(
        name="conv1d", units=256, depth=4, taper=0.5, kernel=3, pooling="flatten", output_units=256
    )
    transformer = TransformerEncoder(
        name="transformer", units=128, depth=2, heads=4, feed_forward=2, pooling="attention",
        output_units=256,
    )  # fmt: skip
    residual = ResidualMlpEncoder(
        name="residual_mlp", units=256, depth=2, expansion=2, output_units=256
    )
    yield "speech", "mlp", perceptron, SHORT_TERM
    yield "speech", "lstm", recurrent, SHORT_TERM
    yield "speech", "attention_lstm", attentive, SHORT_TERM
    yield "speech", "attention_bilstm", attentive.model_copy(update=both_ways), SHORT_TERM
    yield "speech", "attention_bigru", gru.model_copy(update=both_ways), SHORT_TERM
    yield "speech", "attention_decoder", decoder, SHORT_TERM
    yield "speech", "transformer", transformer, SHORT_TERM
    yield "speech", "spectrogram_cnn", images, SPECTROGRAM
    yield "speech", "functionals_mlp", perceptron, FUNCTIONALS
    yield "speech", "functionals_residual_mlp", residual, FUNCTIONALS
    words = {"embedding": _WORD_VECTORS}
    yield "text", "conv", convolutions.model_copy(update=words), WORDS
    yield "text", "lstm", recurrent.model_copy(update=words), WORDS
    yield "text", "bilstm", recurrent.model_copy(update=words | both_ways), WORDS
    yield "text", "attention_bilstm", attentive.model_copy(update=words | both_ways), WORDS
    yield "text", "transformer", transformer.model_copy(update=words), WORDS
    yield "mocap", "mlp", perceptron.model_copy(update={"depth": 0}), MOTION
    yield "mocap", "lstm", recurrent, MOTION
    yield "mocap", "transformer", transformer, MOTION
    yield "mocap", "conv", images, MOTION


def _encoder_counts(config: EncoderConfig, shape: InputShape) -> dict[str, int]:
    with _NOWHERE:
        encoder = ModalityEncoder(config, shape, dropout=0.0, blank=True)
    return {"all": count_trainable(encoder)} | _parts(encoder)


def _parts(encoder: ModalityEncoder) -> dict[str, int]:
    before = {"embedding": encoder.embedding, "layer_mix": encoder.layer_mix}
    parts = {name: count_trainable(part) for name, part in before.items() if part is not None}
    parts |= {name: count_trainable(part) for name, part in encoder.encoder.named_children()}
    return {name: n for name, n in parts.items() if n}


def _blank(name: str, preset: NetworkModel) -> Network:
    inputs = inputs_of(name)
    if preset.frames == "statistics":
        inputs = {modality: _described(shape) for modality, shape in inputs.items()}
        preset = _of_vectors(preset)
    with _NOWHERE:
        return Network(preset, inputs, N_CLASSES, blank=True)


def _described(frames: InputShape) -> InputShape:
    """Return the shape of the statistics of frames; words and vectors stay."""
    is_vector = frames.n_tokens is not None or frames.max_length == 1
    return frames if is_vector else InputShape(len(STATISTICS) * frames.dimensions, 1)


def _of_vectors(preset: NetworkModel) -> NetworkModel:
    """Return what a model of whatever the corpus has becomes, where it has all of the paper's."""
    if preset.reads == "encoders" or preset.vector is None:
        return preset
    encoders = {**preset.encoders}
    for steps, vector in (("text", "text_factors"), ("speech", "functionals")):
        if vector in encoders:
            encoders.pop(steps, None)
    frames = [name for name in ("speech", "mocap") if name in encoders]
    vectors = dict.fromkeys(frames, preset.vector)
    return preset.model_copy(update={"encoders": encoders | vectors})
