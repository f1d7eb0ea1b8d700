"""The layers of a pretrained model, weighed: what the benchmark SUPERB reads (Yang et al. 2021)."""

import torch
from torch import Tensor, nn


class LayerMix(nn.Module):
    """Softmax-weighted sum of layers that follow each other in D; all weigh the same at first.

    Args:
        n_layers: In D.
    """

    def __init__(self, n_layers: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(n_layers))

    def forward(self, values_BTD: Tensor) -> Tensor:
        """Return `(B, T, D / n_layers)`."""
        values_BTLD = values_BTD.reshape(*values_BTD.shape[:2], len(self.logits), -1)
        return torch.einsum("btld,l->btd", values_BTLD, self.logits.softmax(0))
