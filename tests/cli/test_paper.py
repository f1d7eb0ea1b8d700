"""`emotion-hpo paper`: every row, claim and module of some tables; run again it trains nothing."""

import csv
from pathlib import Path

import pytest

from emotion_hpo.cli.paper_rows import compose_rows
from emotion_hpo.report import published
from emotion_hpo.report.published import published_tables
from emotion_hpo.search import batch
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.paper import PaperResult
from tests.pipeline import compose_config

SMOKE = ["training.batch_size=16"]
TABLES = {
    "tables": [{
        "name": "combined", "title": "Combined", "source": "a paper", "place": "its table",
        "protocol": "session5", "training": SMOKE, "rows": [
            {"key": "tripathi/combined", "row": "all", "peak": 71.04, "last": 67.3,
             "model": "smoke"},
            {"key": "tripathi/combined_text_speech", "row": "again, trained once", "peak": 68.4,
             "model": "smoke"},
            {"key": "average", "row": "average", "reported": [60.0, 61.0], "rule": "average",
             "members": ["tripathi/combined", "linear"]},
            {"key": "linear", "row": "linear", "measured": 70.9, "model": "linear",
             "training": ["model.modalities=[text]"]},
            {"key": "quoted/other", "row": "another", "reported": 50.0},
            {"key": "missing", "row": "no such modality", "reported": 50.0, "model": "linear",
             "training": ["model.modalities=[video]"]},
        ],
    }],
    "claims": [
        {"claim": "networks over lines", "published": "71.04 against 70.9",
         "first": "tripathi/combined@tail20", "second": "extra/tail"},
        {"claim": "never", "published": "", "first": "missing", "second": "linear"},
        {"claim": "of GloVe", "published": "", "first": "tripathi/combined", "second": "linear",
         "needs_glove": True},
    ],
    "extra": [{"key": "extra/tail", "row": "linear there", "model": "linear",
               "protocol": "tail20", "training": ["model.modalities=[text]"]}],
}  # fmt: skip


@pytest.fixture
def studies(isolated, small_features, monkeypatch):
    tables = published._Published.model_validate(TABLES)
    monkeypatch.setattr(published, "_published", lambda: tables)
    (isolated / "studies").mkdir()
    (isolated / "studies" / "features").symlink_to(small_features)
    return isolated / "studies"


