"""`final`: retrain the winner on train + validation, open the holdout once, write down the figures.

Only this room unseals a holdout. The order matters: the models (the winner's, and the default
configuration's, which it is held against) are trained and stored, then the ledger says that the
holdout is opened, then it is read and scored, and when everything is written the ledger gets the
figure. What is cut off in between is taken up where it was, by the same command.

`result.json`, every figure a share of 1:

- `study`, `trial` (or `ensemble`), `members` (`trial`, `epochs`, `weight`), `rule` (how they are
  combined; `single` for one), `corpus`, `synthetic`, `n_train`, `n_test`, `n_dialogues`,
  `test_session`, `test_speakers`, `epochs`, `seeds`, `seconds`
- of the averaged model: `accuracy`, `uar`, `macro_f1`, each with `…_interval`, `recall_by_class`,
  `confusion`, `calibration` (`ece`, `brier`, `reliability`); an interval has `estimate`, `low`,
  `high`, `level`, `method` (what decides its ends: docs/statistics.md), `n_utterances`,
  `n_dialogues`, and where it is not estimable a `reason` in place of its ends
- `modalities`: what the model reads
- of the single networks: `accuracy_by_seed`, `accuracy_mean`, `accuracy_spread`
- `baseline`, `default`: the same utterances by the plain model (`parts`: the modalities that it
  reads, and over which alone a gain is one) and by the default configuration (null if that is the
  winner or failed): figures, and `gain` (`accuracy`, `uar`: this model less that one, paired;
  McNemar's p)
- `by`: `scenario`, `speaker`, `wears_markers`, `modalities`, `transcript_in_training` → part →
  `n`, `accuracy`, `uar`, each with `…_interval`
- `without`: modality → figures with it removed, and the `loss_of_accuracy`, paired
- `normalised_by_speaker`: modalities scaled by each test speaker's own unlabelled utterances
- `validation` (`objective`, `value`), `expected`: what `search` promised, held against the test:
  `value`, `interval`, `holds_for`, `test`, `is_inside` (null if the interval is not estimable);
  null if it promised nothing of this model
- `paper_protocol`: null, or the reference's figure, the best epoch on the test session: `warning`,
  `accuracy`, `by_seed`; it is no estimate, and selects nothing
- `cost`: of all its networks: `n_networks`, `n_parameters`, `latency_ms` (median from one
  utterance's features to its probabilities), `n_threads`, `device`, `n_timed`
- `n_scorings`, `scorings` (`study`, `trial`, `by`, `at`, `accuracy` of every opening of this
  holdout), `scorings_spread`, `overlaps` (of each earlier holdout with some of these utterances:
  `n_shared`, and the `study`, `trial` and `at` of its first opening), `opening`, `model`,
  `scored_at` (UTC)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from emotion_hpo.errors import ConfigError
from emotion_hpo.features.preparation import OnProgress
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final import figures
from emotion_hpo.final.cost import measure_cost
from emotion_hpo.final.ensemble import Ensemble, members_of
from emotion_hpo.final.paper import paper_protocol
from emotion_hpo.final.plan import (
    Plan,
    Recipe,
    default_trial,
    named_or_confirmed,
    recipe_of,
)
from emotion_hpo.final.promised import held_against, promise_of
from emotion_hpo.final.retraining import OnRetraining, Retraining
from emotion_hpo.final.writing import write
from emotion_hpo.models.baseline import Baseline, parts_of
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.splits.class_coverage import absences_in_test
from emotion_hpo.splits.opening import open_development_and_holdout
from emotion_hpo.splits.parts import Development, Holdout
from emotion_hpo.study import StudyHome, Trial, study_file
from emotion_hpo.study.ledger import Ledger, user
from emotion_hpo.study.trials import find, read_trials

__all__ = ["Ensemble", "final"]

#: What a user writes instead of a trial's name.
ENSEMBLE = "ensemble"
DEFAULT_ENSEMBLE = Ensemble()


def ignore(_line: str) -> None:
    """Show nothing."""


def final(
    home: StudyHome,
    name: str | int | None,
    *,
    rescore: bool,
    on_features: OnProgress,
    on_retraining: OnRetraining,
    ensemble: Ensemble = DEFAULT_ENSEMBLE,
    is_paper_protocol: bool = False,
    on_note: Callable[[str], None] = ignore,
) -> dict[str, Any]:
    """Retrain a trial and score the holdout.

    Args:
        home: The study.
        name: `trial_42`, `42`, `ensemble`, or None for the confirmed winner, or else the best.
        rescore: Score a holdout again that has been scored.
        on_features: Shows the preparation of features.
        on_retraining: Shows the retraining.
        ensemble: How an ensemble is built, if `name` is `ensemble`.
        is_paper_protocol: Also compute the reference's figure, the best epoch on the test session.
        on_note: Called, before anything is trained, with what a person should know.

    Returns:
        What `result.json` holds.

    Raises:
        ConfigError: The reference's figure is wanted of an ensemble.
        StudyError: No such study or trial, or the corpus is not the one that was searched on.
        HoldoutError: The holdout has been scored before.
    """
    if is_paper_protocol and name == ENSEMBLE:
        raise ConfigError(
            "paper_protocol: the reference's figure is of one network; name a trial instead of "
            "best=ensemble, or leave it out"
        )
    began = time.monotonic()
    stored = study_file.read(home)
    chosen = _chosen(home, stored, name, ensemble)
    store, development, holdout = open_development_and_holdout(
        stored.config, home.features, on_features
    )
    study_file.check_shards(stored, store.keys, store.corpus_name)
    plan = plan_of(home, stored, chosen, development)
    promised = promise_of(home, plan.name)
    task = _Task(home, stored, store, development, holdout, plan, promised, Ledger(home.ledger))
    with task.ledger.alone_with(task.ledger.name_of(holdout.content)):
        task.ledger.check(holdout.content, plan.identity, rescore=rescore)
        for line in absences_in_test(holdout.counts(), holdout.session):
            on_note(line)
        retrained = _retrained(task, on_retraining)
        return _scored(task, retrained, began, rescore=rescore, is_paper_protocol=is_paper_protocol)


@dataclass(frozen=True)
class _Task:
    """What is to be retrained and scored, and where it is written."""

    home: StudyHome
    stored: study_file.StudyFile
    store: FeatureStore
    development: Development
    holdout: Holdout
    plan: Plan
    promised: dict[str, Any] | None
    ledger: Ledger


@dataclass(frozen=True)
class _Retrained:
    """Models that have learnt from train + validation: the members and what they are held against.

    Attributes:
        members: A saved_model of networks each.
        default: The default configuration, and its networks; None where it is the winner.
        baseline: The plain model.
    """

    members: list[SavedModel]
    default: tuple[Recipe, SavedModel] | None
    baseline: Baseline


def _retrained(task: _Task, on_retraining: OnRetraining) -> _Retrained:
    everything = task.development.everything
    retrain = Retraining(everything, task.store, on_retraining)

    def saved_model(recipe: Recipe) -> SavedModel:
        return retrain(recipe, task.home.final(recipe.trial.name))

    members = [saved_model(recipe) for recipe in task.plan.members]
    default = default_of(task.home, task.stored, task.plan, task.development)
    baseline = Baseline.fit(everything, parts_of(task.store.modalities))
    held = (default, saved_model(default)) if default is not None else None
    return _Retrained(members, held, baseline)


def _scored(
    task: _Task, retrained: _Retrained, began: float, *, rescore: bool, is_paper_protocol: bool
) -> dict[str, Any]:
    """Open the holdout, score the models on it, and write everything down."""
    home, development, plan, ledger = task.home, task.development, task.plan, task.ledger
    saved_models, objective = retrained.members, task.stored.config.study.objective
    facts = {
        "study": home.name,
        "trial": plan.name,
        "config": plan.config,
        "commit": study_file.commit(),
        "by": user(),
    }
    key, opening = ledger.open(task.holdout.content, plan.identity, facts, rescore=rescore)
    test = task.holdout.unseal()

    def answers_of(utterances: Utterances) -> figures.Probabilities:
        return plan.combined(
            [
                saved_model.probabilities(saved_model.preprocessor.transform(utterances))
                for saved_model in saved_models
            ]
        )

    by_seed = answers_of(test)
    answers = by_seed.mean(0)
    scores = figures.scores(test, by_seed)
    modalities = tuple(
        sorted(
            {name for saved_model in saved_models for name in saved_model.preprocessor.modalities}
        )
    )
    result = {
        "study": home.name,
        "trial": plan.name,
        "members": [
            {"trial": member.trial.name, "epochs": member.epochs, "weight": weight}
            for member, weight in zip(plan.members, plan.weights, strict=True)
        ],
        "rule": plan.rule,
        "corpus": task.store.corpus_name,
        "synthetic": task.store.synthetic,
        "n_train": len(development.everything),
        "n_test": len(test),
        "epochs": plan.members[0].epochs,
        "seeds": list(plan.members[0].seeds),
        "modalities": list(modalities),
        "validation": {
            "objective": objective,
            "value": plan.members[0].trial.value,
        },
        **scores,
        "calibration": figures.calibration(test.labels, answers),
        "baseline": {"parts": list(retrained.baseline.parts)}
        | figures.reference(test, answers, retrained.baseline.probabilities(test)[None]),
        "default": _default_figures(retrained.default, test, answers),
        "by": figures.breakdowns(test, development.everything, saved_models[0], answers),
        "without": figures.without_each(test, answers_of, modalities),
        "normalised_by_speaker": figures.normalised_by_speaker(saved_models),
        "expected": held_against(task.promised, objective, test, answers),
        "cost": measure_cost(saved_models, test),
        "paper_protocol": None,
        "test_session": task.holdout.session,
        "test_speakers": sorted(test.table["speaker"].unique()),
        "opening": opening,
        "model": plan.identity,
        "seconds": time.monotonic() - began,
        "scored_at": datetime.now(UTC).isoformat(),
    }
    result |= _scorings(ledger, key, opening, scores["accuracy"])
    if is_paper_protocol:
        ledger.note("paper_protocol", key, {**facts, "opening": opening})
        result["paper_protocol"] = paper_protocol(plan.members[0], development.everything, test)
    write(home.final(plan.name), test, answers, result)
    ledger.score(key, opening, scores["accuracy"])
    return result


@dataclass(frozen=True)
class Chosen:
    """What a command asks for: trials with their weights.

    Attributes:
        name: `trial_42` or `ensemble`.
        trials: The members.
        weights: Of each; they sum to 1.
        rule: How their answers are combined.
    """

    name: str
    trials: tuple[Trial, ...]
    weights: tuple[float, ...] = (1.0,)
    rule: str = "single"


def _chosen(
    home: StudyHome, stored: study_file.StudyFile, name: str | int | None, ensemble: Ensemble
) -> Chosen:
    trials, objective = read_trials(home), stored.config.study.objective
    if name == ENSEMBLE:
        members, weights = members_of(home, trials, objective, ensemble)
        return Chosen(ENSEMBLE, tuple(members), tuple(weights), ensemble.rule)
    trial = find(trials, named_or_confirmed(home, name), objective)
    return Chosen(trial.name, (trial,))


def plan_of(
    home: StudyHome, stored: study_file.StudyFile, chosen: Chosen, development: Development
) -> Plan:
    """What is retrained, and for how long."""
    recipes = tuple(recipe_of(home, stored, trial, development) for trial in chosen.trials)
    return Plan(chosen.name, recipes, chosen.weights, chosen.rule)


def default_of(
    home: StudyHome, stored: study_file.StudyFile, plan: Plan, development: Development
) -> Recipe | None:
    """The default configuration's recipe; None where it is the winner, or was never scored."""
    trial = default_trial(home, stored, read_trials(home))
    if trial is None or trial.name == plan.name:
        return None
    return recipe_of(home, stored, trial, development)


def _default_figures(
    default: tuple[Recipe, SavedModel] | None, test: Utterances, answers: figures.Probabilities
) -> dict[str, Any] | None:
    if default is None:
        return None
    recipe, saved_model = default
    by_seed = saved_model.probabilities(saved_model.preprocessor.transform(test))
    return {"trial": recipe.trial.name} | figures.reference(test, answers, by_seed)


def _scorings(ledger: Ledger, holdout: str, opening: str, accuracy: float) -> dict[str, Any]:
    """Every opening of this holdout, this one among them, and the spread of the scores."""
    openings = ledger.openings(holdout)
    listed = [
        {name: line.get(name) for name in ("study", "trial", "by", "at", "accuracy")}
        | ({"accuracy": accuracy} if line["opening"] == opening else {})
        for line in openings
    ]
    scored = [line["accuracy"] for line in listed if line["accuracy"] is not None]
    return {
        "n_scorings": len(openings),
        "overlaps": next(line["overlaps"] for line in openings if line["opening"] == opening),
        "scorings": listed,
        "scorings_spread": float(np.std(scored, ddof=1)) if len(scored) > 1 else None,
    }
