"""How long a trial trains on a corpus: `auto` becomes epochs, batch size, patience and rungs.

Epochs say little about how far a network has come: six of 3,000 utterances are 282 optimiser steps,
six of 266 are thirty. So `auto` counts steps. Pruning and patience are fractions of the epochs,
the same on every corpus.
"""

import math
from collections.abc import Mapping

from emotion_hpo.config import Range, SearchConfig, build, dump, flatten, with_value
from emotion_hpo.config.auto import is_unresolved

#: Below six a trial has no rung to be pruned at; beyond eighty a checkpoint and an evaluation an
#: epoch cost more than the few steps between them.
_FEWEST_EPOCHS, _MOST_EPOCHS = 6, 80

#: A batch of fewer is all noise; the reference's 64 is the largest.
_SMALLEST_BATCH, _LARGEST_BATCH = 8, 64

#: Of turns of dialogues: about six of IEMOCAP's; in fewer, neighbours are most of a batch.
_SMALLEST_OF_TURNS, _LARGEST_OF_TURNS = 50, 400

#: Fewer updates an epoch than this, and a validation is due before the network has moved.
_FEWEST_STEPS = 8

#: Epochs without progress are chance where there are fewer.
_LEAST_PATIENCE = 3

#: Of a range's values: more than a range of batches or epochs has.
_MANY = 10_000


def resolve_budget(
    config: SearchConfig, n_train: int, n_folds: int = 1, n_turns: int | None = None
) -> tuple[SearchConfig, str]:
    """Return a study's configuration with plain values for what the corpus decides of its budget.

    What the space varies becomes the nearest value of its range. Copies of recordings are read as
    often as the utterances; where the space varies them, those of `training.augmentation` count.

    Args:
        config: The study.
        n_train: Utterances that a training learns from.
        n_folds: Of a trial. A pruner counts trainings, not epochs, where a trial has several.
        n_turns: Turns that these are read among; None: they are all.

    Returns:
        The configuration, and a line on what was decided; empty if epochs and batch were given.
    """
    plain = dump(config)
    given = flatten(plain)

    def choose(path: str, value: int) -> int:
        return _nearest(config.space, path, value) if given[path] == "auto" else int(given[path])

    n_copies = n_train * len(config.training.augmentation.perturbations)
    n_turns = n_turns or n_train
    n_train += n_copies
    sizes = {
        "training.batch_size": _batch_size(n_train, _SMALLEST_BATCH, _LARGEST_BATCH),
        "training.batch_turns": _batch_size(n_turns, _SMALLEST_OF_TURNS, _LARGEST_OF_TURNS),
    }
    sizes = {path: choose(path, size) for path, size in sizes.items()}
    key, n_read = "training.batch_size", n_train
    if config.has_context:
        key, n_read = "training.batch_turns", n_turns
    n_steps = math.ceil(n_read / sizes[key])
    enough = math.ceil((config.training.steps or 0) / n_steps)  # null beside epochs that are given
    epochs = choose("training.epochs", min(max(enough, _FEWEST_EPOCHS), _MOST_EPOCHS))
    n_trainings = n_folds * config.study.n_seeds
    counted = epochs if n_trainings == 1 else n_trainings
    values = {
        **sizes,
        "training.epochs": epochs,
        "training.patience": max(epochs // 3, _LEAST_PATIENCE),
        "pruner.min_epochs": max(round(counted / 6), 1),
        "pruner.n_warmup_epochs": max(round(counted / 6), 1),
        "pruner.patience": max(counted // 2, 1),
    }
    for path, value in values.items():
        if is_unresolved(path, given.get(path)):
            plain = with_value(plain, path, value)
    is_given = "auto" not in (config.training.epochs, given[key])
    what, unit = f"{n_train - n_copies:,} utterances", ""
    if n_copies:
        what = f"{what} and {n_copies:,} copies"
    if config.has_context:
        what, unit = f"{what} among {n_turns:,} turns", " turns"
    line = f"{what}: {epochs} epochs of {n_steps} steps, batches of {sizes[key]}{unit}"
    return build(SearchConfig, plain), "" if is_given else line


def _batch_size(n: int, smallest: int, largest: int) -> int:
    """Return the largest batch that gives an epoch enough steps: the given one, halved.

    >>> [_batch_size(n, 8, 64) for n in (40, 100, 266, 3000)]
    [8, 8, 32, 64]
    >>> [_batch_size(n, 50, 400) for n in (300, 2000, 7869)]
    [50, 200, 400]
    """
    size = largest
    while size > max(smallest, n // _FEWEST_STEPS):
        size //= 2
    return size


def _nearest(space: Mapping[str, Range], path: str, value: int) -> int:
    """Return the value that the space allows nearest to one; the same where it does not vary."""
    if path not in space:
        return value
    allowed = [int(choice) for choice in space[path].spread(_MANY) if isinstance(choice, int)]
    return min(allowed, key=lambda choice: abs(choice - value))
