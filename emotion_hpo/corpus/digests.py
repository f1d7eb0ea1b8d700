"""Digests of files' contents, remembered beside their size and times.

A corpus is what its files hold, wherever they lie and whenever they were copied. Reading every byte
of 20 GB before each search would cost minutes, so a digest is remembered as long as the file of
that place keeps its size, its time of change and that of its inode, which no `touch -d` sets.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from emotion_hpo.errors import CorpusError

#: Size, time of the content's last change, time of the inode's (ns).
_State = tuple[int, int, int]


class Digests:
    """Content digests of files.

    Args:
        memory: File that keeps them between two runs; None remembers them in this process alone.
    """

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._known = _read(memory) if memory is not None else {}
        self._is_saved = True

    def of(self, path: Path) -> str:
        """Return a file's digest.

        Raises:
            CorpusError: It cannot be read.
        """

        def whole() -> Iterable[bytes]:
            with path.open("rb") as file:
                yield hashlib.file_digest(file, "sha256").digest()

        return self.of_part(path, "", whole)

    def of_part(self, path: Path, part: str, read: Callable[[], Iterable[bytes]]) -> str:
        """Return the digest of a part of a file.

        Args:
            path: The file.
            part: Tells this part from others of the file.
            read: Yields its content; called only if the file has changed.

        Raises:
            CorpusError: It cannot be read.
        """
        key = f"{path.absolute()}#{part}"
        try:
            state = _state_of(path)
            known = self._known.get(key)
            if known is not None and known[0] == state:
                return known[1]
            digest = hashlib.sha256()
            for content in read():
                digest.update(content)
        except OSError as error:
            raise CorpusError(
                f"{path}: cannot be read ({error.strerror}); mend its permissions, or unpack it "
                "again"
            ) from None
        self._known[key] = state, digest.hexdigest()
        self._is_saved = False
        return digest.hexdigest()

    def save(self) -> None:
        """Store the digests; without them, files are only read once more."""
        if self._memory is None or self._is_saved:
            return
        content = {key: [*state, digest] for key, (state, digest) in self._known.items()}
        partial = self._memory.with_name(f".{self._memory.name}.partial")
        with suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(content, indent=0), "utf-8")
            partial.replace(self._memory)
            self._is_saved = True


def _state_of(path: Path) -> _State:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _read(memory: Path) -> dict[str, tuple[_State, str]]:
    """What a run before has kept; nothing of a file that is missing or broken."""
    try:
        stored = json.loads(memory.read_text("utf-8"))
        return {
            str(key): ((int(size), int(changed), int(moved)), str(digest))
            for key, (size, changed, moved, digest) in stored.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
