"""What `paper` shows: the rows of the published tables, theirs beside ours."""

from rich.table import Column, Table

from emotion_hpo.console.intervals import format_gain_interval
from emotion_hpo.console.output import echo, open_console
from emotion_hpo.runtime.formatting import format_count, format_share
from emotion_hpo.study.records.paper import PaperResult


def show_paper(result: PaperResult) -> None:
    """Print what each row reaches, what was left out, and which claims hold."""
    mark = " (synthetic data)" if result.synthetic else ""
    seeds = format_count(len(result.seeds), "seed")
    echo(
        f"\nPublished tables on {result.corpus}, {result.n_utterances:,} utterances, {seeds}{mark}"
    )
    table = Table(
        Column("row", overflow="fold"), "protocol", "accuracy", "UAR", "weights", "s an epoch",
        box=None, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for row in result.rows:
        each = row.result
        table.add_row(
            row.key, each.protocol, format_share(each.pooled_accuracy.mean),
            format_share(each.pooled_uar.mean), f"{each.n_parameters:,}",
            f"{each.epoch_seconds:.2f}",
        )  # fmt: skip
    open_console().print(table)
    for claim in result.claims:
        difference = claim.difference.estimate or 0.0
        ends = format_gain_interval(claim.difference)
        echo(f"{claim.claim}: {100 * difference:+.2f} points ({ends})")
    for left in result.left_out:
        echo(f"Left out: {left.key}: {left.reason}")
    for remark in result.remarks:
        echo(remark)
