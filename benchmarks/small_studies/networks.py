"""Thirty small networks trained at once: one study of the benchmark in about a second.

A network is a perceptron of one hidden layer over an utterance's functionals and frequent words;
with context, over the words of the turns before it as well.
The trials of a study differ as a search's do (learning rate, width, dropout, weight decay, which
modality they see) and in their seed, and are trained side by side as one batched product.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from small_studies.pools import Pool

N_CLASSES = 4
_N_SPEECH = 68
_MAX_UNITS = 32
_BATCH = 64


@dataclass(frozen=True)
class Params:
    """The trials' hyperparameters, each `(trials,)`, and which inputs each sees."""

    learning_rate: Tensor
    weight_decay: Tensor
    keep: Tensor
    units: Tensor
    sees: Tensor  # (trials, inputs)

    @classmethod
    def drawn(cls, n_trials: int, n_inputs: int, rng: np.random.Generator) -> "Params":
        """Draw a search's trials at random; four of five see both modalities."""
        sees = torch.ones(n_trials, n_inputs)
        alone = rng.random(n_trials)
        sees[alone < 0.1, :_N_SPEECH] = 0
        sees[alone > 0.9, _N_SPEECH:] = 0
        return cls(
            torch.tensor(10 ** rng.uniform(-3.3, -1.7, n_trials), dtype=torch.float32),
            torch.tensor(10 ** rng.uniform(-5, -2, n_trials), dtype=torch.float32),
            torch.tensor(1 - rng.uniform(0, 0.5, n_trials), dtype=torch.float32),
            torch.tensor(rng.integers(4, _MAX_UNITS + 1, n_trials)),
            sees,
        )

    def take(self, trials: NDArray[np.int64]) -> "Params":
        """Those of some trials."""
        return Params(*(getattr(self, name)[trials] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Reader:
    """How an utterance becomes a vector: scaled functionals, a 1 for each frequent word.

    With context also a 1 for each that the eight turns before said.

    Learnt without labels from a large pool, once for all studies: what a training part's own
    scaling and vocabulary add is not the question here.
    """

    place: Mapping[str, int]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, pool: Pool, n_words: int = 300, *, in_dialogues: bool) -> "Reader":
        """From the most frequent words and the scale of a pool."""
        counts = pool.table["transcript"].str.lower().str.split().explode().value_counts()
        place = {word: index for index, word in enumerate(sorted(counts.index[:n_words]))}
        texts = ("transcript", "before") if in_dialogues else ("transcript",)
        return cls(place, pool.speech.mean(0), pool.speech.std(0) + 1e-6, texts)

    def __call__(self, pool: Pool) -> Tensor:
        """All utterances, `(n, inputs)`."""
        speech = np.clip((pool.speech - self.mean) / self.deviation, -5, 5)
        words = [self._words(pool.table[text].tolist()) for text in self.texts]
        return torch.from_numpy(np.concatenate([speech, *words], axis=1, dtype=np.float32))

    def _words(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seen = np.zeros((len(texts), len(self.place)), np.float32)
        for row, text in enumerate(texts):
            words = (self.place.get(word) for word in text.lower().split())
            seen[row, [word for word in words if word is not None]] = 1
        return seen


@dataclass
class Networks:
    """The trials' networks after each epoch: weights `(epochs, trials, …)`."""

    params: Params
    first: Tensor
    second: Tensor

    def probabilities(self, inputs: Tensor, trials: list[int], epochs: list[int]) -> Tensor:
        """Class probabilities of some trials at some epochs, pairwise, `(pairs, n, classes)`."""
        answers = []
        for trial, epoch in zip(trials, epochs, strict=True):
            first, second = self.first[epoch, trial], self.second[epoch, trial]
            hidden = torch.relu(_with_one(inputs) @ first)
            answers.append((_with_one(hidden) @ second).softmax(1))
        return torch.stack(answers)


def train(inputs: Tensor, labels: Tensor, params: Params, n_epochs: int, seed: int) -> Networks:
    """Train every trial from its own seed by Adam with decoupled decay; keep every epoch."""
    n_trials, generator = len(params.units), torch.Generator().manual_seed(seed)
    inputs = _with_one(inputs)
    first = torch.randn(n_trials, inputs.shape[1], _MAX_UNITS, generator=generator)
    first *= (2 / 60) ** 0.5  # about sixty inputs are not zero
    sees = torch.cat([params.sees, torch.ones(n_trials, 1)], dim=1)[:, :, None]
    width = (torch.arange(_MAX_UNITS) < params.units[:, None]).float()[:, None]
    first = (first * sees * width).requires_grad_()
    second = 0.3 * torch.randn(n_trials, _MAX_UNITS + 1, N_CLASSES, generator=generator)
    second.requires_grad_()
    weights, rate = (first, second), params.learning_rate[:, None, None]
    moments = [(torch.zeros_like(weight), torch.zeros_like(weight)) for weight in weights]
    snapshots: list[tuple[Tensor, Tensor]] = []
    step = 0
    for _ in range(n_epochs):
        order = torch.rand(n_trials, len(labels), generator=generator).argsort(1)
        for rows in order.split(_BATCH, dim=1):
            step += 1
            hidden = torch.relu(inputs[rows] @ first)
            drop = torch.rand(hidden.shape, generator=generator) < params.keep[:, None, None]
            hidden = hidden * drop / params.keep[:, None, None]
            logits = _with_one(hidden) @ second
            loss = F.cross_entropy(logits.flatten(0, 1), labels[rows].flatten(), reduction="sum")
            (loss / rows.shape[1]).backward()
            with torch.no_grad():
                for weight, (mean, square) in zip(weights, moments, strict=True):
                    mean.lerp_(weight.grad, 0.1)
                    square.lerp_(weight.grad**2, 0.001)
                    scale = (square / (1 - 0.999**step)).sqrt_().add_(1e-8)
                    weight.mul_(1 - 100 * rate * params.weight_decay[:, None, None])
                    weight.sub_(rate * mean / (1 - 0.9**step) / scale)
                    weight.grad = None
                first.mul_(sees * width)
        snapshots.append((first.detach().clone(), second.detach().clone()))
    return Networks(params, *(torch.stack(part) for part in zip(*snapshots, strict=True)))


def _with_one(inputs: Tensor) -> Tensor:
    """A column of ones is the bias."""
    return torch.cat([inputs, torch.ones(*inputs.shape[:-1], 1)], dim=-1)
