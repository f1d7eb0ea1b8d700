"""`final`: retrain the winner on train + validation, open the holdout once, write down the scores.

Only this room unseals a holdout. The order matters: the models (the winner's, and the default
configuration's, with which it is compared) are trained and stored, then the ledger says that the
holdout is opened, then it is read and scored, and when everything is written the ledger gets the
score. What is cut off in between is taken up where it was, by the same command.

What `result.json` holds stands in docs/records.md.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emotion_hpo.config.features import TEXT
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.preparation import OnProgress
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.final.choice import choose, plan_of
from emotion_hpo.final.expected_score import read_expected_score
from emotion_hpo.final.lone import lone_recipe
from emotion_hpo.final.other_words import OtherWords, compare_words, find_other_words
from emotion_hpo.final.paper import PaperTrainings
from emotion_hpo.final.plan import Plan, Recipe, baseline_recipe, default_trial, recipe_of
from emotion_hpo.final.result import Models, Occasion, build_result
from emotion_hpo.final.retraining import Retraining, put_together
from emotion_hpo.final.writing import write
from emotion_hpo.search.stop import check_not_stopped
from emotion_hpo.selection.ensemble import Ensemble
from emotion_hpo.selection.suggestion import BASELINE, ENSEMBLE
from emotion_hpo.splits.class_coverage import describe_missing_in_test
from emotion_hpo.splits.opening import open_development_and_holdout
from emotion_hpo.splits.parts import Development, Holdout
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.study.expected_score import ExpectedScore
from emotion_hpo.study.facts import commit
from emotion_hpo.study.ledger import Ledger, user
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.ledger import Looker
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training.job import Train

__all__ = ["Ensemble", "final"]

DEFAULT_ENSEMBLE = Ensemble()


def ignore(_line: str) -> None:
    """Show nothing."""


def final(
    home: StudyHome,
    name: str | int | None,
    *,
    rescore: bool,
    on_features: OnProgress,
    train: Train,
    ensemble: Ensemble = DEFAULT_ENSEMBLE,
    is_paper_protocol: bool = False,
    recognised: Path | None = None,
    on_note: Callable[[str], None] = ignore,
) -> FinalResult:
    """Retrain a trial and score the holdout.

    Args:
        home: The study.
        name: `trial_42`, `42`, `ensemble`, `baseline`, or None for what the search suggests.
        rescore: Score a holdout again that has been scored.
        on_features: Shows the preparation of features.
        train: Trains jobs, on the study's launcher.
        ensemble: How an ensemble is built, if `name` is `ensemble`.
        is_paper_protocol: Also compute the reference's score, the best epoch on the test session.
        recognised: A CSV of words that the model is also scored by; where there is none and the
            study reads recognised words, it is by the manual ones.
        on_note: Called, before anything is trained, with what a person should know.

    Raises:
        ConfigError: The reference's score is asked for of an ensemble.
        StudyError: No such study or trial, the corpus is not the one that was searched on, or the
            training was stopped.
        HoldoutError: The holdout has been scored before.
    """
    began = time.monotonic()
    stored = study_file.read(home)
    choice = choose(home, stored, name, ensemble)
    if is_paper_protocol and choice.name in (ENSEMBLE, BASELINE):
        raise ConfigError(
            "paper_protocol: the reference's score is of one network; name a trial instead of "
            f"best={choice.name}, or leave it out"
        )
    on_note(choice.reason)
    store, development, holdout = open_development_and_holdout(
        stored.config, home.features, on_features
    )
    study_file.check_shards(stored, store.keys, store.corpus_name)
    plan = plan_of(home, stored, choice, development)
    task = _Task(
        home,
        stored,
        store,
        development,
        holdout,
        plan,
        read_expected_score(home, plan),
        Ledger(home.ledger),
        find_other_words(stored, recognised),
    )
    with task.ledger.alone_with(task.ledger.name_of(holdout.content)):
        task.ledger.check(holdout.content, plan.identity, rescore=rescore)
        for line in describe_missing_in_test(holdout.counts(), holdout.session):
            on_note(line)
        models = _retrain(task, train)
        paper = PaperTrainings.train(plan.members[0], train) if is_paper_protocol else None
        return _score(task, models, began, paper, rescore=rescore)


@dataclass(frozen=True)
class _Task:
    """What is to be retrained and scored, and where it is written."""

    home: StudyHome
    stored: study_file.StudyFile
    store: FeatureStore
    development: Development
    holdout: Holdout
    plan: Plan
    expected: ExpectedScore | None
    ledger: Ledger
    other_words: OtherWords | None


def _retrain(task: _Task, train: Train) -> Models:
    """Train the members, and the models that they are compared with, on train + validation."""
    everything = task.development.everything
    default = _default_recipe(task)
    of_plan = [recipe for recipe in task.plan.members if recipe.name == BASELINE]
    baseline = of_plan[0] if of_plan else baseline_recipe(task.home, task.stored, task.development)
    lone, baseline_alone = lone_recipe(task.plan, everything), None
    if baseline.config.has_context:
        baseline_alone = baseline_recipe(task.home, task.stored, task.development, is_alone=True)
    baselines = [recipe for recipe in (baseline, baseline_alone) if recipe is not None]
    others = [recipe for recipe in (default, lone, *task.plan.members) if recipe is not None]
    # What takes longest would leave the other workers nothing to do at the end
    others.sort(key=lambda recipe: recipe.seconds, reverse=True)
    recipes = [*baselines, *others]
    models = Retraining(everything, task.store, train)(recipes, task.home.final)
    return Models(
        plan=task.plan,
        model=put_together(task.plan, models),
        default=None if default is None else (default.name, models[default.name]),
        baseline=models[baseline.name],
        lone=None if lone is None else models[lone.name],
        baseline_alone=None if baseline_alone is None else models[baseline_alone.name],
    )


def _default_recipe(task: _Task) -> Recipe | None:
    """Return the default configuration's recipe; None if it is the winner, or was never scored."""
    trial = default_trial(task.home, task.stored, read_trials(task.home))
    if trial is None or trial.name == task.plan.name:
        return None
    return recipe_of(task.home, task.stored, trial, task.development)


