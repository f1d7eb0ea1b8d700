"""LSTM and GRU encoders: words, frames or parts in, pooled states out."""

from torch import Tensor, nn

from emotion_hpo.config.model import GruEncoder, LstmEncoder
from emotion_hpo.models.cells import Gru, Lstm, RecurrentLayer
from emotion_hpo.models.dropout import Dropout
from emotion_hpo.models.layers import dense, widths
from emotion_hpo.models.pooling import build_pooling
from emotion_hpo.models.steps import compact


class RecurrentEncoder(nn.Module):
    """LSTM or GRU layers with dropout after each, pooled, then a dense layer.

    Attributes:
        step_units: Width of the states that `steps` returns.
    """

    def __init__(self, config: LstmEncoder | GruEncoder, dimensions: int, dropout: float) -> None:
        super().__init__()
        self.recurrent = nn.ModuleList()
        for units in widths(config.units, config.depth, config.taper):
            layer = RecurrentLayer(
                dimensions,
                units,
                bidirectional=config.bidirectional,
                recurrent_dropout=config.recurrent_dropout,
                cell=Gru if config.name == "gru" else Lstm,
            )
            self.recurrent.append(layer)
            dimensions = layer.output_units
        self.step_units = dimensions
        self.pooling = build_pooling(config.pooling, dimensions, bidirectional=config.bidirectional)
        self.dropout = Dropout(dropout)
        self.output = dense(dimensions, config.output_units)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Encode the valid steps as `(B, output_units)`."""
        return self.pool(*self.steps(values_BTD, mask_BT))

    def steps(self, values_BTD: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Return the `(B, T, step_units)` states of the valid steps, moved left, and their mask."""
        values_BTD, mask_BT, lengths_B = compact(values_BTD, mask_BT)
        for depth, layer in enumerate(self.recurrent):
            values_BTD = layer(self.dropout(values_BTD) if depth else values_BTD, lengths_B)
        return values_BTD, mask_BT

    def pool(self, states_BTU: Tensor, mask_BT: Tensor) -> Tensor:
        """Pool states to `(B, output_units)`."""
        encoded_BU: Tensor = self.output(self.dropout(self.pooling(states_BTU, mask_BT)))
        return encoded_BU
