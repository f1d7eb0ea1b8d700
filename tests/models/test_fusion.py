"""One contract for every head."""

from typing import get_args

import pytest
import torch
from pydantic import TypeAdapter

from emotion_hpo.config.model import FusionConfig
from emotion_hpo.errors import ConfigError
from emotion_hpo.models.fusion import build_head

CONFIGS = {
    "linear": {"name": "linear"},
    "concat": {"name": "concat", "units": 5},
    "attention": {"name": "attention", "units": 5, "heads": 2},
    "gated": {"name": "gated", "units": 5},
}


def build(config, widths=(3, 3)):
    head = build_head(TypeAdapter(FusionConfig).validate_python(config), widths, 4)
    with torch.no_grad():
        for name, weight in head.named_parameters():
            if name.endswith("bias"):
                weight.uniform_(0, 0.5)  # zero at the start, which would hide an error
    return head


def test_every_head_is_held_to_it():
    kinds = get_args(get_args(FusionConfig)[0])
    names = {get_args(kind.model_fields["name"].annotation)[0] for kind in kinds}
    assert {config["name"] for config in CONFIGS.values()} == names


def absent_as_zero(encoded, present_BM):
    return [torch.where(present_BM[:, [m]], x, 0.0) for m, x in enumerate(encoded)]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
class TestHead:
    def test_company_changes_nothing(self, config):
        head = build(config)
        present = torch.tensor([[True, True], [True, False], [False, True], [False, False]])
        encoded = absent_as_zero([torch.randn(4, 3), torch.randn(4, 3)], present)
        together = head(encoded, present)
        assert together.shape == (4, 4)
        assert together.isfinite().all()
        for row in range(4):
            alone = head([x[[row]] for x in encoded], present[[row]])
            torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)

    def test_every_weight_learns(self, config):
        head = build(config)
        (head([torch.randn(9, 3) for _ in range(2)], torch.ones(9, 2).bool()) ** 2).sum().backward()
        assert all(weight.grad.any() for weight in head.parameters())

    def test_one_modality_is_enough(self, config):
        assert build(config, [3])([torch.randn(2, 3)], torch.ones(2, 1).bool()).shape == (2, 4)


@pytest.mark.parametrize(
    "config", [CONFIGS["attention"], CONFIGS["gated"]], ids=lambda c: c["name"]
)
def test_an_absent_modality_has_no_weight(config):
    """Whatever the encoder said in its place."""
    head = build(config)
    present = torch.tensor([[True, False]])
    here = torch.randn(1, 3)
    if config["name"] == "gated":  # its gates see the zeros that the network puts there
        loud = head([here, torch.zeros(1, 3)], present)
        alone = (head.gates(torch.cat([here, torch.zeros(1, 3)], 1)).sigmoid()[:, :5]) * torch.tanh(
            head.projections[0](here)
        )
        torch.testing.assert_close(loud, head.classes(alone))
    else:
        torch.testing.assert_close(
            head([here, torch.zeros(1, 3)], present), head([here, torch.randn(1, 3)], present)
        )


def test_attention_needs_one_width():
    with pytest.raises(ConfigError, match="one output_units, but got 3, 4"):
        build(CONFIGS["attention"], [3, 4])
