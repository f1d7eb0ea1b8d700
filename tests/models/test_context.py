"""One contract for every context."""

from dataclasses import replace
from typing import get_args

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from emotion_hpo.config.model import ContextConfig
from emotion_hpo.dataset.batch import TurnOrder
from emotion_hpo.models.context.build import build_context
from emotion_hpo.models.context.relations import is_same_speaker, relations
from tests.dialogues import CONTEXTS

LENGTHS = (6, 1, 4)
UNITS = 5
SIDES = ("past", "both")


def build(context, reads="past", **changes):
    plain = {"units": 8, "dropout": 0.0, "reads": reads} | CONTEXTS[context] | changes
    torch.manual_seed(0)
    module = build_context(TypeAdapter(ContextConfig).validate_python(plain), UNITS)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.3 * torch.randn(weight.shape))  # none is zero, which would hide an error
    return module.eval()


def make_order(lengths=LENGTHS, seed=0) -> TurnOrder:
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths))
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    speakers = torch.randint(-1, 3, shape, generator=generator)
    return TurnOrder(mask, speakers, torch.randn(shape, generator=generator))


def make_turns(order: TurnOrder, seed=1) -> torch.Tensor:
    drawn = torch.randn(*order.mask.shape, UNITS, generator=torch.Generator().manual_seed(seed))
    return torch.where(order.mask[:, :, None], drawn, 0.0)


def row_of(order: TurnOrder, row: int, n_turns: int) -> TurnOrder:
    return TurnOrder(*(part[[row], :n_turns] for part in vars(order).values()))


def test_every_context_is_held_to_it():
    kinds = get_args(get_args(ContextConfig)[0])
    names = {get_args(kind.model_fields["name"].annotation)[0] for kind in kinds}
    assert {context["name"] for context in CONTEXTS.values()} == names - {"none"}
    assert build_context(TypeAdapter(ContextConfig).validate_python({"name": "none"}), 5) is None


@pytest.mark.parametrize("reads", SIDES)
@pytest.mark.parametrize("context", CONTEXTS)
class TestContext:
    def test_rows_and_padding_change_no_answer(self, context, reads):
        module, order = build(context, reads), make_order()
        turns = make_turns(order)
        together = module(turns, order)
        for row, n_turns in enumerate(LENGTHS):
            alone = module(turns[[row], :n_turns], row_of(order, row, n_turns))
            torch.testing.assert_close(together[row, :n_turns], alone[0], atol=1e-5, rtol=1e-5)
        shuffled = torch.tensor([2, 0, 1])
        other = TurnOrder(*(part[shuffled] for part in vars(order).values()))
        torch.testing.assert_close(module(turns[shuffled], other), together[shuffled])

    def test_masked_places_change_no_answer(self, context, reads):
        module, order = build(context, reads), make_order()
        turns = make_turns(order)
        rubbish = TurnOrder(
            order.mask,
            torch.where(order.mask, order.speakers, 1),
            torch.where(order.mask, order.gaps_s, 99.0),
        )
        answers = [module(turns, one_order)[order.mask] for one_order in (order, rubbish)]
        torch.testing.assert_close(*answers)

    def test_who_speaks_is_known_by_relations_alone(self, context, reads):
        module, order = build(context, reads), make_order()
        turns = make_turns(order)
        renamed = replace(order, speakers=torch.where(order.speakers < 0, -1, 7 - order.speakers))
        torch.testing.assert_close(module(turns, renamed), module(turns, order))

    def test_a_later_turn_is_read_with_both_sides_alone(self, context, reads):
        module, order = build(context, reads), make_order()
        turns, at = make_turns(order), 3
        later = replace(order, speakers=order.speakers.clone(), gaps_s=order.gaps_s.clone())
        changed = turns.clone()
        changed[0, at + 1 :] = 5.0
        later.speakers[0, at + 1 :], later.gaps_s[0, at + 1 :] = 2, 9.0
        before, after = module(turns, order)[0], module(changed, later)[0]
        assert not torch.allclose(before[at + 1 :], after[at + 1 :])
        if reads == "past":
            assert torch.equal(before[: at + 1], after[: at + 1])
        else:
            assert not torch.allclose(before[at], after[at])
        shorter = module(turns[:, : at + 1], make_cut(order, at + 1))[0]
        is_same = torch.allclose(shorter[at], before[at], atol=1e-5)
        assert is_same == (reads == "past")

    def test_an_earlier_turn_is_read(self, context, reads):
        module, order = build(context, reads), make_order()
        turns = make_turns(order)
        changed = turns.clone()
        changed[0, 2] = 5.0
        assert not torch.allclose(module(turns, order)[0, 3], module(changed, order)[0, 3])

    def test_bytes_of_the_gradient_reach_every_weight(self, context, reads):
        module, order = build(context, reads), make_order()
        module(make_turns(order), order)[order.mask].square().sum().backward()
        for name, weight in module.named_parameters():
            if weight.requires_grad:
                assert weight.grad is not None, name
                assert weight.grad.isfinite().all(), name
                assert weight.grad.any(), name


