"""The screen and the tracker that a command hands to a search."""

from emotion_hpo.console.progress import preparing
from emotion_hpo.console.search import SearchScreen
from emotion_hpo.search.observers import Observers
from emotion_hpo.tracking.background import background_tracker


def observers() -> Observers:
    """Return a live screen on standard error, and the tracker that the study asks for."""
    return Observers(preparing, SearchScreen, background_tracker)
