"""`emotion-hpo paper`: every row, claim and module of some tables; run again it trains nothing."""

import csv

import pytest

from emotion_hpo.report import published
from emotion_hpo.search import batch
from emotion_hpo.study.records.base import read_record
from emotion_hpo.study.records.paper import PaperResult

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
            {"key": "linear", "row": "linear", "reported": 70.9, "model": "linear",
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
    assert any("No GloVe" in remark for remark in result.remarks)

    page = (home / "report" / "index.html").read_text()
    assert "CHOSEN ON THE TEST" in page
    assert "synthetic" in page.lower()
    with (home / "report" / "tables" / "combined.csv").open() as file:
        table = {row["row"]: row for row in csv.DictReader(file)}
    assert table["all"]["published"] == "71.04"
    assert table["all"]["its last epoch"] == "67.30"
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


def test_a_table_that_does_not_exist_is_named(emotion_hpo, studies):
    ended = emotion_hpo("paper", "tables=[combind]")
    assert ended.status == 2
    (line,) = ended.stderr.splitlines()
    assert "unknown table 'combind', did you mean 'combined'" in line