def make_cut(order: TurnOrder, n_turns: int) -> TurnOrder:
    return TurnOrder(*(part[:, :n_turns] for part in vars(order).values()))


@pytest.mark.parametrize("context", ["recurrent", "gru", "attention", "speaker_recurrent"])
@pytest.mark.parametrize("part", ["speakers", "gaps_s"])
def test_relations_are_read(context, part):
    module, order = build(context), make_order()
    turns, other = make_turns(order), make_order(seed=5)
    changed = replace(order, **{part: getattr(other, part)})
    assert not torch.allclose(module(turns, order), module(turns, changed))


def test_the_window_reaches_so_far():
    order = make_order((9,))
    turns = make_turns(order)
    module = build("attention", depth=1, reach=2)
    changed = turns.clone()
    changed[0, 3] = 5.0
    is_changed = (module(turns, order) != module(changed, order)).any(dim=2)[0]
    assert is_changed.tolist() == [False] * 3 + [True] * 3 + [False] * 3


def test_a_speakers_state_is_their_own():
    """What another says between two turns of a speaker changes the dialogue's state alone."""
    module = build("speaker_recurrent")
    direction = module.directions[0]
    with torch.no_grad():
        direction.speaker.weight_ih_l0[:, -8:] = 0  # the dialogue's state is not read
    order = replace(make_order((4,)), speakers=torch.tensor([[0, 1, 0, 1]]))
    values = torch.randn(1, 4, UNITS + 2)
    changed = values.clone()
    changed[0, 1] = 5.0
    states = [direction(each, order)[0, :, 8:] for each in (values, changed)]
    is_same = [torch.equal(*pair) for pair in zip(*states, strict=True)]
    assert is_same == [True, False, True, False]


def test_relations_are_to_the_turn_before():
    order = TurnOrder(
        torch.tensor([[True, True, True, True, False]]),
        torch.tensor([[3, 3, 1, -1, 1]]),
        torch.tensor([[7.0, -0.5, 0.0, 2.0, 4.0]]),
    )
    related = relations(order)[0]
    assert related[:, 0].tolist() == [0, 1, -1, 0, 0]
    torch.testing.assert_close(
        related[:, 1], torch.tensor([0, -0.5, 0, 2, 0]).asinh(), atol=1e-6, rtol=0
    )


def test_an_unknown_speaker_says_one_turn_alone():
    order = TurnOrder(
        torch.tensor([[True, True, True, True, False]]),
        torch.tensor([[3, -1, -1, 3, 3]]),
        torch.zeros(1, 5),
    )
    others = is_same_speaker(order)[0] & ~torch.eye(5, dtype=torch.bool)
    assert others.nonzero().tolist() == [[0, 3], [3, 0]]


def test_heads_must_be_turned_in_pairs():
    plain = {"name": "attention", "units": 6, "heads": 2}
    with pytest.raises(ValidationError, match="got units=6, heads=2"):
        TypeAdapter(ContextConfig).validate_python(plain)
