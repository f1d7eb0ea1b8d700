"""A network: an encoder for each modality, a head, and between fusion and classes the context.

A network of one modality is one with one encoder. A missing modality is masked: every one of its
steps is invalid, its encoding is zero, and the head gets a flag. With a context, utterances that
come without a dialogue are answered as dialogues of one turn.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import EncoderConfig, NetworkModel
from emotion_hpo.dataset.batch import Dialogues, Encoded, InputShape, Sequence, TurnOrder
from emotion_hpo.errors import ConfigError, unknown_name
from emotion_hpo.models.context.build import build_context
from emotion_hpo.models.embedding import Embedding
from emotion_hpo.models.encoders import StepEncoder, build_encoder
from emotion_hpo.models.fusion import build_head
from emotion_hpo.models.layer_mix import LayerMix
from emotion_hpo.models.steps import EncodedSteps, clean


class ModalityEncoder(nn.Module):
    """Tokens are embedded, layers mixed where that is learnt; then the encoder."""

    def __init__(
        self, config: EncoderConfig, shape: InputShape, dropout: float, *, blank: bool
    ) -> None:
        super().__init__()
        self.embedding = self.layer_mix = None
        width = shape.dimensions
        if config.layer_mix == "learned" and shape.n_layers > 1:
            self.layer_mix = LayerMix(shape.n_layers)
            width //= shape.n_layers
        self.columns = slice(*(config.columns or (0, width)))
        dimensions = self.columns.stop - self.columns.start
        if config.embedding is not None:
            self.embedding = Embedding(config.embedding, shape, blank=blank)
            dimensions = config.embedding.dimensions
        self.encoder = build_encoder(config, dimensions, shape.max_length, dropout)
        self.output_units = config.output_units
        self.step_units = config.output_units
        if isinstance(self.encoder, StepEncoder):
            self.step_units = self.encoder.step_units
        self.frozen = config.frozen
        if config.frozen:
            self.requires_grad_(False)

    def train(self, mode: bool = True) -> "ModalityEncoder":
        """A frozen encoder stays as in evaluation: no dropout."""
        return super().train(mode and not self.frozen)

    def forward(self, sequence: Sequence) -> Tensor:
        """Encode one modality as `(B, output_units)`; zero where an utterance lacks it."""
        if isinstance(sequence, Encoded):
            return torch.where(sequence.present[:, None], sequence.values[:, 0], 0.0)
        values_BTD, mask_BT = self._read(sequence)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            encoded_BU = self.encoder(values_BTD, mask_BT)
        return torch.where(sequence.present[:, None], encoded_BU, 0.0)

    def steps(self, sequence: Sequence) -> EncodedSteps:
        """Encode one modality step by step; of an encoder without steps, its vector is the one."""
        if not isinstance(self.encoder, StepEncoder):
            vector_BU = self(sequence)
            return EncodedSteps(vector_BU, vector_BU[:, None], sequence.present[:, None])
        values_BTD, mask_BT = self._read(sequence)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            states_BTU, mask_BT = self.encoder.steps(values_BTD, mask_BT)
            encoded_BU = self.encoder.pool(states_BTU, mask_BT)
        vector_BU = torch.where(sequence.present[:, None], encoded_BU, 0.0)
        return EncodedSteps(vector_BU, states_BTU, mask_BT)

    def _read(self, sequence: Sequence) -> tuple[Tensor, Tensor]:
        """Return the `(B, T, D)` values, zero where masked, and the mask of what is there."""
        values, mask_BT, present_B = sequence.values, sequence.mask, sequence.present
        if mask_BT.shape[1] == 0:  # a batch in which nobody has it
            values = values.new_zeros(len(mask_BT), 1, *values.shape[2:])
            mask_BT = mask_BT.new_zeros(len(mask_BT), 1)
        mask_BT = mask_BT & present_B[:, None]
        if self.embedding is None:
            if self.layer_mix is not None:
                values = self.layer_mix(values)
            return clean(values[:, :, self.columns], mask_BT), mask_BT
        return self.embedding(values, mask_BT), mask_BT


class Network(nn.Module):
    """`(modalities) -> (B, C)` float32 logits; or `(dialogues) -> (B, C)`, of the turns asked for.

    Attributes:
        encoders: By modality, in the configuration's order.
        head: The fusion.
        context: What reads the dialogue, or None.
    """

    def __init__(
        self,
        config: NetworkModel,
        inputs: Mapping[str, InputShape],
        n_classes: int,
        *,
        blank: bool = False,
    ) -> None:
        super().__init__()
        encoders = {
            modality: ModalityEncoder(encoder, inputs[modality], config.dropout, blank=blank)
            for modality, encoder in config.encoders.items()
        }
        self.encoders = nn.ModuleDict(encoders)
        # The largest first, at an empty heap: the odd sizes of the others leave no gaps between its
        self._order = sorted(config.encoders, key=lambda name: -inputs[name].size)
        self.head = build_head(
            config.fusion,
            [encoder.output_units for encoder in encoders.values()],
            n_classes,
            step_widths=[encoder.step_units for encoder in encoders.values()],
            dropout=config.dropout,
        )
        self.modality_dropout = config.modality_dropout
        self.context = build_context(config.context, self.head.units)

    @property
    def fixed_encoders(self) -> dict[str, nn.Module] | None:
        """Return the encoders if training changes none, and the head reads their vectors alone."""
        is_frozen = all(encoder.frozen for encoder in self.encoders.values())
        return None if self.head.needs_steps or not is_frozen else dict(self.encoders.items())

    def forward(self, inputs: Mapping[str, Sequence] | Dialogues) -> Tensor:
        """Classify a batch; modalities without an encoder are not looked at."""
        if isinstance(inputs, Dialogues):
            states_BU = self._read_dialogues(inputs)
        else:
            states_BU = self._alone(self.fuse(inputs))
        logits_BC: Tensor = self.head.classes(states_BU)
        return logits_BC.float()

    def fuse(self, modalities: Mapping[str, Sequence]) -> Tensor:
        """Return the fused vector `(B, units)` of each utterance."""
        present_BM = torch.stack([modalities[name].present for name in self.encoders], dim=1)
        if self.training and self.modality_dropout:
            present_BM = hide_modalities(present_BM, self.modality_dropout)
        present = dict(zip(self.encoders, present_BM.unbind(1), strict=True))
        encoded = {}
        for name in self._order:
            sequence = replace(modalities[name], present=present[name])
            encoder = self.encoders[name]
            assert isinstance(encoder, ModalityEncoder)
            encoded[name] = encoder.steps(sequence) if self.head.needs_steps else encoder(sequence)
        return self.head.fuse([encoded[name] for name in self.encoders], present_BM)

    def follow(
        self, modalities: Mapping[str, Sequence], before_LU: Tensor, order: TurnOrder
    ) -> tuple[Tensor, Tensor]:
        """Classify an utterance after turns that were read before it.

        Args:
            modalities: Of the utterance, alone in its batch.
            before_LU: The fused vectors of those turns.
            order: Of one row, those turns and the utterance.

        Returns:
            Its logits `(C,)`, and its fused vector `(U,)`, which the next utterance needs.
        """
        assert self.context is not None
        fused_1U = self.fuse(modalities)
        states_LU: Tensor = self.context(torch.cat([before_LU, fused_1U])[None], order)[0]
        logits_C: Tensor = self.head.classes(states_LU[-1])
        return logits_C.float(), fused_1U[0]

    def _alone(self, fused_BU: Tensor) -> Tensor:
        """Return the states of turns without neighbours."""
        if self.context is None:
            return fused_BU
        order = TurnOrder.alone(len(fused_BU), fused_BU.device)
        states_B1U: Tensor = self.context(fused_BU[:, None], order)
        return states_B1U[:, 0]

    def _read_dialogues(self, dialogues: Dialogues) -> Tensor:
        """Encode every turn once, read them in their order, and return the states asked for."""
        fused_NU = torch.cat([self.fuse(modalities) for modalities in dialogues.buckets])
        places_RL, order = dialogues.places, dialogues.order
        if self.context is None:
            return fused_NU[places_RL.flatten()[dialogues.answered]]
        fused_RLU = fused_NU.index_select(0, places_RL.flatten()).view(*places_RL.shape, -1)
        fused_RLU = torch.where(order.mask[:, :, None], fused_RLU, 0.0)
        states_BU: Tensor = self.context(fused_RLU, order).flatten(0, 1)[dialogues.answered]
        share = self.context.context_dropout
        if not (self.training and share):
            return states_BU
        is_alone_B = torch.rand(len(states_BU), device=states_BU.device) < share
        alone_BU = self._alone(fused_RLU.flatten(0, 1)[dialogues.answered])
        return torch.where(is_alone_B[:, None], alone_BU, states_BU)


def build_network(
    config: NetworkModel,
    inputs: Mapping[str, InputShape],
    n_classes: int,
    *,
    seed: int,
    blank: bool = False,
) -> Network:
    """Build a network on the CPU.

    Args:
        config: What to build.
        inputs: Shapes of at least the modalities that have an encoder.
        n_classes: Number of logits.
        seed: Decides every initial weight; the global random state is neither read nor changed.
        blank: Take neither pretrained vectors nor trained encoders, since a state dict follows.

    Raises:
        ConfigError: An encoder does not fit its input, or its weights do not fit the encoder.
    """
    for modality, encoder in config.encoders.items():
        _check_input(modality, encoder, inputs)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = Network(config, inputs, n_classes, blank=blank)
    for modality, encoder in config.encoders.items():
        if encoder.weights is not None and not blank:
            _load_encoder(network, modality, encoder.weights)
    return network


def count_trainable(module: nn.Module) -> int:
    """Count the weights of a module that training changes."""
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


def hide_modalities(present_BM: Tensor, share: float) -> Tensor:
    """Hide that share of the modalities that are there; if all of an utterance's, then none."""
    shown_BM = present_BM & (torch.rand(present_BM.shape, device=present_BM.device) >= share)
    return torch.where(shown_BM.any(dim=1, keepdim=True), shown_BM, present_BM)


