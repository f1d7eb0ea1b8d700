"""Confirmation: leaders trained again over fresh seeds, the winner, and what a kill leaves."""

import json

import numpy as np
import pytest

from emotion_hpo.cli.search import confirm_leaders
from emotion_hpo.config import (
    ExperimentConfig,
    LinearModel,
    SearchConfig,
    build,
    dump,
    with_value,
)
from emotion_hpo.console.search_result import show_confirmation
from emotion_hpo.errors import StudyError, TrialFailed
from emotion_hpo.metrics import METRICS
from emotion_hpo.search import batch
from emotion_hpo.search.batch import BatchStopped
from emotion_hpo.search.purposes import confirmation as purpose
from emotion_hpo.selection.confirmation import confirm, pick_winner, standard_error
from emotion_hpo.selection.leaders import plan_confirmations
from emotion_hpo.study import study_file, write_yaml
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.selection import Candidate
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training.learner import build_learner
from tests.pipeline import SMALL, compose_config, stop_after_an_epoch, trainer
from tests.records import baseline, candidate


@pytest.fixture
def study(searched):
    """The searched study, which confirms one leader and the default over two seeds."""

    def make(leaders=1, seeds=2):
        stored = study_file.read(searched)
        plain = with_value(dump(stored.config), "study.confirm_leaders", leaders)
        config = build(SearchConfig, with_value(plain, "study.confirm_seeds", seeds))
        study_file.write_or_compare(searched, config, stored.shards, synthetic=True)
        return searched, config

    return make


def a_candidate(trial, mean, n_parameters, seconds):
    facts = {"mean": mean, "n_parameters": n_parameters, "seconds": seconds}
    return Candidate.from_json(candidate(trial, **facts))


WINNERS = [
    # candidates (mean, parameters, seconds), sign, standard error, winner, why
    ([(0.60, 9, 1), (0.70, 9, 1)], 1, 0.0, 1, "the best mean"),
    ([(0.69, 5, 1), (0.70, 9, 1)], 1, 0.02, 0, "a tie goes to fewer parameters"),
    ([(0.67, 5, 1), (0.70, 9, 1)], 1, 0.02, 1, "no tie"),
    ([(0.69, 9, 1), (0.70, 9, 2)], 1, 0.02, 1, "as many parameters: the better, not the faster"),
    ([(0.70, 9, 2), (0.70, 9, 1)], 1, 0.02, 0, "equal in all: the earlier, not the faster"),
    ([(0.69, 9, 1), (0.70, 9, 1)], 1, 0.02, 1, "as dear: the better"),
    ([(1.10, 5, 1), (1.00, 9, 1)], -1, 0.05, 1, "of a loss the lowest"),
    ([(1.04, 5, 1), (1.00, 9, 1)], -1, 0.05, 0, "a tie of losses"),
]


@pytest.mark.parametrize(("found", "sign", "error", "wins", "why"), WINNERS)
def test_the_winner(found, sign, error, wins, why):
    candidates = [a_candidate(str(place), *one) for place, one in enumerate(found)]
    assert pick_winner(candidates, sign, error).trial == str(wins), why


def test_one_value_each_says_nothing_about_spread():
    assert standard_error([[0.5], [0.6]]) == 0
    assert standard_error([[0.5, 0.5], [0.6]]) == 0
    assert standard_error([[0.5, 0.6]]) == pytest.approx(0.05)


def test_leaders_and_the_default_configuration_get_fresh_seeds(study):
    home, config = study(leaders=1, seeds=3)
    trials = read_trials(home)
    wanted = plan_confirmations(home, config, trials)
    best = max(trials, key=lambda one: one.value).number
    assert {one.number for one in wanted} == {best, 0}
    assert [one.index for one in wanted] == sorted(one.index for one in wanted), "seed by seed"
    seeds = [one.seed for one in wanted]
    assert len(set(seeds)) == len(seeds)
    assert not set(seeds) & {one.seed for one in trials}
    assert [one.number for one in wanted if one.is_default] == [0] * 3


def test_a_model_without_a_seed_is_trained_once_and_says_nothing_of_the_spread(study):
    """From every seed it is the same: its spread of 0 is none between seeds."""
    home, config = study(leaders=2, seeds=2)
    stored = study_file.trial_config(home, 1)
    linear = LinearModel(name="linear", learner="linear", c=1.0, modalities=("text",))
    write_yaml(home.trial(1).config, dump(stored.model_copy(update={"model": linear})))
    planned = plan_confirmations(home, config, read_trials(home))
    assert sorted((one.number, one.index) for one in planned) == [(0, 0), (0, 1), (1, 0)]
    found = confirm(home, config, trainer(home))
    values = {one.trial: one.values for one in found.candidates}
    assert {name: len(of) for name, of in values.items()} == {"trial_0": 2, "trial_1": 1}
    assert found.standard_error == standard_error([values["trial_0"]])
    assert found.expected is not None


