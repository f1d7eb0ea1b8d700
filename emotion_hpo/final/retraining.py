"""A recipe becomes a model: trained on everything that is not sealed, from every declared seed."""

import contextlib
from collections.abc import Callable

from emotion_hpo.dataset import Dataset, Preprocessor
from emotion_hpo.errors import StudyError
from emotion_hpo.features.origin import Origin, ReadyMade, describe_origins
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.plan import Recipe
from emotion_hpo.models import keep_freed_memory
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.study import Epoch, FinalHome, write_bytes
from emotion_hpo.training.learner import build_learner, describe_reading, fit_preprocessor
from emotion_hpo.training.loop import Evaluation

#: Training index, epoch, epochs in all: what a screen shows while models are retrained.
OnRetraining = Callable[[int, int, int], None]


class Retraining:
    """Trains recipes on the same utterances, which are read once for all that read them alike.

    Args:
        everything: What is not sealed.
        store: Where its features are from.
        on_retraining: Shows how far it is.
    """

    def __init__(
        self, everything: Utterances, store: FeatureStore, on_retraining: OnRetraining
    ) -> None:
        self._everything = everything
        self._store = store
        self._show = on_retraining
        self._n_trained = 0
        self._read: dict[str, tuple[Preprocessor, Dataset]] = {}

    def __call__(self, recipe: Recipe, folder: FinalHome) -> SavedModel:
        """Train every seed's model, or take the model that an earlier call has stored."""
        if folder.plan.exists() and folder.plan.read_text() == recipe.identity:
            with contextlib.suppress(StudyError):  # broken or gone: it is trained again
                saved_model = SavedModel.load(folder.model)
                self._n_trained += len(recipe.seeds)
                return saved_model
        preprocessor, train = self._reading(recipe)
        classes = self._everything.classes
        keep_freed_memory()
        states = []
        for seed in recipe.seeds:
            drawn = derive(seed, "final", recipe.key)
            learner = build_learner(recipe.config, preprocessor, len(classes), seed=drawn)
            index = self._n_trained

            def on_epoch(
                epoch: Epoch,
                _evaluation: Evaluation | None,
                _checkpoint: object,
                index: int = index,
            ) -> bool:
                self._show(index, epoch.epoch, recipe.epochs)
                return epoch.epoch >= recipe.epochs

            self._show(index, 0, recipe.epochs)
            learner.fit(train, None, drawn, on_epoch, lr_halvings=recipe.lr_halvings)
            states.append(learner.state())
            self._n_trained += 1
        origins = self._origins(recipe, preprocessor)
        synthetic = self._store.synthetic
        saved_model = SavedModel(
            recipe.config, preprocessor, classes, tuple(states), origins, synthetic
        )
        saved_model.save(folder.model)
        write_bytes(folder.plan, recipe.identity.encode())
        return saved_model

    def _reading(self, recipe: Recipe) -> tuple[Preprocessor, Dataset]:
        config = recipe.config
        key = describe_reading(config, self._everything)
        if key not in self._read:
            self._read.clear()  # one reading at a time: each takes the corpus's memory
            preprocessor = fit_preprocessor(config, self._everything)
            self._read[key] = preprocessor, preprocessor.transform(self._everything)
        return self._read[key]

    def _origins(self, recipe: Recipe, preprocessor: Preprocessor) -> dict[str, Origin]:
        """How each modality was made; ready-made features have the shape of the training part's."""
        rows = range(len(self._everything))
        ready_made = {}
        for name in self._store.ready_made:
            if name in preprocessor.readers:
                longest = max((self._everything.sequence(name, row) for row in rows), key=len)
                shape = {"dimensions": longest.shape[1], "is_vector": len(longest) == 1}
                ready_made[name] = ReadyMade(**shape)
        return describe_origins(preprocessor.modalities, recipe.config.features, ready_made)
