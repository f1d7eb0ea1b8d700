"""Which network is trained: an encoder for each modality, the head that fuses them, its context.

An encoder is named by its architecture, never by its modality: an LSTM over words, frames or parts
is the same LSTM. Where layers follow each other, `units` is the width of the first, `depth` their
number and `taper` the factor from one to the next, so that a search reaches a whole stack by three
numbers: 512, 256 is `units: 512, depth: 2, taper: 0.5`.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from emotion_hpo.config.base import Section

Pooling = Literal["last", "first", "mean", "max", "attention"]
Units = Annotated[int, Field(ge=1, le=65_536)]
Share = Annotated[float, Field(ge=0, lt=1)]
Taper = Annotated[float, Field(gt=0, le=4)]


class EmbeddingConfig(Section):
    """How tokens become vectors."""

    vectors: Literal["random", "pretrained"] = Field(
        description="pretrained: the vectors that come with the data set; words without are random"
    )
    dimensions: Units
    trainable: bool


class EncoderSection(Section):
    """What every encoder has."""

    output_units: Units = Field(description="width of what is handed to the fusion")
    embedding: EmbeddingConfig | None = Field(None, description="needed for tokens, and only there")
    columns: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]] | None = Field(
        None, description="first and one past the last of the features that are read; null: all"
    )
    weights: Path | None = Field(
        None, description="a state dict or a final model.pt; this modality's encoder starts from it"
    )
    frozen: bool = Field(False, description="keep the encoder as it is; train the rest alone")
    layer_mix: Literal["none", "learned"] = Field(
        "none",
        description="of a pretrained model's layers: none reads them side by side; learned, as one "
        "weighted sum, of which the weights are learnt",
    )


class MlpEncoder(EncoderSection):
    """All steps flattened into one vector, then dense layers; `depth` counts the hidden ones."""

    name: Literal["mlp"]
    units: Units
    depth: int = Field(ge=0, le=16)
    taper: Taper = 1.0


class RecurrentSection(EncoderSection):
    """What every recurrent encoder has."""

    units: Units = Field(description="of the first layer, in each direction")
    depth: int = Field(ge=1, le=8)
    taper: Taper = 1.0
    bidirectional: bool
    pooling: Pooling
    recurrent_dropout: Share = Field(
        0.0, description="share of hidden-to-hidden weights dropped, drawn once a batch"
    )


class LstmEncoder(RecurrentSection):
    """LSTM layers, pooled over the steps, then one dense layer."""

    name: Literal["lstm"]


class GruEncoder(RecurrentSection):
    """GRU layers, pooled over the steps, then one dense layer: three quarters of the weights."""

    name: Literal["gru"]


class Conv1dEncoder(EncoderSection):
    """Convolutions along the steps; all of them flattened, or pooled; then one dense layer."""

    name: Literal["conv1d"]
    units: Units = Field(description="channels of the first layer")
    depth: int = Field(ge=1, le=16)
    taper: Taper = 1.0
    kernel: int = Field(ge=1, le=63)
    pooling: Literal["flatten", "last", "first", "mean", "max", "attention"]


class Conv2dEncoder(EncoderSection):
    """3 × 3 convolutions, each halving the image of steps and dimensions, then a dense layer."""

    name: Literal["conv2d"]
    channels: tuple[Units, ...] = Field(min_length=1, max_length=12)
    width: float = Field(1.0, gt=0, le=16, description="factor on every entry of `channels`")
    halving: Literal["stride", "max"] = Field(
        "stride", description="by convolutions of stride 2, or by the maximum of four"
    )


class AttentionDecoderEncoder(EncoderSection):
    """LSTM, then Bahdanau's attention decoder over its states, all steps flattened, dense layer."""

    name: Literal["attention_decoder"]
    units: Units = Field(description="of the LSTM and of the decoder, in each direction")
    bidirectional: bool
    recurrent_dropout: Share = Field(
        0.0, description="share of hidden-to-hidden weights dropped, drawn once a batch"
    )


