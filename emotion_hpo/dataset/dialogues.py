"""Batches of whole dialogues, for models that read an utterance among the turns around it.

The labelled utterances are the data set: its length, labels and answers are theirs, so that whoever
trains and scores sees no difference. Every turn that they may see is encoded once a batch, labelled
or not, in buckets of similar length; which of them have a label is told to the loss alone.
A dialogue's turns are in the order of the table's `turn`, or without such a column of their start;
a turn without a place is a dialogue of its own, and so are all turns that are read alone.
"""

from collections.abc import Iterator
from copy import copy

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from emotion_hpo.dataset.batch import Batch, Dialogues, TurnOrder
from emotion_hpo.dataset.batches import BatchSource, Dataset, Reads, Rows, UtteranceDataset
from emotion_hpo.features.utterances import Utterances

#: Turns that are encoded together: of more, the longest pads too many.
_BUCKET = 64

#: Turns of a batch of an evaluation, which holds no gradients.
_EVALUATED = 512

#: Where each turn has a row of its own of those before it, turns of all rows of a batch: about as
#: many as 512 of IEMOCAP's have, while the rows of a dialogue of 2,000 would take 16 GB.
_IN_ROWS = 20_000

#: Of a gap, on either side. Times that are further apart are wrong, and may be beyond float32.
_LONGEST_GAP_S = 1e6


class DialogueDataset(Dataset):
    """Labelled utterances, each read among the turns of its dialogue.

    Args:
        utterances: The labelled ones, as they are read.
        turns: All that is read beside them, them among it.
        reads: How much of a dialogue is read beside an utterance.
    """

    in_dialogues = True

    def __init__(
        self, utterances: Utterances, turns: UtteranceDataset, reads: Reads = "all"
    ) -> None:
        index = pd.Index(turns.utterances.table["utterance_id"])
        places: Rows = index.get_indexer(utterances.ids).astype(np.int64)
        super().__init__(utterances)
        self.n_steps = {name: steps[places] for name, steps in turns.n_steps.items()}
        self._turns, self._reads, self._places = turns, reads, places
        self._source: BatchSource = turns
        self._rows = np.full(len(turns), -1)  # of each turn among the utterances
        self._rows[self._places] = np.arange(len(utterances))
        self._speakers, self._gaps_s, dialogues = read_turns(turns.utterances.table)
        #: Turns of each dialogue in order; one without a label asks for nothing
        self._dialogues = [turns for turns in dialogues if (self._rows[turns] >= 0).any()]

    @property
    def turns(self) -> UtteranceDataset:
        """Return the turns, each alone."""
        return self._turns

    @property
    def places(self) -> Rows:
        """Return where among the turns each utterance stands, `(n,)`."""
        return self._places

    def neighbours(self, first: int, last: int) -> list[Rows]:
        """Return of each utterance the turns at those distances that are read beside it."""
        neighbours = [self._places[:0]] * len(self)
        if self._reads == "alone" or (self._reads == "past" and last > 0):
            return neighbours
        for turns in self._dialogues:
            for at in map(int, np.flatnonzero(self._rows[turns] >= 0)):
                neighbours[self._rows[turns[at]]] = turns[max(0, at + first) : at + last + 1]
        return neighbours

    def reading_from(self, source: BatchSource) -> BatchSource:
        """Return the same, the turns' features read from there."""
        other = copy(self)
        other._source, other.labels = source, self.labels.to(source.labels.device)
        return other

    def reading(self, reads: Reads) -> "DialogueDataset":
        """Return the same with all of each dialogue, or what was said before, or nothing of it."""
        other = copy(self)
        other._reads = reads
        return other

    def epoch(
        self, batch_size: int, bucket_batches: int, seed: list[int]  # noqa: ARG002 (by dialogues)
    ) -> Iterator[Batch]:  # fmt: skip
        """Yield every utterance once, in batches of whole dialogues, in random order.

        Args:
            batch_size: Turns a batch; a dialogue of more is one alone.
            bucket_batches: Nothing: a batch has buckets of its own.
            seed: Of the order.
        """
        order = np.random.default_rng(seed).permutation(len(self._dialogues))
        for dialogues in pack([self._dialogues[at] for at in order], batch_size):
            yield from self._batches(dialogues)

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every utterance once, in batches of dialogues of similar length."""
        by_length = sorted(self._dialogues, key=len)
        for dialogues in pack(by_length, max(batch_size, _EVALUATED)):
            yield from self._batches(dialogues)

    def by_length(self, batch_size: int, rows: Rows | None = None) -> list[Rows]:
        """Return the rows, or some of them, in batches of similar length."""
        chosen = np.arange(len(self)) if rows is None else rows
        return [
            self._rows[turns] for turns in self._turns.by_length(batch_size, self._places[chosen])
        ]

    def batch(self, rows: Rows) -> Batch:
        """Make a batch of some utterances, each alone."""
        modalities = self._source.batch(self._places[rows]).modalities
        where = torch.from_numpy(np.ascontiguousarray(rows)).to(self.labels.device)
        return Batch(modalities, self.labels[where], where)

    def subset(self, rows: Rows) -> "DialogueDataset":
        """Return some of the utterances; what they are read among stays."""
        chosen = self.utterances.subset(rows)
        return DialogueDataset(chosen, self._turns, self._reads)

    def _batches(self, dialogues: list[Rows]) -> Iterator[Batch]:
        """Yield all that is asked of some dialogues: one batch, unless their rows are many."""
        yield from map(self._batch, pack(self._lines(dialogues), _IN_ROWS))

    def _batch(self, lines: list[Rows]) -> Batch:
        """Make a batch of rows of turns that are read together."""
        lengths = np.array([len(line) for line in lines])
        every = np.concatenate(lines)
        answered = self._rows[every] >= 0
        if self._reads == "past":  # those before the last of a row have rows of their own
            is_last = np.zeros(len(every), bool)
            is_last[lengths.cumsum() - 1] = True
            answered = is_last
        mask_RL = np.arange(lengths.max()) < lengths[:, None]
        turns = np.unique(every)
        is_uniform = all(steps[turns].max() <= 1 for steps in self._source.n_steps.values())
        buckets = [turns] if is_uniform else self._turns.by_length(_BUCKET, turns)
        place_of = np.zeros(len(self._turns), np.int64)
        place_of[np.concatenate(buckets)] = np.arange(len(turns))

        def spread(values: NDArray[np.generic], absent: float) -> torch.Tensor:
            spread_RL = np.full(mask_RL.shape, absent, values.dtype)
            spread_RL[mask_RL] = values[every]
            return torch.from_numpy(spread_RL).to(self.labels.device)

        order = TurnOrder(
            torch.from_numpy(mask_RL).to(self.labels.device),
            spread(self._speakers, -1),
            spread(self._gaps_s, 0),
        )
        modalities = tuple(self._source.batch(bucket).modalities for bucket in buckets)
        rows = torch.from_numpy(self._rows[every][answered]).to(self.labels.device)
        places = torch.from_numpy(np.flatnonzero(mask_RL)[answered]).to(self.labels.device)
        return Batch(
            {},
            self.labels[rows],
            rows,
            dialogues=Dialogues(modalities, spread(place_of, 0), order, places),
        )

    def _lines(self, dialogues: list[Rows]) -> list[Rows]:
        """Return rows of turns that are read together; of the past, up to each one's last."""
        if self._reads == "all":
            return dialogues
        return [
            turns[: at + 1] if self._reads == "past" else turns[at : at + 1]
            for turns in dialogues
            for at in np.flatnonzero(self._rows[turns] >= 0)
        ]