def test_every_row_stands_beside_its_source(emotion_hpo, studies, monkeypatch):
    batches = []
    true_work = batch._work
    monkeypatch.setattr(batch, "_work", lambda *a: (batches.append(a), true_work(*a)))
    command = ("paper", "corpus.scale=0.02", "features.mocap.n_parts=20", "tracking=none",
               "seeds=1", "epochs=1", "launcher.n_workers=1")  # fmt: skip
    ended = emotion_hpo(*command)
    assert ended.status == 0, ended.stderr
    home = studies / "paper_tables"
    result = read_record(home / "paper.json", PaperResult)
    rows = {row.key: row.result for row in result.rows}
    assert list(rows)[:4] == ["tripathi/combined", "tripathi/combined_text_speech", "average",
                              "linear"]  # fmt: skip
    first, again = rows["tripathi/combined"], rows["tripathi/combined_text_speech"]
    assert first.pooled_accuracy == again.pooled_accuracy, "one training serves both rows"
    assert first.test_picked is not None
    assert rows["average"].n_parameters == first.n_parameters + rows["linear"].n_parameters
    assert rows["tripathi/combined@tail20"].protocol == "tail20"
    assert [left.key for left in result.left_out] == ["missing"]
    (claim,) = result.claims
    difference = (
        rows["tripathi/combined@tail20"].pooled_accuracy.mean
        - rows["extra/tail"].pooled_accuracy.mean
    )
    assert claim.difference.estimate == pytest.approx(difference)
    by_change = {each.change: each for each in result.modularity}
    assert len(by_change) == 3
    for each in by_change.values():
        assert each.part.n_parameters < each.whole.n_parameters
    assert any("random ones nothing is said" in remark for remark in result.remarks)

    page = (home / "report" / "index.html").read_text()
    assert "CHOSEN ON THE TEST" in page
    assert "synthetic" in page.lower()
    with (home / "report" / "tables" / "combined.csv").open() as file:
        table = {row["row"]: row for row in csv.DictReader(file)}
    assert table["all"]["published"] == "71.04"
    assert table["all"]["its last epoch"] == "67.30"
    assert table["linear"]["published"] == "–"
    last = f"{100 * first.test_picked.last_accuracy:.2f}"
    assert table["all"]["ours, as published: last epoch"] == last
    assert {row: cells["its epoch"] for row, cells in table.items()} == {
        "all": "on the test", "again, trained once": "on the test", "average": "unknown",
        "linear": "measured, another model: 70.90", "another": "unknown",
        "no such modality": "unknown",
    }  # fmt: skip
    ours = f"{100 * first.pooled_accuracy.mean:.2f}"
    assert table["all"]["ours: accuracy"] == ours
    assert table["average"]["published"] == "60.00 / 61.00"
    assert table["another"]["protocol"] == "quoted"
    assert "video" in table["no such modality"]["protocol"]
    assert (home / "report" / "tables" / "combined.tex").is_file()

    batches.clear()
    assert emotion_hpo(*command).status == 0
    assert not batches
    again = read_record(home / "paper.json", PaperResult)
    assert again.claims == result.claims
    assert [each.difference for each in again.modularity] == [
        each.difference for each in result.modularity
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tables=[combind]"], "unknown table 'combind', did you mean 'combined'"),
        (["tables=[]"], "tables"),
        (["glove=nowhere.txt"], "nowhere.txt: No such file"),
        (["glove=narrow.txt"], "narrow.txt has vectors of 2 dimensions; 300 are needed"),
    ],
)
def test_a_mistake_is_one_line_before_any_work(emotion_hpo, isolated, words, message):
    (isolated / "narrow.txt").write_text("word 0.1 0.2\n")
    ended = emotion_hpo("paper", *words)
    assert ended.status == 2
    (line,) = ended.stderr.splitlines()
    assert message in line
    assert not (isolated / "studies").exists()


def test_where_no_row_can_be_trained_no_page_is_written(emotion_hpo, studies, monkeypatch):
    (table,) = TABLES["tables"]
    missing = TABLES | {"tables": [table | {"rows": table["rows"][-1:]}]}
    tables = published._Published.model_validate(missing)
    monkeypatch.setattr(published, "_published", lambda: tables)
    ended = emotion_hpo("paper", "corpus.scale=0.02", "features.mocap.n_parts=20", "tracking=none",
                        "tables=[combined]")  # fmt: skip
    assert ended.status == 2
    assert "no row can be trained" in ended.stderr.splitlines()[-1]
    assert "video" in ended.stderr
    assert not (studies / "paper_tables" / "paper.json").exists()


def test_rows_are_trained_for_their_sources_epochs():
    """By the notebooks' logs; where these tell none, 30, as the combined network."""
    of = {table.name: table for table in published_tables()}
    tables = [
        of[name].model_copy(update={"rows": of[name].rows[:1]}) for name in ("text", "motion")
    ]
    shared = {"epochs": None, "vectors": Path("vectors.txt"), "has_extra": False}
    rows = compose_rows(compose_config(), {}, tables, **shared)
    assert {row.key: row.config.training.epochs for _, row in rows} == {
        "tripathi/text_model1": 125, "tripathi/head_model1": 30,
    }  # fmt: skip
    requested = {"training": {"epochs": 2}}
    ((_, row),) = compose_rows(compose_config(), requested, tables[:1], **shared)
    assert row.config.training.epochs == 2, "as the command line says"
