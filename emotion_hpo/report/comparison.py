"""The page of several studies side by side: which sections it has, and its tables."""

from collections.abc import Sequence

from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.compared_progress import compared_progress_plots
from emotion_hpo.report.differences import difference_blocks
from emotion_hpo.report.document import Card, Page, PageSection, Table
from emotion_hpo.report.findings import Findings
from emotion_hpo.report.formatting import METHODS, format_ends, format_hours, format_value
from emotion_hpo.report.style import format_objective
from emotion_hpo.runtime.formatting import format_count, format_share


def comparison_page(studies: Sequence[Findings]) -> Page:
    """Return several studies on one page.

    Raises:
        StudyError: They were not judged by the same metric.
    """
    objectives = {study.objective for study in studies}
    if len(objectives) > 1:
        raise StudyError(
            f"the studies looked at different metrics ({', '.join(sorted(objectives))}); compare "
            "studies of one study.objective"
        )
    names = [study.name for study in studies]
    synthetic = any(study.synthetic for study in studies)
    sections = (
        PageSection("figures", "Side by side", [_figures(studies)]),
        PageSection(
            "differences", "Paired differences", difference_blocks(studies, synthetic=synthetic)
        ),
        PageSection(
            "progress",
            "How the searches went",
            compared_progress_plots(studies, synthetic=synthetic),
        ),
        PageSection("configuration", "Their best trials", _configurations(studies)),
    )
    return Page(
        title=" and ".join(names) if len(names) < 3 else f"{len(names)} studies",
        kind="Comparison",
        lead=f"How do {', '.join(names[:-1])} and {names[-1]} compare?",
        synthetic=synthetic,
        cards=[
            Card(study.name, format_score(study.objective, study.best.value), _card_note(study))
            for study in studies
            if study.best is not None
        ],
        sections=[section for section in sections if section.blocks],
        remarks=[remark for study in studies for remark in study.remarks],
        foot="Made by emotion_hpo from the studies' files. Nothing was trained or scored for it.",
    )


def _card_note(study: Findings) -> str:
    note = f"best {format_objective(study.objective)} of {format_count(len(study.trials), 'trial')}"
    reading = study.describe_turns_read_by(study.best) if study.best is not None else ""
    return f"{note}; it {reading}" if reading else note


def _figures(studies: Sequence[Findings]) -> Table:
    rows = [
        (
            study.name,
            f"{sum(t.state.is_finished for t in study.trials)} of {study.config.study.n_trials}",
            format_hours(sum(t.seconds for t in study.trials)),
            f"{study.config.sampler.name}, {study.config.pruner.name}"
            + (f", warm-started from {study.config.warm_start}" if study.config.warm_start else ""),
            study.best.name if study.best else "–",
            format_score(study.objective, study.best.value if study.best else None),
            _scored(study),
            format_share(study.final.result.accuracy) if study.final else "–",
            format_ends(study.final.result.accuracy_interval) if study.final else "–",
            study.final.result.accuracy_interval.origin if study.final else "–",
        )
        for study in studies
    ]
    columns = (
        "study", "trials", "training", "sampler, pruner", "best", "validation", "scored",
        "test accuracy", "95 % interval", "by",
    )  # fmt: skip
    note = (
        "Best and validation: of the search. Scored: the model whose test accuracy stands beside "
        f"it, the first where a study has scored several. {METHODS}{_describe_turns_read(studies)}"
    )
    return Table("studies", "The studies", columns, rows, note)


def _describe_turns_read(studies: Sequence[Findings]) -> str:
    """Return what the models in the table read of a dialogue beside an utterance, as sentences."""
    sentences = ""
    for study in studies:
        best, final = study.best, study.final
        readings = {} if best is None else {best.name: study.describe_turns_read_by(best)}
        if final is not None:
            readings[final.result.trial] = describe_turns_read(final.result.turns_read)
        for name, reading in readings.items():
            sentences += f" {name} of {study.name} {reading}." if reading else ""
    return sentences


def _scored(study: Findings) -> str:
    """Return the model that the study's test figure is of."""
    if study.final is None:
        return "–"
    name, n = study.final.result.trial, len(study.finals)
    return f"{name} (first of {n})" if n > 1 else str(name)


def _configurations(studies: Sequence[Findings]) -> list[Table]:
    best = [study.best.params if study.best is not None else {} for study in studies]
    paths = dict.fromkeys(path for params in best for path in params)
    rows = [
        (
            path,
            *(format_value(params[path]) if path in params else "not searched" for params in best),
        )
        for path in paths
    ]
    names = [f"{study.name} ({study.best.name})" if study.best else study.name for study in studies]
    columns = ("parameter", *names)
    title = "Parameters of the best trials"
    return [Table("configurations", title, columns, rows)] if rows else []