@pytest.mark.parametrize(
    ("settings", "has_seed"),
    [
        ({"learner": "linear"}, False),
        ({"learner": "svm", "kernel": "rbf"}, False),
        ({"learner": "boosting"}, True),
    ],
)
def test_a_model_has_a_seed_where_another_seed_gives_another_model(data_module, settings, has_seed):
    config = data_module_config(settings)
    fold = data_module.fold(config)
    answers = []
    for seed in (1, 2):
        learner = build_learner(config, fold.preprocessor, 4, seed=seed)
        learner.fit(fold.train, None, seed, lambda *_: True)
        answers.append(learner.probabilities(fold.validation))
    assert config.model.has_seed == has_seed
    assert np.array_equal(*answers) != has_seed


def data_module_config(settings):
    plain = dump(compose_config(*SMALL).experiment())
    return build(ExperimentConfig, plain | {"model": {"name": "classical", **settings}})


@pytest.fixture
def done(study):
    home, config = study()
    confirm(home, config, trainer(home))
    return home, config


@pytest.mark.parametrize(
    ("plain_value", "said"),
    [(0.01, "baseline: 1.00 %; it has no seed\n"), (0.99, "<- no trial is better"), (None, "")],
)
def test_the_baseline_stands_among_the_confirmed(done, capsys, plain_value, said):
    home, config = done
    home.baseline.unlink(missing_ok=True)
    if plain_value is not None:
        figures = dict.fromkeys(METRICS, plain_value)
        write_record(home.baseline, baseline(validation=figures))
    chosen = confirm_leaders(home, config)
    assert chosen.baseline == plain_value
    show_confirmation(chosen, None)
    text = capsys.readouterr().out
    assert said in text
    assert ("baseline" in text) == bool(said)


def test_what_was_trained_is_not_trained_again(done, monkeypatch):
    home, config = done
    monkeypatch.setattr(batch, "_work", None)  # calling it would fail
    found = confirm(home, config, trainer(home))
    assert json.loads(home.selection.read_text()) == found.to_json()
    assert found.winner in {one.trial for one in found.candidates}
    assert found.n_seeds == 2
    interval = found.expected.interval
    assert interval.low < found.expected.value < interval.high
    assert found.expected.value == pytest.approx(found.value - found.expected.optimism)
    for one in found.candidates:
        assert len(one.values) == 2
        assert one.mean == pytest.approx(sum(one.values) / 2)
        assert one.n_parameters > 1000
        assert 1 <= one.epochs <= 3
    assert not list(home.path.rglob("checkpoint.pt"))


def test_cut_off_it_ends_where_the_uninterrupted_one_does(done, monkeypatch):
    """A checkpoint after the first epoch is taken up, and the figures are the same bits."""
    home, config = done
    planned = plan_confirmations(home, config, read_trials(home))[0]
    files = home.confirmation(planned.number, planned.index)
    whole = json.loads(files.record.read_text())
    files.record.unlink()
    with monkeypatch.context() as patched:
        stop_after_an_epoch(patched)
        with pytest.raises(BatchStopped, match="goes on"):
            confirm(home, config, trainer(home))
    assert list(home.path.rglob("checkpoint.pt"))
    assert not files.record.exists()
    confirm(home, config, trainer(home))
    again = json.loads(files.record.read_text())
    assert {**again, "seconds": 0} == {**whole, "seconds": 0}
    assert not list(home.path.rglob("checkpoint.pt"))


def test_a_leader_that_diverges_says_so_and_one_that_crashes_is_named(study, monkeypatch):
    home, config = study(seeds=1)
    true_run = purpose.run_all

    def diverge(experiment, *arguments, **more):
        if experiment != config.experiment():
            raise TrialFailed("val/loss is nan after epoch 1")
        return true_run(experiment, *arguments, **more)

    monkeypatch.setattr(purpose, "run_all", diverge)
    selection = confirm(home, config, trainer(home))
    assert [candidate.trial for candidate in selection.candidates] == ["trial_0"]
    monkeypatch.setattr(purpose, "run_all", None)
    for record in home.path.glob("selection/*/confirmation.json"):
        record.unlink()
    with pytest.raises(StudyError, match=r"trainings failed, trial_.*TypeError.*see .*workers"):
        confirm(home, config, trainer(home))
