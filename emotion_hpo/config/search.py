"""A study, complete: what one training computes, what is searched of it, by whom and where."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from emotion_hpo.config.base import Section
from emotion_hpo.config.building import dump, fingerprint, flatten, with_value
from emotion_hpo.config.classical import BoostingModel, LinearModel, SvmModel, learner
from emotion_hpo.config.corpus import CorpusConfig
from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.config.model import NetworkModel
from emotion_hpo.config.places import LauncherConfig, LocalLauncher, RayLauncher, StorageConfig
from emotion_hpo.config.pruner import PrunerConfig
from emotion_hpo.config.sampler import SamplerConfig
from emotion_hpo.config.space import SEARCHABLE, Scalar, Space, by_path, is_partial
from emotion_hpo.config.split import SplitConfig
from emotion_hpo.config.study_name import StudyFolder
from emotion_hpo.config.tracking import TrackingConfig
from emotion_hpo.config.training import AugmentationConfig, Perturbation, TrainingConfig
from emotion_hpo.errors import unknown_name
from emotion_hpo.metrics.registry import OBJECTIVES

if TYPE_CHECKING:
    Objective = str  # a checker cannot read the choices off a registry
else:
    Objective = Literal[*OBJECTIVES]

#: Any model that can be trained.
ModelConfig = Annotated[
    Annotated[NetworkModel, Tag("network")]
    | Annotated[LinearModel, Tag("linear")]
    | Annotated[SvmModel, Tag("svm")]
    | Annotated[BoostingModel, Tag("boosting")],
    Discriminator(learner),
]


#: What makes copies of recordings, and what of it a space might try.
_COPIES: Mapping[str, float] = {
    "training.augmentation.speed": 0.1,
    "training.augmentation.pitch": 2.0,
}


def _choices_of(path: str, space: Space) -> list[AugmentationConfig]:
    """Return each choice of a path, alone."""
    choices = space[path].choices if path in space else None
    name = path.rpartition(".")[2]
    return [AugmentationConfig.model_validate({name: choice}) for choice in choices or ()]


class ExperimentConfig(Section):
    """All that decides what one training computes, its seed apart."""

    corpus: CorpusConfig
    features: FeaturesConfig
    split: SplitConfig
    model: ModelConfig
    training: TrainingConfig

    @model_validator(mode="after")
    def _turns_are_not_mixed(self) -> Self:
        is_network = isinstance(self.model, NetworkModel)
        if is_network and self.has_context and self.training.augmentation.mixup:
            raise ValueError(
                "training.augmentation.mixup: turns that are read in their dialogues "
                "(model.context) cannot be mixed in pairs; set it to 0, or model.context.name=none"
            )
        return self

    @model_validator(mode="after")
    def _turns_have_no_copies(self) -> Self:
        if self.has_context and self.training.augmentation.perturbations:
            raise ValueError(
                "training.augmentation: a dialogue has no copies, so that speed and pitch of its "
                "turns cannot be changed; set both to 0, or let the model read utterances alone "
                "(model.context.name=none; of a classical one model.turns_before=0)"
            )
        return self

    @property
    def perturbations(self) -> tuple[Perturbation, ...]:
        """The copies of recordings that a training may learn from."""
        return self.training.augmentation.perturbations

    @property
    def has_context(self) -> bool:
        """Whether the model reads utterances among the turns of their dialogues."""
        return self.model.has_context

    def places(self) -> dict[str, Path]:
        """Return path in the configuration → where the corpus's files lie."""
        return {f"corpus.{path}": place for path, place in self.corpus.places().items()}

    def without_places(self) -> dict[str, Any]:
        """Return plain data; of the corpus's places only that there are such files."""
        plain = dump(self)
        for path in self.places():
            plain = with_value(plain, path, "…")
        return plain

    @property
    def identity(self) -> str:
        """Return the fingerprint of all but the corpus's places."""
        return fingerprint(self.without_places())


class StudyConfig(Section):
    """The study's name, question, budget and seeds."""

    name: StudyFolder
    directory: Path = Field(description="where studies, features and the MLflow database lie")
    question: str = Field(description="what the study asks, in words; heads its report")
    seed: int = Field(ge=0, description="fixes the sampler and every trial's training")
    n_trials: int = Field(
        ge=1, description="exact budget of finished trials; a space of fewer points ends earlier"
    )
    max_epochs: int | None = Field(
        None, ge=1, description="epochs of all trials; once trained, no new trial begins"
    )
    max_hours: float | None = Field(
        None, gt=0, description="hours of training, summed over workers; then no new trial begins"
    )
    keep_weights: bool = Field(
        description="store each trial's network of its best epoch (of its latest training): "
        "encoders of other networks can start from it"
    )
    max_failures: int | None = Field(
        None, ge=1, description="failed trials of one call of `search` that stop it"
    )
    n_seeds: int = Field(1, ge=1, description="trainings a fold; a trial's value is their mean")
    objective: Objective
    second_objective: Literal["parameters", "latency_ms"] | None = Field(
        None, description="a second objective, minimised: the Pareto front of both is searched"
    )
    value: Literal["best", "last", "smoothed"] = Field(
        description="a trial's value: of its best epoch, its last, or the best mean of three epochs"
    )
    final_seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        min_length=1, description="trainings of the final model; their probabilities are averaged"
    )
    confirm_leaders: int = Field(
        3, ge=0, description="best trials that are trained again over fresh seeds; 0: none"
    )
    confirm_seeds: int = Field(
        3, ge=1, description="fresh seeds of each leader, on the same validation part"
    )
    retrain: Literal["epochs", "steps"] = Field(
        "epochs",
        description="length of the final training: the epochs that validation chose, or as many "
        "optimiser steps, which are fewer epochs of more data",
    )
    enqueue: tuple[dict[str, Scalar], ...] = Field(
        description="known configurations to try right after the default one"
    )

    @field_validator("final_seeds")
    @classmethod
    def _no_seed_twice(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"the same seed trains the same network again, but got {[*value]}")
        return value


