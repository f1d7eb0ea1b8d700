"""Augmentation: nothing where it is off, a function of the seed, and never without a step left."""

from dataclasses import fields

import pytest
import torch

from emotion_hpo.config.training import AugmentationConfig
from emotion_hpo.dataset import Dataset, Preprocessor
from emotion_hpo.dataset.augmentation import augmented
from emotion_hpo.dataset.batch import Batch, Mixing, Sequence
from tests.pipeline import SMALL, compose_config

EVERYTHING = AugmentationConfig(
    time_mask=0.4, feature_mask=0.3, noise=0.2, gain=0.1, word_dropout=0.2, mixup=0.4
)
KINDS = sorted(EVERYTHING.model_fields_set)  # speed and pitch make copies instead
FEATURES = ("speech", "mocap")


@pytest.fixture(scope="module")
def data(small_parts) -> Dataset:
    features = compose_config(*SMALL).features
    train = small_parts[0].folds[0].train
    return Preprocessor.fit(train, features, ("text", *FEATURES)).transform(train)


def batches_of(data, config, epoch=1):
    plain = list(data.epoch(8, 2, [0, epoch]))
    return plain, list(augmented(plain, config, [0, epoch]))


def alone(kind):
    return AugmentationConfig(**{kind: getattr(EVERYTHING, kind)})


def is_same(first: Batch, second: Batch) -> bool:
    return all(
        torch.equal(getattr(first.modalities[name], part.name), getattr(other, part.name))
        for name, other in second.modalities.items()
        for part in fields(Sequence)
    )


@pytest.mark.parametrize("copies", [{}, {"speed": 0.1, "pitch": 2.0}])
def test_off_hands_on_the_very_batches(data, copies):
    plain, changed = batches_of(data, AugmentationConfig(**copies))
    assert all(old is new for old, new in zip(plain, changed, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_a_function_of_the_seed_and_new_in_every_epoch(data, kind):
    plain, changed = batches_of(data, alone(kind))
    _, again = batches_of(data, alone(kind))
    other = list(augmented(plain, alone(kind), [0, 2]))
    assert all(map(is_same, changed, again))
    if kind == "mixup":
        assert [b.mixing.share for b in changed] == [b.mixing.share for b in again]
        assert [b.mixing.share for b in changed] != [b.mixing.share for b in other]
        return
    assert not all(map(is_same, changed, plain))
    assert not all(map(is_same, changed, other))


def test_rows_labels_and_presence_stay(data):
    for old, new in zip(*batches_of(data, EVERYTHING), strict=True):
        assert torch.equal(old.rows, new.rows)
        assert torch.equal(old.labels, new.labels)
        for name, sequence in new.modalities.items():
            before = old.modalities[name]
            assert torch.equal(sequence.present, before.present)
            assert not (sequence.mask & ~before.mask).any(), "a step where there was none"
            assert torch.equal(sequence.mask.any(1), before.mask.any(1)), "nothing is left"
            assert sequence.values.dtype == before.values.dtype


def test_a_time_mask_loses_at_most_its_share_and_changes_no_value(data):
    config = AugmentationConfig(time_mask=0.5)
    n_lost = 0
    for old, new in zip(*batches_of(data, config), strict=True):
        assert torch.equal(old.modalities["text"].mask, new.modalities["text"].mask)
        for name in FEATURES:
            before, after = old.modalities[name], new.modalities[name]
            assert torch.equal(before.values, after.values)
            lost_B = before.mask.sum(1) - after.mask.sum(1)
            assert (lost_B <= 0.5 * before.mask.sum(1)).all()
            n_lost += int(lost_B.sum())
    assert n_lost > 0


def test_a_time_mask_counts_steps_that_hold_data():
    """Of an utterance with holes at least half of its data stays, wherever the stretches fall."""
    mask_BT = torch.zeros(64, 40, dtype=torch.bool)
    mask_BT[:, ::5] = True
    speech = Sequence(torch.ones(64, 40, 2), mask_BT, mask_BT.any(1))
    batch = Batch({"speech": speech}, torch.zeros(64).long(), torch.arange(64))
    (new,) = augmented([batch], AugmentationConfig(time_mask=0.5), [0])
    n_left = new.modalities["speech"].mask.sum(1)
    assert 4 == n_left.min() < n_left.max() == 8


def test_a_feature_mask_sets_columns_to_the_mean(data):
    for old, new in zip(*batches_of(data, AugmentationConfig(feature_mask=0.5)), strict=True):
        before, after = old.modalities["speech"].values, new.modalities["speech"].values
        is_kept_BD = (before == after).all(1)
        assert (after.where(~is_kept_BD[:, None], 0) == 0).all()
        assert (is_kept_BD.float().mean(1) >= 0.5).all()
        assert not is_kept_BD.all()


def test_noise_and_gain_have_their_size(data):
    for kind in ("noise", "gain"):
        ratios = []
        for old, new in zip(*batches_of(data, AugmentationConfig(**{kind: 0.2})), strict=True):
            before, after = old.modalities["speech"], new.modalities["speech"]
            assert torch.equal(before.values[~before.mask], after.values[~before.mask])
            x, y = before.values[before.mask], after.values[before.mask]
            ratios.append((y / x).abs().log() if kind == "gain" else y - x)
        deviation = torch.cat(ratios).nan_to_num().std()
        assert deviation == pytest.approx(0.2, rel=0.25), kind


def test_words_become_unknown_and_nothing_else(data):
    dropped = held = 0
    for old, new in zip(*batches_of(data, AugmentationConfig(word_dropout=0.3)), strict=True):
        before, after = old.modalities["text"], new.modalities["text"]
        assert torch.equal(before.mask, after.mask)
        is_new = before.values != after.values
        assert (after.values[is_new] == 1).all()
        assert before.mask[is_new].all()
        dropped += int((is_new & before.mask).sum())
        held += int((before.mask & (before.values != 1)).sum())
    assert dropped / held == pytest.approx(0.3, abs=0.08)


def test_a_batch_mixes_what_belongs_to_its_utterances():
    rows = torch.arange(3)
    batch = Batch({}, rows, rows, Mixing(torch.tensor([1, 2, 0]), share=0.75))
    one_hot = torch.eye(3)
    mixed = [[0.75, 0.25, 0.0], [0.0, 0.75, 0.25], [0.25, 0.0, 0.75]]
    assert torch.equal(batch.mix(one_hot), torch.tensor(mixed))
    assert Batch({}, rows, rows).mix(one_hot) is one_hot
