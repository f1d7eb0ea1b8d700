"""How long the report of a large study takes: `python benchmarks/report.py [TRIALS]`.

The study is made of files alone, by the writers that searches use. Goal: 500 trials in under 20
seconds and 10 MB, on one core.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

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
        print(f"{n} trials: {seconds:.1f} s, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
