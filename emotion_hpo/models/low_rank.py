"""Low-rank multimodal fusion: all products of the modalities' units, without their tensor.

With z_m = [x_m, 1], the tensor product of all z_m is mapped to `units` by a weight tensor of that
rank, a sum of R outer products (Liu et al. 2018, equations 4 to 6):

    h = 1/R Σ_r Π_m W_m^r z_m

An absent modality is x_m = 0: of its factor the row of the appended 1 is left. These rows begin as
ones, the neutral element of the product, so that the others' factors pass unchanged and no gradient
shrinks with the number of modalities. (The published weights over r and bias of h change nothing
that factors and the next layer cannot say.)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from emotion_hpo.config.model import LowRankFusion
from emotion_hpo.models.head import Head
from emotion_hpo.models.layers import dense


class LowRankHead(Head):
    """Products of all modalities' units, at low rank → classes."""

    def __init__(self, config: LowRankFusion, widths: Sequence[int], n_classes: int) -> None:
        super().__init__()
        self.factors = nn.ParameterList(
            _factor(config.rank, width, config.units) for width in widths
        )
        self.classes = dense(config.units, n_classes)

    def fuse(self, encoded: Sequence[Tensor], present_BM: Tensor) -> Tensor:
        """Return the mean of the products `(B, units)`."""
        projected = [
            torch.where(present_B[:, None], x_BI, 0.0) @ factor_RIU[:, :-1] + factor_RIU[:, -1:]
            for factor_RIU, x_BI, present_B in zip(
                self.factors, encoded, present_BM.unbind(1), strict=True
            )
        ]
        return torch.stack(projected).prod(dim=0).mean(dim=0)


def _factor(rank: int, width: int, units: int) -> nn.Parameter:
    """Return `(R, width + 1, units)`: Glorot-uniform, and the row of the 1 ones."""
    factor_RIU = torch.ones(rank, width + 1, units)
    for factor_IU in factor_RIU:
        nn.init.xavier_uniform_(factor_IU[:-1])
    return nn.Parameter(factor_RIU)
