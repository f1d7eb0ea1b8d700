"""What a search expects of its ensemble: read from its files, the ensemble that `final` takes."""

import numpy as np
import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.selection.ensemble import Ensemble, members_of
from emotion_hpo.selection.ensemble_score import estimate_ensemble_score
from emotion_hpo.study import study_file
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.search_summary import ExpectedEnsemble
from emotion_hpo.study.trials import read_trials
from tests.records import baseline


@pytest.fixture
def estimated(searched, data_module):
    """Estimate with the answers of two trials, each of which knows one half of the utterances."""
    config = study_file.read(searched).config
    for trial in read_trials(searched):
        files = searched.trial(trial.number)
        stored = dict(np.load(files.probabilities))
        n, n_classes = stored["probabilities"].shape
        knows = np.arange(n) % 2 == trial.number % 2
        right = np.eye(n_classes, dtype=np.float32)[stored["label"]]
        stored["probabilities"] = np.where(knows[:, None], right, 1 / n_classes).astype(np.float32)
        np.savez(files.probabilities, **stored)
        with np.load(files.every_epoch) as every:
            n_epochs = len(every["training_0"])
        answers = np.repeat(stored["probabilities"][None], n_epochs, axis=0)
        np.savez(files.every_epoch, training_0=answers.astype(np.float16))
    development = data_module.development
    return lambda trials: estimate_ensemble_score(searched, config, development, trials)


def test_it_is_of_the_members_that_final_takes(searched, estimated):
    trials = read_trials(searched)
    score = estimated(trials)
    assert ExpectedEnsemble.from_json(score.to_json()) == score
    members, weights = members_of(searched, trials, "val/accuracy", Ensemble())
    assert [member.trial for member in score.members] == members
    assert [member.weight for member in score.members] == pytest.approx(weights)
    assert (score.plain, score.value) == (1.0, 1.0)
    assert score.optimism == pytest.approx(0)
    assert score.interval.low < 1.0
    assert score.n_trials == 2


def test_there_is_none_of_one_trial_nor_where_one_is_best_alone(searched, estimated):
    trials = read_trials(searched)
    assert estimated(trials[:1]) is None
    assert estimated([]) is None
    first, second = (searched.trial(trial.number).probabilities for trial in trials)
    second.write_bytes(first.read_bytes())
    stored = dict(np.load(first))
    stored["probabilities"] = np.full_like(stored["probabilities"], 0.25)
    np.savez(first, **stored)
    assert estimated(trials) is None


def test_the_baseline_may_be_a_member(searched, estimated):
    trials = read_trials(searched)
    write_record(searched.baseline, baseline())
    stored = dict(np.load(searched.trial(0).probabilities))
    right = np.eye(4, dtype=np.float32)[stored["label"]]
    wrong = np.roll(right, 1, axis=1)
    for number in (0, 1):
        np.savez(searched.trial(number).probabilities, **{**stored, "probabilities": wrong})
    np.savez(searched.baseline_probabilities, **{**stored, "probabilities": right})
    with pytest.raises(StudyError, match="takes baseline alone"):
        members_of(searched, trials, "val/accuracy", Ensemble())
    half = np.where(np.arange(len(right))[:, None] % 2, right, np.full_like(right, 0.25))
    np.savez(searched.baseline_probabilities, **{**stored, "probabilities": half})
    other = np.where(np.arange(len(right))[:, None] % 2, 0.3 * wrong, right)
    np.savez(searched.trial(0).probabilities, **{**stored, "probabilities": other})
    names, weights = members_of(searched, trials, "val/accuracy", Ensemble())
    assert set(names) == {"trial_0", "baseline"}
    assert sum(weights) == pytest.approx(1)
