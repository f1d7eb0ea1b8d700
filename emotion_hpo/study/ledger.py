"""`holdout_ledger.jsonl`: who opened which holdout, when, and what came out. Lines are only added.

An opening is two lines: `opened`, written before the holdout's features are read, and `scored` with
the figure. A scoring that was cut off between them may be completed by the same model, for that
teaches nobody anything new; every other one is a second look and must be asked for.

A holdout is what it holds (`contents`), not how it is called: a line `holdout` keeps the marks of
its utterances, under the name by which the other lines mean it. If at least two thirds of a
holdout's utterances lay in earlier ones, it goes by the name of the one that holds most of them, so
that scoring it is a second look; fewer are written into its `opened` line, for every report to say.
"""

import getpass
import hashlib
import itertools
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from emotion_hpo.errors import HoldoutError
from emotion_hpo.runtime.contents import SOUND, SOUND_DIGITS, Content, merged

#: Share of its utterances by which a holdout is an earlier one. Half may agree by chance in words
#: alone, where two corpora have short utterances.
SAME_SHARE = 2 / 3

#: What the lines of an event have; a line without was not written here.
_FIELDS = {
    "holdout": {"holdout", "utterances"},
    "opened": {"holdout", "opening", "model", "study", "trial", "at"},
    "scored": {"holdout", "opening", "accuracy"},
    "paper_protocol": {"holdout", "study", "trial", "at"},  # looked at after every epoch
    "replayed": {"holdout", "study", "trial", "at"},  # the same model, once more
}


class Opening(NamedTuple):
    """An opening, as the ledger names it: the holdout, and which of its openings."""

    holdout: str
    name: str


