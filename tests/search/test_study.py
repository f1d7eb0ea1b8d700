"""Slots, claims and ends: the promises of a study, kept for every sampler and pruner."""

import math
import sqlite3
import time

import optuna
import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.search.optuna.study import MOST_DEATHS, Study
from emotion_hpo.study import Epoch, StudyHome, TrialState, study_file
from emotion_hpo.study.curves import write_curve
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.trial import TrialRecord
from emotion_hpo.study.trials import best_of, read_trials
from tests.forking import fork_server
from tests.pipeline import SMALL, compose_config
from tests.search.claiming import claim_all, finish

SAMPLERS = ("random", "tpe", "gp", "cmaes", "qmc", "grid", "nsga2")
PRUNERS = ("none", "median", "asha", "hyperband", "patient", "wilcoxon")


def search_alone(study: Study) -> list[dict]:
    """Parameters of all trials of a study that one worker runs to its end."""
    study.open_slots()
    while (claim := study.claim("worker_0")) is not None:
        finish(study, claim, -((math.log(claim.config.training.learning_rate) + 6) ** 2))
    return [dict(one.params) for one in study.trials()]


SEARCHES = [
    *((one, "hyperband") for one in SAMPLERS),
    *(("random", one) for one in PRUNERS if one != "hyperband"),
]


@pytest.fixture(scope="module", params=SEARCHES, ids="-".join)
def searches(request, tmp_path_factory):
    """Two studies that are the same, searched by a sampler and a pruner: first claim, points."""
    sampler, pruner = request.param
    studies = []
    for _ in range(2):  # Hyperband draws brackets by the study's name, so both have the same one
        directory = tmp_path_factory.mktemp("searches")
        overrides = (f"sampler={sampler}", f"pruner={pruner}", "study.n_trials=9")
        config = compose_config(*SMALL, f"study.directory={directory}", *overrides)
        home = StudyHome(directory, "study")
        home.path.mkdir()
        study = Study(home, config)
        study.open_slots()
        first = study.claim("worker_0")
        finish(study, first, 0.5)
        studies.append((study, first, search_alone(study)))
    return studies


@pytest.mark.no_cover  # traced, it would take half as long again
class TestEverySearch:
    def test_meets_the_budget_exactly(self, searches):
        trials = searches[0][0].trials()
        assert len(trials) == 9
        assert all(one.state is TrialState.COMPLETE for one in trials)

    def test_begins_with_the_default_configuration(self, searches):
        study, first, _ = searches[0]
        assert first.number == 0
        assert first.config == study._connection.config.experiment()

    def test_proposes_no_point_twice(self, searches):
        points = [tuple(one.items()) for one in searches[0][2]]
        assert len(set(points)) == len(points)

    def test_gives_the_same_trials_for_the_same_seed(self, searches):
        assert searches[0][2] == searches[1][2]

    def test_stays_inside_the_space(self, searches):
        study, _, drawn = searches[0]
        for params in drawn:
            for path, value in params.items():
                assert study._connection.config.space[path].contains(value)


@pytest.fixture
def study(make_study):
    home, config = make_study("study", "study.n_trials=3")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    return study


def test_another_seed_gives_other_trials(make_study):
    points = []
    for seed in (0, 1):
        home, config = make_study(f"study_{seed}", f"study.seed={seed}", "study.n_trials=3")
        home.path.mkdir()
        points.append(search_alone(Study(home, config)))
    assert points[0][0] == points[1][0], "the default configuration comes first"
    assert points[0][1:] != points[1][1:]


def test_known_configurations_come_after_the_default(make_study):
    known = "study.enqueue=[{model.dropout: 0.25}]"
    home, config = make_study("study", known, "study.n_trials=3")
    home.path.mkdir()
    assert search_alone(Study(home, config))[1]["model.dropout"] == 0.25


def test_a_smaller_budget_takes_fewer_known_configurations(make_study):
    known = "study.enqueue=[{model.dropout: 0.25}, {model.dropout: 0.3}]"
    home, config = make_study("study", known, "study.n_trials=1")
    home.path.mkdir()
    assert len(search_alone(Study(home, config))) == 1


def test_claims_are_in_the_hands_of_one_worker(study):
    numbers = [study.claim(f"worker_{index}").number for index in range(3)]
    assert numbers == [0, 1, 2]
    assert study.claim("worker_3") is None


def test_opening_slots_again_adds_none(study):
    study.open_slots()
    study.open_slots()
    assert len(study.trials()) == 1, "the default; what is drawn is made when it is claimed"


def test_a_large_budget_costs_nothing_before_it_is_spent(make_study):
    """Optuna reads every unfinished trial at every claim and report."""
    home, config = make_study("study", "study.n_trials=100000")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    study.claim("worker_0")
    study.claim("worker_1")
    assert [one.state for one in study.trials()] == [TrialState.RUNNING] * 2


