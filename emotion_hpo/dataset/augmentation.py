"""Augmentation: what a training sees of its own part, changed at random in every epoch.

In: the batches of an epoch. Out: batches of the same rows, some of their steps masked, features
changed, words unknown, or utterances mixed in pairs. Validation never passes through. All draws
derive from the seed of the epoch, so that a continued training sees what the uninterrupted one
does; with everything at 0 the batches themselves are handed on.

Features are changed as the network reads them, scaled: a masked feature is the training part's
mean, and noise is in its standard deviations.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from emotion_hpo.config.features import TEXT
from emotion_hpo.config.training import AugmentationConfig
from emotion_hpo.dataset.batch import Batch, Mixing, Sequence
from emotion_hpo.features.text import UNKNOWN

#: Stretches a mask, as in SpecAugment's stronger policies (Park et al. 2019, table 1).
_N_STRETCHES = 2


def augmented(
    batches: Iterable[Batch], config: AugmentationConfig, seed: list[int]
) -> Iterator[Batch]:
    """Yield the batches of an epoch, augmented; without augmentation the very same.

    Args:
        batches: Of the training part.
        config: How strongly.
        seed: Of the training and the epoch.
    """
    if config.is_off:
        yield from batches
        return
    entropy = np.random.SeedSequence([*seed, 1])  # the order's is without the 1
    shares = np.random.default_rng(entropy)
    generator: torch.Generator | None = None
    for batch in batches:
        if generator is None:
            generator = torch.Generator(batch.rows.device)
            generator.manual_seed(int(entropy.generate_state(1)[0]))
        if batch.dialogues is not None:
            buckets = [_change(bucket, config, generator) for bucket in batch.dialogues.buckets]
            yield replace(batch, dialogues=replace(batch.dialogues, buckets=tuple(buckets)))
            continue
        modalities = _change(batch.modalities, config, generator)
        mixing = _draw_mixing(batch, config.mixup, shares, generator)
        yield replace(batch, modalities=modalities, mixing=mixing)


def _change(
    modalities: Mapping[str, Sequence], config: AugmentationConfig, generator: torch.Generator
) -> dict[str, Sequence]:
    """Change each modality of some utterances, each utterance in its own way."""
    return {
        name: _drop_words(sequence, config.word_dropout, generator)
        if name == TEXT and sequence.values.ndim == 2
        else _change_features(sequence, config, generator)
        for name, sequence in modalities.items()
    }


def _drop_words(words: Sequence, share: float, generator: torch.Generator) -> Sequence:
    """Make words unknown, each with this probability."""
    if not share:
        return words
    is_dropped_BT = _draw(words.mask.shape, generator) < share
    values_BT = words.values.masked_fill(is_dropped_BT & words.mask, UNKNOWN)
    return replace(words, values=values_BT)


def _change_features(
    sequence: Sequence, config: AugmentationConfig, generator: torch.Generator
) -> Sequence:
    """Scale a modality's features, add noise, and mask stretches of features and of steps."""
    values_BTD, mask_BT = sequence.values, sequence.mask
    n_utterances, _, n_features = values_BTD.shape
    if config.gain:
        logarithms_B = torch.randn(n_utterances, generator=generator, device=generator.device)
        values_BTD = values_BTD * (config.gain * logarithms_B).exp()[:, None, None]
    if config.noise:
        noise_BTD = torch.randn(values_BTD.shape, generator=generator, device=generator.device)
        values_BTD = values_BTD + config.noise * noise_BTD * mask_BT[:, :, None]
    if config.feature_mask:
        places_BD = torch.arange(n_features, device=generator.device).expand(n_utterances, -1)
        sizes_B = torch.full((n_utterances,), n_features, device=generator.device)
        is_lost_BD = _stretches(places_BD, sizes_B, config.feature_mask, generator)
        values_BTD = values_BTD.masked_fill(is_lost_BD[:, None, :], 0)
    if config.time_mask:
        places_BT = mask_BT.cumsum(1) - 1  # among the steps that hold data
        mask_BT = mask_BT & ~_stretches(places_BT, mask_BT.sum(1), config.time_mask, generator)
    return replace(sequence, values=values_BTD, mask=mask_BT)


def _stretches(
    places_BN: Tensor, sizes_B: Tensor, share: float, generator: torch.Generator
) -> Tensor:
    """Return which places lie in stretches that together cover at most this share of them.

    Args:
        places_BN: The number of each place among those that count, from 0.
        sizes_B: How many count.
        share: Below 1, so that something is left.
        generator: Of lengths and starts.
    """
    is_inside_BN = torch.zeros_like(places_BN, dtype=torch.bool)
    for _ in range(_N_STRETCHES):
        longest_B = (sizes_B * share / _N_STRETCHES).floor()
        lengths_B = (_draw(sizes_B.shape, generator) * (longest_B + 1)).floor()
        starts_B = (_draw(sizes_B.shape, generator) * (sizes_B - lengths_B + 1)).floor()
        first_B1, last_B1 = starts_B[:, None], (starts_B + lengths_B)[:, None]
        is_inside_BN |= (places_BN >= first_B1) & (places_BN < last_B1)
    return is_inside_BN


def _draw_mixing(
    batch: Batch, concentration: float, shares: np.random.Generator, generator: torch.Generator
) -> Mixing | None:
    """Draw a partner for every utterance, and the share that each keeps of itself."""
    if not concentration:
        return None
    partners_B = torch.randperm(len(batch), generator=generator, device=generator.device)
    return Mixing(partners_B, float(shares.beta(concentration, concentration)))


def _draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Return numbers from 0 to 1, 1 excluded."""
    return torch.rand(shape, generator=generator, device=generator.device)
