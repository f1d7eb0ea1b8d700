"""`emotion-hpo compare`: write a page that compares several studies."""

from pydantic import Field

from emotion_hpo.cli.pages import write_comparison
from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.config.study_name import StudyFolder


class CompareCommand(StudyCommand):
    """`emotion-hpo compare`."""

    studies: tuple[StudyFolder, ...] = Field(
        description="two studies or more, all of study.directory"
    )


def run(command: CompareCommand) -> None:
    """Write a page that compares studies."""
    write_comparison(command.study.directory, command.studies, command.output)
