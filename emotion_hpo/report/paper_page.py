"""The page of the published tables: theirs beside ours, claims, and what modules are worth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from emotion_hpo.metrics.confidence_interval import Interval
from emotion_hpo.report.document import Card, Page, PageSection, Table, Text
from emotion_hpo.report.formatting import METHODS, format_difference_ends, format_ends
from emotion_hpo.report.page_files import write_page
from emotion_hpo.report.published import Figure, PublishedRow, PublishedTable, published_tables
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.splits.protocols import PROTOCOLS
from emotion_hpo.study import ReportHome
from emotion_hpo.study.records.paper import ModularityResult, PaperResult
from emotion_hpo.study.records.protocol import ProtocolResult

_COLUMNS = (
    "row", "protocol", "published", "its epoch", "its last epoch", "ours: accuracy",
    "95 % interval", "ours: UAR", "ours, as published: CHOSEN ON THE TEST",
    "ours, as published: last epoch", "weights", "s an epoch",
)  # fmt: skip

_NOTES = (
    "Published: two figures are weighted and unweighted accuracy. Its epoch: chosen on the test "
    "part (of Sobczak: the draw), unknown, or a figure that no source has published: this "
    "project's, measured with another model than the row's.",
    "Ours: the epoch chosen on validation, which shares no utterance with the test part; the mean "
    "over the seeds. CHOSEN ON THE TEST: a training on the validation part too, at its best epoch "
    "on the test part, as the source would print it; it estimates nothing.",
    "Tripathi's models are trained with the optimisers, batch sizes and epochs of the source's "
    "notebooks, 30 epochs where these are not known; Sobczak's, Multi-Focus' and PATHOSnet's, "
    "whose training is not known here, as Tripathi's combined network: Adam, batches of 64, 30 "
    "epochs.",
    METHODS,
)


def write_paper(result: PaperResult, home: ReportHome) -> Path:
    """Write the page, and its tables as CSV and LaTeX; return the page's file."""
    return write_page(paper_page(result), home)


def paper_page(result: PaperResult) -> Page:
    """Return the page."""
    ours = {row.key: row.result for row in result.rows}
    reasons = {left.key: left.reason for left in result.left_out}
    tables = [table for table in published_tables() if any(row.key in ours for row in table.rows)]
    return Page(
        title="Published tables, reproduced",
        kind="Reproduction",
        lead="Which published figures and claims hold under selection that never sees the test?",
        synthetic=result.synthetic,
        cards=_cards(result, ours),
        sections=[
            section
            for section in (
                PageSection("tables", "Theirs beside ours", [
                    *(Text(remark, is_remark=True) for remark in result.remarks),
                    *map(Text, _NOTES),
                    *(_table(table, ours, reasons) for table in tables),
                ]),
                PageSection("claims", "Which published claims hold", _claims(result)),
                PageSection("modules", "What modules are worth", _modularity(result)),
                PageSection("protocols", "Protocols and sources", [
                    _protocols(ours), _sources(tables), _left_out(result), _machine(result),
                ]),
            )
            if section.blocks
        ],
        foot="Made by emotion_hpo. Every look at a test part stands in holdout_ledger.jsonl.",
    )  # fmt: skip


def _cards(result: PaperResult, ours: Mapping[str, ProtocolResult]) -> list[Card]:
    epochs = "each source's, or 30" if result.epochs is None else str(result.epochs)
    cards = [
        Card("rows trained", str(len(result.rows)), f"{len(result.left_out)} left out"),
        Card("utterances", f"{result.n_utterances:,}", f"corpus {result.corpus}"),
        Card("seeds", str(len(result.seeds)), f"epochs: {epochs}"),
    ]
    if (combined := ours.get("tripathi/combined")) is not None:
        accuracy = f"{100 * combined.pooled_accuracy.mean:.2f} %"
        cards.append(Card("the combined network", accuracy, "published: 71.04 %, best test epoch"))
    return cards


def _table(
    table: PublishedTable, ours: Mapping[str, ProtocolResult], reasons: Mapping[str, str]
) -> Table:
    rows = [_cells(row, ours.get(row.key), reasons.get(row.key)) for row in table.rows]
    remarks = "; ".join(f"{row.row}: {row.remark}" for row in table.rows if row.remark)
    return Table(table.name, table.title, _COLUMNS, rows, f"{remarks}." if remarks else "")