@dataclass(frozen=True)
class Ledger:
    """The ledger of one `studies/` folder."""

    path: Path

    def holdouts(self) -> list[str]:
        """Every holdout that was ever opened, the first opened first."""
        return list(dict.fromkeys(line["holdout"] for line in self._lines()))

    def name_of(self, content: Content) -> str:
        """The name of the earlier holdout that this one mostly is, or else its own."""
        known = self._contents()
        if content.digest in known or not known:
            return content.digest
        if self._n_scored(content) < SAME_SHARE * len(content):
            return content.digest
        shared = {name: content.n_shared(merged(contents)) for name, contents in known.items()}
        return max(shared, key=lambda name: shared[name])

    def overlaps(self, content: Content) -> list[dict[str, Any]]:
        """Of each other holdout that was opened: `n_shared`, and its first opening's facts."""
        own = self.name_of(content)
        overlaps = []
        for name, contents in self._contents().items():
            n_shared = content.n_shared(merged(contents)) if name != own else 0
            if n_shared and (openings := self.openings(name)):
                facts = {fact: openings[0][fact] for fact in ("study", "trial", "at")}
                overlaps.append({"holdout": name, "n_shared": n_shared, **facts})
        return overlaps

    def _n_scored(self, content: Content) -> int:
        """How many of these utterances were in any holdout that was opened."""
        return content.n_shared(merged(itertools.chain(*self._contents().values())))

    def _contents(self) -> dict[str, list[Content]]:
        """Name → what went by it."""
        contents: dict[str, list[Content]] = {}
        for line in self._lines():
            if line["event"] == "holdout":
                contents.setdefault(line["holdout"], []).append(Content(tuple(line["utterances"])))
        return contents

    def openings(self, holdout: str) -> list[dict[str, Any]]:
        """The `opened` lines of a holdout, the first opening first, its score with each."""
        lines = [line for line in self._lines() if line["holdout"] == holdout]
        scores = {line["opening"]: line["accuracy"] for line in lines if line["event"] == "scored"}
        return [
            {**line, "accuracy": scores.get(line["opening"])}
            for line in lines
            if line["event"] == "opened"
        ]

    def check(self, content: Content, model: str, *, rescore: bool) -> None:
        """Make sure that a model may score a holdout, before it is trained at length.

        Raises:
            HoldoutError: It, or most of it, has been scored, and `rescore` was not asked for.
        """
        earlier = self.openings(self.name_of(content))
        others = [
            opening
            for opening in earlier
            if opening["model"] != model or opening["accuracy"] is not None
        ]
        if others and not rescore:
            raise self._scored_before("this holdout", content, others[0])

    def check_studies(self, studies: Mapping[str, Content]) -> None:
        """Make sure that no other study has opened these holdouts, before any is searched for.

        Args:
            studies: Study → the holdout that it is to open, and may have begun to.

        Raises:
            HoldoutError: One was opened by another study.
        """
        for study, content in studies.items():
            openings = self.openings(self.name_of(content))
            others = [opening for opening in openings if opening["study"] != study]
            if others:
                raise self._scored_before(f"the holdout of study {study}", content, others[0])

    def open(
        self, content: Content, model: str, facts: Mapping[str, Any], *, rescore: bool
    ) -> Opening:
        """Write that a holdout is opened now.

        Raises:
            HoldoutError: As `check`, which another process may have made true meanwhile.
        """
        with self._alone():
            self.check(content, model, rescore=rescore)
            holdout, overlaps = self.name_of(content), self.overlaps(content)
            earlier = self.openings(holdout)
            cut = [
                opening
                for opening in earlier
                if opening["model"] == model and opening["accuracy"] is None
            ]
            if cut:
                return Opening(holdout, str(cut[0]["opening"]))
            if all(content.digest != known.digest for known in self._contents().get(holdout, ())):
                marks = [dict(utterance) for utterance in content.utterances]
                self._append({"event": "holdout", "holdout": holdout, "utterances": marks})
            opening = f"opening_{len(earlier) + 1}"
            line = {"event": "opened", "holdout": holdout, "opening": opening, "model": model}
            self._append(line | dict(facts) | {"overlaps": overlaps})
            return Opening(holdout, opening)

    def score(self, holdout: str, opening: str, accuracy: float) -> None:
        """Write what came out of an opening."""
        with self._alone():
            self._append(_scored_line(holdout, opening, accuracy))

    def complete(self, holdout: str, opening: str, model: str, accuracy: float) -> None:
        """Write what came out of an opening that was cut off after its result was stored."""
        with self._alone():
            for line in self.openings(holdout):
                is_it = (line["opening"], line["model"]) == (opening, model)
                if is_it and line["accuracy"] is None:
                    self._append(_scored_line(holdout, opening, accuracy))

    def note(self, event: str, holdout: str, facts: Mapping[str, Any]) -> None:
        """Write a look at the holdout that is no scoring, by a line of its own kind."""
        assert event in _FIELDS
        with self._alone():
            self._append({"event": event, "holdout": holdout} | dict(facts))

    def notes(self, event: str, holdout: str) -> list[dict[str, Any]]:
        """The lines of one kind about a holdout."""
        lines = self._lines()
        return [line for line in lines if line["event"] == event and line["holdout"] == holdout]

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
            lines = [json.loads(text) for text in texts if text.strip()]
        except FileNotFoundError:
            return []
        except ValueError:
            raise self._broken() from None
        except OSError as error:
            raise self._unusable(error) from None
        if not all(isinstance(line, dict) and _is_whole(line) for line in lines):
            raise self._broken()
        known = {line["holdout"] for line in lines if line["event"] == "holdout"}
        if any(line["holdout"] not in known for line in lines):
            raise HoldoutError(
                f"{self.path} does not say what its holdouts hold, as the ledger of an earlier "
                "version did not; keep it elsewhere, and begin a new one"
            )
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

    def _scored_before(
        self, subject: str, content: Content, first: Mapping[str, Any]
    ) -> HoldoutError:
        """That a holdout was scored, or so many of its utterances."""
        n_shared = self._n_scored(content)
        if n_shared < len(content):
            subject = f"{n_shared} of the {len(content)} utterances of {subject}"
        verb = "were" if n_shared < len(content) else "was"
        return _scored_before(f"{subject} {verb}", first)

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


def _scored_before(what_was: str, first: Mapping[str, Any]) -> HoldoutError:
    score = first["accuracy"]
    figure = f"accuracy {100 * score:.2f} %" if score is not None else "not finished"
    return HoldoutError(
        f"{what_was} scored before: study {first['study']}, {first['trial']}, {first['at']}, "
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
    if line.get("event") not in _FIELDS or not line.keys() >= _FIELDS[line["event"]]:
        return False
    return line["event"] != "holdout" or _are_marks(line["utterances"])


def _are_marks(utterances: object) -> bool:
    return isinstance(utterances, list) and all(
        isinstance(utterance, dict) and all(map(_is_mark, utterance, utterance.values()))
        for utterance in utterances
    )


def _is_mark(kind: str, mark: object) -> bool:
    if not isinstance(mark, str):
        return False
    return kind != SOUND or re.fullmatch(f"[0-9a-f]{{{SOUND_DIGITS}}}", mark) is not None
