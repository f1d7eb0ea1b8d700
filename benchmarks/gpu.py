"""What a GPU gives, in ten minutes: an epoch, the tests that compute, a search of two workers.

    python benchmarks/gpu.py [--folder studies]        (also: make bench ARGS=gpu)

On a machine with CUDA, one after the other: `training.py`, an epoch of the paper's network against
the port on the same device (goal: 3,838 utterances in 0.5 s); the tests of networks and training,
which compute on the device where there is one; and a search of 20 trials by two workers that share
the device, with the most memory that an epoch held there. Without CUDA: one line, exit status 2.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from figures import Figure, hand_over
from search import per_minute

from emotion_hpo import api
from emotion_hpo.study import StudyHome
from emotion_hpo.study.trials import read_trials

ROOT = Path(__file__).parents[1]
N_TRIALS, N_WORKERS = 20, 2
TESTS = ("tests/models", "tests/training/test_loop.py")
LIMITS_S = {"training": 240, "tests": 150, "search": 200}  # ten minutes in all


def run(name: str, *command: str) -> bool:
    """Run a step within its time; return whether it succeeded, and say so if not."""
    try:
        status = subprocess.run(
            [sys.executable, *command], cwd=ROOT, timeout=LIMITS_S[name], check=False
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"{name}: not done within {LIMITS_S[name]} s", file=sys.stderr)
        return False
    if status:
        print(f"{name}: exit status {status}", file=sys.stderr)
    return status == 0


def search(folder: Path) -> None:
    """Search with two workers on the device; hand over trials a minute, epochs and memory."""
    shared = ("tracking=none", "study.confirm_leaders=0", f"study.n_trials={N_TRIALS}")
    rates = {}
    for n_workers in (1, N_WORKERS):
        name = f"workers_{n_workers}"
        where = (f"study.directory={folder}", f"study.name={name}")
        hours = LIMITS_S["search"] / 3600 / 2  # of training: each of the two has half of the time
        size = (f"launcher.n_workers={n_workers}", f"study.max_hours={hours * n_workers}")
        api.search(*where, *shared, *size)
        trials = read_trials(StudyHome(folder, name))
        rates[n_workers] = per_minute(trials)
    usages = [epoch.usage for trial in trials for epoch in trial.curve]
    memory_mb = max(usage.get("gpu_memory_peak_mb", 0.0) for usage in usages)
    epoch_s = min(epoch.seconds for trial in trials for epoch in trial.curve)
    what = f"trials a minute, {N_WORKERS} workers on one device"
    ratio = rates[N_WORKERS] / rates[1]
    hand_over(
        Figure(what, rates[N_WORKERS], "", rates[1], "one worker", ratio),
        Figure("the fastest epoch of the search", epoch_s, "s"),
        Figure("a worker's peak memory on the device", memory_mb, "MB"),
    )


def main() -> int:
    """Run all steps; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("studies"), help="holds features")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("gpu: PyTorch reaches no CUDA device here; run it on a machine that has one")
        return 2
    folder = arguments.folder.resolve()
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    is_done = run("training", str(Path(__file__).with_name("training.py")), "--folder", str(folder))
    is_done &= run("tests", "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)
    (folder / "features").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark") as name:
        (Path(name) / "features").symlink_to(folder / "features")
        search(Path(name))
    return 0 if is_done else 1


if __name__ == "__main__":
    sys.exit(main())
