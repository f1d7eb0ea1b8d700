"""Search against search at equal epochs: the paper's, `quick` and `best`, on a share of the twin.

    python benchmarks/searches.py [--epochs 900] [--scale 0.25] [--folder studies] [key=value …]

The paper's search is 30 random trials of as many epochs each as the budget allows (900: its own
30); `quick` and `best` sample and prune as their presets say, until that many epochs are trained. A
row a search: the best trial's validation accuracy, what is expected of it, which is told before the
test, and what it then reaches on the sealed session, retrained from one seed and scored once. No
leaders are trained again, for that takes epochs, too; nothing is chosen by the test. Each search
has a ledger of its own, for each is asked as if it were the only one. Overrides change all three.
Every figure is synthetic.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from figures import Figure, format_table, hand_over
from twin_sizes import sized

from emotion_hpo import api
from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.models import keep_freed_memory
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.search_summary import SearchedScore, SearchSummary

N_PAPER, MANY = 30, 1000


@dataclass(frozen=True)
class Row:
    """What a search came to, and its winner on the sealed session."""

    preset: str
    summary: SearchSummary
    expected: SearchedScore
    result: FinalResult
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """Return its line of the table."""
        test, interval = self.result.accuracy, self.result.accuracy_interval
        return (
            self.preset,
            f"{self.summary.n_complete} + {self.summary.n_pruned}",
            f"{self.summary.n_epochs}",
            f"{self.seconds:.0f}",
            _percent(self.expected.plain),
            f"{_percent(self.expected.value)} ({_ends(self.expected.interval)})",
            f"{_percent(test)} ({_ends(interval)})",
        )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _ends(interval: Interval) -> str:
    return f"{_percent(interval.low)}–{_percent(interval.high)}"


HEADS = (
    "search", "trials: complete + pruned", "epochs", "seconds", "validation, %",
    "expected, % (90 %)", "test, % (95 %)",
)  # fmt: skip


def search(preset: str, folder: Path, n_epochs: int, overrides: list[str]) -> Row:
    """Search, then score the winner."""
    where = (f"study={preset}", f"study.name={preset}", f"study.directory={folder}")
    size: tuple[str, ...] = (f"study.n_trials={MANY}", f"study.max_epochs={n_epochs}")
    if preset == "paper":
        size = (f"study.n_trials={N_PAPER}", f"training.epochs={max(n_epochs // N_PAPER, 1)}")
    alone = ("study.confirm_leaders=0", "study.final_seeds=[0]", "tracking=none")
    began = time.perf_counter()
    summary = api.search(*where, *size, *alone, *overrides)
    seconds = time.perf_counter() - began
    expected = summary.expected
    if expected is None:
        raise SystemExit(f"{preset}: no trial is complete; raise --epochs")
    result = api.final(
        f"study.name={preset}", f"study.directory={folder}", f"best={expected.winner}"
    )
    if result is None:
        raise SystemExit(f"{preset}: stopped before it was scored")
    return Row(preset, summary, expected, result, seconds)


def main() -> None:
    """Run the three searches and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=900)
    parser.add_argument("--scale", type=float, default=0.25)
    parser.add_argument("--folder", type=Path, default=Path("studies"), help="holds features")
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    keep_freed_memory()
    (options.folder / "features").mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory(prefix="benchmark") as name:
        for preset in ("paper", "quick", "best"):
            (folder := Path(name) / preset).mkdir()
            (folder / "features").symlink_to((options.folder / "features").resolve())
            overrides = [*sized(options.scale), *options.overrides]
            rows.append(search(preset, folder, options.epochs, overrides))
    print(f"\nsynthetic; {options.scale:g} of the twin, {options.epochs} epochs a search")
    print(format_table(HEADS, (row.cells() for row in rows)))
    paper, *others = rows
    for row in others:
        ours, theirs, rival = row.result.accuracy, paper.result.accuracy, "the paper's search"
        what = f"test accuracy of {row.preset}, equal epochs"
        hand_over(Figure(what, 100 * ours, "%", 100 * theirs, rival, ours / theirs))


if __name__ == "__main__":
    main()
