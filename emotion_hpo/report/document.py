"""A page as data: sections of paragraphs, tables and figures; and how it becomes files.

What a page says is decided elsewhere. Here it becomes one HTML file that opens anywhere, without
network or script: figures stand in it as SVG. Beside it lie every figure as PDF and PNG and every
table as CSV and LaTeX.
"""

import base64
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_hpo.report.style import Plot, pictures
from emotion_hpo.study import ReportHome, write_bytes

if TYPE_CHECKING:
    from markupsafe import Markup

#: What is typed at a command line stands between backticks in every text.
_CODE = re.compile(r"`([^`]+)`")

#: An interval, "10.49 to 31.45 %", has 16 letters and is read as one.
_BRIEF = 18

#: Longer tables are folded; a click unfolds them, and print shows them whole.
_FOLDED = 40


class Verbatim(str):
    r"""A cell that somebody else named: letters and digits of it are no figure, backticks no code.

    >>> as_csv(Table("t", "T", ("class", "n"), ((Verbatim("`1,000`"), "1,000"),)))
    'class,n\n"`1,000`",1000\n'
    """


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


def write_page(page: Page, home: ReportHome) -> Path:
    """Write the page, its figures and its tables; return the page's file."""
    import jinja2

    images, files = {}, {}
    for plot in page.plots():
        made = pictures(plot.figure)
        images[plot.name] = "data:image/svg+xml;base64," + base64.b64encode(made.svg).decode()
        files[home.figure(plot.name, "pdf")] = made.pdf
        files[home.figure(plot.name, "png")] = made.png
    for table in page.tables():
        files[home.table(table.name, "csv")] = as_csv(table).encode()
        files[home.table(table.name, "tex")] = as_latex(table).encode()
    for old in _written_before(home) - files.keys():
        old.unlink(missing_ok=True)
    for path, content in files.items():
        write_bytes(path, content)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    kinds = {"Text": Text, "Table": Table, "Plot": Plot, "Listing": Listing}
    environment.tests["kind"] = lambda block, name: isinstance(block, kinds[name])
    environment.filters["prose"] = _prose
    words = environment.get_template("page.html.j2").render(page=page, images=images)
    write_bytes(home.page, words.encode())
    return home.page


def _written_before(home: ReportHome) -> set[Path]:
    """Return the figures and tables that the page already there links: they are ours."""
    if not home.page.is_file():
        return set()
    links = re.findall(
        r'href="((?:figures|tables)/[\w-]+\.\w+)"', home.page.read_text("utf-8", "replace")
    )
    return {home.path / link for link in links}


def _prose(text: object) -> "Markup":
    """Return text as HTML: typed words as code, no line break before a per cent sign."""
    from markupsafe import Markup, escape

    if isinstance(text, Verbatim):
        return escape(text)
    escaped = str(escape(text)).replace(" %", "\N{NO-BREAK SPACE}%")
    return Markup(_CODE.sub(r"<code>\1</code>", escaped))  # noqa: S704 (escaped)


def as_csv(table: Table) -> str:
    """Return the table as CSV: figures are bare, and what is in per cent says so above.

    >>> print(as_csv(Table("t", "T", ("trial", "UAR", "n"), (("`a`", "71.04 %", "1,234"),
    ...                                                      ("b", "–", "2")))))
    trial,UAR (%),n
    a,71.04,1234
    b,,2
    <BLANKLINE>
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = [*zip(*table.rows, strict=True)] or [()] * len(table.columns)
    in_percent = [
        numeric and any("%" in str(cell) for cell in column)
        for numeric, column in zip(table.numeric, columns, strict=True)
    ]
    writer.writerow(
        f"{name.strip()} (%)" if share else name
        for name, share in zip(table.columns, in_percent, strict=True)
    )
    for row in table.rows:
        writer.writerow(
            str(cell).replace(",", "").strip(" %–")
            if numeric
            else str(cell).replace("`", "" if not isinstance(cell, Verbatim) else "`")
            for cell, numeric in zip(row, table.numeric, strict=True)
        )
    return buffer.getvalue()


def as_latex(table: Table) -> str:
    r"""Return the table as LaTeX, with the rules of `booktabs`.

    >>> print(as_latex(Table("t", "A & B", ("a_b", "n"), (("`x%`", 1),))))
    % needs \usepackage{booktabs}
    \begin{table}
      \centering
      \caption{A \& B}
      \label{tab:t}
      \begin{tabular}{lr}
        \toprule
        a\_b & n \\
        \midrule
        \texttt{x\%} & 1 \\
        \bottomrule
      \end{tabular}
    \end{table}
    <BLANKLINE>
    """
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    body = "".join(f"    {_latex_row(row)}\n" for row in table.rows)
    # Letters beyond the Latin ones; pictures and Chinese signs have the higher codes.
    is_latin = not any(
        letter > "\u2e80" or (letter > "\u024f" and letter.isalpha()) for letter in body
    )
    return (
        "% needs \\usepackage{booktabs}\n"
        + "% has letters that only XeLaTeX and LuaLaTeX set, in a font that has them\n"
        * (not is_latin)
        + "\\begin{table}\n  \\centering\n"
        f"  \\caption{{{_latex(table.title)}}}\n  \\label{{tab:{table.name}}}\n"
        f"  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n    {_latex_row(table.columns)}\n"
        f"    \\midrule\n{body}    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}\n"
    )


def _latex_row(cells: Sequence[object]) -> str:
    return " & ".join(map(_latex, cells)) + r" \\"


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "–": "--", "→": r"$\rightarrow$", "≥": r"$\geq$", "≤": r"$\leq$", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip


def _latex(cell: object) -> str:
    r"""Return text that LaTeX sets letter by letter.

    >>> print(_latex("a|b < $c$ `d_e`"), _latex(Verbatim("`x`")), _latex("[sad]"))
    a\textbar{}b \textless{} \$c\$ \texttt{d\_e} `x` {}[sad]
    """
    text = "".join(_LATEX.get(letter, letter) for letter in str(cell))
    if text.startswith(("[", "*")):  # what ends a row would take it for its argument
        text = f"{{}}{text}"
    return text if isinstance(cell, Verbatim) else _CODE.sub(r"\\texttt{\1}", text)


def _is_figure(cell: object) -> bool:
    if isinstance(cell, Verbatim):
        return False
    text = str(cell).replace("%", "").replace(",", "").replace("–", "").strip()
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
