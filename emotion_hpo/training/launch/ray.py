"""Workers on a Ray cluster: an actor holds a place on a node, and the worker is its child.

Ray chooses the node, keeps the shares of cores and GPUs, and says when a node is lost. The worker
stays a process of its own, tied to its actor by a pipe as it would be to a coordinator here: if the
actor's process goes, with its node or its driver, the worker goes, too. No other package imports
ray.
"""

import importlib.util
import logging
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from emotion_hpo.config.places import RayLauncher
from emotion_hpo.errors import StudyError, missing_extra
from emotion_hpo.study import StudyHome
from emotion_hpo.training.launch.ends import MemoryWatch, WorkerEnd
from emotion_hpo.training.launch.local import start_process

#: A node that does not answer for so long is taken for lost.
_ANSWER_S = 10.0


class Place:
    """Runs on a node: one worker process and what may be asked of it."""

    def __init__(
        self, folder: Path, name: str, n_threads: int, environment: Mapping[str, str]
    ) -> None:
        home = StudyHome(folder.parent, folder.name)
        place = f"@{socket.gethostname()}"
        self._memory = MemoryWatch()
        self._process = start_process(home, name, n_threads, place, environment)

    def wait(self) -> WorkerEnd:
        """How it ended, once it has."""
        return self._memory.end_of(self._process.wait())

    def stop(self) -> None:
        """Ask it to end after its running epoch."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and wait until it is gone."""
        self._process.kill()
        self._process.wait()


class RayActors:
    """Workers on the nodes of a cluster, spread over them.

    Raises:
        ConfigError: ray is not installed.
        StudyError: There is no cluster at the address, or no node with room for a worker.
    """

    def __init__(
        self, home: StudyHome, config: RayLauncher, environment: Mapping[str, str]
    ) -> None:
        if importlib.util.find_spec("ray") is None:
            raise missing_extra("launcher=ray", "ray", "ray")
        # Ray's own notices are about its next versions.
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray, self._home, self._config = ray, home, config
        self._environment = dict(environment)
        self._places: dict[str, Any] = {}
        self._waiting: dict[str, Any] = {}
        self._is_stopping = False
        try:
            ray.init(
                # Without an address Ray would join a cluster that was started here before
                address=config.address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                **({"include_dashboard": False} if config.address is None else {}),
            )
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise StudyError(
                f"launcher.address={config.address}: no Ray cluster answers there ({first}); start "
                "one with `ray start`, or let launcher.address=null start Ray on this machine"
            ) from None
        self._check_room()

    def _check_room(self) -> None:
        required = {"CPU": self._config.cpus, "GPU": self._config.gpus}
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(all(node.get(kind, 0) >= n for kind, n in required.items()) for node in nodes):
            has = "; ".join(f"{node.get('CPU', 0):g} and {node.get('GPU', 0):g}" for node in nodes)
            self.close()
            raise StudyError(
                f"launcher: no node of the Ray cluster has cpus={self._config.cpus:g} and "
                f"gpus={self._config.gpus:g} (its nodes have {has})"
            )

    def start(self, names: Sequence[str]) -> None:
        """Ask Ray for places; a worker starts as soon as it has one."""
        actor = self._ray.remote(
            num_cpus=self._config.cpus,
            num_gpus=self._config.gpus,
            max_concurrency=4,  # it waits, and can be asked meanwhile
            scheduling_strategy="SPREAD",
        )(Place)
        n_threads = max(1, int(self._config.cpus))
        folder = self._home.path.resolve()
        for name in names:
            place = actor.remote(folder, name, n_threads, self._environment)
            self._places[name] = place
            self._waiting[name] = place.wait.remote()

    def ended(self) -> dict[str, WorkerEnd]:
        """Name → how it ended, of each worker that has ended since the last call."""
        over: dict[str, WorkerEnd] = {}
        for name, waiting in list(self._waiting.items()):
            done, _ = self._ray.wait([waiting], timeout=0)
            if not done:
                continue
            try:
                over[name] = self._ray.get(waiting)
            except self._ray.exceptions.OutOfMemoryError:  # the worker went with its actor
                over[name] = WorkerEnd(memory_witness="Ray")
            except self._ray.exceptions.RayError as error:  # nobody can say whether it is gone
                over[name] = WorkerEnd(lost=f"place lost, {_cause(error)}", is_gone=False)
            self._forget(name)
        return over

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the workers that have not been seen to end."""
        return tuple(self._places)

    def stop(self) -> None:
        """Ask every worker to end after its running epoch; one without a place yet is given up."""
        if self._is_stopping:
            return
        self._is_stopping = True
        for name, place in list(self._places.items()):
            answered, _ = self._ray.wait([place.stop.remote()], timeout=1)
            if not answered and not self._is_placed(place):
                self._forget(name)

    def _is_placed(self, place: Any) -> bool:  # noqa: ANN401 (Ray's handles are untyped)
        from ray.util.state import get_actor

        with suppress(Exception):  # Ray's state is a convenience: without it, wait
            # A handle has no public way to its id, which Ray's state is read by (tried on Ray 2.60)
            state = get_actor(place._actor_id.hex(), timeout=5)
            return state is None or state.state not in ("PENDING_CREATION", "DEPENDENCIES_UNREADY")
        return True

    def kill(self) -> tuple[str, ...]:
        """End every worker now."""
        calls = {name: place.kill.remote() for name, place in self._places.items()}
        if not calls:
            return ()
        done, _ = self._ray.wait(list(calls.values()), num_returns=len(calls), timeout=_ANSWER_S)
        gone = []
        for name, call in calls.items():
            with suppress(self._ray.exceptions.RayError):
                if call in done:
                    self._ray.get(call)
                    gone.append(name)
            self._forget(name)
        return tuple(gone)

    def close(self) -> None:
        """Let go of the cluster; one that was started here ends."""
        self._ray.shutdown()

    def _forget(self, name: str) -> None:
        self._waiting.pop(name, None)
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(self._places.pop(name))


def _cause(error: Exception) -> str:
    """What Ray says of a lost actor: its last line; those above name the actor."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip().rstrip(".")
