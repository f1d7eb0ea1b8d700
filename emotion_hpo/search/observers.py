"""Who watches a search: a screen and a tracker, handed in by whoever starts it.

A search knows neither a terminal nor MLflow. It shows its trials to a `Display` and a
`TrialTracker` as they change; without any, it runs in silence.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, Self

from emotion_hpo.config import SearchConfig
from emotion_hpo.features.preparation import OnProgress, quiet
from emotion_hpo.study import StudyHome, Trial
from emotion_hpo.study.records.search_summary import SearchSummary


class Display(AbstractContextManager["Display"], Protocol):
    """What draws the state of a search while it is entered."""

    def show(self, trials: Sequence[Trial], message: str = "") -> None:
        """Draw these trials, with a message below them."""
        ...


class TrialTracker(Protocol):
    """What mirrors trials elsewhere, off the path of the search."""

    def show(self, trials: list[Trial]) -> None:
        """Write these trials soon."""
        ...

    def finish(self, trials: list[Trial], summary: SearchSummary) -> None:
        """Write these trials and the summary; return when it is done, or takes too long."""
        ...


class OpenDisplay(Protocol):
    """Makes the display of a study."""

    def __call__(
        self, config: SearchConfig, before: Sequence[Trial], *, synthetic: bool
    ) -> Display:
        """Make it; `before` are the trials that have ended in earlier runs."""
        ...


class OpenTracker(Protocol):
    """Makes the tracker of a study."""

    def __call__(
        self, home: StudyHome, config: SearchConfig, created_at: str, *, synthetic: bool
    ) -> TrialTracker:
        """Make it; nothing is written yet."""
        ...


class _Silence:
    """A display and a tracker that do nothing."""

    def __init__(self, *_arguments: object, **_more: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def show(self, trials: Sequence[Trial], message: str = "") -> None: ...

    def finish(self, trials: Sequence[Trial], summary: SearchSummary) -> None: ...


def silent_tracker() -> TrialTracker:
    """Return a tracker that writes nothing."""
    return _Silence()


def silent_display(*_arguments: object) -> Display:
    """Return a display that draws nothing."""
    return _Silence()


@contextmanager
def _silent_progress(_title: str) -> Iterator[OnProgress]:
    yield quiet


@dataclass(frozen=True)
class Observers:
    """Everyone who watches a search.

    Attributes:
        open_progress: Title → context that shows how far the preparation of features is.
        open_display: Makes the live display.
        open_tracker: Makes the tracker.
    """

    open_progress: Callable[[str], AbstractContextManager[OnProgress]] = _silent_progress
    open_display: OpenDisplay = _Silence
    open_tracker: OpenTracker = _Silence
