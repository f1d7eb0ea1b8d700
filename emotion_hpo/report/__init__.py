"""Studies as pages: figures, tables, one HTML file that opens without network.

Built from the files of studies alone. Nothing here trains, searches or tracks, and nothing imports
what does: a report is made anywhere that the files are, in seconds.
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from emotion_hpo.errors import StudyError
from emotion_hpo.report.comparison import comparison_page
from emotion_hpo.report.final_plots import confusion_plot
from emotion_hpo.report.page_files import write_page
from emotion_hpo.report.reading import read_findings
from emotion_hpo.report.study_page import study_page
from emotion_hpo.report.style import picture
from emotion_hpo.study import StudyHome, write_bytes

__all__ = ["compare", "report"]

#: The settings of figures are the whole process's, of whose threads several may draw.
_drawing = Lock()


def report(home: StudyHome) -> Path:
    """Write the page of a study, and a picture beside each final result; return the page's file.

    Raises:
        StudyError: There is no such study, or a file of it is broken.
    """
    with _drawing:
        findings = read_findings(home)
        for final in findings.finals:
            write_bytes(final.home.confusion, picture(confusion_plot(final.result).figure, "png"))
        return write_page(study_page(findings), home.report)


def compare(homes: Sequence[StudyHome]) -> Path:
    """Write a page that compares studies of one folder; return its file.

    Raises:
        StudyError: There are fewer than two, or one is not there or broken.
    """
    names = [home.name for home in homes]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise StudyError(f"a comparison needs two studies or more, each once, but got {names}")
    page = comparison_page([read_findings(home) for home in homes])
    return write_page(page, homes[0].comparison(homes[1:]))
