"""Anyone's corpus: a table of utterances, and ready-made features where there are any.

In: a CSV or Parquet table with at least `utterance_id`, `speaker`, `session` and `emotion`, and any
other column of the utterance table; a file of features a modality. So a corpus of one's own, or
embeddings of any pretrained model, need no code. Paths of recordings are relative to the table's
folder. Without `dialogue`, each utterance is one: say so if yours are not independent. Where the
table says how dialogues run, rows without an emotion, or of no class, are their context.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config.corpus import ManifestCorpus
from emotion_hpo.config.split import SESSION
from emotion_hpo.corpus import sound
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import N_NAMED, Fault, raise_if_any
from emotion_hpo.corpus.labels import spelling_remarks
from emotion_hpo.corpus.manifest_features import FeatureFile
from emotion_hpo.corpus.manifest_table import Rows, read_rows
from emotion_hpo.corpus.schema import Recording, validate_table
from emotion_hpo.errors import CorpusError

__all__ = ["Manifest", "open_corpus"]

_LATE_S = 0.5  # a recording may end this much before its last utterance does


@dataclass(frozen=True)
class Manifest:
    """A table and its features (the `Corpus` protocol).

    Attributes:
        path: The table.
        features: Pairs of a modality and its file.
        chosen: Classes in the order of the outputs; empty: all emotions of the table, sorted.
        synthetic: Whether its content is invented.
        strict: Whether any fault is an error.
        session_column: Column whose values are the sessions.
    """

    path: Path
    features: tuple[tuple[str, Path], ...] = ()
    chosen: tuple[str, ...] = ()
    synthetic: bool = False
    strict: bool = False
    session_column: str = SESSION

    name = "manifest"

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions, in the order of the network's outputs."""
        return self.chosen or tuple(sorted(self._rows.table["emotion"].dropna().unique()))

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the columns and the files of features hold."""
        columns = {"speech": "audio", "text": "transcript"}
        table = self._rows.table
        held = {modality for modality, column in columns.items() if table[column].notna().any()}
        return tuple(sorted(held | self._files.keys()))

    @property
    def ready_made(self) -> tuple[str, ...]:
        """What the files of features hold."""
        return tuple(sorted(self._files))

    def check(self) -> None:
        """Read the table and open the files of features; where it is strict, hear recordings, too.

        Raises:
            CorpusError: One of them is missing or broken, or it is strict and at fault.
        """
        _ = self._files  # opened when first looked at
        if self.strict:
            raise_if_any(self.faults())

    def sessions(self) -> tuple[str, ...]:
        """All sessions, sorted."""
        return tuple(sorted(self._table["session"].unique()))

    def remarks(self) -> tuple[str, ...]:
        """What is context or left out, and what a reader of the figures must know."""
        rows = self._rows
        counts = rows.table["emotion"].value_counts()
        remarks = [*spelling_remarks({str(label): n for label, n in counts.items()})]
        others = [f"{n} of {label}" for label, n in counts.items() if label not in self.classes]
        if n_without := int(rows.table["emotion"].isna().sum()):
            others.append(f"{n_without} without an emotion")
        if others:
            outcome = "context alone" if rows.has_order else "left out"
            remarks.append(f"{outcome}, as no class here: {', '.join(others)}")
        if unknown := self._votes_for_no_class():
            counts_of = ", ".join(f"{n:g} for {label}" for label, n in unknown.most_common(20))
            remarks.append(f"votes left out, as for no class here: {counts_of}")
        if not rows.has_dialogues:
            remarks.append("no column dialogue: every utterance counts as independent")
        if divided := self._divided_dialogues():
            named = ", ".join(divided[:N_NAMED]) + ", …" * (len(divided) > N_NAMED)
            remarks.append(
                f"dialogues with utterances of several values of {self.session_column}: "
                f"{len(divided)} ({named}); if their numbers begin anew in each, put its name "
                "before them, else utterances of one scene are on both sides"
            )
        if self.synthetic:
            remarks.append("synthetic, as configured")
        return tuple(remarks)

    def _divided_dialogues(self) -> list[str]:
        """Return the dialogues that no session holds as a whole, sorted."""
        n_sessions = self._rows.table.groupby("dialogue")["session"].nunique()
        return [str(name) for name in n_sessions.index[n_sessions > 1]]

    def _votes_for_no_class(self) -> "Counter[str]":
        votes: Counter[str] = Counter()
        for counts in self._rows.table["votes"].dropna():
            votes.update({k: n for k, n in json.loads(counts).items() if k not in self.classes})
        return votes

    def faults(self) -> tuple[Fault, ...]:
        """Recordings that are missing or unusable, utterances that features lack."""
        return (*self._heard[1], *(fault for file in self._files.values() for fault in file.faults))

    def fingerprint(self, session: str, digests: Digests) -> str:
        """Changes with the session's rows, its recordings and its ready-made features."""
        rows = self._session(session)
        digest = hashlib.sha256(f"{session} {self.classes} ".encode())
        columns = ["audio"] if rows["turn"].notna().any() else ["audio", "turn"]
        digest.update(rows.drop(columns=columns).to_json(orient="split").encode())
        paths = [self._root / str(audio) for audio in rows["audio"].fillna("")]
        heard = [digests.of(path) if path.is_file() else None for path in paths]
        features = [
            f"{modality} {file.digest(list(rows['utterance_id']), digests)}"
            for modality, file in self._files.items()
        ]
        digest.update(repr((heard, features)).encode())
        return digest.hexdigest()

    def table(self, session: str) -> pd.DataFrame:
        """The session's turns; headers of recordings are read."""
        return self._session(session).copy()

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        """Read a dialogue's recordings and features, one utterance at a time."""
        rows = self._session(session)
        rows = rows[rows["dialogue"] == dialogue]
        if rows.empty:
            raise CorpusError(f"{self.path}: session {session} has no dialogue {dialogue!r}")
        for row in rows.to_dict("records"):
            utterance_id = str(row["utterance_id"])
            features = {
                modality: values
                for modality, file in self._files.items()
                if (values := file.of(utterance_id)) is not None
            }
            sources = {modality: self._files[modality].path.name for modality in features}
            if row["has_speech"] and "speech" not in self._files:
                sources["speech"] = row["audio"]
                samples, rate, faults = self._samples(row)
            else:
                samples, rate, faults = None, sound.ANY_RATE_HZ, ()
            yield Recording(
                utterance_id, samples, rate, features=features, sources=sources, faults=faults
            )

    def _samples(
        self, row: Mapping[Any, Any]
    ) -> tuple[NDArray[np.float32] | None, int, tuple[Fault, ...]]:
        cut = (row["start_s"], row["end_s"]) if self._rows.has_times else (None, None)
        place = f"{row['audio']}, {row['utterance_id']}"
        read, rate, faults = sound.read_usable_samples(self._root / row["audio"], place, *cut)
        return None if read is None else sound.average_channels(read), rate, faults

    def _session(self, session: str) -> pd.DataFrame:
        if session not in self.sessions():
            valid = ", ".join(self.sessions())
            raise CorpusError(f"{self.path}: no session {session!r} (valid: {valid})")
        return self._table[self._table["session"] == session].reset_index(drop=True)

    @cached_property
    def _rows(self) -> Rows:
        return read_rows(self.path, self.chosen, self.session_column)

    @cached_property
    def _files(self) -> dict[str, FeatureFile]:
        """Modality → its ready-made features."""
        ids = list(self._rows.table["utterance_id"])
        return {modality: FeatureFile(path, modality, ids) for modality, path in self.features}

    @cached_property
    def _table(self) -> pd.DataFrame:
        """All utterances of the classes and their context, with the flags of what is there.

        A session without an utterance of a class is none.
        """
        table, rows = self._heard[0], self._rows
        is_labelled = table["emotion"].isin(self.classes)
        if not is_labelled.any():
            raise CorpusError(f"{self.path}: no utterance of {', '.join(self.classes)}")
        if rows.has_order:
            is_read = table["session"].isin(table["session"][is_labelled])
            table = table.assign(emotion=table["emotion"].where(is_labelled, None))[is_read]
            if not rows.has_turns:
                table = table.drop(columns="turn")  # by the times
        else:
            table = table[is_labelled]
        return validate_table(table, self.classes, str(self.path))

    @cached_property
    def _heard(self) -> tuple[pd.DataFrame, list[Fault]]:
        """The table with flags and times, and what is wrong with recordings."""
        table, faults = self._rows.table.copy(), []
        lengths = []
        for audio, end_s in zip(table["audio"], table["end_s"], strict=True):
            path, seconds, fault = self._header(audio)
            if seconds is not None and self._rows.has_times and seconds < end_s - _LATE_S:
                # Times within a dialogue, beside a recording of the utterance alone?
                seconds, fault = None, "recording ends before end_s"
            lengths.append(seconds)
            if fault:
                faults.append(Fault(fault, str(path)))
        heard = pd.Series(lengths, index=table.index, dtype=float)
        if not self._rows.has_times:
            table["start_s"] = heard.where(heard.isna(), 0.0)
            table["end_s"] = heard
        table["has_speech"] = heard.notna()
        table["has_text"] = table["transcript"].notna()
        table["has_mocap"] = False
        for modality, file in self._files.items():
            if f"has_{modality}" in table:
                table[f"has_{modality}"] = table["utterance_id"].map(file.has).astype(bool)
        return table, faults

    def _header(self, audio: object) -> tuple[Path | None, float | None, str | None]:
        """Path and length of a recording, or what is wrong with it."""
        if not isinstance(audio, str):
            return None, None, None
        path = self._root / audio
        if not path.is_file():
            return path, None, "missing wav"
        try:
            header = sound.read_header(path)
        except CorpusError:
            return path, None, sound.UNREADABLE
        return (path, header.seconds, None) if header.n_frames else (path, None, "empty wav")

    @property
    def _root(self) -> Path:
        return self.path.parent

    def __getstate__(self) -> dict[str, Any]:
        settings = {"path", "features", "chosen", "synthetic", "strict", "session_column"}
        return {key: value for key, value in vars(self).items() if key in settings}


def open_corpus(config: ManifestCorpus, session_column: str = SESSION) -> Manifest:
    """Open the configured table and its files of features, and check them.

    Args:
        config: The table and what belongs to it.
        session_column: Column whose values are the sessions.

    Raises:
        CorpusError: The table or a file of features is missing or broken, or strict and at fault.
    """
    corpus = Manifest(
        path=config.table,
        features=tuple(sorted(config.features.items())),
        chosen=config.classes or (),
        synthetic=config.synthetic,
        strict=config.strict,
        session_column=session_column,
    )
    corpus.check()
    return corpus
