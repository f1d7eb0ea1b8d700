"""How every figure looks, and what each must have: a caption, axis names with units, the mark.

Colours are those of Okabe and Ito ("Color Universal Design", 2008), which readers of any colour
vision tell apart; scales are `cividis` (Nuñez et al. 2018, doi:10.1371/journal.pone.0199239).
States and series differ by their marks too, so that a print in grey can be read.
"""

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from emotion_hpo.metrics import Interval, find_metric
from emotion_hpo.report.lettering import FONT, fonts_for, number_names
from emotion_hpo.study import TrialState

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#222222", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY = "#8A8F98"

#: Series of equal rank, in the order in which they are taken.
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKS = ("o", "s", "^", "D", "v", "P", "X")

#: State of a trial → colour and mark.
STATES = {
    TrialState.COMPLETE: (BLUE, "o"),
    TrialState.PRUNED: (ORANGE, "x"),
    TrialState.FAILED: (VERMILION, "v"),
    TrialState.INTERRUPTED: (GREY, "|"),
}

#: State of a trial → what its bar is hatched with, for eyes and printers without colours.
HATCHES = {TrialState.PRUNED: "//", TrialState.FAILED: "xx", TrialState.INTERRUPTED: ".."}

SCALE = "cividis"

#: Letters that fit side by side to an inch of a panel, with what stands beside its axis.
_LETTERS_AN_INCH = 10.4

#: Width in inches of a figure as wide as the page's column, and of one that needs less.
WIDE, NARROW = 7.6, 4.6

_SETTINGS: dict[Any, Any] = {
    "font.family": [FONT],
    "text.parse_math": False,  # `$` is a letter of somebody's label
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E4E4E1",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.hashsalt": "emotion_hpo",  # the same figure is the same file
    "pdf.fonttype": 42,  # journals refuse Type 3 fonts
}


@dataclass(frozen=True)
class Plot:
    """A figure of the page.

    Attributes:
        name: Of its files.
        title: Its heading.
        caption: What it shows, on how many utterances, and what its bars mean.
        figure: Matplotlib's, as `drawn` made it.
    """

    name: str
    title: str
    caption: str
    figure: "Drawing"

    @property
    def whole_caption(self) -> str:
        """The caption, and the names for which numbers stand in the figure."""
        names = ", ".join(f"{number} is {name}" for number, name in self.figure.key.items())
        return f"{self.caption} In the figure {names}." if names else self.caption


class Drawing(Figure):
    """A figure that knows what the numbers in it stand for, where its fonts lack a name's letters.

    Attributes:
        key: Number → name.
    """

    key: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Pictures:
    """One figure in the formats that people need."""

    svg: bytes
    pdf: bytes
    png: bytes


