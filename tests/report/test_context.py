"""What a page says of models that read dialogues, and of those that read later turns."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pydantic import TypeAdapter

from emotion_hpo.config.classical import LinearModel
from emotion_hpo.config.model import ContextConfig
from emotion_hpo.report.cards import study_cards
from emotion_hpo.report.checklist import checklist_table
from emotion_hpo.report.comparison import comparison_page
from emotion_hpo.report.context_plot import context_plot
from emotion_hpo.report.final_plots import against_baseline_plot
from emotion_hpo.report.final_tables import (
    baseline_table,
    breakdown_table,
    final_table,
    reference_table,
)
from emotion_hpo.report.findings import Final
from emotion_hpo.report.reading import read_findings
from emotion_hpo.report.style import pictures
from emotion_hpo.study import study_file, write_yaml
from emotion_hpo.study.records.base import write_record
from emotion_hpo.tracking.final_run import describe_version, tags_of
from tests.records import baseline, final_result, of_context
from tests.report.studies import begin, config_for, rewrite_result, trials, write_all, write_final

WARNING = "reads the turns after, too: not for live use"

ALONE = {"model": "logistic regression at C = 3, the 8 turns before",
         "alone": baseline().validation.to_json() | {"accuracy": 0.47}}  # fmt: skip


def final(**changes):
    return Final(SimpleNamespace(), final_result(**changes), None)


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """A study of models that read both sides of a dialogue, one of them scored."""
    folder = tmp_path_factory.mktemp("context")
    home, config = begin(folder), config_for(folder, "study")
    write_all(home, config, [*trials(4, config)])
    write_final(home)
    rewrite_result(home.final(0).result, **of_context())
    write_record(home.baseline, baseline(**ALONE))
    for number in range(4):
        context = {"name": "recurrent", "reads": "both", "units": 8}
        path = home.trial(number).config
        plain = study_file.read_yaml(path)
        write_yaml(path, plain | {"model": plain["model"] | {"context": context}})
    return read_findings(home)


def test_rivals_and_what_it_reads_less_stand_with_paired_differences():
    table = reference_table(final(**of_context()))
    assert [(row[0], row[1], row[3]) for row in table.rows] == [
        ("the same configuration without context, trained for it", "64.00 %", "+6.00"),
        ("the baseline without the turns before", "55.00 %", "+15.00"),
        ("the turns before alone", "60.00 %", "+10.00"),
        ("its dialogue hidden", "60.00 %", "+10.00"),
    ]
    assert WARNING in table.note
    assert "position: 2-5" in [str(row[0]) for row in breakdown_table(final(**of_context())).rows]


@pytest.mark.parametrize(("turns_read", "n_marks"), [("both", 6), ("past", 5)])
def test_the_plot_shows_what_the_dialogue_is_worth(turns_read, n_marks):
    plot = context_plot(final(**of_context(turns_read)))
    assert pictures(plot.figure).png.startswith(b"\x89PNG")
    labels = [tick.get_text() for tick in plot.figure.axes[0].get_yticklabels()]
    assert len(labels) == n_marks
    assert labels[0] == "trial_0"
    assert labels[-1] == "baseline without the turns before"
    assert (WARNING in plot.caption) == (turns_read == "both")


def test_a_model_without_context_has_no_such_plot():
    assert context_plot(final()) is None


def test_wherever_a_figure_stands_later_turns_are_told(findings):
    final = findings.final
    assert WARNING in final_table(final).note
    assert WARNING in against_baseline_plot(findings, final).caption
    for card in study_cards(findings)[:2]:
        assert (WARNING in card.note) == card.label.startswith(("test", "best")), card.label
    page = comparison_page([findings, findings])
    assert all(WARNING in card.note for card in page.cards)
    (table,) = [table for table in page.tables() if table.name == "studies"]
    assert f"trial_0 of study {WARNING}." in table.note
    assert tags_of(final.result)["reads"] == WARNING
    assert f"The model {WARNING}." in describe_version(final.result)


def test_the_checklist_describes_what_reads_the_dialogue(findings):
    context = TypeAdapter(ContextConfig).validate_python({"name": "attention", "reads": "past"})
    model = findings.config.model.model_copy(update={"context": context})
    linear = LinearModel(name="plain", learner="linear", turns_before=8, turns_after=1)
    descriptions = [
        dict(checklist_table(replace(findings, config=each)).rows)["Description of the model"]
        for each in (
            findings.config.model_copy(update={"model": part})
            for part in (findings.config.model, model, linear)
        )
    ]
    assert "reads" not in descriptions[0]
    assert "; context attention; reads the turns before, and none after; " in descriptions[1]
    assert f"; {WARNING}; " in descriptions[2]


def test_nothing_is_told_of_models_that_read_no_later_turn():
    for changes in ({}, of_context("past")):
        plain = final(**changes)
        assert WARNING not in final_table(plain).note
        assert WARNING not in describe_version(plain.result)
    assert "reads" not in tags_of(final().result)
    assert (
        tags_of(final(**of_context("past")).result)["reads"]
        == "reads the turns before, and none after"
    )


def test_the_baseline_stands_beside_itself_without_the_turns_before(findings):
    rows = {row[0]: row[1] for row in baseline_table(findings).rows}
    assert rows["text and speech"] == "50.00 %"
    assert rows["text and speech, without the turns before"] == "47.00 %"
    (card,) = [card for card in study_cards(findings) if card.label.startswith("baseline")]
    assert card.note == f"{ALONE['model']}; without them 47.00 %"