def test_a_cut_trial_is_continued_before_a_new_one_is_drawn(study):
    cut, _ = study.claim("worker_0"), study.claim("worker_1")
    study.release(cut)
    claim = study.claim("worker_0")
    assert (claim.number, claim.former_lives, claim.seed) == (2, (0,), cut.seed)


def test_a_larger_budget_adds_slots(study, make_study):
    search_alone(study)
    home, config = make_study("study", "study.n_trials=5")
    assert len(search_alone(Study(home, config))) == 5


def test_a_trial_in_a_living_workers_hands_is_no_orphan(study, make_study):
    claim = study.claim("worker_0")
    home, config = make_study("study", "study.n_trials=3")
    Study(home, config).requeue_orphans()
    assert study.trials()[claim.number].state is TrialState.RUNNING


def test_an_orphan_is_continued_under_a_new_number(study):
    claim = study.claim("worker_0")
    claim.lock.release()  # as the system does when the worker dies
    study.requeue_orphans()
    study.requeue_orphans()
    trials = study.trials()
    assert trials[0].state is TrialState.INTERRUPTED
    continuing = [one for one in trials if one.continues == 0]
    assert [one.number for one in continuing] == [1]
    rest = [study.claim("worker_1") for _ in range(3)]
    assert [one.number for one in rest] == [1, 2, 3]
    assert rest[0].former_lives == (0,)
    assert rest[0].seed == claim.seed
    assert rest[0].config == claim.config
    assert study.claim("worker_1") is None


def die(study, n_epochs=0, evidence="SIGSEGV"):
    """Let a worker die that has just taken a trial, or has trained it up to an epoch."""
    claim = study.claim("worker_0")
    if n_epochs:
        curve = tuple(Epoch(n + 1, {}, 1.0, 0.0) for n in range(n_epochs))
        write_curve(study._connection.home.trial(claim.number), curve)
    claim.lock.release()
    study.requeue_trials_of("worker_0", evidence=evidence)
    return claim.number


def test_a_trial_that_workers_die_of_comes_last_and_alone_and_has_failed_then(study, caplog):
    lives = [die(study, evidence=evidence) for evidence in ("SIGSEGV", "exit status 3", "SIGSEGV")]
    assert [study.trials()[number].continues for number in lives] == [None, 0, 1]
    assert "trial_2: workers died of it (SIGSEGV, exit status 3, SIGSEGV); it is tried once" in (
        caplog.text
    )
    assert study.n_set_aside() == 1
    for number in (4, 5):
        claim = study.claim("worker_0")
        assert (claim.number, claim.former_lives) == (number, ()), "others come first"
        finish(study, claim, 0.5)
    assert study.claim("worker_0") is None, "its place in the budget is not another's"
    study.take_up_set_aside()
    assert study.n_set_aside() == 0
    assert die(study) == 3
    failed = study.trials()[3]
    assert failed.state is TrialState.FAILED
    assert failed.reason == (
        "workers died of it without an epoch, at last with none beside: 3 x SIGSEGV, "
        "1 x exit status 3"
    )
    assert read_record(study._connection.home.trial(3).record, TrialRecord).reason == failed.reason
    assert sum(trial.state.is_finished for trial in study.trials()) == 3
    assert study.claim("worker_0") is None


def test_a_trial_that_lives_alone_is_complete(study):
    for _ in range(MOST_DEATHS):
        die(study)
    study.take_up_set_aside()
    claim = study.claim("worker_0")
    assert claim.former_lives == (2, 1, 0)
    finish(study, claim, 0.5)
    assert study.trials()[3].state is TrialState.COMPLETE


def test_what_was_set_aside_stays_alone_until_it_ends(study):
    for _ in range(MOST_DEATHS):
        die(study)
    for n_epochs, evidence in ((0, None), (1, "SIGSEGV"), (1, None)):
        study.take_up_set_aside()
        number = die(study, n_epochs, evidence)
        assert study.trials()[number].state is TrialState.INTERRUPTED
        assert study.n_set_aside() == 1
    study.take_up_set_aside()
    study.open_slots()  # the search was killed before a worker had it; the next begins with others
    assert study.n_set_aside() == 1
    study.take_up_set_aside()
    number = die(study, 1)
    reason = study.trials()[number].reason
    assert reason.endswith("none beside: 1 x SIGSEGV"), "an epoch was a gain"


def test_deaths_with_an_epoch_between_them_do_not_count_together(study):
    for n_epochs in (0, 0, 1, 1, 0, 2, 2, 2):
        number = die(study, n_epochs)
        assert study.trials()[number].state is TrialState.INTERRUPTED
        assert study.n_set_aside() == 0
    die(study)
    assert study.n_set_aside() == 1


