import pytest
import torch
import torch.nn.functional as F

from emotion_hpo.config.model import Conv2dEncoder
from emotion_hpo.models.convolutional import PART, ImageEncoder


@pytest.mark.parametrize("halving", ["stride", "max"])
def test_equals_plain_convolutions(halving):
    config = Conv2dEncoder(name="conv2d", channels=(3, 4), halving=halving, output_units=5)
    encoder = ImageEncoder(config, 7, 10, dropout=0.3).eval()
    values = torch.randn(2, 9, 7)
    image = F.pad(values, (0, 0, 0, 1))[:, None]
    for layer in encoder.convolutions:
        stride = 2 if halving == "stride" else 1
        image = F.conv2d(image, layer.weight.contiguous(), layer.bias, stride, padding=1)
        image = (F.max_pool2d(image, 2, ceil_mode=True) if halving == "max" else image).relu()
    assert image.shape == (2, 4, 3, 2)
    expected = encoder.output(image.permute(0, 2, 3, 1).flatten(1))
    ours = encoder(values, torch.ones(2, 9).bool())
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)


def test_dropout_keeps_the_mean():
    """Its factor stands in the weights."""
    config = Conv2dEncoder(name="conv2d", channels=(6,), output_units=5)
    encoder = ImageEncoder(config, 7, 10, dropout=0.3)
    values, mask = torch.randn(2, 9, 7), torch.ones(2, 9).bool()
    drawn = torch.stack([encoder(values, mask) for _ in range(600)])
    error = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - encoder.eval()(values, mask)).abs() < 5 * error).all()


def test_parts_change_nothing():
    config = Conv2dEncoder(name="conv2d", channels=(3, 4), output_units=5)
    encoder = ImageEncoder(config, 7, 10, dropout=0.3).eval()
    values, mask = torch.randn(2 * PART + 1, 9, 7), torch.ones(2 * PART + 1, 9).bool()
    alone = torch.cat([encoder(values[[row]], mask[[row]]) for row in range(len(values))])
    torch.testing.assert_close(encoder(values, mask), alone, atol=1e-5, rtol=1e-5)


def test_width_scales_every_layer():
    config = Conv2dEncoder(name="conv2d", channels=(4, 8), width=0.5, output_units=1)
    encoder = ImageEncoder(config, 8, 8, dropout=0.0)
    assert [layer.out_channels for layer in encoder.convolutions] == [2, 4]
