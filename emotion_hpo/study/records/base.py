"""What all records share: strict reading, whole writing, and a version in every file.

A record is a frozen pydantic model of one JSON file (or of one line of the ledger). Whoever writes
constructs it, so that a slip is an error where it is made; whoever reads validates the same model.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emotion_hpo.errors import StudyError
from emotion_hpo.study.files import RESTORE, finite_only, write_json

#: A name of which files' names are made.
FileName = Annotated[str, Field(pattern=r"^[\w-]+$")]


def is_absent(value: object) -> bool:
    """Return whether a value is not there.

    `Field(None, exclude_if=is_absent, …)` is a field that was added to a record later: a file that
    lacks it is read, and is written as it was.
    """
    return value is None


class Part(BaseModel):
    """A part of a record: frozen, complete, strict; a number is no string."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Validate plain values (what JSON has; NaN and infinity count as null).

        Raises:
            ValidationError: They are not what the record holds.
        """
        return cls.model_validate_json(
            json.dumps(finite_only(content)), strict=True, extra="forbid"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON has them; NaN and infinity are null."""
        content: dict[str, Any] = finite_only(self.model_dump(mode="json"))
        return content


class Record(Part):
    """A file, or a line of one.

    A subclass declares `version: Literal[n] = Field(n, …)`: raise `n` whenever a field is added,
    dropped or changes its meaning.
    """

    #: What to do about a file that cannot be read.
    remedy: ClassVar[str] = RESTORE

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON has them, the version first."""
        content = super().to_json()
        return {"version": content.pop("version"), **content}


Kind = TypeVar("Kind", bound=Record)


def write_record(path: Path, record: Record) -> None:
    """Replace the record's file as a whole.

    Raises:
        StudyError: It cannot be written.
    """
    write_json(path, record.to_json())


def read_record(path: Path, kind: type[Kind]) -> Kind:
    """Read a file as the record that it holds.

    Raises:
        StudyError: It is not readable, of another version, or not what was written; the line says
            which file, what is wrong, and what to do.
    """
    try:
        text = path.read_bytes()
        content = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise StudyError(f"{path} is not readable: {reason}; {kind.remedy}") from None
    fault = find_version_fault(kind, content)
    if fault is None:
        try:
            return kind.model_validate_json(text, strict=True, extra="forbid")
        except ValidationError as error:
            fault = describe_first(error)
    raise StudyError(f"{path} was not written by this version: {fault}; {kind.remedy}")


def find_version_fault(kind: type[Record], content: object) -> str | None:
    """Return why a content is of no version that is read here; None if it is of this one."""
    expected = version_of(kind)
    if not isinstance(content, Mapping) or "version" not in content:
        return "it names no version"
    if content["version"] != expected or isinstance(content["version"], bool):
        return f"it is of version {content['version']!r}, and {expected} is read here"
    return None


def version_of(kind: type[Record]) -> int:
    """Return the version of a record that is written and read here."""
    (version,) = get_args(kind.model_fields["version"].annotation)
    return int(version)


def describe_first(error: ValidationError) -> str:
    """Describe the first of a validation's errors in a line: where, and what is wrong.

    >>> from pydantic import TypeAdapter
    >>> try:
    ...     TypeAdapter(dict[str, int]).validate_python({"n": "x"}, strict=True)
    ... except ValidationError as error:
    ...     describe_first(error)
    'n: input should be a valid integer'
    """
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    message = f"{message[0].lower()}{message[1:]}"
    return f"{where}: {message}" if where else message


def read_if_there(path: Path, kind: type[Kind]) -> Kind | None:
    """Read a record whose file may not have been written yet; None where it is not there.

    Raises:
        StudyError: It is there, and cannot be read.
    """
    return read_record(path, kind) if path.exists() else None
