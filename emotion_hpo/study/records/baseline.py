"""`baseline.json`: what the plain model that every trial is compared with reaches on validation."""

from typing import Literal

from pydantic import Field

from emotion_hpo.study.records.base import Part, Record


class ValidationScores(Part):
    """Scores of the plain model on validation: means over the folds."""

    loss: float | None = Field(description="mean negative log-likelihood of the true class")
    accuracy: float | None = Field(description="share of right answers")
    uar: float | None = Field(description="unweighted average recall")
    macro_f1: float | None = Field(description="mean F1 over the classes")


class Baseline(Record):
    """What the plain model (logistic regression) reaches on the validation part."""

    version: Literal[1] = Field(1, description="of this file's layout")
    model: str = Field(description="what kind of model it is")
    parts: tuple[str, ...] = Field(description="modalities that it reads")
    n_train: int = Field(description="utterances that it learns from; of several folds the mean")
    validation: ValidationScores = Field(description="with all its modalities")
    by_part: dict[str, ValidationScores] = Field(description="modality → with that one alone")
