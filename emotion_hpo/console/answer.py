"""What `predict` shows of one utterance."""

from collections.abc import Mapping

from rich.table import Table

from emotion_hpo.console.output import echo, open_console
from emotion_hpo.runtime.formatting import format_share


def show_answer(probabilities: Mapping[str, float], *, synthetic: bool) -> None:
    """Print the class probabilities of an utterance as bars, the likeliest first."""
    mark = " (model trained on synthetic data)" if synthetic else ""
    echo(f"Emotion{mark}")
    table = Table(box=None)
    table.add_column("emotion", overflow="fold")
    table.add_column("probability", justify="right")
    table.add_column("")
    for name, share in sorted(probabilities.items(), key=lambda item: -item[1]):
        table.add_row(name, format_share(share), "█" * round(30 * share))
    open_console().print(table)
