"""MLflow as a mirror of studies. No other package imports mlflow.

The truth lies in the study's database and folder. A tracker is shown the trials as they stand and
writes what MLflow does not have yet: one parent run a study, one child run a trial, every epoch's
metrics. Workers know nothing of it.
"""

from emotion_hpo.tracking.client import check_server, experiment_id, serve_ui, tracking_uri
from emotion_hpo.tracking.mirroring import MlflowTracker
from emotion_hpo.tracking.protocol import NullTracker, Tracker
from emotion_hpo.tracking.tracker import open_tracker

__all__ = [
    "MlflowTracker",
    "NullTracker",
    "Tracker",
    "check_server",
    "experiment_id",
    "open_tracker",
    "serve_ui",
    "tracking_uri",
]
