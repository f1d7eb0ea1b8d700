"""Pages of `report` and `compare`: where they are written."""

from collections.abc import Sequence
from pathlib import Path

from emotion_hpo.console.output import echo
from emotion_hpo.study import StudyHome, check_writable, write_json


def write_comparison(directory: Path, names: Sequence[str], output: Path | None) -> None:
    """Write a page that compares studies of one folder, and print where it is."""
    from emotion_hpo.report import compare

    check_writable(output)
    show_page(compare([StudyHome(directory, name) for name in names]), output)


def show_page(page: Path, output: Path | None) -> None:
    """Print where a page is, and write it to `output`, too."""
    echo(f"Page:    {page}")
    for title, name in (("Figures: ", "figures"), ("Tables:  ", "tables")):
        if (page.parent / name).is_dir():
            echo(f"{title}{page.parent / name}")
    if output is not None:
        write_json(output, {"page": str(page)})
