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

from emotion_hpo.metrics import Expected, Fold, Run, expected_score

_N_CLASSES = 4


@dataclass(frozen=True)
class Kept:
    """One split of one study.

    Attributes:
        folds: Name → validation part.
        predicted: Name → classes that the trainings answer, `(trainings, epochs, n)`.
        truths: Of what → the winner's true figure.
        n_seeds: Trainings of each trial, one after the other.
    """

    folds: Mapping[str, Fold]
    predicted: Mapping[str, NDArray[np.int8]]
    truths: Mapping[str, float]
    n_seeds: int = 1

    def expected(self) -> Expected:
        """What a search would say of its winner."""
        answers = np.eye(_N_CLASSES, dtype=np.float32)
        n_trainings = len(next(iter(self.predicted.values())))
        trials = [
            [
                Run(name, answers[class_])
                for name, classes in self.predicted.items()
                for class_ in classes[first : first + self.n_seeds]
            ]
            for first in range(0, n_trainings, self.n_seeds)
        ]
        return expected_score(self.folds, trials)

    def unchosen(self) -> float:
        """Validation accuracy of all trainings after their last epoch, on average."""
        right = [
            (self.predicted[name][:, -1] == fold.labels).mean() for name, fold in self.folds.items()
        ]
        return float(np.mean(right))

    def save(self, file: Path) -> None:
        """Write the file as a whole or not at all."""
        arrays: dict[str, NDArray[np.generic]] = {"folds": np.array(list(self.folds))}
        for name, fold in self.folds.items():
            arrays[f"labels_{name}"] = fold.labels
            arrays[f"dialogues_{name}"] = np.asarray(fold.dialogues)
            arrays[f"predicted_{name}"] = self.predicted[name]
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
                name: Fold(stored[f"labels_{name}"], list(stored[f"dialogues_{name}"]))
                for name in names
            }
            predicted = {name: stored[f"predicted_{name}"] for name in names}
            truths = dict(zip(map(str, stored["truths"]), stored["figures"].tolist(), strict=True))
            return cls(folds, predicted, truths, int(stored["n_seeds"]))
