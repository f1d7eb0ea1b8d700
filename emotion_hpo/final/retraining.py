"""Recipes become models: trained on everything that is not sealed, from every declared seed.

Each seed of each recipe is a job; all of them are one batch, trained beside each other wherever the
study's workers run, and shared where they are the same. The networks of a recipe's seeds are then
put together as one saved model.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from emotion_hpo.config import fingerprint
from emotion_hpo.errors import StudyError
from emotion_hpo.features.origin import Origin, ReadyMade, describe_origins
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.plan import Plan, Recipe
from emotion_hpo.predict.saved_model import SavedEnsemble, SavedModel, is_model
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.study import FinalHome, TrialHome, write_bytes
from emotion_hpo.training.job import Job, Purpose, Train, TrainedBatch


class Retraining:
    """Trains recipes on the same utterances.

    Args:
        everything: What is not sealed.
        store: Where its features are from.
        train: Trains the jobs.
        purpose: What they are trained for.
    """

    def __init__(
        self,
        everything: Utterances,
        store: FeatureStore,
        train: Train,
        purpose: Purpose = Purpose.FINAL,
    ) -> None:
        self._everything = everything
        self._store = store
        self._train = train
        self._purpose = purpose

    def __call__(
        self, recipes: Sequence[Recipe], home: Callable[[str], FinalHome]
    ) -> dict[str, SavedModel]:
        """Train the recipes, or take the models that an earlier call has stored.

        Args:
            recipes: What is needed.
            home: Name of a recipe → where its model lies.

        Returns:
            Name of a recipe → its model.
        """
        by_name = {recipe.name: recipe for recipe in recipes}
        models = {
            name: model
            for name, recipe in by_name.items()
            if (model := _load(recipe, home(name))) is not None
        }
        missing = [recipe for name, recipe in by_name.items() if name not in models]
        if missing:
            jobs = {job.name: job for recipe in by_name.values() for job in self._jobs(recipe)}
            needed = {job.name for recipe in missing for job in self._jobs(recipe)}

            def is_stored(job: Job, files: TrialHome | None) -> bool:
                return job.name not in needed or (files is not None and is_model(files.weights))

            trained = self._train(tuple(jobs.values()), is_stored)
            for recipe in missing:
                models[recipe.name] = self._assemble(recipe, trained, home(recipe.name))
                for job in self._jobs(recipe):
                    trained.files(job.name).weights.unlink(missing_ok=True)
        return models

    def _jobs(self, recipe: Recipe) -> list[Job]:
        """Return a training for each of the recipe's seeds."""
        jobs = []
        for seed in recipe.seeds:
            drawn = derive(seed, "final", recipe.key)
            facts = {
                "config": recipe.config.identity,
                "seed": drawn,
                "epochs": recipe.epochs,
                "halvings": list(recipe.lr_halvings),
            }
            name = f"{recipe.name}_seed_{seed}_{fingerprint(facts)[:8]}"
            jobs.append(
                Job(self._purpose, name, recipe.config, drawn, recipe.epochs, recipe.lr_halvings)
            )
        return jobs

    def _assemble(self, recipe: Recipe, trained: TrainedBatch, folder: FinalHome) -> SavedModel:
        """Store one model of the networks of all seeds."""
        parts = [SavedModel.load(trained.files(job.name).weights) for job in self._jobs(recipe)]
        model = replace(
            parts[0],
            networks=tuple(network for part in parts for network in part.networks),
            origins=self._origins(recipe, parts[0]),
            synthetic=self._store.synthetic,
        )
        model.save(folder.model)
        write_bytes(folder.plan, recipe.identity.encode())
        return model

    def _origins(self, recipe: Recipe, model: SavedModel) -> dict[str, Origin]:
        """How each modality was made; ready-made features have the shape of the training part's."""
        preprocessor = model.preprocessor
        rows = range(len(self._everything))
        ready_made = {}
        for name in self._store.ready_made:
            if name in preprocessor.readers:
                longest = max((self._everything.sequence(name, row) for row in rows), key=len)
                shape = {"dimensions": longest.shape[1], "is_vector": len(longest) == 1}
                ready_made[name] = ReadyMade(**shape)
        return describe_origins(preprocessor.modalities, recipe.config.features, ready_made)


def put_together(plan: Plan, models: Mapping[str, SavedModel]) -> SavedEnsemble:
    """Return the model that a plan's retrained members are.

    Args:
        plan: Who they are, and how they answer together.
        models: Name of a recipe → its model.
    """
    members = tuple(models[recipe.name] for recipe in plan.members)
    return SavedEnsemble(members, plan.weights, plan.rule)


def _load(recipe: Recipe, folder: FinalHome) -> SavedModel | None:
    """Return the stored model of a recipe; None where it is another's, broken or not there."""
    if folder.plan.exists() and folder.plan.read_text() == recipe.identity:
        with contextlib.suppress(StudyError):
            return SavedModel.load(folder.model)
    return None
