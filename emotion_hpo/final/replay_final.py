"""`replay final=trial_42`: train a final model again, from nothing, and compare its predictions.

It reads the sealed session once more, but learns nothing that its first scoring has not told: the
model is the same. The ledger gets a line of its own kind all the same.
"""

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from emotion_hpo.errors import StudyError
from emotion_hpo.features.preparation import OnProgress
from emotion_hpo.final.choice import Choice, plan_of
from emotion_hpo.final.retraining import Retraining, put_together
from emotion_hpo.final.writing import predictions
from emotion_hpo.splits.opening import open_development_and_holdout
from emotion_hpo.study import FinalHome, StudyHome, study_file
from emotion_hpo.study.finals import find_finals
from emotion_hpo.study.ledger import Ledger, user
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.ledger import Looker
from emotion_hpo.training.job import Purpose, Train


@dataclass(frozen=True)
class Again:
    """A final model trained again.

    Attributes:
        name: `trial_42`, `ensemble` or `baseline`.
        n_test: Predictions compared.
        first_difference: The first line of `predictions.csv` that differs, or None.
    """

    name: str
    n_test: int
    first_difference: int | None


def replay_final(home: StudyHome, name: str, on_features: OnProgress, train: Train) -> Again:
    """Retrain what a result is from and predict the test session again.

    Raises:
        StudyError: There is no such result, or the study no longer makes the same plan.
    """
    scored = {folder.path.name: folder for folder in find_finals(home)}
    folder = scored.get(name) or scored.get(f"trial_{name}")
    if folder is None:
        known = f"there are {', '.join(sorted(scored))}" if scored else "run `make final` first"
        raise StudyError(f"no final result {name!r} in study {home.name!r}; {known}")
    result, stored = read_record(folder.result, FinalResult), study_file.read(home)
    store, development, holdout = open_development_and_holdout(
        stored.config, home.features, on_features
    )
    study_file.check_shards(stored, store.keys, store.corpus_name)
    choice = Choice(
        result.trial,
        tuple(member.trial for member in result.members),
        tuple(member.weight for member in result.members),
        result.rule,
    )
    plan = plan_of(home, stored, choice, development)
    if plan.identity != result.model:
        raise StudyError(
            f"{folder.result} is of another model than the study would train now: its seeds, "
            "epochs or configurations have changed"
        )
    with TemporaryDirectory() as scratch:
        retrain = Retraining(development.everything, store, train, Purpose.REPLAY)
        models = retrain(plan.members, lambda name: FinalHome(Path(scratch) / name))
    ledger, looker = Ledger(home.ledger), Looker(study=home.name, trial=plan.name, by=user())
    ledger.note_replay(ledger.name_of(holdout.content), looker, plan.identity)
    test = holdout.unseal()
    answers = put_together(plan, models).answers(test).mean(0)
    difference = _find_difference(folder.predictions.read_bytes(), predictions(test, answers))
    return Again(plan.name, len(test), difference)


def _find_difference(old: bytes, new: bytes) -> int | None:
    """Return the number of the first line that differs, from 1; None if there is none."""
    pairs = enumerate(zip_longest(old.splitlines(), new.splitlines()), start=1)
    return next((number for number, (left, right) in pairs if left != right), None)
