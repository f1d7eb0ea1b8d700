"""A trial of another study that the sampler learns from (`warm_start`)."""

from collections.abc import Mapping
from dataclasses import dataclass

from emotion_hpo.config.space import Scalar


@dataclass(frozen=True)
class PriorTrial:
    """A finished trial of another study, as far as it fits this one.

    Attributes:
        origin: `STUDY/trial_7`.
        params: The parameters that fit.
        value: The objective.
        n_epochs: After which a pruned trial ended; None if it was complete.
    """

    origin: str
    params: Mapping[str, Scalar]
    value: float
    n_epochs: int | None
