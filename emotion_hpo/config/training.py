"""How a network is trained."""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from emotion_hpo.config.auto import Auto
from emotion_hpo.config.base import Section


class Adam(Section):
    """Adam (Kingma & Ba 2015), the reference's optimiser."""

    name: Literal["adam"]


class AdamW(Section):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    name: Literal["adamw"]
    weight_decay: float = Field(ge=0)


class Adadelta(Section):
    """Adadelta (Zeiler 2012), used by the reference's single-modality models."""

    name: Literal["adadelta"]


class Sgd(Section):
    """Stochastic gradient descent with Nesterov momentum."""

    name: Literal["sgd"]
    momentum: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)


OptimizerConfig = Annotated[Adam | AdamW | Adadelta | Sgd, Field(discriminator="name")]


class Perturbation(NamedTuple):
    """How a copy of a recording differs from it: so many times as fast, or semitones higher."""

    kind: Literal["speed", "pitch"]
    amount: float

    def __str__(self) -> str:
        """Return it as people write it.

        >>> str(Perturbation("speed", 0.9)), str(Perturbation("pitch", 2.0))
        ('speed 0.9', 'pitch +2')
        """
        return f"{self.kind} {self.amount:{'g' if self.kind == 'speed' else '+g'}}"


class AugmentationConfig(Section):
    """Changes of the training part: random, new in every epoch, or of its recordings; 0: none."""

    time_mask: float = Field(
        0.0, ge=0, lt=1, description="share of an utterance's steps that is lost at most, in two "
        "stretches (SpecAugment, Park et al. 2019)"
    )  # fmt: skip
    feature_mask: float = Field(
        0.0, ge=0, lt=1, description="share of the features that is set to the mean at most, in "
        "two stretches"
    )  # fmt: skip
    noise: float = Field(
        0.0, ge=0, description="standard deviation of Gaussian noise on the scaled features"
    )
    gain: float = Field(
        0.0, ge=0, le=3, description="standard deviation of the logarithm of a factor on all "
        "features of a modality, one an utterance"
    )  # fmt: skip
    word_dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the words that are made unknown"
    )
    mixup: float = Field(
        0.0, ge=0, description="a in Beta(a, a), from which a batch's mixing share is drawn: pairs "
        "are mixed before the softmax, with their labels (senMixup, Guo et al. 2019)"
    )  # fmt: skip
    speed: float = Field(
        0.0, ge=0, le=0.5, description="two copies of every recording, slower and faster by this "
        "share: 0.1 adds 0.9 and 1.1 times the speed (Ko et al. 2015); an epoch has them, too"
    )  # fmt: skip
    pitch: float = Field(
        0.0, ge=0, le=12, description="two copies of every recording, so many semitones lower and "
        "higher, as long as it is; an epoch has them, too"
    )  # fmt: skip

    @property
    def is_off(self) -> bool:
        """Whether no batch is changed; copies of recordings are utterances of their own."""
        return self.model_copy(update={"speed": 0.0, "pitch": 0.0}) == AugmentationConfig()

    @property
    def perturbations(self) -> tuple[Perturbation, ...]:
        """What copies of the recordings there are."""
        speeds = (1 - self.speed, 1 + self.speed) if self.speed else ()
        semitones = (-self.pitch, self.pitch) if self.pitch else ()
        return (
            *(Perturbation("speed", speed) for speed in speeds),
            *(Perturbation("pitch", semitone) for semitone in semitones),
        )


class TrainingConfig(Section):
    """One run of the training loop."""

    epochs: Annotated[int, Field(ge=1)] | Auto = Field(
        description="auto: as many as give `steps` optimiser steps on the corpus's training part, "
        "at least 6 and at most 80"
    )
    steps: int | None = Field(None, ge=1, description="optimiser steps that `epochs: auto` aims at")
    batch_size: Annotated[int, Field(ge=1)] | Auto = Field(
        description="utterances, of a model without context; auto: a power of two from 8 to 64 "
        "that gives an epoch at least 8 steps, where the corpus is large enough"
    )
    batch_turns: Annotated[int, Field(ge=1)] | Auto = Field(
        # `batch_size` counted turns, too, in studies from before there were two keys
        default_factory=lambda before: before.get("batch_size", "auto"),
        description="turns of whole dialogues, of a model with context; auto: 400, or its half and "
        "so on down to 50 that gives an epoch at least 8 steps",
    )
    learning_rate: float = Field(gt=0, le=10)
    optimizer: OptimizerConfig
    schedule: Literal["constant", "cosine", "plateau"] = Field(
        description="plateau: halved after three epochs without a lower validation loss; `final` "
        "halves it where validation did"
    )
    clip_norm: float | None = Field(
        gt=0, description="largest norm of the gradient; null: no limit"
    )
    label_smoothing: float = Field(ge=0, lt=1)
    class_weights: Literal["none", "balanced"]
    labels: Literal["majority", "votes"] = Field(
        "majority", description="votes: shares of the annotators' votes, where a corpus has them"
    )
    patience: Annotated[int, Field(ge=1)] | Auto | None = Field(
        None,
        description="epochs without a better objective that end a trial; null: never; auto: a "
        "third of all epochs, at least 3",
    )
    augmentation: AugmentationConfig = AugmentationConfig()
    bucket_batches: int = Field(
        ge=1,
        description="batches sorted by length together; 1: purely random batches; without effect "
        "on batches of dialogues",
    )
    precision: Literal["float32", "bfloat16", "auto"]
    device: Literal["cpu", "cuda", "auto"]

    @model_validator(mode="after")
    def _steps_to_aim_at(self) -> Self:
        if self.epochs == "auto" and self.steps is None:
            raise ValueError("epochs=auto needs training.steps, the optimiser steps to aim at")
        return self
