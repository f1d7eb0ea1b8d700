"""Whether a model is as sure as it is right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.metrics.scores import Labels

#: As in Guo et al. (2017), so that figures can be compared.
N_BINS = 15


@dataclass(frozen=True)
class Bin:
    """Utterances whose answer is about equally sure.

    Attributes:
        confidence: Their mean probability of the answer.
        accuracy: The share of them that is right.
        n: How many.
    """

    confidence: float
    accuracy: float
    n: int


def reliability(
    labels: Labels, probabilities: NDArray[np.floating], n_bins: int = N_BINS
) -> tuple[Bin, ...]:
    """Return confidence against accuracy in bins of equal width, empty bins left out."""
    confidence = probabilities.max(1).astype(np.float64)
    right = probabilities.argmax(1) == labels
    # Bins are open below and closed above, as in Guo's own code.
    which = np.clip(np.ceil(confidence * n_bins).astype(np.int64) - 1, 0, n_bins - 1)
    return tuple(
        Bin(
            float(confidence[is_in_bin].mean()),
            float(right[is_in_bin].mean()),
            int(is_in_bin.sum()),
        )
        for index in range(n_bins)
        if (is_in_bin := which == index).any()
    )


def calibration_error(
    labels: Labels, probabilities: NDArray[np.floating], n_bins: int = N_BINS
) -> float:
    """Return expected calibration error: the bins' mean distance of confidence and accuracy.

    Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    bins = reliability(labels, probabilities, n_bins)
    total = sum(bin_.n for bin_ in bins)
    if not total:
        return float("nan")
    return sum(bin_.n * abs(bin_.accuracy - bin_.confidence) for bin_ in bins) / total


def brier(labels: Labels, probabilities: NDArray[np.floating]) -> float:
    """Return the mean squared distance of probabilities and truth, summed over classes: 0 to 2.

    Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
    (1950).
    """
    if not len(labels):
        return float("nan")
    from sklearn.metrics import brier_score_loss  # a second, which a search need not wait

    classes = np.arange(probabilities.shape[1])
    return float(brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False))
