"""What every head is: a fusion of the encoded modalities, and the classes."""

from typing import Any

from torch import Tensor, nn


class Head(nn.Module):
    """`(encoded, present_BM) -> logits_BC`: `fuse`, then `classes`.

    Attributes:
        classes: The last dense layer.
        needs_steps: Whether `fuse` reads an `EncodedSteps` a modality in the place of its vector.
    """

    classes: nn.Linear
    needs_steps = False

    @property
    def units(self) -> int:
        """Return the width of what `fuse` returns."""
        return self.classes.in_features

    def fuse(self, encoded: Any, present_BM: Tensor) -> Tensor:  # noqa: ANN401 (vectors or steps)
        """Return one vector an utterance."""
        raise NotImplementedError

    def forward(self, encoded: Any, present_BM: Tensor) -> Tensor:  # noqa: ANN401
        """Return the `(B, C)` logits."""
        logits_BC: Tensor = self.classes(self.fuse(encoded, present_BM))
        return logits_BC
