"""A page becomes files: one of HTML that opens anywhere, without network or script.

Figures stand in it as SVG. Beside it lie every figure as PDF and PNG and every table as CSV and
LaTeX.
"""

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_hpo.report.document import CODE, Listing, Page, Table, Text, Verbatim
from emotion_hpo.report.style import Plot, pictures
from emotion_hpo.report.table_files import as_csv, as_latex
from emotion_hpo.study import ReportHome, write_bytes

if TYPE_CHECKING:
    from markupsafe import Markup


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
    return Markup(CODE.sub(r"<code>\1</code>", escaped))  # noqa: S704 (escaped)
