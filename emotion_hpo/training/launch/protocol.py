"""What every launcher can do."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from emotion_hpo.training.launch.ends import WorkerEnd


class Launcher(Protocol):
    """Starts workers somewhere, and knows which of them still run."""

    def start(self, names: Sequence[str]) -> None:
        """Start workers of these names; it may take a while until there is a place for them."""
        ...

    def ended(self) -> Mapping[str, WorkerEnd]:
        """Name → how it ended, of each worker that has ended since the last call."""
        ...

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the workers that have not been seen to end."""
        ...

    def stop(self) -> None:
        """Ask every worker to end after its running epoch; asking again changes nothing."""
        ...

    def kill(self) -> tuple[str, ...]:
        """End every worker now; the names of those that are known to be gone."""
        ...

    def close(self) -> None:
        """Let go of the cluster."""
        ...
