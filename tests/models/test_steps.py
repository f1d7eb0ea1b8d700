import pytest
import torch

from emotion_hpo.models.steps import compact, pad_steps, permute_steps, reversal


def test_compact_moves_valid_steps_left_in_order():
    mask = torch.tensor([[0, 1, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0]]).bool()
    values = torch.arange(12.0).view(3, 4, 1)
    moved, left, lengths = compact(values, mask)
    assert lengths.tolist() == [2, 3, 0]
    assert left.tolist() == [[True, True, False, False], [True, True, True, False], [False] * 4]
    assert moved[left].flatten().tolist() == [1, 3, 4, 5, 6]


def test_compact_leaves_what_is_compact():
    values = torch.randn(2, 3, 1)
    assert compact(values, torch.tensor([[1, 1, 0], [1, 1, 1]]).bool()).values is values


def test_permutation_and_its_gradient():
    order = torch.tensor([[2, 0, 1, 3], [0, 1, 3, 2]])
    values = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    expected = values.gather(1, order[:, :, None].expand(-1, -1, 3))
    permuted = permute_steps(values, order, order.argsort(1))
    assert torch.equal(permuted, expected)
    upstream = torch.randn_like(values)
    ours, plain = (torch.autograd.grad(x, values, upstream)[0] for x in (permuted, expected))
    assert torch.equal(ours, plain)


def test_reversal_undoes_itself():
    order = reversal(torch.tensor([3, 0, 4]), 4)
    assert order.gather(1, order).tolist() == [[0, 1, 2, 3]] * 3


def test_pad_steps():
    values = torch.ones(1, 2, 3)
    assert pad_steps(values, 4).sum(2).tolist() == [[3, 3, 0, 0]]
    assert pad_steps(values, 2) is values
    with pytest.raises(ValueError, match="at most 1 steps fit, but got 2"):
        pad_steps(values, 1)
