"""`emotion-hpo report`: write a study's page, or one that compares several."""

from pydantic import Field

from emotion_hpo.cli.pages import show_page, write_comparison
from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.config.study_name import StudyFolder
from emotion_hpo.study import StudyHome, check_writable


class ReportCommand(StudyCommand):
    """`emotion-hpo report`."""

    studies: tuple[StudyFolder, ...] = Field(
        description="studies to compare instead, all of study.directory; empty: the one study"
    )


def run(command: ReportCommand) -> None:
    """Write the page of a study, or one that compares several."""
    if command.studies:
        write_comparison(command.study.directory, command.studies, command.output)
        return
    from emotion_hpo.report import report

    check_writable(command.output)
    show_page(report(StudyHome(command.study.directory, command.study.name)), command.output)
