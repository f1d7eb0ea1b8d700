"""Models without layers: logistic regression, support vector machine, boosted trees.

They read what describes an utterance as a whole: vectors as they are, sequences by their
statistics, words by tf-idf. A training takes seconds and counts as one epoch; of `training`, they
read nothing. Every field but the name has a default, so that a space may switch `model.learner`.
Of a dialogue they read the words of so many turns before and after, joined, and the means of their
vectors, each beside the utterance's own.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from emotion_hpo.config.base import Section

Positive = Annotated[float, Field(gt=0, le=1e6)]


class ClassicalSection(Section):
    """What every classical model has."""

    name: str = Field(description="a label for tables")
    modalities: tuple[str, ...] | None = Field(
        None, min_length=1, description="what it reads; null: all that the training part has"
    )
    characters: bool = Field(
        True, description="read text by runs of two to five characters as well as by words"
    )
    dense_length: Positive = Field(
        1.0,
        description="of an utterance's numbers beside its words, whose length is 1: the "
        "higher, the more numbers weigh in what is learnt",
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare classes weigh as much as frequent ones"
    )
    turns_before: int = Field(
        0, ge=0, le=1000, description="of the dialogue, read beside the utterance"
    )
    turns_after: int = Field(
        0, ge=0, le=1000, description="the same of the turns after it, which no live use has"
    )

    @property
    def has_seed(self) -> bool:
        """Whether a training draws anything: where none does, each gives the same model."""
        return False

    @property
    def has_context(self) -> bool:
        """Whether it reads utterances among the turns of their dialogues."""
        return bool(self.turns_before or self.turns_after)

    @property
    def reads_after(self) -> bool:
        """Whether it reads turns that are said later."""
        return bool(self.turns_after)


class LinearModel(ClassicalSection):
    """Logistic regression."""

    learner: Literal["linear"]
    c: Positive = Field(3.0, description="the higher, the closer to the training part")


class SvmModel(ClassicalSection):
    """Support vector machine; its margins become probabilities by a temperature."""

    learner: Literal["svm"]
    kernel: Literal["linear", "rbf"] = "linear"
    c: Positive = Field(0.3, description="the higher, the closer to the training part")
    gamma: Literal["scale"] | Positive = Field(
        "scale", description="of kernel=rbf: how fast likeness falls; scale: by the features"
    )


class BoostingModel(ClassicalSection):
    """Gradient-boosted trees over histograms; they read text by its leading components."""

    learner: Literal["boosting"]
    learning_rate: float = Field(0.1, gt=0, le=1)
    iterations: int = Field(100, ge=1, le=5000, description="trees of each class")
    leaves: int = Field(15, ge=2, le=1024, description="at most so many of a tree")
    l2: float = Field(1.0, ge=0, description="shrinks the values of the leaves")
    columns: float = Field(0.1, gt=0, le=1, description="share of the columns tried at a split")
    text_dimensions: int = Field(
        50, ge=1, le=1000, description="components to which tf-idf is reduced"
    )

    @property
    def has_seed(self) -> bool:
        """Whether a training draws anything: the columns tried at each split."""
        return True


ClassicalModel = LinearModel | SvmModel | BoostingModel


def learner(model: Any) -> Any:  # noqa: ANN401 (whatever a user wrote)
    """Return the value that tells the models apart; networks need not name it."""
    if isinstance(model, Mapping):
        return model.get("learner", "network")
    return getattr(model, "learner", "network")
