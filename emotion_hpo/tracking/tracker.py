"""Opens the tracker that a study asks for."""

from emotion_hpo.config import SearchConfig
from emotion_hpo.config.tracking import MlflowTracking
from emotion_hpo.study import StudyHome
from emotion_hpo.tracking.background import BackgroundTracker
from emotion_hpo.tracking.mirroring import MlflowTracker
from emotion_hpo.tracking.protocol import NullTracker, Tracker


def open_tracker(
    home: StudyHome, config: SearchConfig, created_at: str, *, synthetic: bool
) -> Tracker:
    """Open the tracker that the configuration asks for.

    Raises:
        TrackingError: MLflow cannot be used.
    """
    if isinstance(config.tracking, MlflowTracking):
        return MlflowTracker(home, config, created_at, synthetic=synthetic)
    return NullTracker()


def background_tracker(
    home: StudyHome, config: SearchConfig, created_at: str, *, synthetic: bool
) -> BackgroundTracker:
    """Return the tracker that a study asks for, behind a thread."""
    return BackgroundTracker(lambda: open_tracker(home, config, created_at, synthetic=synthetic))
