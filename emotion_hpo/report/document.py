"""A page as data: sections of paragraphs, tables and figures. What it says is decided elsewhere."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from emotion_hpo.report.style import Plot

#: What is typed at a command line stands between backticks in every text.
CODE = re.compile(r"`([^`]+)`")

#: An interval, "10.49 to 31.45 %", has 16 letters and is read as one.
_BRIEF = 18

#: Longer tables are folded; a click unfolds them, and print shows them whole.
_FOLDED = 40


class Verbatim(str):
    """A cell that somebody else named: its digits are no figure, its backticks no code."""


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        name: Of its files.
        title: Its caption.
        columns: Headings.
        rows: Cells, as shown.
        note: What a reader must know of it.
        loud: Which rows are set apart as something to be careful about.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""
    loud: Sequence[int] = ()

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        return len(self.rows) > _FOLDED

    @cached_property  # the template asks for every cell
    def numeric(self) -> list[bool]:
        """Which columns hold figures, set flush right."""
        return [
            all(_is_figure(row[index]) for row in self.rows)
            and any(str(row[index]) != "–" for row in self.rows)
            for index in range(len(self.columns))
        ]

    @cached_property
    def brief(self) -> list[bool]:
        """Which columns hold so little that no cell of them is broken into lines."""
        return [
            all(len(str(row[index])) <= _BRIEF for row in self.rows)
            for index in range(len(self.columns))
        ]


@dataclass(frozen=True)
class Text:
    """A paragraph; `is_remark` sets it apart as something to be careful about."""

    words: str
    is_remark: bool = False


@dataclass(frozen=True)
class Listing:
    """Text to be read letter by letter, such as a configuration."""

    title: str
    words: str


@dataclass(frozen=True)
class PageSection:
    """A part of the page with a heading."""

    id: str
    title: str
    blocks: Sequence[Text | Table | Plot | Listing]


@dataclass(frozen=True)
class Card:
    """A figure that a reader looks for first."""

    label: str
    figure: str
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A whole page.

    Attributes:
        title: Its name.
        kind: What it is, above the title.
        lead: What was asked.
        synthetic: Whether its figures are from an invented corpus.
        cards: What a reader looks for first.
        sections: The rest.
        foot: Where it is from.
    """

    title: str
    kind: str
    lead: str
    synthetic: bool
    cards: Sequence[Card]
    sections: Sequence[PageSection]
    foot: str = ""
    remarks: Sequence[str] = field(default=())

    def plots(self) -> Iterator[Plot]:
        """Yield every figure."""
        yield from (b for section in self.sections for b in section.blocks if isinstance(b, Plot))

    def tables(self) -> Iterator[Table]:
        """Yield every table."""
        yield from (b for section in self.sections for b in section.blocks if isinstance(b, Table))


def _is_figure(cell: object) -> bool:
    if isinstance(cell, Verbatim):
        return False
    text = str(cell).replace("%", "").replace(",", "").replace("–", "").strip()
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
