"""Rows of published tables as configurations: presets, and what the command line adds to them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotion_hpo.cli.composition import compose
from emotion_hpo.cli.registry import COMMANDS
from emotion_hpo.config import NetworkModel, SearchConfig, build, dump, flatten, with_value
from emotion_hpo.config.corpus import LabelledCorpus
from emotion_hpo.final.paper_rows import PaperRow
from emotion_hpo.report.published import (
    PublishedRow,
    PublishedTable,
    extra_rows,
    published_claims,
)
from emotion_hpo.runtime.formatting import format_count

#: What of a command line counts for every row; its model is its own.
_SHARED = ("features.", "training.")

#: A row and what its group of features is called.
GroupedRow = tuple[str, PaperRow]


def compose_rows(
    config: SearchConfig,
    requested: Mapping[str, Any],
    tables: Sequence[PublishedTable],
    *,
    epochs: int | None,
    vectors: Path,
    has_extra: bool,
) -> list[GroupedRow]:
    """Return the rows that are trained, the main table first, and the group of each.

    Args:
        config: Corpus, launcher and storage of all.
        requested: Path → value that the command line sets.
        tables: Published tables.
        epochs: Of each training; None: of each row's source, 30 where that is not known.
        vectors: Word vectors, of rows that read some.
        has_extra: Whether rows are needed that no table has, for the claims.
    """
    shared = {path: value for path, value in flatten(requested).items()
              if path.startswith(_SHARED)}  # fmt: skip
    rows: dict[str, GroupedRow] = {}
    for table in tables:
        corpus = _corpus_of(config, is_merged=table.merged)
        for row in table.rows:
            if row.model is not None:
                composed = _compose(corpus, row, table.training_of(row), shared, epochs, vectors)
                group = row.features + "-merged" * (corpus.corpus != config.corpus)
                protocol = table.protocol_of(row)
                rows[row.key] = group, PaperRow(row.key, composed, protocol)
    if has_extra:
        for row in extra_rows():
            composed = _compose(config, row, row.training or (), shared, epochs, vectors)
            paper_row = PaperRow(row.key, composed, row.protocol or "session5", test_picked=False)
            rows[row.key] = row.features, paper_row
        for key in [side for claim in published_claims() for side in (claim.first, claim.second)]:
            plain, at, protocol = key.partition("@")
            if at and key not in rows:
                group, paper_row = rows[plain]
                other = replace(paper_row, key=key, protocol=protocol, test_picked=False)
                rows[key] = group, other
    return list(rows.values())


def _corpus_of(config: SearchConfig, *, is_merged: bool) -> SearchConfig:
    """Return the corpus with happy merged into excited, where it tells them apart."""
    corpus = config.corpus
    if not is_merged or not isinstance(corpus, LabelledCorpus) or corpus.merge:
        return config
    merged = corpus.model_copy(update={"merge": {"hap": "exc"}})
    return config.model_copy(update={"corpus": merged})


def _compose(
    config: SearchConfig,
    row: PublishedRow,
    training: Sequence[str],
    shared: Mapping[str, Any],
    epochs: int | None,
    vectors: Path,
) -> SearchConfig:
    """Return a row's configuration, as the command line of `search` would compose it."""
    words = [f"model={row.model}", f"features={row.features}", *training]
    if not any(word.startswith("training=") for word in words):
        words.append("training=paper")
    if row.epochs is not None:
        words.append(f"training.epochs={row.epochs}")
    composition = compose(COMMANDS["search"], words)
    assert composition is not None, "none of these words asks for help"
    composed = composition.with_own_keys(SearchConfig)
    parts = {name: composed[name] for name in ("model", "features", "training")}
    plain: dict[str, Any] = dump(config) | parts | {"space": {}}
    for path, value in shared.items():
        plain = with_value(plain, path, value)
    if epochs is not None:
        plain = with_value(plain, "training.epochs", epochs)
    built = build(SearchConfig, plain)
    if isinstance(built.model, NetworkModel) and "text" in built.model.encoders:
        embedding = getattr(built.model.encoders["text"], "embedding", None)
        if embedding is not None and embedding.vectors == "pretrained":
            built = build(SearchConfig, with_value(plain, "features.text.vectors", str(vectors)))
    return built


def remarks_of(config: SearchConfig, epochs: int | None, *, has_glove: bool) -> list[str]:
    """Say in what the rows differ from their sources."""
    remarks = []
    if not has_glove:
        remarks.append(
            "No GloVe file was given (`glove=FILE`, `GLOVE=FILE`): rows with GloVe read vectors of "
            "the words of all sessions but the last, learnt from which words stand together; of "
            "pretrained vectors over random ones nothing is said."
        )
    if not isinstance(config.corpus, LabelledCorpus):
        remarks.append(
            "This corpus does not tell happy from excited: the rows of 5,531 utterances are "
            "trained on the same as the others."
        )
    if epochs is not None:
        n = format_count(epochs, "epoch")
        remarks.append(f"Every training ended after {n}, not as its source's.")
    return remarks