def _check_input(modality: str, encoder: EncoderConfig, inputs: Mapping[str, InputShape]) -> None:
    path = f"model.encoders.{modality}"
    if modality not in inputs:
        raise ConfigError(f"{path}: " + unknown_name("modality", modality, inputs))
    shape = inputs[modality]
    tokens = shape.n_tokens is not None
    if tokens and encoder.embedding is None:
        raise ConfigError(f"{path}: the input is tokens, so {path}.embedding must be set")
    if not tokens and encoder.embedding is not None:
        raise ConfigError(f"{path}: the input is not tokens, so {path}.embedding must be null")
    if encoder.columns is not None:
        start, stop = encoder.columns
        width = shape.dimensions // (shape.n_layers if encoder.layer_mix == "learned" else 1)
        if tokens or not start < stop <= width:
            raise ConfigError(
                f"{path}.columns: start < stop <= {width} (the input's features) must "
                f"hold, but got [{start}, {stop}]"
            )


def _load_encoder(network: Network, modality: str, file: Path) -> None:
    prefix = f"encoders.{modality}."
    try:
        state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
        if "networks" in state:  # a final model: the network of its first seed
            state = state["networks"][0]  # type: ignore[assignment]
    except OSError as error:
        raise ConfigError(f"model.encoders.{modality}.weights: cannot read {file}") from error
    own = {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}
    try:
        network.encoders[modality].load_state_dict(own)
    except RuntimeError as error:
        raise ConfigError(f"model.encoders.{modality}.weights: {file} differs: {error}") from error
