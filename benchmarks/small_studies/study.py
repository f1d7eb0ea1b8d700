"""One small complete study: trials, folds, the winner and the truth about it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from emotion_hpo.metrics import Run, ValidationLabels
from small_studies.kept import Kept
from small_studies.networks import Networks, Params, Reader, train
from small_studies.pools import Pool

#: Trials and epochs of a study: as a search of some minutes has.
N_TRIALS, N_EPOCHS = 30, 10

#: Of the baseline's logistic regression; nothing is chosen.
_C = 0.01


@dataclass(frozen=True)
class Truth:
    """Very many utterances, as a network sees them, who says each, and where."""

    inputs: Tensor
    labels: NDArray[np.int64]
    sessions: NDArray[np.object_]
    dialogues: NDArray[np.str_]

    @classmethod
    def of(cls, pool: Pool, reader: Reader) -> "Truth":
        """From a pool."""
        sessions, dialogues = pool.table["session"], pool.table["dialogue"]
        return cls(reader(pool), pool.labels, sessions.to_numpy(object), dialogues.to_numpy(str))

    @property
    def n_dialogues(self) -> int:
        """How many dialogues it is of: so exact it is."""
        return len(np.unique(self.dialogues))

    def take(self, rows: NDArray[np.bool_]) -> "Truth":
        """Some of the utterances."""
        inputs = self.inputs[torch.from_numpy(rows)]
        return Truth(inputs, self.labels[rows], self.sessions[rows], self.dialogues[rows])

    def answers(self, networks: Networks, trial: int, epoch: int) -> NDArray[np.float32]:
        """Probabilities of one trial's network after one epoch."""
        return networks.probabilities(self.inputs, [trial], [epoch])[0].numpy()

    def accuracy(self, answers: NDArray[np.float32]) -> float:
        """Share that is right."""
        return float((answers.argmax(1) == self.labels).mean())


