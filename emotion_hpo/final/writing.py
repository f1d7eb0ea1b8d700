"""What `final` leaves beside its result: the predictions."""

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.features.utterances import Utterances
from emotion_hpo.study import FinalHome, write_bytes
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.final_result import FinalResult


def write(
    folder: FinalHome,
    test: Utterances,
    probabilities: NDArray[np.float32],
    result: FinalResult,
) -> None:
    """Store the predictions, and last the result: where it lies, everything does."""
    write_bytes(folder.predictions, predictions(test, probabilities))
    write_record(folder.result, result)


def predictions(test: Utterances, probabilities: NDArray[np.float32]) -> bytes:
    """Return the predictions as CSV, a row an utterance: truth, answer, probabilities."""
    table = test.table[["utterance_id", "dialogue", "speaker", "emotion"]].copy()
    table["predicted"] = [test.classes[index] for index in probabilities.argmax(1)]
    for index, name in enumerate(test.classes):
        table[f"p_{name}"] = probabilities[:, index]
    return table.to_csv(index=False).encode()