def test_kills_from_outside_are_no_trials_fault(study):
    for _ in range(5 * MOST_DEATHS):
        die(study, evidence=None)
    for _ in range(2 * MOST_DEATHS):
        study.claim("worker_0").lock.release()
        study.requeue_orphans()
    assert {trial.state for trial in study.trials()} == {
        TrialState.INTERRUPTED,
        TrialState.WAITING,
    }
    assert study.n_set_aside() == 0


def test_a_death_is_held_against_the_trial_of_its_worker_alone(study):
    for _ in range(MOST_DEATHS):
        blamed, other = study.claim("worker_0"), study.claim("worker_1")
        for claim in (blamed, other):  # both die at the same moment
            claim.lock.release()
        study.requeue_trials_of("worker_0", evidence="SIGSEGV")
        assert study.trials()[other.number].state is TrialState.RUNNING
        study.requeue_trials_of("worker_1")
    assert study.n_set_aside() == 1
    assert study.claim("worker_0").former_lives[0] == other.number


def test_an_orphan_waits_for_word_of_its_workers_end(study):
    claim = study.claim("worker_0")
    claim.lock.release()
    study.requeue_orphans(grace_s=60)
    assert study.trials()[0].state is TrialState.RUNNING
    time.sleep(0.01)
    study.requeue_orphans(grace_s=0.001)
    assert study.trials()[0].state is TrialState.INTERRUPTED


def test_a_worker_that_may_still_live_keeps_its_trial(study):
    claim = study.claim("worker_0@node7")
    study.requeue_trials_of("worker_0", is_gone=False)
    assert study.trials()[0].state is TrialState.RUNNING
    claim.lock.release()
    study.requeue_trials_of("worker_0", is_gone=False)
    assert study.trials()[0].state is TrialState.INTERRUPTED


def test_lives_form_a_chain(study):
    first = study.claim("worker_0")
    study.release(first)
    second = study.claim("worker_0")
    assert second.former_lives == (0,)
    study.release(second)
    assert study.claim("worker_0").former_lives == (1, 0)


def test_a_failed_trial_counts_and_keeps_its_reason(study):
    study.end(study.claim("worker_0"), TrialState.FAILED, None, None, "train/loss is nan")
    search_alone(study)
    failed = study.trials()[0]
    assert (failed.state, failed.reason) == (TrialState.FAILED, "train/loss is nan")
    assert len(study.trials()) == 3
    assert best_of(study.trials()).number != 0


def test_an_ended_trial_lies_in_the_studys_folder(study):
    claim = study.claim("worker_0")
    curve = (Epoch(1, {"val/accuracy": 0.5}, 2.0, 3.0),)
    write_curve(study._connection.home.trial(claim.number), curve)
    finish(study, claim, 0.5)
    (stored,) = read_trials(study._connection.home)
    assert stored.value == 0.5
    assert stored.curve == curve
    assert stored.seed == claim.seed
    assert stored.state is TrialState.COMPLETE


def test_a_former_lifes_epochs_are_told_again(study):
    claim = study.claim("worker_0")
    study.report_previous_steps(claim, {1: 0.3, 2: 0.4})
    stored = optuna.load_study(
        study_name="study", storage=f"sqlite:///{study._connection.home.database}"
    ).trials[0]
    assert stored.intermediate_values == {1: 0.3, 2: 0.4}


def test_hyperband_ends_a_poor_trial_early(make_study):
    home, config = make_study("study", "study.n_trials=30", "pruner=hyperband")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    pruned = []
    for index in range(30):
        claim = study.claim("worker_0")
        stops = study.report(claim, 1, 1 / (index + 1))
        pruned.append(stops)
        study.end(claim, TrialState.PRUNED if stops else TrialState.COMPLETE, 0.1, 1)
    assert any(pruned)
    assert not pruned[0]


def test_a_conditional_range_is_drawn_where_it_applies(make_study):
    space = (
        "space.training.schedule={choices: [constant, cosine]}",
        "space.training.clip_norm={low: 1.0, high: 2.0, when: {training.schedule: cosine}}",
    )
    home, config = make_study("study", *(f"+{one}" for one in space), "study.n_trials=12")
    home.path.mkdir()
    for params in search_alone(Study(home, config)):
        assert ("training.clip_norm" in params) == (params["training.schedule"] == "cosine")


