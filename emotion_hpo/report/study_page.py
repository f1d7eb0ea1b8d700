"""The page of one study: which sections it has, in which order, and what they say."""

from collections.abc import Iterable

from emotion_hpo.report.cards import study_cards
from emotion_hpo.report.checklist import checklist_table
from emotion_hpo.report.confirmation import confirmation_blocks
from emotion_hpo.report.document import Page, PageSection
from emotion_hpo.report.findings import Findings
from emotion_hpo.report.progress import timeline_plot
from emotion_hpo.report.scorings import ledger_blocks
from emotion_hpo.report.sections import (
    answer_section,
    baseline_blocks,
    best_blocks,
    cost_blocks,
    parameters_blocks,
    present,
    progress_blocks,
    space_blocks,
)
from emotion_hpo.report.tables import budget_table, failures_table, trials_table, versions_table
from emotion_hpo.splits.class_coverage import describe_missing_in_test


def study_page(findings: Findings) -> Page:
    """Return the page of a study, the answer first."""
    sections = (
        answer_section(findings),
        PageSection("best", "Best configuration", best_blocks(findings)),
        PageSection("progress", "How the search went", progress_blocks(findings)),
        PageSection("parameters", "What mattered", parameters_blocks(findings)),
        PageSection("space", "Search space", space_blocks(findings)),
        PageSection("cost", "What accuracy costs", cost_blocks(findings)),
        PageSection("confirmation", "Trained again", confirmation_blocks(findings)),
        PageSection("baseline", "Baseline", baseline_blocks(findings)),
        PageSection("budget", "Budget", present(budget_table(findings), failures_table(findings),
                                              timeline_plot(findings))),
        PageSection("ledger", "Ledger", ledger_blocks(findings)),
        PageSection("trials", "All trials", present(trials_table(findings))),
        PageSection("versions", "Versions", present(versions_table(findings))),
        PageSection("checklist", "Reproducibility checklist", present(checklist_table(findings))),
    )  # fmt: skip
    return Page(
        title=findings.name,
        kind="Study",
        lead=findings.config.study.question,
        synthetic=findings.synthetic,
        cards=study_cards(findings),
        sections=[section for section in sections if section.blocks],
        remarks=[
            *findings.remarks,
            *([f"The corpus is read with {findings.words}."] if findings.words else ()),
            *(findings.summary.class_remarks if findings.summary else ()),
            *_absent_in_tests(findings),
        ],
        foot=(
            f"Made by emotion_hpo from the files of study {findings.name}, begun "
            f"{findings.facts.created_at}. Nothing was trained or scored for this page."
        ),
    )


def _absent_in_tests(findings: Findings) -> Iterable[str]:
    """Yield a remark where the test session of a final model lacks a class."""
    for final in findings.finals[:1]:
        counts = {name: recall.n for name, recall in final.result.recall_by_class.items()}
        yield from describe_missing_in_test(counts, final.result.test_session)