def _cells(row: PublishedRow, ours: ProtocolResult | None, reason: str | None) -> tuple[str, ...]:
    published, epoch = _published(row)
    if ours is None:
        why = "quoted" if row.model is None and not row.members else (reason or "not trained")
        return (row.row, why, published, epoch, _format(row.last), *["–"] * 7)
    picked = ours.test_picked
    has_last = picked is not None and not row.members
    return (
        row.row,
        ours.protocol,
        published,
        epoch,
        _format(row.last),
        _share(ours.pooled_accuracy.mean),
        format_ends(ours.pooled_accuracy.interval).removesuffix(" %"),
        _share(ours.pooled_uar.mean),
        _share(picked.accuracy) if picked is not None else "–",
        _share(picked.last_accuracy) if picked is not None and has_last else "–",
        f"{ours.n_parameters:,}",
        f"{ours.epoch_seconds:.2f}",
    )


def _published(row: PublishedRow) -> tuple[str, str]:
    """Return a row's figure, and how its epoch was chosen."""
    if row.peak is not None:
        return _format(row.peak), "on the test"
    if row.measured is not None:
        return "–", f"measured, another model: {_format(row.measured)}"
    return _format(row.reported), "unknown"


def _format(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    return (
        " / ".join(f"{value:.2f}" for value in figure)
        if isinstance(figure, tuple)
        else (f"{figure:.2f}")
    )


def _share(value: float) -> str:
    return f"{100 * value:.2f}"


def _claims(result: PaperResult) -> list[Table]:
    rows = [
        (
            claim.claim, claim.published, f"{claim.first} less {claim.second}",
            _points(claim.difference), format_difference_ends(claim.difference),
            _verdict(claim.difference),
        )
        for claim in result.claims
    ]  # fmt: skip
    columns = ("claim", "published", "rows", "difference, points", "95 % interval", "it")
    note = (
        "Differences of accuracy over the same test utterances, the epochs of both chosen on "
        f"validation, seeds paired. {METHODS} An interval that holds 0 decides nothing."
    )
    return [Table("claims", "Claims, as paired differences", columns, rows, note)] if rows else []


def _verdict(difference: Interval) -> str:
    """Return what an interval says of a claim.

    >>> [_verdict(Interval(0.0, low, high)) for low, high in ((0.1, 0.2), (-0.2, -0.1), (-1, 1))]
    ['holds', 'is the other way round', 'is open']
    """
    if difference.ends is None:
        return "is open"
    low, high = difference.ends
    return "holds" if low > 0 else "is the other way round" if high < 0 else "is open"


def _points(interval: Interval) -> str:
    return "–" if interval.estimate is None else f"{100 * interval.estimate:+.2f}"


def _modularity(result: PaperResult) -> list[Table]:
    rows = [_module_cells(each) for each in result.modularity]
    columns = (
        "change of the trained network", "accuracy", "trained whole", "difference, points",
        "95 % interval", "weights trained", "of", "s an epoch", "whole",
    )  # fmt: skip
    note = (
        "The encoders are those of the combined network of the first seed, frozen; what is new, "
        "and the head, is trained on the same training part. Seconds are of an epoch of each. A "
        "whole network that is a row of a table is trained as that row."
    )
    title = "Replace an encoder, or take a modality away"
    return [Table("modularity", title, columns, rows, note)] if rows else []


def _module_cells(each: ModularityResult) -> tuple[str, ...]:
    part, whole = each.part, each.whole
    return (
        each.change, _share(part.pooled_accuracy.mean), _share(whole.pooled_accuracy.mean),
        _points(each.difference), format_difference_ends(each.difference),
        f"{part.n_parameters:,}", f"{whole.n_parameters:,}",
        f"{part.epoch_seconds:.2f}", f"{whole.epoch_seconds:.2f}",
    )  # fmt: skip


def _protocols(ours: Mapping[str, ProtocolResult]) -> Table:
    used = dict.fromkeys(result.protocol for result in ours.values())
    rows = [(name, PROTOCOLS[name].description) for name in used]
    return Table("protocols", "Protocols", ("protocol", "what it divides"), rows)


def _sources(tables: Sequence[PublishedTable]) -> Table:
    rows = {
        (table.title, row.source or table.source, row.place or table.place): None
        for table in tables
        for row in table.rows
    }
    columns = ("table", "source", "place")
    return Table("sources", "Where the published figures are from", columns, list(rows))


def _left_out(result: PaperResult) -> Text | Table:
    if not result.left_out:
        return Text("Every row that is not quoted was trained.")
    rows = [(left.key, left.reason) for left in result.left_out]
    return Table("left_out", "Rows that could not be trained here", ("row", "why"), rows)


def _machine(result: PaperResult) -> Text:
    machine = result.hardware
    cores = format_count(machine.cores or 0, "core")
    gpus = ", ".join(machine.gpus) or "no GPU"
    return Text(f"Machine: {machine.processor}, {cores}, {machine.memory_gb} GB, {gpus}.")
