"""`holdout_ledger.jsonl`: who opened which holdout, when, and what came out. Lines are only added.

An opening is two lines: `opened`, written before the holdout's features are read, and `scored` with
the score. A scoring that was cut off between them may be completed by the same model, for that
teaches nobody anything new; every other one is a second look and must be asked for.

A holdout is known by its contents, not by its name: a line `holdout` keeps the marks of
its utterances, under the name by which the other lines mean it. If at least two thirds of a
holdout's utterances lay in earlier ones, it goes by the name of the one that holds most of them, so
that scoring it is a second look; fewer are written into its `opened` line, for every report to say.
"""

import getpass
import itertools
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from emotion_hpo.errors import HoldoutError
from emotion_hpo.runtime.contents import Content, merged
from emotion_hpo.study.ledger_file import LedgerFile
from emotion_hpo.study.records.ledger import (
    HoldoutLine,
    Look,
    Looker,
    OpenedLine,
    Overlap,
    PaperProtocolLine,
    ProtocolLine,
    ReplayedLine,
    ScoredLine,
    ScoredOpening,
)

#: Share of its utterances by which a holdout is an earlier one. Half may agree by chance in words
#: alone, where two corpora have short utterances.
SAME_SHARE = 2 / 3


class Opening(NamedTuple):
    """An opening, as the ledger names it: the holdout, and which of its openings."""

    holdout: str
    name: str