def read_turns(
    table: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.float32], list[Rows]]:
    """Return of each turn its speaker, the gap before it, and the turns of each dialogue in order.

    Args:
        table: Turns, of which `dialogue`, `speaker`, `turn`, `start_s` and `end_s` are read where
            there are such columns.

    Returns:
        Speakers `(n,)`, numbered in any way, -1 where unknown; seconds `(n,)` from the end of the
        turn before in the same dialogue, 0 where unknown; rows of the table for each dialogue.
    """
    # All of `turn` missing says that there is no order: such starts are those of recordings
    order_by = "turn" if "turn" in table else "start_s"
    table = table.reindex(columns=["session", "dialogue", "speaker", "turn", "start_s", "end_s"])
    table = table.reset_index(drop=True)
    speakers = pd.factorize(table["speaker"])[0].astype(np.int64)
    times = table[["turn", "start_s", "end_s"]].astype(float)
    rank = times[order_by]
    is_placed = rank.notna() & table["dialogue"].notna()
    order = rank[is_placed].sort_values(kind="stable").index
    groups = table.loc[order].groupby(["session", "dialogue"], sort=False, dropna=False)
    sizes = np.bincount(numbers := groups.ngroup().to_numpy())
    placed = order.to_numpy(np.int64)[np.argsort(numbers, kind="stable")]
    dialogues = np.split(placed, np.cumsum(sizes)[:-1]) if len(placed) else []
    dialogues += [np.array([row]) for row in np.flatnonzero(~is_placed)]
    gaps_s = np.zeros(len(table), np.float32)
    starts, ends = times["start_s"].to_numpy(), times["end_s"].to_numpy()
    for turns in dialogues:
        is_timed = _has_moved(starts[turns])[1:]
        with np.errstate(over="ignore"):
            between_s = np.nan_to_num(starts[turns[1:]] - ends[turns[:-1]])
        between_s = between_s.clip(-_LONGEST_GAP_S, _LONGEST_GAP_S)
        gaps_s[turns[1:]] = np.where(is_timed, between_s, 0)
    return speakers, gaps_s, dialogues


def _has_moved(starts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return at which turns of a dialogue its clock has moved, by the turns so far alone.

    Where all start at once, their times are those of recordings of their own.
    """
    known = starts[np.isfinite(starts)]
    if not len(known):
        return np.zeros(len(starts), bool)
    return np.maximum.accumulate(np.isfinite(starts) & (starts != known[0]))


def count_batches(utterances: Utterances, n_turns: int) -> int:
    """Return about how many batches of so many turns hold the dialogues of some utterances."""
    table = utterances.turns.table
    is_labelled = table["utterance_id"].isin(utterances.ids).to_numpy()
    dialogues = [turns for turns in read_turns(table)[2] if is_labelled[turns].any()]
    return sum(1 for _ in pack(dialogues, n_turns))


def number_turns(utterances: Utterances) -> NDArray[np.int64]:
    """Return the number of each utterance among all turns of its dialogue `(n,)`, from 1."""
    table = utterances.turns.table
    numbers = np.ones(len(table), np.int64)
    for turns in read_turns(table)[2]:
        numbers[turns] += np.arange(len(turns))
    rows: Rows = pd.Index(table["utterance_id"]).get_indexer(utterances.ids).astype(np.int64)
    return numbers[rows]


def pack(dialogues: list[Rows], n_turns: int) -> Iterator[list[Rows]]:
    """Yield successive dialogues of so many turns at most; of more, a dialogue alone."""
    batch: list[Rows] = []
    size = 0
    for turns in dialogues:
        if batch and size + len(turns) > n_turns:
            yield batch
            batch, size = [], 0
        batch.append(turns)
        size += len(turns)
    if batch:
        yield batch
