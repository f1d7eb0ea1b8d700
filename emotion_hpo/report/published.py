"""Figures that others have published, each with its source: `published.yaml`, checked when read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from emotion_hpo.config.base import Section

_FILE = Path(__file__).with_name("published.yaml")

#: A figure in per cent, or the weighted and the unweighted accuracy.
Figure = float | tuple[float, float]

#: How the epoch of a figure was chosen.
Kind = Literal["peak", "last", "reported", "measured"]


class PublishedRow(Section):
    """A row of a published table."""

    key: str = Field(description="of it alone; that of its preset where it has one")
    row: str = Field(description="as the table names it")
    peak: Figure | None = Field(None, description="of the best epoch, or draw, on the test part")
    last: Figure | None = Field(None, description="of the last epoch, by the source's own logs")
    reported: Figure | None = Field(None, description="of an epoch that nobody names")
    measured: Figure | None = Field(None, description="this project's, by another model")
    model: str | None = Field(None, description="preset that is trained for it")
    members: tuple[str, ...] = Field((), description="rows whose answers are combined")
    rule: Literal["average", "weighted", "maximum_confidence"] | None = Field(
        None, description="how"
    )
    training: tuple[str, ...] | None = Field(None, description="overrides; null: the table's")
    epochs: int | None = Field(None, description="of its source; null: of its training's preset")
    features: str = Field("paper", description="preset of `conf/features/`")
    protocol: str | None = Field(None, description="null: the table's")
    source: str | None = Field(None, description="null: the table's")
    place: str | None = Field(None, description="in the source; null: the table's")
    remark: str = Field("", description="what a reader must know of the published figure")


class PublishedTable(Section):
    """A published table."""

    name: str
    title: str
    source: str
    place: str = Field(description="in the source")
    protocol: str = Field(description="the protocol of `evaluate` that is nearest to its own")
    merged: bool = Field(False, description="happy counts as excited: 5,531 utterances")
    training: tuple[str, ...] = Field((), description="overrides of how its models are trained")
    rows: tuple[PublishedRow, ...] = Field(min_length=1)

    def protocol_of(self, row: PublishedRow) -> str:
        """Return the protocol of a row."""
        return row.protocol or self.protocol

    def training_of(self, row: PublishedRow) -> tuple[str, ...]:
        """Return the overrides of how a row is trained."""
        return self.training if row.training is None else row.training


class Claim(Section):
    """What a source claims: that one row is better than another."""

    claim: str
    published: str = Field(description="both figures, as printed")
    first: str = Field(description="key of a row; `@protocol` where not its own")
    second: str
    needs_glove: bool = Field(False, description="says nothing where GloVe is replaced")


class _Published(Section):
    tables: tuple[PublishedTable, ...]
    claims: tuple[Claim, ...]
    extra: tuple[PublishedRow, ...]


@dataclass(frozen=True)
class PublishedFigure:
    """A figure by itself, with all that says where it is from.

    Attributes:
        source: Who published it.
        table: Its table.
        row: Its row.
        value: In per cent.
        metric: `accuracy` (the field's weighted accuracy) or `uar` (its unweighted one).
        kind: How its epoch was chosen.
        protocol: Nearest protocol of `evaluate`.
        place: In the source.
    """

    source: str
    table: str
    row: str
    value: float
    metric: str
    kind: Kind
    protocol: str
    place: str


@cache
def _published() -> _Published:
    return _Published.model_validate(yaml.safe_load(_FILE.read_text("utf-8")))


def published_tables() -> tuple[PublishedTable, ...]:
    """Return every table, the main one first."""
    return _published().tables


def published_claims() -> tuple[Claim, ...]:
    """Return what the sources claim of their rows."""
    return _published().claims


def extra_rows() -> tuple[PublishedRow, ...]:
    """Return rows that no source has, for the other side of a claim."""
    return _published().extra


def published_figures() -> list[PublishedFigure]:
    """Return every figure of every table."""
    figures = []
    for table in published_tables():
        for row in table.rows:
            source, place = row.source or table.source, row.place or table.place
            kinds: Sequence[tuple[Kind, Figure | None]] = (
                ("peak", row.peak), ("last", row.last), ("reported", row.reported),
                ("measured", row.measured),
            )  # fmt: skip
            for kind, figure in kinds:
                values = figure if isinstance(figure, tuple) else (figure,)
                for metric, value in zip(("accuracy", "uar"), values, strict=False):
                    if value is not None:
                        protocol = table.protocol_of(row)
                        figures.append(PublishedFigure(
                            source, table.name, row.row, value, metric, kind, protocol, place
                        ))  # fmt: skip
    return figures
