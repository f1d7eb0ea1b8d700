"""What mirrors a study for people to look at: the protocol, and one that mirrors nothing."""

from collections.abc import Iterable
from typing import Protocol

from emotion_hpo.study import FinalHome, ReportHome, Trial
from emotion_hpo.study.records.search_summary import SearchSummary


class Tracker(Protocol):
    """Something that mirrors a study for people to look at."""

    def mirror(self, trials: Iterable[Trial]) -> None:
        """Write what is missing of these trials."""
        ...

    def close(self, summary: SearchSummary | None) -> None:
        """End the study's run with its summary, if it has one."""
        ...

    def log_final(self, folder: FinalHome) -> str | None:
        """Write a final model's run where there is none yet; return where it can be found."""
        ...

    def log_report(self, report: ReportHome) -> None:
        """Keep the study's page beside its run."""
        ...


class NullTracker:
    """Mirrors nothing."""

    def mirror(self, trials: Iterable[Trial]) -> None:
        """Do nothing."""

    def close(self, summary: SearchSummary | None) -> None:
        """Do nothing."""

    def log_final(self, folder: FinalHome) -> str | None:
        """Do nothing."""

    def log_report(self, report: ReportHome) -> None:
        """Do nothing."""