class SearchConfig(ExperimentConfig):
    """A study, complete."""

    study: StudyConfig
    space: Space
    sampler: SamplerConfig
    pruner: PrunerConfig
    storage: StorageConfig
    launcher: LauncherConfig
    tracking: TrackingConfig
    warm_start: StudyFolder | None = Field(
        None, description="an earlier study whose trials the sampler starts from"
    )

    @model_validator(mode="before")
    @classmethod
    def _sections_of_searched_features(cls, values: Any) -> Any:  # noqa: ANN401 (whatever a user wrote)
        """A space may scale ready-made features that no section mentions."""
        if not isinstance(values, Mapping) or not isinstance(values.get("features"), Mapping):
            return values
        ranges = by_path(values.get("space"))
        paths = list(ranges) if isinstance(ranges, Mapping) else []
        matches = [re.fullmatch(r"features\.([^.]+)\.normalise", path) for path in paths]
        names = [
            match[1] for match in matches if match and match[1] not in FeaturesConfig.model_fields
        ]
        return {**values, "features": {name: {} for name in names} | dict(values["features"])}

    @model_validator(mode="after")
    def _two_objectives(self) -> Self:
        if self.study.second_objective is None:
            return self
        if self.pruner.name != "none":
            raise ValueError(
                "pruner: a trial with two objectives "
                f"(study.second_objective={self.study.second_objective}) cannot be pruned, for no "
                f"epoch is poor in both; take pruner=none, not {self.pruner.name}"
            )
        if self.sampler.name == "cmaes":
            raise ValueError(
                "sampler: cmaes knows one objective (study.second_objective="
                f"{self.study.second_objective}); take sampler=nsga2, tpe or random"
            )
        if self.warm_start is not None:
            raise ValueError("warm_start: a study with two objectives takes no warm start yet")
        return self

    @field_validator("space")
    @classmethod
    def _copies_are_made_before(cls, space: Space) -> Space:
        for path in _COPIES.keys() & space:
            if space[path].choices is None:
                raise ValueError(
                    f"{path}: copies of recordings are made before the search, so that it is "
                    f"searched over choices, such as {{choices: [0.0, {_COPIES[path]}]}}"
                )
            try:
                _choices_of(path, space)
            except ValidationError as error:
                detail = error.errors()[0]
                message = f"{path}: {detail['msg']}, but got {detail['input']!r}"
                raise ValueError(message) from None
        return space

    @field_validator("space", mode="before")
    @classmethod
    def _no_part_of_an_unknown_range(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        """A bound of a range that is not there is a slip in its path, not a range cut short."""
        ranges = by_path(value)
        parts = {name: dump(info.data[name]) for name in SEARCHABLE if name in info.data}
        if not isinstance(ranges, Mapping) or len(parts) < len(SEARCHABLE):
            return value
        for path, given in ranges.items():
            if is_partial(given) and path not in (known := flatten(parts)):
                raise ValueError(unknown_name("path", path, known))
        return ranges

    @field_validator("launcher")
    @classmethod
    def _no_file_for_several_machines(
        cls, value: LauncherConfig, info: ValidationInfo
    ) -> LauncherConfig:
        """SQLite's locks do not hold across machines: transactions would be lost unseen."""
        is_here = isinstance(value, LocalLauncher) or (
            isinstance(value, RayLauncher) and value.address is None
        )
        storage = info.data.get("storage")
        if storage is not None and storage.name == "sqlite" and not is_here:
            raise ValueError(
                f"launcher={value.name} runs workers on several machines, which cannot share an "
                "SQLite file; use storage=postgresql"
            )
        return value

    @property
    def perturbations(self) -> tuple[Perturbation, ...]:
        """The copies of recordings that any trial may learn from."""
        every = [self.training.augmentation]
        every += [choice for path in _COPIES for choice in _choices_of(path, self.space)]
        copies = [copy for augmentation in every for copy in augmentation.perturbations]
        return tuple(dict.fromkeys(copies))

    @property
    def may_read_dialogues(self) -> bool:
        """Whether any trial reads utterances among the turns of their dialogues."""
        paths = ("model.context.name", "model.turns_before", "model.turns_after")
        return self.has_context or any(path in self.space for path in paths)

    def experiment(self) -> ExperimentConfig:
        """Return the part that a trial varies."""
        fields = ExperimentConfig.model_fields
        return ExperimentConfig(**{name: getattr(self, name) for name in fields})
