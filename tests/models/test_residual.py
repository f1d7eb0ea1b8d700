import pytest
import torch
import torch.nn.functional as F

from emotion_hpo.config.model import ResidualMlpEncoder
from emotion_hpo.models.residual import CLOSED, GatedBlock, ResidualEncoder


def test_a_block_equals_its_equation():
    block = GatedBlock(4, 6, dropout=0.0)
    values = torch.randn(3, 4)
    hidden = F.gelu(F.layer_norm(values, [4]) @ block.hidden.weight.T)
    both = torch.cat(
        [hidden @ block.proposal.weight.T, hidden @ block.gate.weight.T + CLOSED], dim=1
    )
    torch.testing.assert_close(block(values), values + F.glu(both), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("input_norm", [False, True])
def test_a_sequence_is_the_mean_of_its_valid_steps(input_norm):
    config = ResidualMlpEncoder(
        name="residual_mlp", units=4, depth=2, expansion=2, input_norm=input_norm, output_units=3
    )
    encoder = ResidualEncoder(config, 5, dropout=0.0)
    values, mask = torch.randn(1, 6, 5), torch.tensor([[True, False, True, True, False, False]])
    mean = values[mask].mean(0)[None, None]
    torch.testing.assert_close(encoder(values, mask), encoder(mean, torch.ones(1, 1).bool()))


def test_input_dropout_hides_features_in_training_alone():
    config = ResidualMlpEncoder(
        name="residual_mlp", units=4, depth=1, expansion=1, input_dropout=0.5, output_units=3
    )
    encoder = ResidualEncoder(config, 5, dropout=0.0)
    values, mask = torch.randn(8, 1, 5), torch.ones(8, 1).bool()
    assert not torch.equal(encoder(values, mask), encoder(values, mask))
    encoder.eval()
    assert torch.equal(encoder(values, mask), encoder(values, mask))
