"""The reference's own score: the best of all epochs on the test session.

Tripathi et al. (2018) handed the test session to training as validation data and published the
maximum over 30 epochs. It looks at the test as often as there are epochs, so it is no estimate of
anything; it is there to be laid beside published numbers, and never enters selection.
"""

from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.plan import Recipe
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.study import Epoch
from emotion_hpo.study.records.final_result import PaperProtocol, PaperSeed
from emotion_hpo.training.learner import build_learner, fit_preprocessor
from emotion_hpo.training.loop import Evaluation

WARNING = "BEST EPOCH ON THE TEST SESSION: too good by choice, only to be held against papers' own"


def paper_protocol(recipe: Recipe, everything: Utterances, test: Utterances) -> PaperProtocol:
    """Train for all epochs of the configuration, from each seed, looking at the test after each.

    Args:
        recipe: What is trained.
        everything: Train + validation.
        test: The test session.
    """
    preprocessor = fit_preprocessor(recipe.config, everything)
    train, data = preprocessor.transform(everything), preprocessor.transform(test)
    by_seed = []
    for seed in recipe.seeds:
        drawn = derive(seed, "final", recipe.key)
        n_classes = len(everything.classes)
        learner = build_learner(recipe.config, preprocessor, n_classes, seed=drawn)
        curve: list[float] = []

        def on_epoch(
            epoch: Epoch, _evaluation: Evaluation | None, _state: object, curve: list[float] = curve
        ) -> bool:
            curve.append(epoch.metrics["val/accuracy"])
            return False

        learner.fit(train, data, drawn, on_epoch)
        best = max(curve)
        by_seed.append(PaperSeed(best=best, best_epoch=curve.index(best) + 1, last=curve[-1]))
    accuracy = sum(training.best for training in by_seed) / len(by_seed)
    return PaperProtocol(warning=WARNING, accuracy=accuracy, by_seed=tuple(by_seed))
