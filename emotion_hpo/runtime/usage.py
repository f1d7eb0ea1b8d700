"""What a process takes of its machine: memory and processor time, read in microseconds.

A tracker that writes trials after they are trained cannot sample the machine beside them, so every
epoch notes what it took. They are of the process that trains, not of the whole machine: its
neighbours are other trials.
"""

import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Meter:
    """Where a process stood when something began."""

    wall_s: float
    cpu_s: float

    @classmethod
    def start(cls) -> "Meter":
        """Begin to measure."""
        return cls(time.perf_counter(), time.process_time())

    def read(self) -> Mapping[str, float]:
        """Return what was taken since: busy processor cores, and the process's totals.

        `cpu_cores` is 1.0 where one core was busy all the time, threads added up; `cpu_seconds` is
        what the process has computed ever, and `memory_peak_mb` the most that it has held.
        """
        wall_s, cpu_s = max(time.perf_counter() - self.wall_s, 1e-9), time.process_time()
        return {
            "cpu_cores": round((cpu_s - self.cpu_s) / wall_s, 3),
            "cpu_seconds": round(cpu_s, 3),
            "memory_peak_mb": round(own_peak_mb(), 1),
        }


def own_peak_mb() -> float:
    """Return the most memory that this process has held, in MB, as far as its system counts it.

    Linux counts it apart from its starter's in `/proc`; `getrusage` there begins with that one's.
    """
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _units_in_a_mb()


def highest_child_peak_mb() -> float:
    """Return the highest peak among the ended processes that this one started, in MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _units_in_a_mb()


def _units_in_a_mb() -> int:
    """Return how many of `getrusage`'s units make a MB: it counts KB, on macOS bytes."""
    return 1024**2 if sys.platform == "darwin" else 1024