@dataclass(frozen=True)
class Study:
    """A search's trials on one or several folds.

    Attributes:
        params: Of the trials.
        folds: Name → validation part.
        networks: Name → the trials' networks, after every epoch.
        runs: The trainings of each trial.
        baselines: Name → logistic regression, fitted to the same utterances.
        baseline_runs: What it answers, as trainings of one epoch.
    """

    params: Params
    folds: Mapping[str, ValidationLabels]
    networks: Mapping[str, Networks]
    runs: list[list[Run]]
    baselines: Mapping[str, LogisticRegression]
    baseline_runs: list[Run]

    @classmethod
    def searched(
        cls,
        pool: Pool,
        reader: Reader,
        parts: Mapping[str, NDArray[np.bool_]],
        rng: np.random.Generator,
        params: Params | None = None,
        *,
        with_baseline: bool = True,
    ) -> "Study":
        """Train every trial on every fold, and the baseline; `parts` says which rows validate."""
        inputs, labels = reader(pool), torch.from_numpy(pool.labels)
        params = params or Params.drawn(N_TRIALS, inputs.shape[1], rng)
        folds, networks, baselines, baseline_runs = {}, {}, {}, []
        runs: list[list[Run]] = [[] for _ in params.units]
        for name, validates in parts.items():
            rows = torch.from_numpy(np.flatnonzero(~validates))
            seed = int(rng.integers(2**31))
            trained = train(inputs[rows], labels[rows], params, N_EPOCHS, seed)
            judged = np.flatnonzero(validates)
            folds[name] = ValidationLabels(
                pool.labels[judged], list(pool.table["dialogue"].iloc[judged])
            )
            for trial in range(len(runs)):
                every = trained.probabilities(
                    inputs[judged], [trial] * N_EPOCHS, list(range(N_EPOCHS))
                )
                stored = every.numpy().astype(np.float16)  # as a trial's file holds it
                runs[trial].append(Run(name, stored))
            networks[name] = trained
            if with_baseline:
                baseline = LogisticRegression(C=_C).fit(inputs[rows].numpy(), pool.labels[rows])
                answers = baseline.predict_proba(inputs[judged].numpy()).astype(np.float16)
                baselines[name] = baseline
                baseline_runs.append(Run(name, answers[None]))
        return cls(params, folds, networks, runs, baselines, baseline_runs)

    @property
    def winner(self) -> int:
        """The trial of the best value: the mean over folds, each at its best epoch."""
        return int(self.leaders(1)[0])

    def leaders(self, n: int) -> NDArray[np.int64]:
        """The best trials, the best one first."""
        best = [[self._accuracies(run).max() for run in runs] for runs in self.runs]
        return np.argsort(-np.mean(best, axis=1), kind="stable")[:n]

    def kept(self, truths: Mapping[str, float], n_seeds: int = 1) -> Kept:
        """For a file, with what is true of its winner."""
        answers = {
            name: np.stack([runs[place].probabilities for runs in self.runs]).astype(np.float16)
            for place, name in enumerate(self.folds)
        }
        baseline = {run.fold: run.probabilities[0].astype(np.float16) for run in self.baseline_runs}
        return Kept(self.folds, answers, baseline, truths, n_seeds)

    def best_epochs(self, trial: int) -> dict[str, int]:
        """Fold → the epoch of a trial that its validation part finds best."""
        return {run.fold: int(self._accuracies(run).argmax()) for run in self.runs[trial]}

    def truth(self, trial: int, truth: Truth) -> float:
        """Accuracy of a trial's networks at their best epochs, averaged over folds."""
        alone = np.zeros(len(self.runs))
        alone[trial] = 1
        return self.ensemble_truth(alone, truth)

    def baseline_truth(self, truth: Truth) -> float:
        """Accuracy of the baseline, averaged over folds."""
        alone = np.zeros(len(self.runs) + 1)
        alone[-1] = 1
        return self.ensemble_truth(alone, truth)

    def ensemble_truth(self, weights: NDArray[np.float64], truth: Truth) -> float:
        """Accuracy of an ensemble of the trials' networks at their best epochs.

        Averaged over folds, whose networks are combined apart. A weight more than there are trials
        is the baseline's.
        """
        mixed = [
            sum(
                np.float32(weights[member]) * self._answers(member, fold, truth)
                for member in map(int, np.flatnonzero(weights))
            )
            for fold in self.networks
        ]
        return float(np.mean([truth.accuracy(np.asarray(answers)) for answers in mixed]))

    def unchosen_truth(self, truth: Truth) -> float:
        """Accuracy of all trials after their last epoch, on average: nothing was chosen there."""
        every = [
            truth.accuracy(truth.answers(networks, trial, N_EPOCHS - 1))
            for networks in self.networks.values()
            for trial in range(len(self.runs))
        ]
        return float(np.mean(every))

    def _answers(self, member: int, fold: str, truth: Truth) -> NDArray[np.float32]:
        """Probabilities of one trial's network at its best epoch, or of the baseline."""
        if member < len(self.runs):
            return truth.answers(self.networks[fold], member, self.best_epochs(member)[fold])
        answers = self.baselines[fold].predict_proba(truth.inputs.numpy())
        return np.asarray(answers, np.float32)

    def _accuracies(self, run: Run) -> NDArray[np.float64]:
        return (run.probabilities.argmax(2) == self.folds[run.fold].labels).mean(1)


def paper_parts(pool: Pool, share: float = 0.2) -> dict[str, NDArray[np.bool_]]:
    """The last rows of the id-sorted table, as `split=paper` has them."""
    return {"validation": np.arange(len(pool)) >= round((1 - share) * len(pool))}


def session_parts(pool: Pool) -> dict[str, NDArray[np.bool_]]:
    """Each session once, as `split=session` has them."""
    sessions = pool.table["session"].to_numpy()
    return {str(name): sessions == name for name in np.unique(sessions)}


def speaker_parts(pool: Pool) -> dict[str, NDArray[np.bool_]]:
    """Each speaker once, as `split=loso` has them."""
    speakers = pool.table["speaker"].to_numpy()
    return {str(name): speakers == name for name in np.unique(speakers)}
