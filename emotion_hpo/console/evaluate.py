"""What `evaluate` shows: a fixed configuration under a protocol, fold by fold."""

from rich.table import Column, Table

from emotion_hpo.console.intervals import format_with_method
from emotion_hpo.console.output import echo, open_console
from emotion_hpo.runtime.formatting import format_count, format_share
from emotion_hpo.study.records.protocol import ProtocolResult

_WALL = "CHOSEN ON THE TEST PART"


def show_protocol(result: ProtocolResult) -> None:
    """Print the scores of each fold, pooled and averaged, and what a choice on the test adds."""
    mark = " (synthetic data)" if result.synthetic else ""
    echo(f"\nProtocol {result.protocol}: {result.name} on {result.corpus}{mark}", "bold")
    echo(f"{result.description}; {format_count(len(result.seeds), 'seed')}.")
    table = Table(
        Column("test part", overflow="fold"), "train", "validation", "test",
        "accuracy (WA)", "UAR (UA)", "epochs", box=None, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for fold in result.folds:
        table.add_row(
            fold.name, f"{fold.n_train:,}", f"{fold.n_validation:,}", f"{fold.n_test:,}",
            format_share(fold.accuracy), format_share(fold.uar), ", ".join(map(str, fold.epochs)),
        )  # fmt: skip
    open_console().print(table)
    pairs = [("Pooled", result.pooled_accuracy, result.pooled_uar)]
    if len(result.folds) > 1:
        pairs.append(("Average of the folds", result.averaged_accuracy, result.averaged_uar))
    for label, accuracy, uar in pairs:
        for name, score in (("accuracy", accuracy), ("UAR", uar)):
            ends = format_with_method(score.interval)
            echo(f"{label}: {name} {format_share(score.mean)}, 95 % interval {ends}")
    if len(result.folds) > 1:
        echo("Intervals by *sessions* are Nadeau and Bengio's: the folds share training data.")
    echo(f"{result.n_parameters:,} weights, {result.epoch_seconds:.2f} s an epoch")
    if result.other_looks:
        n = format_count(result.other_looks, "time")
        echo(f"Other configurations have looked at these test parts {n} (holdout_ledger.jsonl); "
             "whoever chooses among them has chosen on the test.")  # fmt: skip
    if (picked := result.test_picked) is not None:
        best = f"accuracy {format_share(picked.accuracy)}, UAR {format_share(picked.uar)}"
        echo(f"| {_WALL}: {best} at the best epoch on it; "
             f"last epoch {format_share(picked.last_accuracy)}, {format_share(picked.last_uar)}. "
             "Only to be held against papers that print such.", "bold")  # fmt: skip
