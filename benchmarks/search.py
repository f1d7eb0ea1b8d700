"""What a search costs beside training: per trial, with two workers, and with 64 on a server.

    python benchmarks/search.py [overhead|pair|crowd …] [--folder studies] [--scale 1]
        [--epochs 6]

- `overhead`: the first trial of the default study; all of its time that is no epoch (claim,
  network, checkpoints, reports, end) is own overhead. Goals: under 1 s, under 5 % of a trial.
- `pair`: the same short trials of the default network by one worker and by two, each on a core, in
  trials a minute from the first start to the last end. Goal: at least 1.7 times as many.
- `crowd`: 64 processes with the real study on a PostgreSQL server of its own, training replaced by
  a sleep of 10 s an epoch, TPE and Hyperband's reports as by default. Goal: at least 95 % of the
  trials that 64 workers could sleep through.

Studies are made in a temporary folder; `--folder` holds the twin's features, made if missing.
"""

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import Figure, Goal, hand_over
from benchmarks.twin_sizes import sized
from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.cli.search import observers
from emotion_hpo.config import SearchConfig, build
from emotion_hpo.features.preparation import quiet
from emotion_hpo.models import keep_freed_memory
from emotion_hpo.runtime.torch_internals import stay_eager
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.search.coordinator import search
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.worker import Worker
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import StudyHome, Trial, TrialState, study_file
from emotion_hpo.training.fold_run import DataModule
from emotion_hpo.training.worker_process import freeze_loaded

N_CROWD, N_EACH, EPOCH_S, N_EPOCHS = 64, 3, 10.0, 6  # a default trial on one core: 6 epochs


def config_of(home: StudyHome, *overrides: str) -> SearchConfig:
    """The default study, in a folder of its own."""
    where = (f"study.directory={home.directory}", f"study.name={home.name}", "tracking=none")
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        plain = OmegaConf.to_container(compose("search", [*where, *overrides]), resolve=True)
    plain.pop("output")
    return build(SearchConfig, plain)


def overhead(home: StudyHome, overrides: Sequence[str]) -> None:
    """Time of a worker that is no epoch; its process is set up as a worker's is."""
    stay_eager()
    config = config_of(home, "study.n_trials=1", "pruner=none", "sampler=random", *overrides)
    store, development = open_development(config, home.features, quiet)
    config, _ = adapt(config, store, development)
    data_module = DataModule(development)
    data_module.fold(config.experiment())
    freeze_loaded()
    home.path.mkdir(parents=True)
    study_file.write_or_compare(home, config, store.keys, synthetic=True)
    Study(home, config).open_slots()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    worker = Worker(home, config, data_module, "worker_0")
    began = time.perf_counter()
    worker.work()
    wall = time.perf_counter() - began
    trials = Study(home, config).trials()
    training = sum(trial.seconds for trial in trials)
    own = wall - training
    n_epochs = sum(len(trial.curve) for trial in trials)
    what = f"a trial's overhead, beside {n_epochs} epochs"
    most = Goal("ours", at_most=5.0) if n_epochs >= N_EPOCHS else None
    hand_over(
        Figure(what, own, "s", goal=Goal("ours", at_most=1.0)),
        Figure("its share of the trial", 100 * own / wall, "%", goal=most),
    )


def pair(home: StudyHome, overrides: Sequence[str]) -> None:
    """Trials a minute of one worker and of two."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    rates = []
    for n_workers in (1, 2):
        copy = StudyHome(home.directory, f"{home.name}_{n_workers}")
        size = (f"launcher.n_workers={n_workers}", "study.n_trials=6", "training.epochs=1")
        config = config_of(copy, *size, "pruner=none", "sampler=random", *overrides)
        os.sched_setaffinity(0, cores[:n_workers])
        search(config, observers())
        rates.append(per_minute(Study(copy, config).trials()))
    os.sched_setaffinity(0, cores)
    what, rival, goal = "trials a minute, two workers", "one worker", Goal("ratio", at_least=1.7)
    hand_over(Figure(what, rates[1], "", rates[0], rival, rates[1] / rates[0], goal))


def per_minute(trials: list[Trial]) -> float:
    """Trials a minute, from the first start to the last end."""
    begun = min(trial.started_at for trial in trials if trial.started_at)
    ended = max(trial.finished_at for trial in trials if trial.finished_at)
    return 60 * len(trials) / (ended - begun)


def sleeper(home: StudyHome, config: SearchConfig, name: str, start: object) -> None:
    """A worker that sleeps where it would train."""
    study = Study(home, config, is_expected=True)
    study.trials()
    start.wait(timeout=300)
    while (claim := study.claim(name)) is not None:
        for epoch in range(1, N_EPOCHS + 1):
            time.sleep(EPOCH_S)
            study.report(claim, epoch, 0.5 + 0.01 * (claim.number % 7))
        study.end(claim, TrialState.COMPLETE, 0.5 + 0.01 * (claim.number % 7), N_EPOCHS)


def crowd(home: StudyHome, _overrides: Sequence[str]) -> None:
    """Sleeping trials of many workers on a server, against what they could sleep through."""
    from tests.cluster.servers import Postgres

    folder = Path(tempfile.mkdtemp(prefix="postgres"))
    folder.chmod(0o711)  # the server is another user's
    server = Postgres(folder / "data", "-c fsync=on")
    os.environ["EMOTION_HPO_STORAGE_URL"] = server.url
    try:
        n_trials = N_CROWD * N_EACH
        size = (f"study.n_trials={n_trials}", f"training.epochs={N_EPOCHS}")
        config, _ = resolve_budget(config_of(home, *size, "storage=postgresql"), n_train=3000)
        home.path.mkdir(parents=True)
        Study(home, config).open_slots()
        processes = multiprocessing.get_context("fork")
        start = processes.Barrier(N_CROWD + 1)
        freeze_loaded()  # as each worker does: else 64 copies are made of what all of them share
        workers = [
            processes.Process(target=sleeper, args=(home, config, f"worker_{i}", start))
            for i in range(N_CROWD)
        ]
        for process in workers:
            process.start()
        start.wait(timeout=300)
        began = time.perf_counter()
        for process in workers:
            process.join()
        wall = time.perf_counter() - began
        trials = Study(home, config).trials()
    finally:
        server.stop()
        shutil.rmtree(folder)
    n_complete = sum(trial.state is TrialState.COMPLETE for trial in trials)
    ideal = n_complete * N_EPOCHS * EPOCH_S / N_CROWD
    what = f"{n_complete} of {n_trials} trials by {N_CROWD} workers"
    goal = Goal("ratio", at_least=0.95)
    hand_over(Figure(what, wall, "s", ideal, "asleep", ideal / wall, goal))


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = {"crowd": crowd, "overhead": overhead, "pair": pair}
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    parser.add_argument("--folder", type=Path, default=Path("studies"))
    parser.add_argument("--scale", type=float, default=1.0, help="of the twin")
    parser.add_argument("--epochs", help="of the trial of `overhead`; without: the default's")
    arguments = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="benchmark") as folder:
        (arguments.folder / "features").mkdir(parents=True, exist_ok=True)
        (Path(folder) / "features").symlink_to((arguments.folder / "features").resolve())
        for name in arguments.parts or parts:
            overrides = [*sized(arguments.scale)]
            if name == "overhead" and arguments.epochs:
                overrides.append(f"training.epochs={arguments.epochs}")
            parts[name](StudyHome(Path(folder), name), overrides)


if __name__ == "__main__":
    main()
