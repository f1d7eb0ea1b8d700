"""`emotion-hpo paper`: the published tables, theirs beside ours, on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from emotion_hpo.cli.jobs import job_trainer
from emotion_hpo.cli.pages import show_page
from emotion_hpo.config import SearchConfig, fingerprint
from emotion_hpo.console.output import echo
from emotion_hpo.console.paper import show_paper
from emotion_hpo.console.progress import preparing
from emotion_hpo.errors import ConfigError, FeatureError, StudyError, unknown_name
from emotion_hpo.study import StudyHome, check_writable, make_folder
from emotion_hpo.study.facts import collect_facts
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.paper import (
    ClaimResult,
    LeftOut,
    ModularityResult,
    PaperResult,
    PaperRowResult,
)

if TYPE_CHECKING:
    from emotion_hpo.features.store import FeatureStore
    from emotion_hpo.final.paper_rows import PaperRow, TrainedGroup
    from emotion_hpo.final.protocols import Answered
    from emotion_hpo.report.published import PublishedTable

_COMBINED = "tripathi/combined"
_DIMENSIONS = 300  # of GloVe, as the source reads it


class PaperCommand(SearchConfig):
    """`emotion-hpo paper`."""

    output: Path | None = Field(description="also write the result there, as JSON")
    seeds: int = Field(ge=1, description="trainings of each row, from seeds 0, 1 …")
    epochs: int | None = Field(ge=1, description="of each training; null: its source's, or 30")
    glove: Path | None = Field(
        description="GloVe text file of 300 dimensions, of rows that read it"
    )
    tables: tuple[str, ...] | None = Field(
        min_length=1, description="these alone, without claims; null: all"
    )

    def search(self) -> SearchConfig:
        """Return the configuration alone."""
        return SearchConfig(**{name: getattr(self, name) for name in SearchConfig.model_fields})


def run(command: PaperCommand, requested: Mapping[str, Any]) -> None:
    """Train and score the rows of the published tables, and write their page."""
    from emotion_hpo.cli.paper_rows import compose_rows, remarks_of
    from emotion_hpo.features.glove import check_vectors
    from emotion_hpo.features.preparation import prepare_features
    from emotion_hpo.final.modularity import whole_rows
    from emotion_hpo.report.paper_page import write_paper
    from emotion_hpo.search.batch import BatchStopped

    check_writable(command.output)
    config, tables = command.search(), _choose_tables(command.tables)
    if command.glove is not None:
        check_vectors(command.glove, _DIMENSIONS)
    home = StudyHome(config.study.directory, config.study.name)
    make_folder(home.path)
    make_folder(home.features)
    with preparing(f"Preparing {config.corpus.name}") as on_progress:
        store = prepare_features(config, home.features, on_progress)
    vectors = command.glove or _own_vectors(home, store)
    rows = compose_rows(
        config, requested, tables, epochs=command.epochs, vectors=vectors,
        has_extra=command.tables is None,
    )  # fmt: skip
    by_group: dict[str, list[PaperRow]] = {}
    for group, row in rows:
        is_combined = row.key == _COMBINED
        by_group.setdefault(group, []).append(replace(row, keeps_models=is_combined))
        if is_combined and command.tables is None:
            by_group[group] += whole_rows(row)
    paper = _Paper(
        command,
        home,
        store,
        remarks_of(config, command.epochs, has_glove=command.glove is not None),
    )
    try:
        for number, (group, of_group) in enumerate(by_group.items(), start=1):
            paper.train(group, of_group, f"Group {number} of {len(by_group)}, features {group}")
    except BatchStopped as stopped:
        echo(str(stopped))
        return
    result = paper.result(tables)
    write_record(home.paper, result)
    if command.output is not None:
        write_record(command.output, result)
    show_paper(result)
    echo(f"Results: {home.paper}")
    show_page(write_paper(result, home.report), None)


class _Paper:
    """What the groups have come to so far."""

    def __init__(
        self, command: PaperCommand, home: StudyHome, store: "FeatureStore", remarks: Sequence[str]
    ) -> None:
        self._command, self._home, self._store = command, home, store
        self._remarks = tuple(remarks)
        self._answered: dict[str, Answered] = {}
        self._left_out: dict[str, str] = {}
        self._modularity: list[ModularityResult] = []

    def train(self, group: str, rows: Sequence["PaperRow"], title: str) -> None:
        """Train a group; what cannot be extracted here is left out, and said."""
        from emotion_hpo.final.paper_rows import train_group

        home = StudyHome(self._home.directory, f"{self._home.name}-{group}")

        def train(rows: Sequence["PaperRow"]) -> "TrainedGroup":
            with preparing(f"Preparing {self._command.corpus.name}") as on_progress:
                return train_group(
                    home, rows, tuple(range(self._command.seeds)), on_progress,
                    lambda home, config: job_trainer(home, config, title),
                )  # fmt: skip

        try:
            trained = train(rows)
        except FeatureError as error:
            self._left_out |= {row.key: str(error) for row in rows}
            return
        self._answered |= trained.answered
        self._left_out |= trained.left_out
        combined = next((row for row in rows if row.key == _COMBINED), None)
        if self._command.tables is None and combined is not None and _COMBINED in trained.answered:
            self._change(trained, combined, train)

    def _change(self, trained: "TrainedGroup", combined: "PaperRow", train: Any) -> None:  # noqa: ANN401 (a closure)
        """Train the heads of changed networks on the frozen encoders of the trained one."""
        from emotion_hpo.final.modularity import changes_of
        from emotion_hpo.final.protocol_scores import compare_pooled

        changes = changes_of(combined, trained.model_of(_COMBINED))
        parts: TrainedGroup = train([change.part for change in changes])
        for change in changes:
            part, whole = parts.answered[change.part.key], trained.answered[change.whole]
            self._modularity.append(ModularityResult(
                change=change.change,
                part=parts.score(change.part.key),
                whole=trained.score(change.whole),
                difference=compare_pooled(part.by_fold, whole.by_fold),
            ))  # fmt: skip

    def result(self, tables: Sequence["PublishedTable"]) -> PaperResult:
        """Return all of it.

        Raises:
            StudyError: No row was trained.
        """
        from emotion_hpo.final.paper_rows import Combination, combine_rows
        from emotion_hpo.final.protocol_scores import score_protocol

        if not self._answered:
            key, reason = next(iter(self._left_out.items()))
            raise StudyError(f"no row can be trained on {self._store.corpus_name}: {key}: {reason}")
        store = self._store
        for row in (row for table in tables for row in table.rows):
            if row.rule is not None and all(key in self._answered for key in row.members):
                combination = Combination(row.key, row.members, row.rule)
                self._answered[row.key] = combine_rows(self._answered, combination)
        keys = [row.key for table in tables for row in table.rows]
        results = {
            key: score_protocol(self._answered[key], store.corpus_name, synthetic=store.synthetic)
            for key in [*keys, *(key for key in self._answered if key not in keys)]
            if key in self._answered
        }
        n = sum(int(store.open(name).table["emotion"].notna().sum()) for name in store.sessions)
        facts = collect_facts(self._command.search(), synthetic=store.synthetic)
        return PaperResult(
            corpus=store.corpus_name,
            synthetic=store.synthetic,
            n_utterances=n,
            seeds=tuple(range(self._command.seeds)),
            epochs=self._command.epochs,
            remarks=self._remarks,
            rows=tuple(PaperRowResult(key=key, result=each) for key, each in results.items()),
            claims=tuple(self._claims()),
            modularity=tuple(self._modularity),
            left_out=tuple(LeftOut(key=key, reason=why) for key, why in self._left_out.items()),
            hardware=facts.hardware,
        )

    def _claims(self) -> list[ClaimResult]:
        from emotion_hpo.final.protocol_scores import compare_pooled
        from emotion_hpo.report.published import published_claims

        known = self._answered
        return [
            ClaimResult(
                claim=claim.claim, published=claim.published, first=claim.first,
                second=claim.second,
                difference=compare_pooled(known[claim.first].by_fold, known[claim.second].by_fold),
            )
            for claim in published_claims()
            if claim.first in known and claim.second in known
            and not (claim.needs_glove and self._command.glove is None)
        ]  # fmt: skip


def _choose_tables(names: Sequence[str] | None) -> Sequence["PublishedTable"]:
    """Return the tables of these names.

    Raises:
        ConfigError: There is none of a name.
    """
    from emotion_hpo.report.published import published_tables

    by_name = {table.name: table for table in published_tables()}
    for name in names or ():
        if name not in by_name:
            raise ConfigError(f"tables: {unknown_name('table', name, by_name)}")
    return [by_name[name] for name in (by_name if names is None else names)]


def _own_vectors(home: StudyHome, store: "FeatureStore") -> Path:
    """Write vectors of the words of all sessions but the last; return their file."""
    from emotion_hpo.features.word_vectors import write_word_vectors

    path = home.path / f"vectors_{fingerprint(dict(store.keys))[:8]}.txt"
    if not path.exists():
        tables = [store.open(session).table for session in store.sessions[:-1]]
        said = (text for table in tables for text in table["transcript"].dropna())
        write_word_vectors(said, _DIMENSIONS, path)
    return path
