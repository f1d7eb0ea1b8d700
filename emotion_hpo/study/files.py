"""Files that are whole or not there.

A file is written beside its final name, flushed to disk and renamed: a reader sees the old content
or the new, never half. What cannot be written or read is one clear line.
"""

import errno
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from emotion_hpo.errors import StudyError

#: Files that are being written, or whose writer died over them.
PARTIAL = ".*.partial"

#: What to do about a broken file, for none of them can be made anew from the others.
RESTORE = "restore it from a copy, or search under another study.name"

# In C where PyYAML has it, a tenth of the time: a study is read by each of its processes.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def make_folder(path: Path) -> Path:
    """Make a folder that can be written to, or say why not."""
    # In a database's address they have a meaning, so that it would be another file's.
    if signs := [sign for sign in "?%" if sign in str(path.resolve())]:
        raise StudyError(
            f"{path.resolve()} holds a {signs[0]!r}; choose another study.directory=FOLDER"
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise StudyError(
            f"cannot write to {path}: {error.strerror}; choose another folder with "
            "study.directory=FOLDER"
        ) from None


def check_writable(path: Path | None, key: str = "output") -> None:
    """Say before long work that its result could not be written.

    Args:
        path: Where.
        key: Which names the file.

    Raises:
        StudyError: A file cannot be made there.
    """
    if path is None:
        return
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise StudyError(
            f"cannot write {path}: {error.strerror}; give another {key}=FILE"
        ) from None


@contextmanager
def replacing(path: Path, *, is_flushed: bool = True) -> Iterator[BinaryIO]:
    """Replace a file by what is written, as a whole, or leave it as it was.

    Args:
        path: The file.
        is_flushed: Whether it must outlive a loss of power, too; the disk is waited for. Not so for
            what is large, written often and can be made again: it outlives any kill.

    Raises:
        StudyError: It cannot be written.
    """
    partial = path.parent / f".{path.name}.{os.getpid()}.partial"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
            file.flush()
            if is_flushed:
                os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise StudyError(f"cannot write {path}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file as a whole, or leave it as it was."""
    with replacing(path) as file:
        file.write(content)


def write_json(path: Path, content: object) -> None:
    """Write JSON as people read it; NaN and infinity become null, which every reader knows."""
    text = json.dumps(finite_only(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def write_yaml(path: Path, content: object) -> None:
    """Write YAML in the order given."""
    text = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
    write_bytes(path, text.encode())


def read_yaml(path: Path) -> Any:  # noqa: ANN401 (YAML is untyped until it is built)
    """Read YAML that was written here."""
    text = ""
    try:
        text = path.read_text("utf-8")
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 (a safe one)
    except yaml.MarkedYAMLError as error:
        n_lines = max(1, len(text.splitlines()))  # C's loader counts one more at the end
        line = min(error.problem_mark.line + 1, n_lines) if error.problem_mark else "?"
        raise StudyError(
            f"{path} is not readable: line {line}, {error.problem}; {RESTORE}"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise StudyError(f"{path} is not readable: {words}; {RESTORE}") from None


def read_json(path: Path) -> Any:  # noqa: ANN401 (JSON is untyped until it is built)
    """Read JSON that was written here."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StudyError(f"{path} is not readable: {error}; {RESTORE}") from None


def finite_only(content: Any) -> Any:  # noqa: ANN401 (whatever JSON holds)
    """Replace NaN and infinity by None, for which JSON has a word."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {str(key): finite_only(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite_only(value) for value in content]
    return content
