"""The attention block against PyTorch's own layers, and rotary positions against their formula."""

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from emotion_hpo.models.attention_block import AttentionBlock, Rotation, attend


def fill(attention: nn.MultiheadAttention, block: AttentionBlock) -> None:
    """Give PyTorch's attention the block's weights."""
    layers = (block.query, block.key, block.value)
    biases = [block.query.bias, torch.zeros_like(block.query.bias), block.value.bias]
    attention.in_proj_weight.copy_(torch.cat([layer.weight for layer in layers]))
    attention.in_proj_bias.copy_(torch.cat(biases))
    attention.out_proj.load_state_dict(block.attended.state_dict())


def block_with_biases() -> AttentionBlock:
    block = AttentionBlock(8, 2, 1.5, dropout=0.0)
    with torch.no_grad():
        for name, weight in block.named_parameters():
            if "bias" in name:
                weight.normal_()  # zero at the start, which would hide an error
    return block


MASK = torch.tensor([[1, 1, 1, 1, 0], [1, 0, 1, 0, 0], [1, 1, 1, 1, 1]]).bool()


def test_equals_pytorchs_encoder_layer():
    block = block_with_biases()
    layer = nn.TransformerEncoderLayer(
        8, 2, 12, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    with torch.no_grad():
        fill(layer.self_attn, block)
        layer.norm1.load_state_dict(block.attention_norm.state_dict())
        layer.norm2.load_state_dict(block.feed_forward_norm.state_dict())
        layer.linear1.load_state_dict(block.feed_forward[0].state_dict())
        layer.linear2.load_state_dict(block.feed_forward[2].state_dict())
    values = torch.randn(3, 5, 8)
    expected = layer(values, src_key_padding_mask=~MASK)
    torch.testing.assert_close(block(values, MASK)[MASK], expected[MASK], atol=1e-5, rtol=1e-5)


def test_equals_pytorchs_attention_to_other_sources():
    block = block_with_biases()
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        fill(attention, block)
    targets, sources = torch.randn(3, 4, 8), torch.randn(3, 5, 8)
    query = block.attention_norm(targets)
    attended = attention(query, sources, sources, key_padding_mask=~MASK, need_weights=False)[0]
    states = targets + attended
    expected = states + block.feed_forward(block.feed_forward_norm(states))
    torch.testing.assert_close(block(targets, MASK, sources), expected, atol=1e-5, rtol=1e-5)


def test_without_a_source_nothing_is_attended():
    query, key, value = (torch.randn(2, 2, 3, 4, requires_grad=True) for _ in range(3))
    mask = torch.tensor([[False] * 3, [True] * 3])
    attended = attend(query, key, value, mask)
    assert not attended[0].any()
    assert attended[1].any()
    attended.sum().backward()
    for leaf in (query, key, value):
        assert leaf.grad.isfinite().all()
        assert not leaf.grad[0].any()


def test_no_weights_of_a_whole_batch_are_held():
    """The fused kernel takes these arguments; PyTorch would raise if it did not."""
    shape = (2, 2, 300, 8)
    query, key, value = (torch.randn(shape, requires_grad=True) for _ in range(3))
    mask = torch.arange(300) < torch.tensor([300, 120])[:, None]
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        fused = attend(query, key, value, mask)
    with sdpa_kernel(SDPBackend.MATH):
        plain = attend(query, key, value, mask)
    torch.testing.assert_close(fused, plain, atol=1e-5, rtol=1e-5)
    grads = [torch.autograd.grad(x.square().sum(), query)[0] for x in (fused, plain)]
    torch.testing.assert_close(*grads, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("width", [2, 8])
def test_rotation_multiplies_by_complex_numbers(width):
    values = torch.randn(2, 3, 7, width)
    turned = Rotation(7, width, values.device).turn(values)
    pairs = torch.complex(*values.double().chunk(2, dim=3))
    for step in range(7):
        for pair in range(width // 2):
            angle = torch.tensor(step * 10_000 ** (-2 * pair / width), dtype=torch.float64)
            expected = pairs[:, :, step, pair] * torch.polar(torch.ones_like(angle), angle)
            actual = turned[:, :, step, pair] + 1j * turned[:, :, step, pair + width // 2]
            torch.testing.assert_close(actual, expected.cfloat(), atol=1e-5, rtol=1e-5)


def test_only_distances_count():
    block = block_with_biases()
    values, shifted = torch.randn(3, 5, 8), torch.zeros(3, 9, 8)
    shifted[:, 4:] = values
    late = torch.zeros(3, 9, dtype=torch.bool)
    late[:, 4:] = MASK
    ours = block(values, MASK, rotation=Rotation(5, 4, values.device))
    theirs = block(shifted, late, rotation=Rotation(9, 4, values.device))[:, 4:]
    torch.testing.assert_close(ours[MASK], theirs[MASK], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(ours[MASK], block(values, MASK)[MASK], atol=1e-3)
