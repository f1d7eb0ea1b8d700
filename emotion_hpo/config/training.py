"""How a network is trained."""

from typing import Annotated, Literal

from pydantic import Field

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


class TrainingConfig(Section):
    """One run of the training loop."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
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
    patience: int | None = Field(
        None, ge=1, description="epochs without a better objective that end a trial; null: never"
    )
    bucket_batches: int = Field(
        ge=1, description="batches sorted by length together; 1: purely random batches"
    )
    precision: Literal["float32", "bfloat16", "auto"]
    device: Literal["cpu", "cuda", "auto"]