class TransformerEncoder(EncoderSection):
    """Pre-norm self-attention with rotary positions, pooled over the steps, then a dense layer."""

    name: Literal["transformer"]
    units: Units = Field(description="of every layer; a multiple of 2 * heads")
    depth: int = Field(ge=1, le=24)
    heads: int = Field(ge=1, le=64)
    feed_forward: float = Field(gt=0, le=16, description="hidden width as a multiple of `units`")
    pooling: Pooling

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        _check_turned_heads(self.units, self.heads)
        return self


class ResidualMlpEncoder(EncoderSection):
    """Gated residual blocks over a vector, or over the mean of a sequence's steps."""

    name: Literal["residual_mlp"]
    units: Units = Field(description="of every block")
    depth: int = Field(ge=1, le=32, description="number of blocks")
    expansion: float = Field(gt=0, le=16, description="a block's hidden width, times `units`")
    input_norm: bool = Field(
        False, description="scale each vector to mean 0 and deviation 1 before it is read"
    )
    input_dropout: Share = Field(0.0, description="share of the features that training zeroes")


class MeanEncoder(EncoderSection):
    """The mean over the steps, then one dense layer: a linear probe of frozen features."""

    name: Literal["mean"]


EncoderConfig = Annotated[
    MlpEncoder
    | MeanEncoder
    | LstmEncoder
    | GruEncoder
    | Conv1dEncoder
    | Conv2dEncoder
    | AttentionDecoderEncoder
    | TransformerEncoder
    | ResidualMlpEncoder,
    Field(discriminator="name"),
]


class LinearFusion(Section):
    """Concatenated, activated, one dense layer to the classes: what a single modality needs."""

    name: Literal["linear"]


class ConcatFusion(Section):
    """Concatenated, activated, a hidden layer, the classes (Tripathi et al. 2018)."""

    name: Literal["concat"]
    units: Units


class AttentionFusion(Section):
    """Modalities weighted by attention over them, then as `concat`."""

    name: Literal["attention"]
    units: Units
    heads: int = Field(ge=1, le=16)


class GatedFusion(Section):
    """Modalities gated unit by unit (Arevalo et al. 2017), then the classes."""

    name: Literal["gated"]
    units: Units


class LowRankFusion(Section):
    """All products of the modalities' units, at low rank (Liu et al. 2018), then the classes."""

    name: Literal["low_rank"]
    units: Units
    rank: int = Field(ge=1, le=64)


class CrossAttentionFusion(Section):
    """Steps of each modality attend to those of every other (Tsai et al. 2019), then as `concat`.

    An encoder that gives no steps (`mlp`, `residual_mlp`, `conv2d`, `attention_decoder`) gives one,
    its vector.
    """

    name: Literal["cross_attention"]
    units: Units = Field(description="of every block and of the hidden layer; a multiple of heads")
    depth: int = Field(ge=1, le=16, description="blocks of each ordered pair of modalities")
    heads: int = Field(ge=1, le=64)
    feed_forward: float = Field(gt=0, le=16, description="hidden width as a multiple of `units`")

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.units % self.heads:
            raise ValueError(
                f"units must be a multiple of heads, but got units={self.units}, heads={self.heads}"
            )
        return self


FusionConfig = Annotated[
    LinearFusion
    | ConcatFusion
    | AttentionFusion
    | GatedFusion
    | LowRankFusion
    | CrossAttentionFusion,
    Field(discriminator="name"),
]


class NoContext(Section):
    """Every utterance as if nobody had spoken before or after it."""

    name: Literal["none"] = "none"


class ContextSection(Section):
    """What every context has: it reads the turns of a dialogue by their fused vectors.

    Beside each it gets whether the speaker is that of the turn before, and the seconds between.
    """

    units: Units = Field(128, description="of its states; of a recurrent one in each direction")
    reads: Literal["past", "both"] = Field(
        "past", description="the turns before; or those after, too, which no live use has"
    )
    dropout: Share = Field(0.5, description="of what it reads of a turn, and of its states")
    context_dropout: Share = Field(
        0.0, description="share of the turns that training answers as if each were alone"
    )