BROKEN_DATABASES = [
    (lambda _whole: b"this is no database, but long enough to look like a header " * 20, "words"),
    (lambda _whole: b"short", "a few bytes"),
    (lambda whole: whole[: len(whole) // 2], "cut off"),
    (lambda whole: whole[:8192] + b"\xff" * 20_000 + whole[28_192:], "overwritten in the middle"),
]


@pytest.mark.parametrize(("broken", "why"), BROKEN_DATABASES)
def test_a_broken_database_is_named_with_what_to_do(make_study, broken, why):
    home, config = make_study()
    home.path.mkdir()
    Study(home, config).open_slots()
    home.database.write_bytes(broken(home.database.read_bytes()))
    said = r"study\.db cannot be opened as a study: .*; restore it from a copy, or search under"
    with pytest.raises(StudyError, match=said) as caught:
        Study(home, config).trials()
    assert "\n" not in str(caught.value)


def test_a_folder_in_the_place_of_the_database_is_named(make_study):
    home, config = make_study()
    home.database.mkdir(parents=True)
    with pytest.raises(StudyError, match=r"study\.db cannot be opened as a study: unable to open"):
        Study(home, config).open_slots()


def test_four_processes_share_the_slots(make_study):
    home, config = make_study("study", "study.n_trials=24", "sampler=random")
    home.path.mkdir()
    Study(home, config).open_slots()
    context = fork_server()
    queue = context.Queue()
    processes = [
        context.Process(target=claim_all, args=(home, config, f"worker_{index}", queue))
        for index in range(4)
    ]
    for process in processes:
        process.start()
    claimed = sorted(number for _ in processes for number in queue.get(timeout=120))
    for process in processes:
        process.join(timeout=30)
    assert claimed == list(range(24))
    points = {tuple(one.params.items()) for one in Study(home, config).trials()}
    assert len(points) == 24


def test_the_paper_preset_tries_the_references_configurations(tmp_path):
    config = compose_config("study=paper", f"study.directory={tmp_path}", "study.name=paper")
    home = StudyHome(tmp_path, "paper")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    _, nineteen, twenty_nine = (study.claim("worker_0").config for _ in range(3))
    for one, units, rate, dropout in (
        (nineteen, (238, 112, 189), 5.76005427777614e-4, 0.15337660753),
        (twenty_nine, (234, 100, 203), 3.9254250610751723e-4, 0.12617134037),
    ):
        encoders = one.model.encoders
        assert (encoders["text"].units, encoders["speech"].units, one.model.fusion.units) == units
        assert (one.training.learning_rate, one.model.dropout) == (rate, dropout)
        assert one.training.epochs == 30
    assert (config.sampler.name, config.pruner.name) == ("random", "none")


def test_a_changed_set_of_choices_is_refused_before_any_trial(make_study):
    small = ("+space.training.batch_size={choices: [8, 16]}", "study.n_trials=1")
    home, config = make_study("study", *small)
    home.path.mkdir()
    study_file.write_or_compare(home, config, {}, synthetic=True)
    _, other = make_study("study", "+space.training.batch_size={choices: [8, 32]}", small[1])
    with pytest.raises(StudyError, match=r"space\..*choices: \[8, 16\] → \[8, 32\]"):
        study_file.write_or_compare(home, other, {}, synthetic=True)


@pytest.mark.parametrize("done", ["removed", "emptied", "replaced by an older copy"])
def test_a_storage_that_lacks_a_trial_takes_no_folder(make_study, done):
    home, config = make_study("study", "study.n_trials=3")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    older = home.database.read_bytes()
    finish(study, study.claim("worker_0"), 0.5)
    finish(study, study.claim("worker_0"), 0.6)
    home.database.unlink()
    if done != "removed":
        home.database.write_bytes(older if "older" in done else b"")
    for _ in range(2):  # the first of them may make the file
        with pytest.raises(StudyError, match=r"the storage holds no trial_[01] of study 'study'"):
            Study(home, config).trials()


def test_a_database_that_is_broken_further_back_is_told_in_one_line(make_study):
    home, config = make_study("study", "study.n_trials=1")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    with sqlite3.connect(home.database) as database:
        database.execute("ALTER TABLE trial_user_attributes RENAME COLUMN value_json TO gone")
    with pytest.raises(StudyError, match=r"storage cannot be used: no such column: .*;"):
        Study(home, config).trials()


def test_a_trial_records_the_commit_it_was_trained_by(study):
    finish(study, study.claim("worker_0", commit="0123456789ab"), 0.5)
    (stored,) = read_trials(study._connection.home)
    assert stored.commit == "0123456789ab"


def test_the_default_configuration_is_never_pruned(make_study, monkeypatch):
    """Every winner is held against it, and a value from its first epochs says little."""
    home, config = make_study("study", "study.n_trials=2", "pruner=median")
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    monkeypatch.setattr("optuna.trial.Trial.should_prune", lambda _trial: True)
    default, other = study.claim("worker"), study.claim("worker")
    assert study.report(default, 1, 0.1) is False
    assert study.report(other, 1, 0.9) is True
