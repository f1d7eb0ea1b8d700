"""A trial of several trainings, over folds and seeds: value, record and continuation."""

import io

import numpy as np
import pytest

from emotion_hpo.splits.parts import split
from emotion_hpo.training.fold_run import Checkpoint, DataModule, EpochSelector, run
from emotion_hpo.training.trial_run import plan, run_all
from tests.pipeline import SMALL, compose_config

JUDGE = EpochSelector("val/accuracy")
EPOCHS = 2


@pytest.fixture(scope="module")
def config():
    return compose_config(*SMALL, f"training.epochs={EPOCHS}").experiment()


@pytest.fixture(scope="module")
def by_session(small_store):
    study = compose_config(*SMALL, "split=session")
    return DataModule(split(small_store, study.split)[0])


@pytest.fixture(scope="module")
def whole(config, by_session):
    """Four folds, two seeds each, run through."""
    return run_all(config, by_session, plan(4, 2, seed=3), JUDGE, lambda *_: False)


def test_the_value_is_the_mean_of_the_trainings(whole):
    assert len(whole.each) == 8
    assert whole.value == pytest.approx(np.mean([one.value for one in whole.each]))
    best = sorted(one.best_epoch for one in whole.each)
    assert best[3] <= whole.best_epoch <= best[4]
    assert whole.best_epoch in best


def test_one_fold_and_one_seed_are_a_plain_training(config, data_module):
    alone = run_all(config, data_module, plan(1, 1, seed=3), JUDGE, lambda *_: False)
    plain = run(config, data_module, 3, JUDGE, lambda _: False)
    assert [one.metrics for one in alone.curve] == [one.metrics for one in plain.curve]
    assert (alone.value, alone.best_epoch) == (plain.value, plain.best_epoch)


def test_every_training_has_a_seed_of_its_own():
    planned = plan(4, 3, seed=5)
    assert len({one.seed for one in planned}) == 12
    assert planned[0].seed == 5
    assert plan(2, 3, seed=5) == planned[:6], "more folds change no training"


def test_every_training_stands_in_the_record(whole, by_session):
    records = whole.trainings(by_session.development)
    assert [one.fold for one in records] == ["1", "1", "2", "2", "3", "3", "4", "4"]
    for index, one in enumerate(records):
        epochs = [epoch for epoch in whole.curve if epoch.training == index]
        assert [epoch.epoch for epoch in epochs] == [1, 2]
        assert one.value == epochs[one.best_epoch - 1].metrics["val/accuracy"]


def test_answers_cover_every_fold_averaged_over_seeds(whole, by_session):
    development = by_session.development
    with np.load(io.BytesIO(whole.answers(development))) as stored:
        assert list(stored["utterance_id"]) == development.everything.ids
        assert list(stored["fold"]) == list(development.everything.table["session"])
        np.testing.assert_array_equal(stored["label"], development.everything.labels)
        in_first = stored["fold"] == "1"
        mean = (whole.each[0].probabilities + whole.each[1].probabilities) / 2
        np.testing.assert_allclose(stored["probabilities"][in_first], mean)


@pytest.mark.parametrize("cut", [1, 2, 5], ids=["in the first", "at its end", "in the third"])
def test_a_cut_trial_repeats_no_epoch(config, by_session, tmp_path, cut):
    planned, path = plan(4, 1, seed=3), tmp_path / "checkpoint.pt"
    complete = run_all(config, by_session, planned, JUDGE, lambda *_: False)

    def stop(so_far, make_checkpoint):
        make_checkpoint().save(path)
        return len(so_far.curve) == cut

    run_all(config, by_session, planned, JUDGE, stop)
    trained = []
    rest = run_all(
        config,
        by_session,
        planned,
        JUDGE,
        lambda so_far, _: trained.append(so_far) and False,
        resume=Checkpoint.load(path),
    )
    assert len(trained) == 4 * EPOCHS - cut
    assert [one.metrics for one in rest.curve] == [one.metrics for one in complete.curve]
    assert rest.answers(by_session.development) == complete.answers(by_session.development)


def test_a_trial_may_end_between_trainings(config, by_session):
    planned = plan(4, 1, seed=3)
    found = run_all(
        config, by_session, planned, JUDGE, lambda *_: False, lambda so_far: len(so_far.each) == 2
    )
    assert len(found.each) == 2
    with np.load(io.BytesIO(found.answers(by_session.development))) as stored:
        assert set(stored["fold"]) == {"1", "2"}