def draw_figure(
    width: float,
    height: float,
    draw: Callable[..., None],
    *,
    columns: int = 1,
    rows: int = 1,
    share_y: bool = False,
    synthetic: bool,
) -> Drawing:
    """Return a figure whose axes `draw` fills, marked *synthetic* if its data are."""

    def filled() -> Drawing:
        figure = Drawing(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
        if synthetic:
            figure.suptitle("synthetic data", x=0.995, ha="right", fontsize=8, color=VERMILION,
                            fontstyle="italic")  # fmt: skip
        draw(*axes.flat)
        return figure

    with mpl.rc_context(_SETTINGS):
        figure = filled()
        fonts = [FONT, *fonts_for(figure)]
    with mpl.rc_context({**_SETTINGS, "font.family": fonts}):
        if len(fonts) > 1:
            figure = filled()
        figure.key = number_names(figure, fonts)
        engine = figure.get_layout_engine()
        assert engine is not None
        engine.execute(figure)
        figure.set_layout_engine("none")  # laid out once, not for each format
    return figure


def pictures(figure: Figure) -> Pictures:
    """Write a figure as SVG, PDF and PNG; the same figure gives the same bytes."""
    return Pictures(*(picture(figure, kind) for kind in ("svg", "pdf", "png")))


def picture(figure: Figure, kind: Literal["svg", "pdf", "png"]) -> bytes:
    """Write a figure in one of the formats."""
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
    buffer = io.BytesIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        figure.savefig(buffer, format=kind, dpi=160, metadata=undated[kind])
    return buffer.getvalue()


def legend_above(axes: Axes) -> None:
    """Set the panel's legend above the figure, where no mark lies under it."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.legend(handles, labels, loc="outside upper left", ncols=len(handles))


def share_axis(axes: Axes, label: str, *, axis: str = "y") -> None:
    """Name an axis of shares, in per cent."""
    from matplotlib.ticker import PercentFormatter

    labelled = axes.yaxis if axis == "y" else axes.xaxis
    labelled.set_major_formatter(PercentFormatter(1.0, symbol=""))
    labelled.set_label_text(f"{label} (%)")


def error_bar_lengths(
    values: Sequence[float], intervals: Sequence[Interval]
) -> NDArray[np.float64]:
    """Return lengths of error bars below and above; 0 of an interval that is not estimable."""
    lengths = []
    for value, interval in zip(values, intervals, strict=True):
        low, high = interval.ends or (value, value)
        lengths.append((max(value - low, 0.0), max(high - value, 0.0)))
    return np.array(lengths).reshape(-1, 2).T


def name_ticks(axes: Axes, names: Sequence[str]) -> None:
    """Name the places 0, 1, … of a horizontal axis; long names are set aslant."""
    longest = max(len(line) for name in names for line in name.split("\n"))
    is_level = longest * len(names) <= _letters_along(axes)
    axes.set_xticks(range(len(names)), names)
    if not is_level:
        for label in axes.get_xticklabels():
            label.set(rotation=35, ha="right", rotation_mode="anchor")


def fold_label(axes: Axes, label: str) -> str:
    """Break the label of a horizontal axis after dots and spaces, and anywhere if need be."""
    most, lines = _letters_along(axes), [""]
    for part in re.findall(r"[^ .]+[ .]?|[ .]", label):
        for start in range(0, len(part), most):
            piece = part[start : start + most]
            if lines[-1] and len((lines[-1] + piece).rstrip()) > most:
                lines.append("")
            lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _letters_along(axes: Axes) -> int:
    """Return how many letters fit along a panel, which is not laid out yet."""
    figure, place = axes.get_figure(root=True), axes.get_subplotspec()
    assert figure is not None
    assert place is not None
    return int(_LETTERS_AN_INCH * figure.get_figwidth() / place.get_gridspec().ncols)


def value_axis(axes: Axes, objective: str, *, axis: str = "y") -> None:
    """Name the axis of the objective: a share in per cent, or a loss in nats."""
    if find_metric(objective).unit == "share":
        share_axis(axes, format_objective(objective), axis=axis)
        return
    labelled = axes.yaxis if axis == "y" else axes.xaxis
    labelled.set_label_text(f"{format_objective(objective)} ({find_metric(objective).unit})")


def format_objective(objective: str) -> str:
    """Return a metric of a part as a reader of a figure knows it.

    >>> format_objective("val/uar")
    'validation UAR'
    """
    part = objective.partition("/")[0]
    labels = {"val": "validation", "train": "training"}
    return f"{labels.get(part, part)} {find_metric(objective).label}"


def short_path(path: str) -> str:
    """Return the end of a path, which is what fits at an axis.

    >>> short_path("model.encoders.text.units"), short_path("training.learning_rate")
    ('text.units', 'learning_rate')
    """
    steps = path.split(".")
    return ".".join(steps[2:]) if steps[1] == "encoders" else ".".join(steps[1:])


def text_colour_on(share: float) -> str:
    """Return a readable text colour on a cell of the colour scale."""
    red, green, blue, _ = mpl.colormaps[SCALE](share)
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.45 else "white"
