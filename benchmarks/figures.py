"""What a benchmark measured: a row for a reader, a line of JSON for `python -m benchmarks`.

A script makes a `Figure` of each result and hands it over. Run by itself it prints rows; the runner
names a file in the environment (`FIGURES_FILE`), to which they are appended as well.
"""

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

FIGURES_FILE = "EMOTION_HPO_FIGURES"

Measure = Literal["ours", "ratio"]


@dataclass(frozen=True)
class Goal:
    """A bound that a figure, or its ratio to the rival's, is to keep."""

    measure: Measure
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Return whether a value keeps it; NaN keeps none."""
        is_high_enough = self.at_least is None or value >= self.at_least
        is_low_enough = self.at_most is None or value <= self.at_most
        return is_high_enough and is_low_enough and not math.isnan(value)

    def __str__(self) -> str:
        bounds = {"≥": self.at_least, "≤": self.at_most}
        limits = (f"{sign} {bound:g}" for sign, bound in bounds.items() if bound is not None)
        return f"{self.measure} {', '.join(limits)}"


@dataclass(frozen=True)
class Figure:
    """A result.

    Attributes:
        what: What was measured.
        ours: How much, in `unit`.
        rival: The same of what it is held against.
        rival_name: What that is; where `rival` is None, why there is none.
        ratio: How many times better ours is.
        goal: What is aimed at.
    """

    what: str
    ours: float
    unit: str
    rival: float | None = None
    rival_name: str = ""
    ratio: float | None = None
    goal: Goal | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met; None where there is none, or nothing to judge it by."""
        value = self.ours if self.goal is None or self.goal.measure == "ours" else self.ratio
        return None if self.goal is None or value is None else self.goal.holds(value)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return asdict(self) | {"holds": self.holds}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Figure":
        """Return the figure that was stored."""
        fields = {name: value for name, value in plain.items() if name != "holds"}
        return cls(**fields | {"goal": Goal(**fields["goal"]) if fields["goal"] else None})


def compare(
    what: str,
    ours: float,
    rival: float,
    unit: str,
    rival_name: str,
    *,
    is_more_better: bool = False,
    at_least: float | None = None,
) -> Figure:
    """Return a figure with its ratio, of times and sizes unless more is better.

    Args:
        what: What was measured.
        ours: How much, in `unit`.
        rival: The same of `rival_name`.
        unit: Of both.
        rival_name: What ours is held against.
        is_more_better: Whether it is a rate.
        at_least: The ratio that is aimed at.
    """
    ratio = ours / rival if is_more_better else rival / ours
    goal = None if at_least is None else Goal("ratio", at_least=at_least)
    return Figure(what, ours, unit, rival, rival_name, ratio, goal)


def hand_over(*figures: Figure) -> None:
    """Print a row a figure, and append them to the runner's file if there is one."""
    for figure in figures:
        print("  ".join(filter(None, cells(figure))), flush=True)
    path = os.environ.get(FIGURES_FILE)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(figure.to_json()) + "\n" for figure in figures)


def read_figures(path: Path) -> list[Figure]:
    """Return what was handed over to a file; none if it is missing."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [Figure.from_json(json.loads(line)) for line in lines]


HEADS = ("what", "ours", "rival", "ratio", "goal", "holds?")


def cells(figure: Figure) -> tuple[str, ...]:
    """Return a figure as a row below `HEADS`."""
    rival = figure.rival_name
    if figure.rival is not None:
        rival = f"{_with_unit(figure.rival, figure.unit)} {rival}"
    return (
        figure.what,
        _with_unit(figure.ours, figure.unit),
        rival,
        "" if figure.ratio is None else f"{_digits(figure.ratio)} ×",
        str(figure.goal or ""),
        {True: "yes", False: "NO", None: ""}[figure.holds],
    )


def format_table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown whose columns line up in a terminal as well."""
    lines = [[*heads], *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in (lines[0], rule, *lines[1:])
    )


def _digits(value: float) -> str:
    """Return three digits of a number, and all before its point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _with_unit(value: float, unit: str) -> str:
    return f"{_digits(value)} {unit}".rstrip()
