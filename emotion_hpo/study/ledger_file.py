"""The file of the holdout ledger: lines are added under a lock, and every line is read whole.

A line that cannot be read permits nothing: whoever could break the ledger could look again.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from emotion_hpo.errors import HoldoutError
from emotion_hpo.study.records.base import describe_first, find_version_fault
from emotion_hpo.study.records.ledger import LINES, HoldoutLine, Line


@dataclass(frozen=True)
class LedgerFile:
    """The lines of a ledger."""

    path: Path

    def lines(self) -> list[Line]:
        """Return all lines, the oldest first.

        Raises:
            HoldoutError: The file, or a line of it, cannot be read.
        """
        try:
            # Not splitlines(), for which some letters of names end a line, too.
            texts = self.path.read_text("utf-8").split("\n")
        except FileNotFoundError:
            return []
        except ValueError:
            raise self._broken("it is not UTF-8") from None
        except OSError as error:
            raise self._unusable(error) from None
        numbered = enumerate(texts, start=1)
        lines = [self._parse(number, text) for number, text in numbered if text.strip()]
        known = {line.holdout for line in lines if isinstance(line, HoldoutLine)}
        for line in lines:
            if line.holdout not in known:
                raise self._broken(f"no line says what holdout {line.holdout} holds")
        return lines

    def _parse(self, number: int, text: str) -> Line:
        """Return a line as its record.

        Raises:
            HoldoutError: It is no line of this version.
        """
        try:
            content = json.loads(text)
            if (fault := find_version_fault(Line, content)) is not None:
                raise HoldoutError(
                    f"{self.path} was not written by this version: line {number}: {fault}; keep "
                    "the file elsewhere, and begin a new one"
                )
            return LINES[content["event"]].from_json(content)
        except ValidationError as error:
            raise self._broken(f"line {number}: {describe_first(error)}") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._broken(f"line {number} is no line of a ledger") from None

    def append(self, line: Line) -> None:
        """Add a line, and wait until it is on the disk; only within `locked`."""
        text = json.dumps(line.to_json(), ensure_ascii=False) + "\n"
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                text = f"\n{text}"  # an editor took the last line's end away
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process read and write the file meanwhile.

        Raises:
            HoldoutError: It cannot be locked.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock")):
                yield
        except HoldoutError:
            raise
        except OSError as error:
            raise self._unusable(error) from None

    @contextmanager
    def alone_with(self, holdout: str) -> Iterator[None]:
        """Let no other process retrain for a holdout and score it, not even the same model.

        Raises:
            HoldoutError: Another is at it.
        """
        name = hashlib.sha256(holdout.encode()).hexdigest()[:16]
        lock = FileLock(self.path.with_suffix(f".{name}.lock"), timeout=0)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise HoldoutError(
                "another process is about to score this holdout; wait until it has ended"
            ) from None
        except OSError as error:
            raise self._unusable(error) from None
        try:
            yield
        finally:
            lock.release()

    def _broken(self, reason: str) -> HoldoutError:
        return HoldoutError(f"{self.path} is not readable: {reason}; {Line.remedy}")

    def _unusable(self, error: OSError) -> HoldoutError:
        return HoldoutError(
            f"{self.path} cannot be read and written ({error.strerror}); no holdout is opened "
            "without it: mend its permissions, or move away what lies in its place"
        )
