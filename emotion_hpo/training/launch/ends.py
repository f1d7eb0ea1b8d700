"""How a worker ended, as every launcher reports it, and whether its trial may be to blame.

A death is evidence against a trial only if the trial can have caused it: a crash, an exit status of
its own, or a kill for want of memory. A bare SIGKILL (preemption, a lost node, a person) is none.
"""

import signal
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

#: Ends a process for a cause that is not its trial's: its starter or the storage is gone. It is
#: `EX_TEMPFAIL` of sysexits.h, which Python itself never uses.
NO_FAULT_STATUS = 75

#: Signals by which the kernel, or the C library, ends a process for what the process itself did.
_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


@dataclass(frozen=True)
class WorkerEnd:
    """How a worker ended.

    Attributes:
        status: Its exit status, a signal's number below zero, as `subprocess` has it; None if
            nobody saw it.
        memory_witness: Who says that it was killed because memory ran out, such as "the kernel".
        lost: How its place was lost, such as "place lost, NODE_FAIL".
        is_gone: Whether its process is known to be gone, so that its trial may be given away.
    """

    status: int | None = None
    memory_witness: str | None = None
    lost: str | None = None
    is_gone: bool = True

    @property
    def is_orderly(self) -> bool:
        """Return whether it ended because nothing was left to do, or because it was asked to."""
        return self.status == 0 and self.memory_witness is None

    @property
    def evidence(self) -> str | None:
        """Return what counts against the trial that it held; None if that need not be the cause.

        >>> WorkerEnd(-11).evidence, WorkerEnd(3).evidence, WorkerEnd(-9).evidence
        ('SIGSEGV', 'exit status 3', None)
        """
        if self.memory_witness is not None:
            return f"out of memory, says {self.memory_witness}"
        if self.status is None:
            return None
        if self.status > 0:
            return None if self.status == NO_FAULT_STATUS else f"exit status {self.status}"
        return _signal_name(-self.status) if -self.status in _CRASHES else None

    def __str__(self) -> str:
        """In a few words, for a person."""
        if self.evidence is not None:
            return self.evidence
        if self.status is None:
            return self.lost or "place lost"
        if self.status >= 0:
            return f"exit status {self.status}"
        return f"killed by {_signal_name(-self.status)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"


class MemoryWatch:
    """The kernel's count of processes that it has killed in this cgroup because memory ran out.

    A worker is in the cgroup of the process that starts it, which therefore watches.

    Args:
        root: Of the file system, for `/proc/self/cgroup` and `/sys/fs/cgroup`.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._events = _events_file(root)
        self._n_explained = self._n_kills()

    def end_of(self, status: int) -> WorkerEnd:
        """Return how a worker ended that was started here; each kernel kill explains one end."""
        if status != -signal.SIGKILL or self._n_kills() <= self._n_explained:
            return WorkerEnd(status)
        self._n_explained += 1
        return WorkerEnd(status, memory_witness="the kernel")

    def _n_kills(self) -> int:
        """Zero where the kernel does not count, or not any more."""
        try:
            lines = self._events.read_text().splitlines() if self._events is not None else []
        except OSError:
            return 0
        counts = dict(line.split(maxsplit=1) for line in lines if " " in line)
        return int(counts.get("oom_kill", "0"))


def _events_file(root: Path) -> Path | None:
    """The file with `oom_kill` of this process's cgroup (version 1 or 2) or of the nearest above.

    A container shows its own cgroup as the top of the tree, whatever `/proc/self/cgroup` says.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return None
    top = root / "sys/fs/cgroup"
    paths = {controllers: path for _, controllers, path in (line.split(":", 2) for line in lines)}
    version_1 = next((path for names, path in paths.items() if "memory" in names.split(",")), None)
    if version_1 is not None:
        return _nearest(top / "memory", version_1, "memory.oom_control")
    return _nearest(top, paths.get("", "/"), "memory.events")


def _nearest(top: Path, path: str, name: str) -> Path | None:
    inner = PurePosixPath(path.lstrip("/"))
    if ".." in inner.parts:  # outside of what this cgroup namespace shows
        inner = PurePosixPath()
    folders = [top / inner, *(top / parent for parent in inner.parents)]
    return next((folder / name for folder in folders if (folder / name).exists()), None)
