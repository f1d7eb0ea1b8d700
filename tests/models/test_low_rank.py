import torch

from emotion_hpo.config.model import LowRankFusion
from emotion_hpo.models.low_rank import LowRankHead


def head(widths) -> LowRankHead:
    return LowRankHead(LowRankFusion(name="low_rank", units=5, rank=3), widths, 4)


def test_equals_the_whole_tensor():
    """The product over all of [x, 1] ⊗ [y, 1] ⊗ [z, 1], whose weights the factors stand for."""
    fusion = head((2, 3, 4))
    with torch.no_grad():
        for factor in fusion.factors:
            factor.normal_()
    encoded = [torch.randn(6, width) for width in (2, 3, 4)]
    extended = [torch.cat([x, torch.ones(6, 1)], dim=1) for x in encoded]
    weights = torch.einsum("riu,rju,rku->ijku", *fusion.factors) / 3
    fused = torch.einsum("bi,bj,bk,ijku->bu", *extended, weights)
    torch.testing.assert_close(
        fusion(encoded, torch.ones(6, 3).bool()), fusion.classes(fused), atol=1e-4, rtol=1e-4
    )


def test_an_absent_modality_leaves_its_one_alone():
    """Whatever the encoder said in its place."""
    fusion = head((2, 3))
    here, present = torch.randn(1, 2), torch.tensor([[True, False]])
    absent = fusion([here, torch.randn(1, 3)], present)
    torch.testing.assert_close(absent, fusion([here, torch.zeros(1, 3)], present))
    # At the start, one: as if there were no second factor
    alone = (here @ fusion.factors[0][:, :-1] + 1).mean(0)
    torch.testing.assert_close(absent, fusion.classes(alone))


def test_many_modalities_keep_the_scale():
    widths = [64] * 6
    fused = [torch.randn(200, width) * 0.1 for width in widths]
    logits = head(widths)(fused, torch.ones(200, 6).bool())
    assert 0.1 < float(logits.detach().std()) < 10