class RecurrentContext(ContextSection):
    """LSTM or GRU layers over the dialogue, added to the turn's own vector."""

    name: Literal["recurrent"]
    cell: Literal["lstm", "gru"] = "lstm"
    depth: int = Field(1, ge=1, le=8)
    residual: bool = Field(
        True, description="add to the turn's own vector; false: a ReLU layer in its place"
    )
    relations: bool = Field(
        True, description="read who speaks again and the gaps; false: the vectors alone"
    )


class AttentionContext(ContextSection):
    """Pre-norm self-attention over a window of turns, added to the turn's own vector."""

    name: Literal["attention"]
    units: Units = Field(128, description="of every block; a multiple of 2 * heads")
    depth: int = Field(1, ge=1, le=24)
    heads: int = Field(4, ge=1, le=64)
    feed_forward: float = Field(
        2.0, gt=0, le=16, description="hidden width as a multiple of `units`"
    )
    reach: int = Field(
        10, ge=1, le=1000, description="turns before, and with reads=both after, that a block sees"
    )

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        _check_turned_heads(self.units, self.heads)
        return self


class SpeakerRecurrentContext(ContextSection):
    """A state of the dialogue, and one of each speaker (DialogueRNN, Majumder et al. 2019)."""

    name: Literal["speaker_recurrent"]


ContextConfig = Annotated[
    NoContext | RecurrentContext | AttentionContext | SpeakerRecurrentContext,
    Field(discriminator="name"),
]


class NetworkModel(Section):
    """One network: `name` is a label for tables, the rest decides what it is."""

    name: str
    learner: Literal["network"] = "network"
    encoders: dict[str, EncoderConfig] = Field(min_length=1)
    reads: Literal["encoders", "corpus"] = Field(
        "encoders",
        description="corpus: every modality that the corpus has, by `encoders`, `vector` or "
        "`sequence`; encoders of others are left out",
    )
    vector: EncoderConfig | None = Field(
        None, description="with reads=corpus: the encoder of each further modality of one vector"
    )
    sequence: EncoderConfig | None = Field(
        None, description="with reads=corpus: the encoder of each further modality of frames"
    )
    frames: Literal["sequences", "statistics"] = Field(
        "sequences",
        description="statistics: a modality of frames is one vector, nine statistics of each "
        "column; with reads=corpus, `vector` reads it, and of two views of a source the vector is "
        "read alone",
    )
    fusion: FusionConfig
    dropout: Share
    modality_dropout: Share = Field(
        0.0, description="chance that training hides a modality; never an utterance's last one"
    )
    context: ContextConfig = Field(
        NoContext(), description="how the turns of a dialogue are read beside an utterance"
    )

    @property
    def has_seed(self) -> bool:
        """Whether a training draws anything: weights, the order of batches, dropout."""
        return True

    @property
    def has_context(self) -> bool:
        """Whether it reads utterances among the turns of their dialogues."""
        return not isinstance(self.context, NoContext)

    @property
    def reads_after(self) -> bool:
        """Whether it reads turns that are said later."""
        return not isinstance(self.context, NoContext) and self.context.reads == "both"

    @model_validator(mode="after")
    def _has_templates(self) -> Self:
        needs_sequence = self.frames == "sequences"
        if self.reads == "corpus" and (
            self.vector is None or (needs_sequence and self.sequence is None)
        ):
            also = " and model.sequence" * needs_sequence
            raise ValueError(f"reads=corpus with frames={self.frames} needs model.vector{also}")
        return self


def _check_turned_heads(units: int, heads: int) -> None:
    """Refuse heads whose units the rotary positions cannot turn in pairs."""
    if units % (2 * heads):
        raise ValueError(
            "units must be a multiple of 2 * heads (positions turn pairs of a head's units), "
            f"but got units={units}, heads={heads}"
        )
