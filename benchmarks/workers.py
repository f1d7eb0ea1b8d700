"""What it takes to start workers, and the memory that they hold: forked and started from nothing.

    python benchmarks/workers.py [--workers 2 8] [--folder studies] [--scale 1]

Workers of the default study are started at once, by a fork server and each from nothing, in one
run. Printed are the time from the start of a second generation of workers (the server has loaded by
then) to a claim, from a claim to the first training step, and once each has trained an epoch, the
proportional share of memory (PSS) of all processes together, the server included. Goal: a training
starts within 0.5 s of its claim. Studies are made in a temporary folder; `--folder` holds the
twin's features, made if missing.
"""

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import Figure, Goal, hand_over
from benchmarks.search import config_of
from benchmarks.twin_sizes import sized
from emotion_hpo.features.preparation import quiet
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import StudyHome, Trial, study_file
from emotion_hpo.training.launch import Launcher
from emotion_hpo.training.launch.forked import ForkedProcesses
from emotion_hpo.training.launch.local import LocalProcesses

Measures = tuple[float, float, float]


def measure(
    home: StudyHome, kind: type[ForkedProcesses | LocalProcesses], n: int, scale: float
) -> Measures:
    """Return seconds from start to claim and from claim to training, and the PSS in MB."""
    size = (f"study.n_trials={3 * n}", f"launcher.n_workers={n}", "training.epochs=50")
    config = config_of(home, *size, "sampler=random", "pruner=none", *sized(scale))
    store, development = open_development(config, home.features, quiet)
    config, _ = adapt(config, store, development)
    home.path.mkdir(parents=True)
    study_file.write_or_compare(home, config, store.keys, synthetic=True)
    study = Study(home, config)
    study.open_slots()
    launcher = kind(home, n)
    names = [f"worker_{index}" for index in range(n)]
    try:
        launcher.start(names)
        _wait_for(study, launcher, n_epochs=0)
        launcher.kill()
        study.requeue_orphans()
        began = time.time()
        launcher.start(names)
        _wait_for(study, launcher, n_epochs=1)
        memory_mb = _sum_pss_mb(home)
        trials = [trial for trial in study.trials() if trial.curve]
    finally:
        launcher.kill()
        launcher.close()
    claims = [trial.started_at - began for trial in trials if trial.started_at]
    return statistics.median(claims), statistics.median(map(_preparation_s, trials)), memory_mb


def _preparation_s(trial: Trial) -> float:
    """Return the time from a trial's claim to its first training step."""
    first = trial.curve[0]
    assert trial.started_at is not None
    return first.finished_at - first.seconds - trial.started_at


def _wait_for(study: Study, launcher: Launcher, n_epochs: int) -> None:
    """Wait until every worker has a trial in hands, with so many epochs."""
    n = len(launcher.running)
    end = time.monotonic() + 600
    while time.monotonic() < end:
        if ends := launcher.ended():
            raise SystemExit(f"workers ended before they had trained: {ends}")
        running = [trial for trial in study.trials() if trial.state == "running"]
        if len(running) == n and all(len(trial.curve) >= n_epochs for trial in running):
            return
        time.sleep(0.2)
    raise SystemExit("the workers did not begin to train within ten minutes")


def _sum_pss_mb(home: StudyHome) -> float:
    """Return the memory of a study's processes; what several share is counted once."""
    total = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # another's that ends meanwhile
            if str(home.path) in process.cmdline():
                total += process.memory_full_info().pss
    return total / 1024**2


def main() -> None:
    """Measure both kinds of start, and hand over each with its ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--folder", type=Path, default=Path("studies"))
    parser.add_argument("--scale", type=float, default=1.0, help="of the twin")
    arguments = parser.parse_args()
    print(f"load: {psutil.getloadavg()[0]:.1f} of {psutil.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="benchmark") as folder:
        (arguments.folder / "features").mkdir(parents=True, exist_ok=True)
        (Path(folder) / "features").symlink_to((arguments.folder / "features").resolve())
        for n in arguments.workers:
            cold, warm = (
                measure(StudyHome(Path(folder), f"{name}_{n}"), kind, n, arguments.scale)
                for name, kind in (("cold", LocalProcesses), ("warm", ForkedProcesses))
            )
            goals = (None, Goal("ours", at_most=0.5), None)
            texts = ("start to claim", "s"), ("claim to training", "s"), ("memory of all", "MB")
            for (text, unit), goal, theirs, ours in zip(texts, goals, cold, warm, strict=True):
                what, rival = f"{n} workers, {text}", "from nothing"
                hand_over(Figure(what, ours, unit, theirs, rival, theirs / ours, goal))


if __name__ == "__main__":
    main()
