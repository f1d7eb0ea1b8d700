"""`holdout_ledger.jsonl`: who opened which holdout, when, and what came out. Lines are only added.

An opening is two lines: `opened`, written before the holdout's features are read, and `scored` with
the figure. A scoring that was cut off between them may be completed by the same model, for that
teaches nobody anything new; every other one is a second look and must be asked for.
"""

import getpass
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from emotion_hpo.errors import HoldoutError

#: What the lines of an event have; a line without was not written here.
_FIELDS = {
    "opened": {"holdout", "opening", "model", "study", "trial", "at"},
    "scored": {"holdout", "opening", "accuracy"},
    "paper_protocol": {"holdout", "study", "trial", "at"},  # looked at after every epoch
    "replayed": {"holdout", "study", "trial", "at"},  # the same model, once more
}


@dataclass(frozen=True)
class Ledger:
    """The ledger of one `studies/` folder."""

    path: Path

    def holdouts(self) -> list[str]:
        """Every holdout that was ever opened, the first opened first."""
        return list(dict.fromkeys(line["holdout"] for line in self._lines()))

    def openings(self, holdout: str) -> list[dict[str, Any]]:
        """The `opened` lines of a holdout, the first opening first, its score with each."""
        lines = [line for line in self._lines() if line["holdout"] == holdout]
        scores = {line["opening"]: line["accuracy"] for line in lines if line["event"] == "scored"}
        return [
            {**line, "accuracy": scores.get(line["opening"])}
            for line in lines
            if line["event"] == "opened"
        ]

    def check(self, holdout: str, model: str, *, rescore: bool) -> None:
        """Make sure that a model may score a holdout, before it is trained at length.

        Raises:
            HoldoutError: It has been scored, and `rescore` was not asked for.
        """
        earlier = self.openings(holdout)
        others = [one for one in earlier if one["model"] != model or one["accuracy"] is not None]
        if others and not rescore:
            raise _scored_before("this holdout", others[0])

    def check_studies(self, studies: Mapping[str, str]) -> None:
        """Make sure that no other study has opened these holdouts, before any is searched for.

        Args:
            studies: Holdout → the study that is to open it, and may have begun to.

        Raises:
            HoldoutError: One was opened by another study.
        """
        for holdout, study in studies.items():
            others = [one for one in self.openings(holdout) if one["study"] != study]
            if others:
                raise _scored_before(f"the holdout of study {study}", others[0])

    def open(self, holdout: str, model: str, facts: Mapping[str, Any], *, rescore: bool) -> str:
        """Write that a holdout is opened now; return the opening's name.

        Raises:
            HoldoutError: As `check`, which another process may have made true meanwhile.
        """
        with self._alone():
            self.check(holdout, model, rescore=rescore)
            earlier = self.openings(holdout)
            cut = [one for one in earlier if one["model"] == model and one["accuracy"] is None]
            if cut:
                return str(cut[0]["opening"])
            opening = f"opening_{len(earlier) + 1}"
            self._append({"event": "opened", "holdout": holdout, "opening": opening, "model": model}
                         | dict(facts))  # fmt: skip
            return opening

    def score(self, holdout: str, opening: str, accuracy: float) -> None:
        """Write what came out of an opening."""
        with self._alone():
            self._append(_scored_line(holdout, opening, accuracy))

    def complete(self, holdout: str, opening: str, model: str, accuracy: float) -> None:
        """Write what came out of an opening that was cut off after its result was stored."""
        with self._alone():
            for one in self.openings(holdout):
                is_it = (one["opening"], one["model"]) == (opening, model)
                if is_it and one["accuracy"] is None:
                    self._append(_scored_line(holdout, opening, accuracy))

    def note(self, event: str, holdout: str, facts: Mapping[str, Any]) -> None:
        """Write a look at the holdout that is no scoring, by a line of its own kind."""
        assert event in _FIELDS
        with self._alone():
            self._append({"event": event, "holdout": holdout} | dict(facts))

    def notes(self, event: str, holdout: str) -> list[dict[str, Any]]:
        """The lines of one kind about a holdout."""
        lines = self._lines()
        return [one for one in lines if one["event"] == event and one["holdout"] == holdout]

    def _append(self, line: dict[str, Any]) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = json.dumps({**line, "at": at}, ensure_ascii=False) + "\n"
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                text = f"\n{text}"  # an editor took the last line's end away
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _lines(self) -> list[dict[str, Any]]:
        try:
            texts = self.path.read_text("utf-8").split("\n")
            lines = [json.loads(one) for one in texts if one.strip()]
        except FileNotFoundError:
            return []
        except ValueError:
            raise self._broken() from None
        except OSError as error:
            raise self._unusable(error) from None
        if not all(isinstance(one, dict) and _is_whole(one) for one in lines):
            raise self._broken()
        return lines

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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock")):
                yield
        except HoldoutError:
            raise
        except OSError as error:
            raise self._unusable(error) from None

    def _broken(self) -> HoldoutError:
        return HoldoutError(
            f"{self.path} is not readable; mend its broken line by hand, for it says how often "
            "a holdout has been scored"
        )

    def _unusable(self, error: OSError) -> HoldoutError:
        return HoldoutError(
            f"{self.path} cannot be read and written ({error.strerror}); no holdout is opened "
            "without it: mend its permissions, or move away what lies in its place"
        )


def _scored_line(holdout: str, opening: str, accuracy: float) -> dict[str, Any]:
    return {"event": "scored", "holdout": holdout, "opening": opening, "accuracy": accuracy}


def _scored_before(holdout: str, first: Mapping[str, Any]) -> HoldoutError:
    score = first["accuracy"]
    figure = f"accuracy {100 * score:.2f} %" if score is not None else "not finished"
    return HoldoutError(
        f"{holdout} was scored before: study {first['study']}, {first['trial']}, {first['at']}, "
        f"{figure}; `make report` and `make sync` show it. A second look makes both optimistic; "
        "rescore=true scores it all the same, and every report will say so"
    )


def user() -> str | None:
    """Who opens a holdout, as the system calls them; None where it has no name for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry
        return None


def _is_whole(line: Mapping[str, Any]) -> bool:
    return line.get("event") in _FIELDS and line.keys() >= _FIELDS[line["event"]]
