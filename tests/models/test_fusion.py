"""One contract for every head."""

from typing import get_args

import pytest
import torch
from pydantic import TypeAdapter

from emotion_hpo.config.model import FusionConfig
from emotion_hpo.errors import ConfigError
from emotion_hpo.models.fusion import build_head
from emotion_hpo.models.steps import EncodedSteps

CONFIGS = {
    "linear": {"name": "linear"},
    "concat": {"name": "concat", "units": 5},
    "attention": {"name": "attention", "units": 5, "heads": 2},
    "gated": {"name": "gated", "units": 5},
    "low_rank": {"name": "low_rank", "units": 5, "rank": 2},
    "cross_attention": {"name": "cross_attention", "units": 6, "depth": 2, "heads": 2}
    | {"feed_forward": 2},
}


def build(config, widths=(3, 3)):
    head = build_head(TypeAdapter(FusionConfig).validate_python(config), widths, 4)
    with torch.no_grad():
        for name, weight in head.named_parameters():
            if name.endswith("bias"):
                weight.uniform_(0, 0.5)  # zero at the start, which would hide an error
    return head


#: As stored models call them.
NAMES = {
    "linear": {"classes"},
    "concat": {"hidden", "classes"},
    "attention": {"energy.0", "energy.2", "hidden", "classes"},
    "gated": {"projections.0", "projections.1", "gates", "classes"},
}


@pytest.mark.parametrize("head", NAMES)
def test_stored_weights_keep_their_names(head):
    names = {f"{name}.{part}" for name in NAMES[head] for part in ("weight", "bias")}
    assert set(build(CONFIGS[head]).state_dict()) == names


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_logits_are_classes_of_the_fused_vector(config):
    head, present_BM = build(config).eval(), torch.ones(3, 2).bool()
    encoded = encode(head, present_BM)
    fused_BU = head.fuse(encoded, present_BM)
    assert fused_BU.shape == (3, head.units)
    assert torch.equal(head.classes(fused_BU), head(encoded, present_BM))


def test_every_head_is_held_to_it():
    kinds = get_args(get_args(FusionConfig)[0])
    names = {get_args(kind.model_fields["name"].annotation)[0] for kind in kinds}
    assert {config["name"] for config in CONFIGS.values()} == names


def encode(head, present_BM, widths=(3, 3)):
    """Draw what the network hands to this head: zero where absent; steps where it reads them."""
    n = len(present_BM)
    encoded = []
    for present_B, width in zip(present_BM.unbind(1), widths, strict=True):
        vector_BU = torch.where(present_B[:, None], torch.randn(n, width), 0.0)
        if not getattr(head, "needs_steps", False):
            encoded.append(vector_BU)
            continue
        mask_BT = (torch.rand(n, 4) < 0.6) & present_B[:, None]
        mask_BT[:, 1] = present_B
        encoded.append(EncodedSteps(vector_BU, torch.randn(n, 4, width), mask_BT))
    return encoded


def row_of(encoded, row):
    if isinstance(encoded, EncodedSteps):
        return EncodedSteps(*(part[[row]] for part in encoded))
    return encoded[[row]]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
class TestHead:
    def test_company_changes_nothing(self, config):
        head = build(config)
        present = torch.tensor([[True, True], [True, False], [False, True], [False, False]])
        encoded = encode(head, present)
        together = head(encoded, present)
        assert together.shape == (4, 4)
        assert together.isfinite().all()
        for row in range(4):
            alone = head([row_of(x, row) for x in encoded], present[[row]])
            torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)

    def test_every_weight_learns(self, config):
        head = build(config)
        present = torch.ones(9, 2).bool()
        (head(encode(head, present), present) ** 2).sum().backward()
        assert all(weight.grad.any() for weight in head.parameters())

    def test_one_modality_is_enough(self, config):
        head, present = build(config, [3]), torch.ones(2, 1).bool()
        assert head(encode(head, present, [3]), present).shape == (2, 4)
        assert all(weight.numel() for weight in head.parameters())


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
