"""The reference's own score: the best of all epochs on the test session.

Tripathi et al. (2018) handed the test session to training as validation data and published the
maximum over 30 epochs. It looks at the test as often as there are epochs, so it is no estimate of
anything; it is there to be laid beside published numbers, and never enters selection. The trainings
are jobs that see no test either; the network of each of their epochs is looked at afterwards.
"""

from dataclasses import dataclass

import numpy as np

from emotion_hpo.config import fingerprint
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.plan import Recipe
from emotion_hpo.predict.saved_model import SavedModel, is_model
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.study import TrialHome
from emotion_hpo.study.records.final_result import PaperProtocol, PaperSeed
from emotion_hpo.training.job import Job, Purpose, Train
from emotion_hpo.training.learner import n_epochs

WARNING = "BEST EPOCH ON THE TEST SESSION: too good by choice, only to be held against papers' own"


@dataclass(frozen=True)
class PaperTrainings:
    """A recipe trained from each seed for all epochs of the configuration, each network stored.

    Attributes:
        files: Of each seed's training.
    """

    files: tuple[TrialHome, ...]

    @classmethod
    def train(cls, recipe: Recipe, train: Train) -> "PaperTrainings":
        """Train a recipe, or go on; the learning rate is halved where validation halved it."""
        jobs = [_job(recipe, seed) for seed in recipe.seeds]
        trained = train(jobs, _is_stored)
        return cls(tuple(trained.files(job.name) for job in jobs))

    def look_at(self, test: Utterances) -> PaperProtocol:
        """Return the best accuracy of each seed's epochs on the test session, and their mean."""
        by_seed = []
        for files in self.files:
            model = SavedModel.load(files.weights)
            answers = model.probabilities(model.preprocessor.transform(test)).argmax(2)
            curve = [float(np.mean(of_epoch == test.labels)) for of_epoch in answers]
            best = max(curve)
            by_seed.append(PaperSeed(best=best, best_epoch=curve.index(best) + 1, last=curve[-1]))
        accuracy = sum(training.best for training in by_seed) / len(by_seed)
        return PaperProtocol(warning=WARNING, accuracy=accuracy, by_seed=tuple(by_seed))

    def drop(self) -> None:
        """Remove the networks: dozens a seed, which nobody needs again."""
        for files in self.files:
            files.weights.unlink(missing_ok=True)


def _job(recipe: Recipe, seed: int) -> Job:
    drawn, epochs = derive(seed, "final", recipe.key), n_epochs(recipe.config)
    facts = {
        "config": recipe.config.identity,
        "seed": drawn,
        "epochs": epochs,
        "halvings": list(recipe.lr_halvings),
    }
    return Job(
        Purpose.FINAL,
        f"{recipe.name}_seed_{seed}_every_epoch_{fingerprint(facts)[:8]}",
        recipe.config,
        drawn,
        epochs,
        recipe.lr_halvings,
        keeps_every_epoch=True,
    )


def _is_stored(_job: Job, files: TrialHome | None) -> bool:
    return files is not None and is_model(files.weights)
