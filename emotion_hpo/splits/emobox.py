"""EmoBox's folds by its own files: `fold_1/NAME_test_fold_1.jsonl`, and `train` beside `test`."""

import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from emotion_hpo.errors import ConfigError


def fold_files(folder: Path | None) -> list[Path]:
    """Return the test files of EmoBox's folds.

    Raises:
        ConfigError: No folder is named, or it has none.
    """
    if folder is None:
        raise ConfigError(
            "protocol=emobox needs EmoBox's own files: add folds=FOLDER, such as data/emodb of "
            "its repository"
        )
    files = sorted(folder.glob("fold_*/*_test_fold_*.jsonl"), key=fold_number)
    if not files:
        raise ConfigError(f"folds: {folder} has no fold_1/NAME_test_fold_1.jsonl")
    return files


def fold_number(file: Path) -> int:
    """Return which fold a file is of."""
    number = re.search(r"_fold_(\d+)\.jsonl$", file.name)
    return int(number[1]) if number else 0


@dataclass(frozen=True)
class Missing:
    """What a fold's file names that a corpus does not have.

    Attributes:
        n: Utterances of the file.
        lost: Ids of classes that the corpus has; all, if it has none of the file's utterances.
        left_out: Class → ids; of classes of which the corpus has nothing.
    """

    n: int
    lost: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]]

    def describe_lost(self) -> str:
        """Say how many are lost, with an example; nothing if none is."""
        if not self.lost:
            return ""
        n, example = len(self.lost), self.lost[0]
        return f"{n:,} of {self.n:,} ids are of no utterance here, such as {example!r}"

    def describe_left_out(self) -> str:
        """Say how many are of other classes, and which; nothing if none is."""
        if not self.left_out:
            return ""
        n, classes = sum(map(len, self.left_out.values())), ", ".join(self.left_out)
        return f"{n:,} of {self.n:,} ids are of classes that are left out here ({classes})"


def find_missing(file: Path, known: frozenset[str]) -> Missing:
    """Return which utterances of a fold's file a corpus does not have.

    Raises:
        ConfigError: The file cannot be read.
    """
    classes = _read_classes(file, known)
    present = {class_ for id_, class_ in classes.items() if id_ in known}
    lost: list[str] = []
    left_out: dict[str, tuple[str, ...]] = {}
    for id_, class_ in sorted(classes.items()):
        if id_ not in known:
            if class_ in present or not present:
                lost.append(id_)
            else:
                left_out[class_] = (*left_out.get(class_, ()), id_)
    return Missing(len(classes), tuple(lost), dict(sorted(left_out.items())))


def read_ids(path: Path, known: Container[str]) -> frozenset[str]:
    """Read the ids of a fold's file, as EmoBox writes it.

    Args:
        path: JSON lines with a `key`: DATASET-UTTERANCE, or the utterance alone.
        known: Ids of the corpus; they tell which of both it is, for an id may hold dashes, too.

    Raises:
        ConfigError: It is not there, or a line of it has no key.
    """
    return frozenset(_read_classes(path, known))


def _read_classes(path: Path, known: Container[str]) -> dict[str, str]:
    """Read id → class of a fold's file."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; name the folder of EmoBox's folds, "
                          "such as data/emodb, by folds=FOLDER") from None  # fmt: skip
    classes = {}
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            classes[str(entry["key"])] = str(entry.get("emo", "unnamed"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"{path}:{number}: no JSON with a `key`, as EmoBox writes") from None
    if any(key in known for key in classes):
        return classes
    return {key.partition("-")[2] or key: class_ for key, class_ in classes.items()}