def _score(
    task: _Task, models: Models, began: float, paper: PaperTrainings | None, *, rescore: bool
) -> FinalResult:
    """Open the holdout, score the models on it, and write everything down.

    Raises:
        BatchStopped: The user stopped the command, and the holdout is not opened.
    """
    check_not_stopped()
    plan, ledger, everything = task.plan, task.ledger, task.development.everything
    looker = Looker(
        study=task.home.name, trial=plan.name, config=plan.config, commit=commit(), by=user()
    )
    holdout, opening = ledger.open(task.holdout.content, plan.identity, looker, rescore=rescore)
    test = task.holdout.unseal()
    occasion = Occasion(
        study=task.home.name,
        objective=task.stored.config.study.objective,
        corpus=task.store.corpus_name,
        synthetic=task.store.synthetic,
        test_session=task.holdout.session,
        expected=task.expected,
        opening=opening,
        openings=ledger.openings(holdout),
        n_protocol_scorings=sum(line.event == "protocol" for line in ledger.other_looks(holdout)),
        began=began,
    )
    by_seed = models.model.answers(test)
    words = None
    if task.other_words is not None and TEXT in models.sources:
        words = compare_words(task.other_words, task.holdout.session, test, models.model.answers)
    result = build_result(models, by_seed, everything, test, occasion, words)
    if paper is not None:
        ledger.note_paper_protocol(holdout, looker, opening)
        result = result.model_copy(update={"paper_protocol": paper.look_at(test)})
    if len(models.model.members) > 1:  # a single one was stored as it was trained
        models.model.save(task.home.final(plan.name).model)
    write(task.home.final(plan.name), test, by_seed.mean(0), result)
    if paper is not None:
        paper.drop()
    ledger.score(holdout, opening, result.accuracy)
    return result
