"""What a training of a protocol answers on its test part, as stored until all of them are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.features.utterances import Utterances
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.study import Trial, write_bytes


@dataclass(frozen=True)
class Answers:
    """A training, and what it answers.

    Attributes:
        labels: Of the test part `(n,)`.
        dialogues: The dialogue of each test utterance.
        probabilities: By the network of the chosen epoch `(n, classes)`.
        validation: The same of the validation part.
        validation_labels: Of the validation part.
        epoch: That was chosen.
        accuracies: Of validation, after every epoch: of the test part where that validates.
        uars: The same, of the UAR.
        epoch_seconds: Of an epoch, the mean.
        n_parameters: Trainable weights.
        n_train: Utterances trained on.
    """

    labels: NDArray[np.int64]
    dialogues: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    validation: NDArray[np.float32]
    validation_labels: NDArray[np.int64]
    epoch: int
    accuracies: NDArray[np.float64]
    uars: NDArray[np.float64]
    epoch_seconds: float
    n_parameters: int
    n_train: int

    def save(self, path: Path) -> None:
        """Replace the file as a whole."""
        buffer = BytesIO()
        parts: dict[str, Any] = vars(self)
        np.savez_compressed(buffer, **parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Self:
        """As saved."""
        with np.load(path, allow_pickle=False) as stored:
            parts: dict[str, Any] = {name: stored[name] for name in stored.files}
        for name in ("epoch", "n_parameters", "n_train", "epoch_seconds"):
            parts[name] = parts[name].item()
        return cls(**parts)


def answer(
    model: SavedModel, trial: Trial, validation: Path, test: Utterances, n_train: int
) -> Answers:
    """Let the model of a finished training answer its test part.

    Args:
        model: Of the chosen epoch.
        trial: Its training.
        validation: File of its validation answers.
        test: The test part.
        n_train: Utterances trained on.
    """
    learners = model.build_learners()
    with np.load(validation, allow_pickle=False) as stored:
        answers, labels = stored["probabilities"], stored["label"]
    assert trial.best_epoch is not None, "it has ended"
    return Answers(
        labels=test.labels,
        dialogues=np.array([*test.table["dialogue"]], str),
        probabilities=model.probabilities(model.preprocessor.transform(test), learners)[0],
        validation=answers,
        validation_labels=labels,
        epoch=trial.best_epoch,
        accuracies=_curve(trial, "val/accuracy"),
        uars=_curve(trial, "val/uar"),
        epoch_seconds=float(np.mean([epoch.seconds for epoch in trial.curve])),
        n_parameters=learners[0].n_parameters,
        n_train=n_train,
    )


def _curve(trial: Trial, metric: str) -> NDArray[np.float64]:
    return np.array([epoch.metrics[metric] for epoch in trial.curve])


def pool(answers: Sequence[Answers]) -> tuple[NDArray[np.int64], NDArray[np.float32], list[str]]:
    """Return labels, probabilities and dialogues of several test parts as one.

    A dialogue of two parts, as under a protocol that leaves out one speaker, is one.
    """
    labels = np.concatenate([part.labels for part in answers])
    probabilities = np.concatenate([part.probabilities for part in answers])
    return labels, probabilities, [name for part in answers for name in map(str, part.dialogues)]
