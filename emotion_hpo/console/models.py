"""What `models` shows: encoders, heads, contexts and presets with their trainable parameters."""

from collections.abc import Iterable, Mapping

from rich.table import Table

from emotion_hpo.console.output import echo, open_console


def show_models(
    encoders: Iterable[tuple[str, str, Mapping[str, int]]],
    heads: Iterable[tuple[str, int]],
    contexts: Iterable[tuple[str, int]],
    presets: Mapping[str, Mapping[str, int]],
) -> None:
    """Print what networks can be made of, and those that have a name, with trainable parameters.

    Args:
        encoders: Modality, name and counts of each encoder.
        heads: Name and count of each head.
        contexts: Name and count of each context.
        presets: Name → counts of each preset.
    """
    table = _counts_table("modality", "encoder")
    table.add_column("of which")
    for modality, name, counts in encoders:
        table.add_row(modality, name, f"{counts['all']:,}", _format_parts(counts))
    _print_wide("Encoders, at the paper's widths", table)
    for kind, rows, title in (
        ("head", heads, "Heads, over three encoders of 256 units"),
        ("context", contexts, "Contexts of 128 units, over fused vectors of 256"),
    ):
        table = _counts_table(kind)
        for name, n in rows:
            table.add_row(name, f"{n:,}")
        _print_wide(title, table)
    table = _counts_table("preset")
    parts = ("text", "speech", "mocap", "fusion", "context")
    for part in parts:
        table.add_column(part, justify="right")
    for name, counts in presets.items():
        shown = [f"{counts[part]:,}" if part in counts else "" for part in ("all", *parts)]
        table.add_row(name, *(shown if counts else ["by training"]))
    _print_wide("Presets, chosen by model=NAME", table)
    echo("Trainable parameters, at 2,736 words; model=NAME shows one preset in all its parts.")


def show_counts(name: str, counts: Mapping[str, int]) -> None:
    """Print the trainable parameters of one network, part by part; of others, why not."""
    if not counts:
        echo(f"{name} is no network: how many numbers it has is known when it has been trained.")
        return
    table = _counts_table("part")
    for part, n in counts.items():
        table.add_row("  " * part.count(".") + part.rpartition(".")[2], f"{n:,}")
    _print_wide(f"Network {name}", table)


def _counts_table(*headings: str) -> Table:
    table = Table(*headings, box=None, padding=(0, 2, 0, 0))
    table.add_column("parameters", justify="right")
    return table


def _print_wide(title: str, table: Table) -> None:
    """Print a table in full width: a name that is cut off cannot be chosen."""
    echo(title, "bold")
    open_console(width=max(open_console().width, 110)).print(table)
    echo()


def _format_parts(counts: Mapping[str, int]) -> str:
    """Return the parts of an encoder with their counts.

    >>> _format_parts({"all": 1200, "recurrent": 1000, "output": 200})
    'recurrent 1,000, output 200'
    """
    return ", ".join(f"{part} {n:,}" for part, n in counts.items() if part != "all")
