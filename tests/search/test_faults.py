"""What is killed at random moments loses nothing and repeats nothing: a search, a final ensemble.

`make test-faults` kills 50 times; `EMOTION_HPO_KILLS` sets any number. The moments and the victims
are drawn from another seed each time, which pytest prints first; `EMOTION_HPO_KILL_SEED` sets it.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import time

import numpy as np
import pytest
from mlflow import MlflowClient

from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.features.preparation import quiet
from emotion_hpo.final.scoring import final
from emotion_hpo.search.optuna.jobs import batch_config
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import PARTIAL, StudyHome, TrialState, study_file
from emotion_hpo.tracking import tracking_uri
from emotion_hpo.training.fold_run import Checkpoint
from tests.pipeline import CONTEXT, trainer
from tests.search.processes import Command, processes_of

N_KILLS = int(os.environ.get("EMOTION_HPO_KILLS", "10"))
SEED = int(os.environ["EMOTION_HPO_KILL_SEED"])
N_TRIALS = 10
STUDY = (
    f"study.n_trials={N_TRIALS}",
    "launcher.n_workers=2",
    "sampler=random",
    "pruner=none",
    f"training.epochs={2 * N_KILLS}",  # long enough to be shot at so often
    "tracking=mlflow",
    *CONTEXT,  # enqueued, and drawn
)


#: A search that trains no epoch for so long hangs, however loaded the machine is: starting takes
#: seconds on a quiet one.
STANDSTILL_S = 300


def under_fire(start, home, n_kills: int, is_over, longest_s: float) -> list[str]:
    """Run a command, killing a worker or the coordinator now and then; return who was killed.

    Some shots fall whenever they fall, as while workers start; the others after an epoch has been
    trained since the last, for else a slow machine would be shot at while it starts alone.
    """
    dice = random.Random(SEED)
    killed: list[str] = []
    shot_at = 0.0
    command = start()
    try:
        while len(killed) < n_kills:
            workers = processes_of(home)
            if workers and (latest_epoch(home) > shot_at or dice.random() < 0.004):
                time.sleep(dice.uniform(0.0, longest_s))
                shot_at = time.time()
                victim = dice.choice([command.process, *workers, *workers])
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim.pid, signal.SIGKILL)
                    killed.append("coordinator" if victim is command.process else "worker")
            if command.process.poll() is not None:
                command.wait()
                if is_over():
                    break
                command = start()
            time.sleep(0.05)
    finally:
        command.process.kill()
        command.wait()
    return killed


def latest_epoch(home) -> float:
    """When the last epoch was trained, in seconds since 1970."""
    times = [0.0]
    for path in home.path.glob("trials/*/curve.json"):
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times)


@pytest.fixture(scope="module")
def survived(tmp_path_factory, small_features):
    """A study that was shot at and then finished, and what had been shot."""
    home, config = Command.home(tmp_path_factory.mktemp("faults"), small_features, *STUDY)
    killed = under_fire(
        lambda: Command(home, *STUDY),
        home,
        N_KILLS,
        lambda: Command.is_spent(home, N_TRIALS),
        longest_s=0.3,
    )
    command = Command(home, *STUDY)
    status, _, err = command.wait_while(lambda: latest_epoch(home), STANDSTILL_S)
    assert status == 0, err
    trials = Study(home, config).trials()
    n_lives = sum(one.state is TrialState.INTERRUPTED for one in trials)
    n_first = killed.count("coordinator")
    summary = f"{len(killed)} kills, {n_first} of the coordinator; {n_lives} lives were cut"
    print(f"{summary}; EMOTION_HPO_KILL_SEED={SEED}")  # noqa: T201
    assert len(killed) == N_KILLS, f"the search ended before it was shot at so often; seed {SEED}"
    return home, config, trials


def test_the_budget_is_met_exactly(survived):
    _, _, trials = survived
    assert sum(one.state.is_finished for one in trials) == N_TRIALS
    assert {one.state for one in trials} <= {TrialState.COMPLETE, TrialState.INTERRUPTED}


def test_no_epoch_is_trained_twice(survived):
    _, _, trials = survived
    assert_no_epoch_is_repeated(trials)


def assert_no_epoch_is_repeated(trials):
    by_number = {one.number: one for one in trials}
    for one in trials:
        assert [epoch.epoch for epoch in one.curve] == list(range(1, len(one.curve) + 1))
        life = one
        # A life that was cut before it began has no curve, but those after it have
        while one.state.is_finished and life.continues is not None:
            life = by_number[life.continues]
            former = life.curve
            assert one.curve[: len(former)] == former, f"{one.name} repeats what {life.name} did"


def test_every_cut_trial_is_continued_once(survived):
    _, _, trials = survived
    cut = [one.number for one in trials if one.state is TrialState.INTERRUPTED]
    assert sorted(one.continues for one in trials if one.continues is not None) == cut


def test_mlflow_has_one_ended_run_a_trial(survived):
    home, config, trials = survived
    client = MlflowClient(tracking_uri(home, config.tracking))
    experiment = client.get_experiment_by_name(config.tracking.experiment)
    runs = client.search_runs([experiment.experiment_id], max_results=5000)
    names = sorted(run.info.run_name for run in runs)
    assert names == sorted(["study", *(one.name for one in trials)])
    assert "RUNNING" not in {run.info.status for run in runs}


def test_no_process_is_left(survived):
    home, _, _ = survived
    assert not processes_of(home)


def test_every_file_is_whole(survived):
    home, _, _ = survived
    assert not list(home.path.rglob(PARTIAL))
    for path in home.path.rglob("*.json"):
        json.loads(path.read_text())
    for path in home.path.rglob("*.npz"):
        with np.load(path) as stored:
            assert all(len(stored[name]) for name in stored.files)
    for path in home.path.rglob("checkpoint.pt"):
        assert Checkpoint.load(path)


def test_a_final_ensemble_is_the_same_as_if_nobody_had_shot_at_it(searched_once, tmp_path):
    """Every job repeats at most the epoch that was cut, and the test session is opened once."""
    seeds = list(range(max(2, N_KILLS)))  # of which no shot leaves too few
    shot, whole = (studies_with_seeds(searched_once, tmp_path / name, seeds) for name in "ab")
    batch, config = shot.batch("final"), study_file.read(shot).config

    def start():
        return Command(shot, "best=ensemble", "launcher.n_workers=2", name="final")

    killed = under_fire(start, batch, N_KILLS, shot.ledger.exists, longest_s=0.1)
    assert len(killed) == N_KILLS, f"it ended before it was shot at so often; seed {SEED}"
    status, _, err = start().wait_while(lambda: latest_epoch(batch), STANDSTILL_S)
    assert status == 0, err
    final(whole, "ensemble", rescore=False, on_features=quiet, train=trainer(whole))
    of_shot, of_whole = (home.final("ensemble").predictions.read_bytes() for home in (shot, whole))
    assert of_shot == of_whole
    assert events_of(shot) == events_of(whole)
    trials = Study(batch, batch_config(config)).trials()
    assert_no_epoch_is_repeated(trials)
    ended = [trial.job for trial in trials if trial.state.is_finished]
    assert len(ended) == len(set(ended)) == 2 * len(seeds) + 1, "two members and the baseline"


def studies_with_seeds(searched, folder, seeds):
    """A copy of a searched study that declares these seeds for its final models."""
    shutil.copytree(searched, folder, symlinks=True)
    home = StudyHome(folder, "study")
    stored = study_file.read(home)
    plain = with_value(dump(stored.config), "study.final_seeds", seeds)
    plain = with_value(plain, "study.directory", str(folder))
    config = build(SearchConfig, plain)
    study_file.write_or_compare(home, config, stored.shards, synthetic=True)
    return home


def events_of(home):
    """What the ledger has noted, in order."""
    return [json.loads(line)["event"] for line in home.ledger.read_text().splitlines()]
