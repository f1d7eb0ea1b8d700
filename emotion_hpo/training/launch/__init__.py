"""Where workers run: on this machine, on a Ray cluster, or as SLURM jobs. Nothing here schedules.

The worker is the same program everywhere; a launcher only starts it elsewhere. What several
machines share is the study's home, on a file system that all of them see, and the storage.
"""

import sys

from emotion_hpo.config.places import LauncherConfig, LocalLauncher, RayLauncher, SlurmLauncher
from emotion_hpo.study import StudyHome
from emotion_hpo.training.launch.ends import WorkerEnd
from emotion_hpo.training.launch.forked import ForkedProcesses
from emotion_hpo.training.launch.local import LocalProcesses
from emotion_hpo.training.launch.protocol import Launcher

__all__ = ["Launcher", "WorkerEnd", "open_launcher"]


def open_launcher(
    config: LauncherConfig, home: StudyHome, n_workers: int, environment: dict[str, str]
) -> Launcher:
    """The launcher that the configuration asks for.

    Args:
        config: Where workers run.
        home: The study's files.
        n_workers: How many will run at a time.
        environment: What every worker must find in its environment, wherever it is.

    Raises:
        EmotionHpoError: It cannot be used here.
    """
    match config:
        case LocalLauncher():
            if sys.platform == "linux":  # elsewhere a fork may not survive the system's libraries
                return ForkedProcesses(home, n_workers)
            return LocalProcesses(home, n_workers)
        case RayLauncher():
            from emotion_hpo.training.launch.ray import RayActors

            return RayActors(home, config, environment)
        case SlurmLauncher():
            from emotion_hpo.training.launch.slurm import SlurmJobs

            return SlurmJobs(home, config)
