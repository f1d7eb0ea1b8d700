"""The page of a study, at every age of it: always a page, always true, never a traceback."""

import base64
import json
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D

from emotion_hpo import report as room
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics import METRICS
from emotion_hpo.report import style
from emotion_hpo.report.comparison import comparison_page
from emotion_hpo.report.document import Table, Text
from emotion_hpo.report.reading import read_findings
from emotion_hpo.report.study_page import study_page
from emotion_hpo.report.table_files import as_csv
from emotion_hpo.runtime.contents import Content
from emotion_hpo.runtime.formatting import format_share
from emotion_hpo.study import Training, TrialState, write_json
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.ledger import Looker
from tests.making import ROOT
from tests.records import candidate, search_summary, selection, span
from tests.report.studies import (
    HOLDOUT,
    PART,
    RANDOM,
    begin,
    config_for,
    confirm,
    failed,
    rewrite_result,
    trials,
    write_all,
    write_baseline,
    write_final,
)

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover


class Page(HTMLParser):
    """What stands on a page, and what it would fetch."""

    def __init__(self, html):
        super().__init__()
        self.words, self.images, self.fetched, self.ids, self.links = [], [], [], [], []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        if tag == "img":
            self.images.append(given)
        if tag == "a":
            self.links.append(given["href"])
        self.fetched += [given[name] for name in ("src", "srcset") if name in given]
        if tag not in {"meta", "img", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read_page(path):
    html = path.read_text("utf-8")
    page = Page(html)
    assert page.open == [], "every tag is closed"
    assert len(set(page.ids)) == len(page.ids)
    assert all(one.startswith("data:image/svg+xml;base64,") for one in page.fetched)
    assert "<script" not in html
    assert not re.search(r"url\(|@import|https?://", re.sub(r"base64,[\w+/=]+", "", html))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert (path.parent / link).is_file(), link
    return page


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study with everything: 24 random trials, a baseline, a final model."""
    folder = tmp_path_factory.mktemp("studies")
    home = begin(folder, "study", *RANDOM)
    config = config_for(folder, "study", *RANDOM)
    made = [*trials(24, config)]
    made[5] = failed(made[5])
    write_all(home, config, made)
    write_baseline(home)
    write_final(home)
    room.report(home)
    return home


def test_the_page_stands_alone_and_says_what_it_promises(whole):
    page = read_page(whole.report.page)
    best = read_findings(whole).best
    for words in (
        "Which configuration of the network is best",  # the question
        f"{best.name}",
        "train/loss is nan",  # failures by reason
        "Trials finished 24",
        "at the low end",  # the best's dropout
        "95 % interval",
        "The test session has been opened once",
        "corpus fingerprint",
        "Reproducibility checklist of the ACL",
        "synthetic data",
    ):
        assert words in page.text, words


def test_every_plot_is_there(whole):
    names = {one.name for one in study_page(read_findings(whole)).plots()}
    assert names == {
        "best_so_far", "learning_curves", "expected_best", "importance", "parallel_coordinates",
        "slices", "cost", "timeline", "against_baseline", "confusion", "recall", "breakdowns",
        "seeds", "reliability",
    }  # fmt: skip
    for name in names:
        assert whole.report.figure(name, "pdf").read_bytes().startswith(b"%PDF")
        assert whole.report.figure(name, "png").read_bytes().startswith(b"\x89PNG")


def test_every_figure_names_its_axes_its_utterances_and_its_bars(whole):
    for plot in study_page(read_findings(whole)).plots():
        drawn = [axes for axes in plot.figure.axes if axes.get_visible()]
        for axes in drawn:
            labels = [axes.get_xlabel(), axes.get_ylabel()]
            assert any(labels), plot.name
            assert axes.get_label() == "<colorbar>" or labels[0], plot.name
        units = " ".join(axes.get_xlabel() + axes.get_ylabel() for axes in drawn)
        assert re.search(r"\((%|nats|hours|minutes|number|millions|share|class)", units), plot.name
        assert re.search(r"utterances", plot.caption), plot.name
        if any(map(has_error_bars, drawn)):
            assert re.search(r"\b[Bb]ars\b", plot.caption), plot.name
        assert "No bars" not in plot.caption, plot.name


def has_error_bars(axes):
    """Whether a panel shows intervals."""
    return any(
        isinstance(shown, ErrorbarContainer) or getattr(shown, "errorbar", None) is not None
        for shown in axes.containers
    )


def test_the_answer_comes_first(tmp_path, unpainted):
    home = study_with(tmp_path, [*trials(3, config_for(tmp_path, "study"))])
    before = study_page(read_findings(home))
    assert before.sections[0].title == "Expected score"
    assert "has not been scored" in before.sections[0].blocks[-1].words
    write_final(home)
    confirm(home, [*read_findings(home).trials])
    page = study_page(read_findings(home))
    assert [section.id for section in page.sections] == [
        "final", "best", "progress", "parameters", "space", "cost", "confirmation", "budget",
        "ledger", "trials", "versions", "checklist",
    ]  # fmt: skip
    assert page.cards[0].label == "test accuracy"
    assert page.sections[0].blocks[0].name == "final_trial_0"
    assert page.sections[0].blocks[1].name == "confusion"


def test_every_figure_from_the_twin_is_marked(whole, tmp_path, unpainted):
    for plot in study_page(read_findings(whole)).plots():
        assert "synthetic" in plot.figure.get_suptitle(), plot.name
    page = read_page(whole.report.page)
    for image in page.images:
        svg = base64.b64decode(image["src"].partition(",")[2]).decode()
        assert "synthetic data" in svg
    real = begin(tmp_path, "real", synthetic=False)
    write_all(real, config_for(tmp_path, "real"), [*trials(1, config_for(tmp_path, "real"))])
    room.report(real)
    assert "synthetic" not in real.report.page.read_text().replace("synthetic.yaml", "")


def test_tables_are_there_for_programs_and_papers(whole):
    table = pd.read_csv(whole.report.table("trials", "csv"))
    assert list(table["trial"]) == list(range(24))
    assert set(table["state"]) == {"complete", "pruned", "failed"}
    values = [one.value for one in read_findings(whole).trials if one.value is not None]
    found = table["validation accuracy (%)"].dropna()
    np.testing.assert_allclose(found, 100 * np.array(values), atol=0.006)
    assert table["weights"].max() > 2_000_000
    latex = whole.report.table("space", "tex").read_text()
    assert r"text.units" in latex
    assert r"learning\_rate" in latex
    assert latex.count(r"\\") == 1 + len(read_findings(whole).config.space)


@pytest.fixture
def only_svg(monkeypatch):
    """Paint what a page holds, but neither PDF nor PNG, which `whole` has, too."""
    paint = style.picture
    monkeypatch.setattr(
        style, "picture", lambda figure, kind: paint(figure, kind) if kind == "svg" else b""
    )


def study_with(tmp_path, made, *overrides):
    home = begin(tmp_path, "study", *overrides)
    write_all(home, config_for(tmp_path, "study", *overrides), made)
    return home


def test_a_study_without_a_trial_is_a_page(tmp_path, only_svg):
    page = read_page(room.report(study_with(tmp_path, [])))
    assert "No trial is complete yet" in page.text
    assert "Trials finished 0" in page.text
    assert not page.images


def test_a_study_of_one_trial_is_a_page(tmp_path, only_svg):
    (one,) = trials(1, config_for(tmp_path, "study"))
    page = read_page(room.report(study_with(tmp_path, [one])))
    assert "Best trial" in page.text
    assert "Importance is not shown" in page.text
    assert "120 validation utterances" in page.text
    assert "expected best of k random trials is not shown" in page.text


def test_a_legend_lists_what_is_drawn_and_nothing_else(tmp_path):
    made = [
        replace(one, state=TrialState.COMPLETE) for one in trials(12, config_for(tmp_path, "s"))
    ]
    home = study_with(tmp_path, made)
    write_final(home)
    confirm(home, made[:3])
    for plot in study_page(read_findings(home)).plots():
        for axes in plot.figure.axes:
            handles, labels = axes.get_legend_handles_labels()
            assert not any("pruned" in one or "failed" in one for one in labels), plot.name
            lines = [one for one in handles if isinstance(one, Line2D)]
            assert all(len(one.get_xdata()) for one in lines), (plot.name, labels)
    assert "pruned or failed" not in " ".join(one.caption for one in study_page(
        read_findings(home)).plots())  # fmt: skip


def test_no_legend_lies_on_the_marks_of_a_large_study(tmp_path):
    home = study_with(tmp_path, [*trials(200, config_for(tmp_path, "study"))])
    found = {one.name: one.figure for one in study_page(read_findings(home)).plots()}
    for name in ("best_so_far", "slices", "learning_curves", "cost"):
        figure = found[name]
        legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
        (box,) = [one.get_window_extent() for one in legends if one is not None]
        panels = [axes.get_window_extent() for axes in figure.axes if axes.get_visible()]
        assert not any(box.overlaps(one) for one in panels), name
        assert figure.bbox.contains(*box.min), name
        assert figure.bbox.contains(*box.max), name
    (legend,) = found["learning_curves"].legends
    assert {"complete", "pruned here"} <= {text.get_text() for text in legend.get_texts()}


def test_a_part_of_one_utterance_is_not_certain(tmp_path, unpainted):
    home = study_with(tmp_path, [])
    write_final(home)
    alone = PART | {"n": 1, "accuracy": 1.0, "accuracy_interval": span(0.025, 1.0, "exact")}
    rewrite_result(home.final(0).result, by={"speaker": {"somebody": alone, "another": PART}})
    page = study_page(read_findings(home))
    (parts,) = [one for one in page.tables() if one.name == "breakdowns"]
    (row,) = [one for one in parts.rows if one[0] == "speaker: somebody"]
    assert row[1] == 1
    assert row[3] == "2.50 to 100.00 %"
    assert row[4] == "exact"
    (plot,) = [one for one in page.plots() if one.name == "breakdowns"]
    assert "exact" in plot.caption.partition("95 % interval by ")[2]


def test_what_is_typed_is_set_as_code(tmp_path, unpainted):
    path = room.report(study_with(tmp_path, []))
    html = path.read_text("utf-8")
    assert "<code>make final</code> does it, once" in html
    assert "<code>emotion-hpo prepare</code>" in html
    assert "`" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    latex = (path.parent / "tables" / "checklist.tex").read_text("utf-8")
    assert r"\texttt{emotion-hpo prepare}" in latex


def test_a_study_of_failures_is_a_page(tmp_path, only_svg):
    made = [failed(one) for one in trials(3, config_for(tmp_path, "study"))]
    made[2] = failed(made[2], "out of memory: <b>8 GB</b> & more")
    page = read_page(room.report(study_with(tmp_path, made)))
    assert "train/loss is nan 2 trial_0, trial_1" in page.text
    assert "out of memory: <b>8 GB</b> & more 1 trial_2" in page.text, "escaped"


def test_lives_of_an_interrupted_trial_are_told(tmp_path, unpainted):
    first, second = trials(2, config_for(tmp_path, "study"))
    cut = replace(first, state=TrialState.INTERRUPTED, value=None, best_epoch=None)
    goes_on = replace(second, state=TrialState.COMPLETE, value=0.9, continues=0)
    page = read_page(room.report(study_with(tmp_path, [cut, goes_on])))
    assert "trial_1, continues trial_0" in page.text
    assert "complete (continues trial_0)" in page.text


def test_a_loss_is_no_share(tmp_path, unpainted):
    overrides = ("study.objective=val/loss",)
    made = [replace(one, value=1.2345) for one in trials(1, config_for(tmp_path, "s", *overrides))]
    page = read_page(room.report(study_with(tmp_path, made, *overrides)))
    assert "validation log loss 1.2345" in page.text
    assert "123.45 %" not in page.text


def reported_elsewhere(home):
    """Make a report in another process; returns which libraries that train it has imported."""
    code = f"""if True:
        import sys
        from pathlib import Path
        from emotion_hpo.study import StudyHome
        from emotion_hpo.report import report
        report(StudyHome(Path({str(home.directory)!r}), {home.name!r}))
        print(*(sys.modules.keys() & {{"torch", "optuna", "mlflow", "librosa", "hydra"}}))
    """
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return ended.stdout.strip()


def test_500_trials_are_a_small_page(tmp_path, only_svg):
    """How soon it is there, `benchmarks/report.py` tells."""
    config = config_for(tmp_path, "study", *RANDOM)
    home = study_with(tmp_path, [*trials(500, config)], *RANDOM)
    room.report(home)
    assert home.report.page.stat().st_size < 10_000_000
    assert "All 500 trials" in read_page(home.report.page).text


def test_two_looks_at_the_test_session_are_told(tmp_path, unpainted):
    config = config_for(tmp_path, "study", *RANDOM)
    home = study_with(tmp_path, [*trials(6, config)], *RANDOM)
    write_final(home, 0)
    write_final(home, 3, seed=1)
    page = read_page(room.report(home))
    assert "has been opened 2 times" in page.text
    assert "choosing among them" in page.text
    told = [format_share(one.result.accuracy) for one in read_findings(home).finals]
    spread = statistics.stdev(one.result.accuracy for one in read_findings(home).finals)
    for words in (
        "the session was scored 2 times",
        "has been scored 2 times, by somebody whose name is not known, from 20",
        f"Accuracy {', '.join(told)}: standard deviation {100 * spread:.2f} points.",
    ):
        assert words in page.text, words


def test_who_looked_is_told_and_every_other_look(tmp_path, unpainted):
    home = study_with(tmp_path, [])
    write_final(home)
    ledger = Ledger(home.ledger)
    ann = Looker(study="other", trial="trial_7", config="c", by="ann")
    opening = ledger.open(HOLDOUT, "m", ann, rescore=True)
    ledger.score(*opening, 0.5)
    ledger.note_paper_protocol(opening.holdout, ann, opening.name)
    ledger.note_replay(opening.holdout, ann, "m")
    page = read_page(room.report(home))
    assert "by somebody whose name is not known (once) and ann (once)" in page.text
    assert "looked at after every epoch of trial_7, for the reference's own figure" in page.text
    assert "read again to replay trial_7 (study other," in page.text
    (table,) = [one for one in study_page(read_findings(home)).tables() if one.name == "ledger"]
    assert [row[2:6] for row in table.rows][1] == ("ann", "other", "trial_7", "50.00 %")


def test_utterances_that_were_scored_before_are_said(tmp_path, unpainted):
    home = study_with(tmp_path, [])
    earlier = Content(({"words": "a"},))
    ann = Looker(study="other", trial="trial_7", config="c", by="ann")
    Ledger(home.ledger).open(earlier, "m", ann, rescore=False)
    mine = Content((*earlier.utterances, {"words": "b"}))
    ours = ann.model_copy(update={"study": home.name})
    Ledger(home.ledger).open(mine, "m", ours, rescore=False)
    page = read_page(room.report(home))
    assert (
        "1 of its utterances lay in a holdout that was scored before: study other, tr" in page.text
    )


def test_without_the_ledger_the_results_tell_of_the_scorings(tmp_path, unpainted):
    home = study_with(tmp_path, [])
    write_final(home)
    looks = [{"study": name, "trial": "trial_1", "by": "ann", "at": f"2026-01-0{at}",
              "accuracy": 0.7} for at, name in enumerate("ab", 1)]  # fmt: skip
    path = home.final(0).result
    rewrite_result(path, n_scorings=2, scorings=looks)
    home.ledger.unlink()
    text = read_page(room.report(home)).text
    assert "scored 2 times, by ann, from 2026-01-01 to 2026-01-02 (UTC)" in text
    assert "standard deviation 0.00 points" in text


def test_the_papers_figure_stands_apart_with_its_warning(tmp_path, unpainted):
    home = study_with(tmp_path, [])
    write_final(home)
    assert 'class="loud"' not in room.report(home).read_text("utf-8")
    path = home.final(0).result
    paper = {"warning": "TOO GOOD BY CHOICE", "accuracy": 0.7104, "by_seed": []}
    rewrite_result(path, paper_protocol=paper)
    html = room.report(home).read_text("utf-8")
    (row,) = re.findall(r'<tr class="loud">(.*?)</tr>', html)
    assert "TOO GOOD BY CHOICE" in row
    assert "71.04\N{NO-BREAK SPACE}%" in row
    assert html.count("71.04\N{NO-BREAK SPACE}%") == 1, "it stands nowhere else"


def test_finals_stand_in_the_order_in_which_they_were_scored(tmp_path, unpainted):
    other = begin(tmp_path, "other")
    write_final(other, 0)  # a trial of the same name, by another study, before all
    home = study_with(tmp_path, [])
    for number in (10, 9, 0):
        write_final(home, number)
    assert [one.result.trial for one in read_findings(home).finals] == [
        "trial_10", "trial_9", "trial_0"
    ]  # fmt: skip


def selected(home, winner, means, error=0.01):
    candidates = [
        candidate(name, values=[mean], mean=mean, n_parameters=1000, seconds=1.0)
        for name, mean in means.items()
    ]
    chosen = {"winner": winner, "standard_error": error, "candidates": candidates}
    write_record(home.selection, selection(**chosen, expected=None))


def test_the_confirmed_winner_is_the_best_configuration(tmp_path, unpainted):
    drawn = zip(trials(3, config_for(tmp_path, "study")), (0.6, 0.7, 0.65), strict=True)
    made = [replace(one, state=TrialState.COMPLETE, value=value) for one, value in drawn]
    home = study_with(tmp_path, made)

    def best_section():
        (section,) = [one for one in study_page(read_findings(home)).sections if one.id == "best"]
        said = " ".join(one.words for one in section.blocks if isinstance(one, Text))
        (table,) = [one for one in section.blocks if isinstance(one, Table)]
        return said, table, section.blocks[-1]

    said, table, listing = best_section()
    assert (table.title, table.rows[0]) == ("Best trial", ("trial", "trial_1"))

    selected(home, "trial_2", {"trial_1": 0.62, "trial_2": 0.64})
    said, table, listing = best_section()
    assert said.startswith("trial_2 is the confirmed winner")
    assert "reaches 64.00 % on average, better than any other leader" in said
    assert "of the search itself, trial_1 with 70.00 %, reaches 62.00 % when trained again." in said
    assert (table.title, table.rows[0]) == ("Confirmed winner", ("trial", "trial_2"))
    dropout = dict(table.rows)["model.dropout"]
    assert dropout == f"{made[2].params['model.dropout']:.4g}"
    assert listing.title == "The whole configuration of trial_2"
    assert str(made[2].params["model.dropout"]) in listing.words

    selected(home, "trial_2", {"trial_1": 0.645, "trial_2": 0.64})
    said, *_ = best_section()
    assert (
        "one standard error (1.00 points) of trial_1, which reaches 64.50 %, but takes longer"
        in said
    )

    selected(home, "trial_1", {"trial_1": 0.645, "trial_2": 0.64})
    said, table, _ = best_section()
    assert "trial_1 is the best of the search and the confirmed winner" in said

    selected(home, "trial_9", {"trial_9": 0.645})
    said, table, _ = best_section()
    assert "this is trial_1, the best of the search" in said
    assert table.rows[0] == ("trial", "trial_1")


def test_what_an_earlier_report_wrote_goes_and_what_others_put_there_stays(tmp_path, unpainted):
    made = [*trials(3, config_for(tmp_path, "study"))]
    home = study_with(tmp_path, made)
    write_final(home)
    room.report(home)
    mine = home.report.figure("mine", "png")
    mine.write_bytes(b"a figure of somebody's own")
    gone = [home.report.figure("confusion", kind) for kind in ("png", "pdf")]
    gone += [home.report.table("final_trial_0", kind) for kind in ("csv", "tex")]
    assert all(one.is_file() for one in gone)
    shutil.rmtree(home.final(0).path)
    read_page(room.report(home))
    assert not any(one.exists() for one in gone)
    assert mine.is_file()
    assert home.report.figure("learning_curves", "png").is_file()


def test_what_was_promised_and_what_held(tmp_path, unpainted):
    config = config_for(tmp_path, "study")
    made = [*trials(4, config)]
    home = study_with(tmp_path, made)
    write_final(home)
    confirm(home, made[:3])
    page = read_page(room.report(home))
    for words in (
        "Expected of trial_0 on new utterances: 61.00 % (90 % interval 58.00 to 64.00 %, "
        "by choice repeated), not the",
        "Expected of trial_0 on new utterances: 63.00 % (90 % interval 60.00 to 66.00 %, by "
        "choice repeated)",
        "Expected of the ensemble of trial_0 (75 %), trial_3 (25 %) on new utterances: 65.00 % "
        "(90 % interval 62.00 to 68.00 %, by choice repeated), not the 71.00 % that it reaches "
        "where it was chosen. Ahead is the ensemble of 2 models, val/accuracy 65.00 %, "
        "which make final takes; behind it trial_0 -2.00, the baseline -15.00 points. They are "
        "not measured alike: trial_0 over fresh seeds, the ensemble with the luck of its members' "
        "seeds, the baseline, which has no seed and was not chosen on validation, as it is.",
        "trial_0 on the test session",
        "the 3 leaders do 3.00 points worse on average",
        "chosen",
        "default configuration (trial_1) 60.00 % 60.00 % +10.00 +2.00 to +18.00 dialogues",
        "without speech",
        "scenario: improvised 100",
        "Expected calibration error 8.00 %",
        "70.00 %, outside of it",
    ):
        assert words in page.text, words
    assert home.report.figure("validation_against_rerun", "png").is_file()
    assert home.report.figure("reliability", "png").is_file()


def test_leaders_judged_by_a_loss_are_worse_where_it_is_higher(tmp_path, unpainted):
    by_loss = ("study.objective=val/loss",)
    made = [
        replace(one, state=TrialState.COMPLETE, value=1.0 + one.number / 10)
        for one in trials(2, config_for(tmp_path, "study", *by_loss))
    ]
    home = study_with(tmp_path, made, *by_loss)
    selected(home, "trial_1", {"trial_0": 1.25, "trial_1": 1.2}, error=0.015)
    stored = json.loads(home.selection.read_text())
    for one in stored["candidates"]:
        one["values"] = [one["mean"]] * 2
    write_json(home.selection, stored)
    text = read_page(room.report(home)).text
    for words in (
        "trial_1 is the confirmed winner",
        "reaches 1.2000 on average, better than any other leader",
        "the 2 leaders do 0.1750 worse on average",
        "Standard error of a mean: 0.0150.",
        "Above the dashed line, the search's value was partly luck",
    ):
        assert words in text, words
    stored["candidates"].pop()
    stored["winner"] = "trial_0"
    write_json(home.selection, stored)
    assert "the leader does 0.2500 worse on average" in read_page(room.report(home)).text


def test_the_front_of_two_objectives(tmp_path, unpainted):
    two = ("study.second_objective=parameters", "sampler=nsga2", "pruner=none")
    home, config = begin(tmp_path, "study", *two), config_for(tmp_path, "study", *two)
    scores = [(0.5, 10.0), (0.6, 20.0), (0.55, 30.0), (0.7, 40_000.0)]
    made = trials(len(scores), config)
    write_all(home, config, [
        replace(one, state=TrialState.COMPLETE, value=value, cost=cost)
        for one, (value, cost) in zip(made, scores, strict=True)
    ])  # fmt: skip
    page = study_page(read_findings(home))
    (table,) = [one for one in page.tables() if one.name == "front"]
    assert [row[:3] for row in table.rows] == [
        ("trial_0", "50.00 %", "10"), ("trial_1", "60.00 %", "20"), ("trial_3", "70.00 %", "40,000")
    ]  # fmt: skip
    (plot,) = [one for one in page.plots() if one.name == "front"]
    (axes,) = plot.figure.axes
    assert [one.get_text() for one in axes.texts] == ["trial_0", "trial_1", "trial_3"]
    assert axes.get_xlabel() == "trained weights (number)"
    assert "the front: no trial is better at no higher cost" in plot.caption


def test_what_trials_cost_is_shown_and_how_it_was_timed(tmp_path, unpainted):
    home, config = begin(tmp_path), config_for(tmp_path, "study")
    write_all(home, config, [*trials(3, config)])
    page = study_page(read_findings(home))
    (plot,) = [one for one in page.plots() if one.name == "cost"]
    assert [one.get_xlabel() for one in plot.figure.axes] == [
        "trained weights (number)", "latency of one utterance (ms)"
    ]  # fmt: skip
    assert "up to 50 single utterances" in plot.caption
    assert "on 1 thread (cpu)" in plot.caption
    assert "front" not in {one.name for one in (*page.plots(), *page.tables())}
    (table,) = [one for one in page.tables() if one.name == "trials"]
    place = table.columns.index("ms an utterance")
    assert [row[place] for row in table.rows] == ["4.00", "4.01", "4.02"]


def test_a_warm_start_is_told(tmp_path, unpainted):
    home = begin(tmp_path, "study", "warm_start=old")
    told = read_page(room.report(home)).text
    assert "warm-started with the trials of study old" in told
    warm_start = {"study": "old", "n_prior_trials": 7}
    write_record(home.summary, search_summary(warm_start=warm_start))
    told = read_page(room.report(home)).text
    assert "warm-started with 7 trials of study old, as far as they fit this space" in told


def test_folds_and_seeds_of_a_trial_are_shown(tmp_path):
    made = []
    for one in trials(3, config_for(tmp_path, "study")):
        parts = tuple(Training(fold, 1, 0.5 + 0.1 * n, 2) for n, fold in enumerate("ab"))
        curve = [replace(epoch, training=index) for index in (0, 1) for epoch in one.curve]
        made.append(replace(one, curve=tuple(curve), trainings=parts))
    home = study_with(tmp_path, made)
    (plot,) = [one for one in study_page(read_findings(home)).plots() if one.name == "trainings"]
    legend = plot.figure.axes[0].get_legend()
    assert [one.get_text() for one in legend.get_texts()] == ["a", "b", "mean"]


def test_a_broken_ledger_is_a_remark(tmp_path, unpainted):
    home = study_with(tmp_path, [])
    home.ledger.write_text("{")
    assert "mend its broken line by hand" in read_page(room.report(home)).text


def test_another_process_makes_the_same_page_and_imports_nothing_that_trains(whole):
    before = whole.report.page.read_bytes()
    assert reported_elsewhere(whole) == ""
    assert whole.report.page.read_bytes() == before


class TestComparison:
    @pytest.fixture
    def pair(self, tmp_path):
        homes = []
        for seed, name in enumerate(("first", "second")):
            home = begin(tmp_path, name, *RANDOM)
            config = config_for(tmp_path, name, *RANDOM)
            write_all(home, config, [*trials(5, config, seed=seed)])
            write_final(home, seed=seed)
            homes.append(home)
        return homes

    def test_a_pair_is_a_page(self, pair, only_svg):
        page = read_page(room.compare(pair))
        assert "first (trial_0) less second (trial_0)" in page.text
        (table,) = [t for t in comparison_page([*map(read_findings, pair)]).tables()
                    if t.name == "studies"]  # fmt: skip
        assert [row[table.columns.index("scored")] for row in table.rows] == ["trial_0"] * 2
        assert "McNemar p" in page.text
        assert "95 % interval by" in page.text
        assert {"differences", "progress"} <= {
            one.name for one in comparison_page([*map(read_findings, pair)]).plots()
        }

    def test_a_study_has_one_colour_on_every_panel(self, pair, tmp_path):
        other = begin(tmp_path, "pruned")  # no arm whose expected best can be told
        write_all(other, config_for(tmp_path, "pruned"), [*trials(5, config_for(tmp_path, "p"))])
        page = comparison_page([*map(read_findings, (other, pair[1]))])
        (plot,) = [one for one in page.plots() if one.name == "progress"]
        colours = [{one.get_label(): one.get_color() for one in axes.lines}
                   for axes in plot.figure.axes]  # fmt: skip
        assert set(colours[1]) == {"second"}
        assert colours[1]["second"] == colours[0]["second"] != colours[0]["pruned"]
        assert all(float(one).is_integer() for one in plot.figure.axes[1].get_xticks())

    def test_the_scored_trial_is_named(self, pair, unpainted):
        write_final(pair[1], 3, seed=5)
        write_final(pair[1], 2, seed=6)
        shutil.rmtree(pair[1].final(0).path)
        (table, differences, *_) = comparison_page([*map(read_findings, pair)]).tables()
        row = dict(zip(table.columns, table.rows[1], strict=True))
        assert row["scored"] == "trial_3 (first of 2)"
        result = json.loads(pair[1].final(3).result.read_text())
        assert row["test accuracy"] == format_share(result["accuracy"])
        tests = {row[0] for row in differences.rows if row[1] == "test"}
        assert tests == {"first (trial_0) less second (trial_3)"}

    def test_a_study_against_itself_has_no_difference(self, pair):
        findings = read_findings(pair[0])
        (table,) = [
            t for t in comparison_page([findings, findings]).tables() if t.name == "differences"
        ]
        assert {float(row[3]) for row in table.rows} == {0}
        expected = {metric.label: "–" for metric in METRICS.values()} | {"accuracy": "1.000"}
        assert {row[2]: row[-1] for row in table.rows} == expected

    def test_other_utterances_are_not_paired(self, pair, unpainted):
        for path in pair[1].path.glob("trials/*/validation.npz"):
            stored = dict(np.load(path))
            stored["utterance_id"] = np.char.add("x", stored["utterance_id"])
            np.savez_compressed(path, **stored)
        page = read_page(room.compare(pair))
        assert "judged on different utterances" in page.text

    def test_one_is_no_pair(self, pair):
        with pytest.raises(StudyError, match="two studies or more"):
            room.compare(pair[:1])

    def test_different_metrics_are_not_compared(self, pair, tmp_path):
        other = begin(tmp_path, "third", "study.objective=val/uar")
        with pytest.raises(StudyError, match="different metrics"):
            room.compare([pair[0], other])


def test_the_commands(emotion_hpo, tmp_path):
    home = study_with(tmp_path, [])
    where = f"study.directory={tmp_path}"
    told = tmp_path / "told.json"
    ended = emotion_hpo("report", where, "study.name=study", f"output={told}")
    assert (ended.status, ended.stderr) == (0, "")
    assert str(home.report.page) in ended.stdout
    assert json.loads(told.read_text()) == {"page": str(home.report.page)}
    ended = emotion_hpo("compare", where, "studies=[study]")
    assert ended.status == 2
    assert "two studies or more" in ended.stderr
    ended = emotion_hpo("report", where, "study.name=nobody")
    assert (ended.status, ended.stderr.count("\n")) == (2, 1)


def test_cells_of_csv_are_quoted():
    assert as_csv(Table("t", "T", ("a",), (("x, y",),))) == 'a\n"x, y"\n'
