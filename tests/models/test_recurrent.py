"""LSTM and GRU against PyTorch's own on packed sequences, and their start against Keras's rules."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from emotion_hpo.models.cells import Gru, Lstm, RecurrentLayer


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("cell", "plain"), [(Lstm, torch.nn.LSTM), (Gru, torch.nn.GRU)])
def test_equals_packed_sequences(cell, plain, bidirectional):
    layer = RecurrentLayer(5, 4, bidirectional=bidirectional, recurrent_dropout=0.0, cell=cell)
    reference = plain(5, 4, batch_first=True, bidirectional=bidirectional)
    with torch.no_grad():
        for name, weight in reference.named_parameters():
            ours = layer.back if name.endswith("_reverse") else layer.ahead
            weight.copy_(getattr(ours, name.removesuffix("_reverse")))
    lengths = torch.tensor([7, 2, 1, 5])
    upstream = torch.randn(4, 7, 8 if bidirectional else 4)
    upstream[torch.arange(7) >= lengths[:, None]] = 0

    def answers(function, weights):
        leaf = torch.randn(4, 7, 5, generator=torch.Generator().manual_seed(1)).requires_grad_()
        states = function(leaf)
        states = states * (torch.arange(7) < lengths[:, None])[:, :, None]
        return [states, *torch.autograd.grad(states, [leaf, *weights], upstream)]

    def packed(values):
        several = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(reference(several)[0], batch_first=True)[0]

    ours = answers(lambda x: layer(x, lengths), [w for w in layer.parameters() if w.requires_grad])
    theirs = [w for name, w in reference.named_parameters() if cell is Gru or "bias_hh" not in name]
    for answer, expected in zip(ours, answers(packed, theirs), strict=True):
        torch.testing.assert_close(answer, expected, atol=1e-5, rtol=1e-5)


def test_starts_as_keras_does():
    lstm = Lstm(30, 20)
    glorot = (6 / (30 + 4 * 20)) ** 0.5
    assert 0.95 * glorot < lstm.weight_ih_l0.abs().max().item() <= glorot
    gram = lstm.weight_hh_l0.T @ lstm.weight_hh_l0
    torch.testing.assert_close(gram, torch.eye(20), atol=1e-5, rtol=0)
    assert lstm.bias_ih_l0.tolist() == [0.0] * 20 + [1.0] * 20 + [0.0] * 40
    assert not lstm.bias_hh_l0.any()
    assert not lstm.bias_hh_l0.requires_grad


def test_a_gru_starts_as_keras_does():
    gru = Gru(30, 20)
    glorot = (6 / (30 + 3 * 20)) ** 0.5
    assert 0.95 * glorot < gru.weight_ih_l0.abs().max().item() <= glorot
    gram = gru.weight_hh_l0.T @ gru.weight_hh_l0
    torch.testing.assert_close(gram, torch.eye(20), atol=1e-5, rtol=0)
    assert not gru.bias_ih_l0.any()
    assert not gru.bias_hh_l0.any()


@pytest.mark.parametrize("cell", [Lstm, Gru])
def test_recurrent_dropout_acts_in_training_alone(cell):
    layer, plain = cell(5, 4, recurrent_dropout=0.5), cell(5, 4)
    plain.load_state_dict(layer.state_dict())
    values = torch.randn(3, 6, 5)
    first, second = layer.states(values), layer.states(values)
    assert torch.equal(first[:, 0], second[:, 0])  # no state came before
    assert not torch.equal(first, second)
    assert torch.equal(layer.eval().states(values), plain.states(values))
    first.sum().backward()
    assert layer.weight_hh_l0.grad.any()
