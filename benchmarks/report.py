"""How long the report of a large study takes: `python benchmarks/report.py [TRIALS]`.

The study is made of files alone, by the writers that searches use. Goal: 500 trials in under 20
seconds and 10 MB, on one core.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import Figure, Goal, hand_over
from emotion_hpo import report
from tests.report.studies import begin, config_for, trials, write_all


def main() -> None:
    """Print seconds and megabytes."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    plain = ("sampler=random", "pruner=none", f"study.n_trials={n}")
    with tempfile.TemporaryDirectory() as folder:
        home = begin(Path(folder), "study", *plain)
        config = config_for(Path(folder), "study", *plain)
        write_all(home, config, [*trials(n, config)])
        began = time.perf_counter()
        path = report.report(home)
        seconds = time.perf_counter() - began
        size_mb = path.stat().st_size / 1e6
    seconds_goal, size_goal = (
        Goal("ours", at_most=most) if n >= 500 else None for most in (20, 10)
    )
    hand_over(
        Figure(f"report of {n} trials", seconds, "s", goal=seconds_goal),
        Figure("its page", size_mb, "MB", goal=size_goal),
    )


if __name__ == "__main__":
    main()