@dataclass(frozen=True)
class Ledger:
    """The ledger of one `studies/` folder."""

    path: Path

    @property
    def _file(self) -> LedgerFile:
        return LedgerFile(self.path)

    def holdouts(self) -> list[str]:
        """Return every holdout that was ever opened, the first opened first."""
        return list(dict.fromkeys(line.holdout for line in self._file.lines()))

    def name_of(self, content: Content) -> str:
        """Return the name of the earlier holdout that this one mostly is, or else its own."""
        known = self._contents()
        if content.digest in known or not known:
            return content.digest
        if self._n_scored(content) < SAME_SHARE * len(content):
            return content.digest
        shared = {name: content.n_shared(merged(contents)) for name, contents in known.items()}
        return max(shared, key=lambda name: shared[name])

    def overlaps(self, content: Content) -> tuple[Overlap, ...]:
        """Return every other holdout that was opened and holds some of the same utterances."""
        own = self.name_of(content)
        overlaps = []
        for name, contents in self._contents().items():
            n_shared = content.n_shared(merged(contents)) if name != own else 0
            if n_shared and (openings := self.openings(name)):
                first = openings[0]
                overlap = Overlap(
                    holdout=name,
                    n_shared=n_shared,
                    study=first.study,
                    trial=first.trial,
                    at=first.at,
                )
                overlaps.append(overlap)
        return tuple(overlaps)

    def _n_scored(self, content: Content) -> int:
        """Count the utterances that were in any holdout that was opened."""
        return content.n_shared(merged(itertools.chain(*self._contents().values())))

    def _contents(self) -> dict[str, list[Content]]:
        """Return the contents that go by each holdout's name."""
        contents: dict[str, list[Content]] = {}
        for line in self._file.lines():
            if isinstance(line, HoldoutLine):
                contents.setdefault(line.holdout, []).append(Content(line.utterances))
        return contents

    def openings(self, holdout: str) -> list[ScoredOpening]:
        """Return the openings of a holdout, the first first, each with its score."""
        lines = [line for line in self._file.lines() if line.holdout == holdout]
        scores = {line.opening: line.accuracy for line in lines if isinstance(line, ScoredLine)}
        return [
            ScoredOpening(**dict(line), accuracy=scores.get(line.opening))
            for line in lines
            if isinstance(line, OpenedLine)
        ]

    def other_looks(self, holdout: str) -> list[PaperProtocolLine | ReplayedLine | ProtocolLine]:
        """Return the looks at a holdout that are no openings: by epoch, replays, protocols."""
        kinds = (PaperProtocolLine, ReplayedLine, ProtocolLine)
        lines = [line for line in self._file.lines() if isinstance(line, kinds)]
        chosen = [line for line in lines if line.holdout == holdout]
        return sorted(chosen, key=lambda line: kinds.index(type(line)))

    def looks(self, content: Content) -> list[Look]:
        """Return every line on who looked at a holdout, the first first."""
        holdout = self.name_of(content)
        lines = self._file.lines()
        return [line for line in lines if isinstance(line, Look) and line.holdout == holdout]

    def check(self, content: Content, model: str, *, rescore: bool) -> None:
        """Make sure that a model may score a holdout, before it is trained at length.

        Raises:
            HoldoutError: It, or most of it, has been scored, and `rescore` was not asked for.
        """
        earlier = self.openings(self.name_of(content))
        others = [line for line in earlier if line.model != model or line.accuracy is not None]
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
            others = [line for line in openings if line.study != study]
            if others:
                raise self._scored_before(f"the holdout of study {study}", content, others[0])

    def open(self, content: Content, model: str, looker: Looker, *, rescore: bool) -> Opening:
        """Write that a holdout is opened now.

        Args:
            content: What the holdout holds.
            model: Identity of the model that is to be scored.
            looker: Who opens it.
            rescore: Whether a second look was asked for.

        Raises:
            HoldoutError: As `check`, which another process may have made true meanwhile.
        """
        with self._file.locked():
            self.check(content, model, rescore=rescore)
            holdout, overlaps = self.name_of(content), self.overlaps(content)
            earlier = self.openings(holdout)
            cut = [line for line in earlier if line.model == model and line.accuracy is None]
            if cut:
                return Opening(holdout, cut[0].opening)
            self._note_content(holdout, content)
            name = f"opening_{len(earlier) + 1}"
            line = OpenedLine(
                holdout=holdout, at=now(), **dict(looker), opening=name, model=model,
                overlaps=overlaps,
            )  # fmt: skip
            self._file.append(line)
            return Opening(holdout, name)

    def score(self, holdout: str, opening: str, accuracy: float) -> None:
        """Write what came out of an opening."""
        with self._file.locked():
            self._append_score(holdout, opening, accuracy)

    def complete(self, holdout: str, opening: str, model: str, accuracy: float) -> None:
        """Write what came out of an opening that was cut off after its result was stored."""
        with self._file.locked():
            for line in self.openings(holdout):
                is_meant = (line.opening, line.model) == (opening, model)
                if is_meant and line.accuracy is None:
                    self._append_score(holdout, opening, accuracy)

    def note_paper_protocol(self, holdout: str, looker: Looker, opening: str | None) -> None:
        """Write that a model was tested after every epoch, within an opening."""
        with self._file.locked():
            line = PaperProtocolLine(holdout=holdout, at=now(), **dict(looker), opening=opening)
            self._file.append(line)

    def note_protocol(
        self, content: Content, lookers: Sequence[Looker], name: str, fold: str, *, on_test: bool
    ) -> None:
        """Write that fixed configurations are scored under a protocol, before they are.

        What was cut off and goes on is one look.

        Args:
            content: What the fold's test part holds.
            lookers: Who opens it, for which configurations.
            name: Of the protocol.
            fold: Whose test part it is.
            on_test: Whether each is also tested after every epoch.
        """
        with self._file.locked():
            holdout = self.name_of(content)
            known = {
                (line.config, line.protocol, line.fold, line.test_picked)
                for line in self._file.lines()
                if isinstance(line, ProtocolLine) and line.holdout == holdout
            }
            self._note_content(holdout, content)
            for looker in lookers:
                if (looker.config, name, fold, on_test) not in known:
                    self._file.append(ProtocolLine(
                        holdout=holdout, at=now(), **dict(looker), protocol=name, fold=fold,
                        test_picked=on_test,
                    ))  # fmt: skip

    def note_replay(self, holdout: str, looker: Looker, model: str | None) -> None:
        """Write that a scored model was trained and tested once more."""
        with self._file.locked():
            self._file.append(ReplayedLine(holdout=holdout, at=now(), **dict(looker), model=model))

    def alone_with(self, holdout: str) -> AbstractContextManager[None]:
        """Let no other process retrain for a holdout and score it, not even the same model.

        Raises:
            HoldoutError: Another is at it.
        """
        return self._file.alone_with(holdout)

    def _note_content(self, holdout: str, content: Content) -> None:
        """Write what a holdout holds, unless that stands there."""
        if all(content.digest != known.digest for known in self._contents().get(holdout, ())):
            marks = tuple(dict(utterance) for utterance in content.utterances)
            self._file.append(HoldoutLine(holdout=holdout, at=now(), utterances=marks))

    def _append_score(self, holdout: str, opening: str, accuracy: float) -> None:
        line = ScoredLine(holdout=holdout, at=now(), opening=opening, accuracy=accuracy)
        self._file.append(line)

    def _scored_before(self, subject: str, content: Content, first: ScoredOpening) -> HoldoutError:
        """Return the error that a holdout was scored, or so many of its utterances."""
        n_shared = self._n_scored(content)
        if n_shared < len(content):
            subject = f"{n_shared} of the {len(content)} utterances of {subject}"
        verb = "were" if n_shared < len(content) else "was"
        score = "not finished"
        if first.accuracy is not None:
            score = f"accuracy {100 * first.accuracy:.2f} %"
        return HoldoutError(
            f"{subject} {verb} scored before: study {first.study}, {first.trial}, {first.at}, "
            f"{score}; `make report` and `make sync` show it. A second look makes both optimistic; "
            "rescore=true scores it all the same, and every report will say so"
        )


def now() -> str:
    """Return the time as a line has it (UTC, ISO 8601)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def user() -> str | None:
    """Return the user who opens a holdout; None where the system has no name for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry
        return None
