"""Writes `reproduced.md`: the page of `make paper` as Markdown, from a run's `paper.json`.

    .venv/bin/python docs/write_reproduction.py studies/paper_tables/paper.json

Run by hand after a whole run on the twin, for that takes over an hour; the command that made the
run stands on the page.
"""

import sys
from pathlib import Path

from emotion_hpo.report.document import PageSection, Table, Text
from emotion_hpo.report.paper_page import paper_page
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.paper import PaperResult

PAGE = Path(__file__).parent / "reproduced.md"

_OPENING = """# The published tables on the synthetic twin

Every figure of *ours* on this page is **synthetic**: made on a quarter of the twin, an
invented corpus. None of them says anything about emotion recognition, and none is to be compared
with the published figure beside it. On IEMOCAP the command makes the same page, with figures that
count. The run took 80 minutes; seconds an epoch are of two trainings at once, beside other work.

```bash
make paper SEEDS=1 ARGS="corpus.scale=0.25"
```
"""


def main(path: Path) -> None:
    """Write the page."""
    page = paper_page(read_record(path, PaperResult))
    cards = [f"- {card.label}: **{card.figure}** ({card.note})" for card in page.cards]
    sections = [_section(section, page.synthetic) for section in page.sections]
    PAGE.write_text("\n".join([_OPENING, *cards, "", *sections]).rstrip() + "\n", "utf-8")


def _section(section: PageSection, synthetic: bool) -> str:
    blocks = [_block(block, synthetic) for block in section.blocks]
    return "\n".join([f"## {section.title}", "", *blocks])


def _block(block: object, synthetic: bool) -> str:
    if isinstance(block, Text):
        return f"{'> ' * block.is_remark}{block.words}\n"
    assert isinstance(block, Table)
    lines = [block.columns, ["---"] * len(block.columns), *block.rows]
    rows = ["| " + " | ".join(map(_cell, cells)) + " |" for cells in lines]
    marked = " (synthetic)" * (synthetic and block.name not in ("protocols", "sources"))
    return "\n".join(
        [f"### {block.title}{marked}", "", *rows, "", *([block.note, ""] * bool(block.note))]
    )


def _cell(cell: object) -> str:
    return str(cell).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
