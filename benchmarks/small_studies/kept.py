"""What a study leaves in a file: its trials' validation answers and the truth about its winner.

The networks are trained once; the project's statistics can then be held against the truth again and
again, in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics import (
    CorrectedScore,
    Run,
    ValidationLabels,
    correct_ensemble_score,
    correct_winner_score,
)
from emotion_hpo.metrics.combination import greedy_selection, heaviest

#: Members of an ensemble at most, as `final` has it.
N_MEMBERS = 5


@dataclass(frozen=True)
class Kept:
    """One split of one study.

    Attributes:
        folds: Name → validation part.
        answers: Name → what the trainings answer, `(trainings, epochs, n, classes)`.
        baseline: Name → what the baseline answers, `(n, classes)`.
        truths: Of what → the winner's true figure.
        n_seeds: Trainings of each trial, one after the other.
    """

    folds: Mapping[str, ValidationLabels]
    answers: Mapping[str, NDArray[np.float16]]
    baseline: Mapping[str, NDArray[np.float16]]
    truths: Mapping[str, float]
    n_seeds: int = 1

    def expected(self) -> CorrectedScore:
        """What a search would say of its winner."""
        return correct_winner_score(self.folds, self.trials())

    def expected_of_ensemble(self, *, with_baseline: bool) -> CorrectedScore:
        """What a search would say of the ensemble of its trials, or of them and the baseline."""
        candidates = self.candidates(with_baseline=with_baseline)
        weights = self.weights(with_baseline=with_baseline)
        return correct_ensemble_score(self.folds, candidates, weights, n_members=N_MEMBERS)

    def baseline_value(self) -> float:
        """The baseline's validation accuracy, the mean over the folds."""
        right = [
            (self.baseline[name].argmax(-1) == fold.labels).mean()
            for name, fold in self.folds.items()
        ]
        return float(np.mean(right))

    def candidates(self, *, with_baseline: bool) -> list[list[Run]]:
        """The trainings of each trial; last, where asked for, the baseline's one answer."""
        baseline = [Run(name, answers[None]) for name, answers in self.baseline.items()]
        return [*self.trials(), *([baseline] if with_baseline else [])]

    def trials(self) -> list[list[Run]]:
        """The trainings of each trial."""
        n_trainings = len(next(iter(self.answers.values())))
        return [
            [
                Run(name, every)
                for name, answers in self.answers.items()
                for every in answers[first : first + self.n_seeds]
            ]
            for first in range(0, n_trainings, self.n_seeds)
        ]

    def weights(self, *, with_baseline: bool) -> NDArray[np.float64]:
        """Of each candidate in the ensemble, chosen at the best epochs of all folds."""
        labels = np.concatenate([fold.labels for fold in self.folds.values()])
        stacked = np.stack([
            np.concatenate([self._best(run) for run in runs])
            for runs in self.candidates(with_baseline=with_baseline)
        ])  # fmt: skip
        return heaviest(greedy_selection(stacked.astype(np.float32), labels), N_MEMBERS)

    def _best(self, run: Run) -> NDArray[np.floating]:
        right = run.probabilities.argmax(2) == self.folds[run.fold].labels
        return np.asarray(run.probabilities[right.mean(1).argmax()])

    def unchosen(self) -> float:
        """Validation accuracy of all trainings after their last epoch, on average."""
        right = [
            (self.answers[name][:, -1].argmax(-1) == fold.labels).mean()
            for name, fold in self.folds.items()
        ]
        return float(np.mean(right))

    def save(self, file: Path) -> None:
        """Write the file as a whole or not at all."""
        arrays: dict[str, NDArray[np.generic]] = {"folds": np.array(list(self.folds))}
        for name, fold in self.folds.items():
            arrays[f"labels_{name}"] = fold.labels
            arrays[f"dialogues_{name}"] = np.asarray(fold.dialogues)
            arrays[f"answers_{name}"] = self.answers[name]
            if name in self.baseline:
                arrays[f"baseline_{name}"] = self.baseline[name]
        arrays["n_seeds"] = np.array(self.n_seeds)
        arrays["truths"] = np.array(list(self.truths))
        arrays["figures"] = np.array(list(self.truths.values()))
        partial = file.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        partial.replace(file)

    @classmethod
    def load(cls, file: Path) -> Self:
        """What `save` wrote."""
        with np.load(file) as stored:
            names = [str(name) for name in stored["folds"]]
            folds = {
                name: ValidationLabels(stored[f"labels_{name}"], list(stored[f"dialogues_{name}"]))
                for name in names
            }
            answers = {name: stored[f"answers_{name}"] for name in names}
            baseline = {
                name: stored[f"baseline_{name}"] for name in names if f"baseline_{name}" in stored
            }
            truths = dict(zip(map(str, stored["truths"]), stored["figures"].tolist(), strict=True))
            return cls(folds, answers, baseline, truths, int(stored["n_seeds"]))
