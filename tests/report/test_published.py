"""Every published figure is that of the facts and has its source; what is trained has a preset."""

import re
from pathlib import Path

import pytest

from emotion_hpo.report.published import (
    extra_rows,
    published_claims,
    published_figures,
    published_tables,
)
from emotion_hpo.splits.protocols import PROTOCOLS

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf" / "model"

#: Table, row and kind → its figures, transcribed by themselves from the sources that tables name.
TRANSCRIBED = {
    ("combined", "text + speech + motion, configuration 19", "peak"): [71.04],
    ("combined", "text + speech + motion, configuration 19", "last"): [67.3],
    ("combined", "text + speech + motion, configuration 29", "peak"): [71.04],
    ("combined", "text + speech + motion, configuration 29", "last"): [70.04],
    ("combined", "text + speech + motion, the notebook's widths", "peak"): [71.04],
    ("combined", "text + speech + motion, the notebook's widths", "last"): [66.85],
    ("combined", "text + speech", "peak"): [68.4],
    ("combined", "text + speech", "last"): [64.12],
    ("combined", "Poria et al., 10 folds (quoted there)", "reported"): [71.59],
    ("speech", "1: MLP 1024-512-256", "peak"): [50.6],
    ("speech", "1: MLP 1024-512-256", "last"): [48.48],
    ("speech", "2: LSTM 512, 256", "peak"): [51.32],
    ("speech", "2: LSTM 512, 256", "last"): [47.47],
    ("speech", "3: LSTM with attention", "peak"): [54.15],
    ("speech", "3: LSTM with attention", "last"): [51.92],
    ("speech", "4: bidirectional, with attention", "peak"): [55.65],
    ("speech", "4: bidirectional, with attention", "last"): [50.36],
    ("improvised", "4, improvised", "peak"): [62.72],
    ("improvised", "4, improvised", "last"): [50.72],
    ("improvised", "Lee & Tashev (quoted there)", "reported"): [62.85],
    ("improvised", "Chernykh (quoted there)", "reported"): [54.0],
    ("improvised", "Neumann & Vu (quoted there)", "reported"): [56.1],
    ("improvised", "Lakomkin (quoted there)", "reported"): [56.0],
    ("text", "1: convolutions, GloVe", "peak"): [62.55],
    ("text", "1: convolutions, GloVe", "last"): [59.82],
    ("text", "2: LSTM 512, 256, GloVe", "peak"): [64.68],
    ("text", "2: LSTM 512, 256, GloVe", "last"): [62.04],
    ("text", "3: LSTM 512, 256, random vectors of 128", "peak"): [64.78],
    ("text", "3: LSTM 512, 256, random vectors of 128", "last"): [60.93],
    ("motion", "head 1: LSTM 256", "peak"): [37.75],
    ("motion", "head 1: LSTM 256", "last"): [36.94],
    ("motion", "head 2: dense 256", "peak"): [40.28],
    ("motion", "head 2: dense 256", "last"): [29.15],
    ("motion", "hand 1: LSTM 256", "peak"): [33.7],
    ("motion", "hand 2: dense 256", "peak"): [36.94],
    ("motion", "hand 2: dense 256", "last"): [36.94],
    ("motion", "face 1: LSTM 512, 256", "peak"): [48.99],
    ("motion", "face 1: LSTM 512, 256", "last"): [43.32],
    ("motion", "face 2: convolutions", "peak"): [48.58],
    ("motion", "face 2: convolutions", "last"): [45.75],
    ("motion", "all columns: convolutions", "peak"): [51.11],
    ("motion", "all columns: convolutions", "last"): [40.99],
    ("sobczak", "acoustic: CNN on spectrograms", "peak"): [55.3],
    ("sobczak", "acoustic: BiLSTM with self-attention", "peak"): [53.2],
    ("sobczak", "linguistic: LSTM", "peak"): [58.9],
    ("sobczak", "linguistic: BiLSTM", "peak"): [59.4],
    ("sobczak", "linguistic: BiLSTM with self-attention", "peak"): [63.1],
    ("sobczak", "decision level: maximum confidence", "peak"): [66.7],
    ("sobczak", "decision level: average", "peak"): [68.8],
    ("sobczak", "decision level: weighted average", "peak"): [69.0],
    ("sobczak", "feature level", "peak"): [71.1],
    ("multifocus", "acoustic: last state", "reported"): [49.82, 50.03],
    ("multifocus", "acoustic: average", "reported"): [54.98, 54.45],
    ("multifocus", "acoustic: attention", "reported"): [60.05, 60.89],
    ("multifocus", "lexical: last state", "reported"): [63.04, 61.5],
    ("multifocus", "lexical: first token", "reported"): [63.13, 63.18],
    ("multifocus", "lexical: average", "reported"): [62.68, 60.56],
    ("multifocus", "lexical: attention", "reported"): [63.13, 64.83],
    ("multifocus", "fusion: baseline", "reported"): [75.72, 75.99],
    ("multifocus", "fusion: multi-level attention", "reported"): [77.72, 78.31],
    ("pathosnet", "speech + text", "reported"): [73.5],
    ("pathosnet", "best before it (quoted there)", "reported"): [69.7],
    ("pathosnet", "humans (quoted there)", "reported"): [70.0],
    ("anchors", "BERT text", "peak"): [69.3],
    ("anchors", "BERT text", "last"): [67.2],
    ("anchors", "wav2vec2 speech", "peak"): [64.0],
    ("anchors", "wav2vec2 speech", "last"): [60.6],
    ("anchors", "face", "peak"): [51.7],
    ("anchors", "face", "last"): [47.9],
    ("anchors", "head", "peak"): [43.4],
    ("anchors", "head", "last"): [38.3],
    ("anchors", "hand", "peak"): [36.3],
    ("anchors", "hand", "last"): [30.1],
    ("anchors", "all motion", "peak"): [52.6],
    ("anchors", "all motion", "last"): [47.3],
    ("anchors", "text + motion", "peak"): [71.9],
    ("anchors", "text + motion", "last"): [70.9],
    ("anchors", "text + speech", "peak"): [74.9],
    ("anchors", "text + speech", "last"): [74.5],
    ("anchors", "all three", "peak"): [77.0],
    ("anchors", "all three", "last"): [69.2],
    ("anchors", "all three, another run", "peak"): [75.0],
    ("anchors", "all three, another run", "last"): [75.0],
    ("anchors", "all three, as in the paper", "reported"): [77.58],
    ("anchors", "logistic regression on words and functionals", "measured"): [70.9, 72.1],
    ("anchors", "LSTM over the dialogue, both sides", "measured"): [84.7, 85.4],
}  # fmt: skip


def test_every_figure_is_the_transcribed_one():
    figures = {}
    for figure in published_figures():
        figures.setdefault((figure.table, figure.row, figure.kind), []).append(figure.value)
    assert figures == TRANSCRIBED


def test_every_figure_has_its_source_and_a_protocol_that_exists():
    for figure in published_figures():
        assert figure.source
        assert figure.place
        assert figure.protocol in PROTOCOLS
        assert 0 < figure.value < 100


def test_rows_have_keys_of_their_own_and_presets_that_exist():
    rows = [row for table in published_tables() for row in table.rows]
    keys = [row.key for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        assert row.model is None or (CONF / f"{row.model}.yaml").is_file()
        assert set(row.members) <= {other.key for other in rows if other.model}
        assert (row.rule is None) == (not row.members)
        assert row.key.startswith("quoted/") == (row.model is None and not row.members)
        figures = (row.peak, row.last, row.reported, row.measured)
        assert (row.measured is not None) == row.key.startswith("anchor/")
        assert any(figure is not None for figure in figures)


def test_every_preset_of_these_papers_has_a_row():
    named = {row.model for table in published_tables() for row in table.rows}
    folders = ("tripathi", "sobczak", "multifocus")
    presets = {f"{name}/{file.stem}" for name in folders for file in (CONF / name).glob("*.yaml")}
    assert presets <= named


def test_every_figure_stands_in_the_facts():
    """The facts are no part of the repository; where they lie beside it, they are the oracle."""
    files = [ROOT.parent / "shared" / name for name in ("FACTS.md", "FACTS2.md")]
    if not all(file.is_file() for file in files):
        pytest.skip("no facts beside the repository: ../shared/FACTS.md and FACTS2.md")
    text = "\n".join(file.read_text("utf-8") for file in files)
    known = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)}
    for figure in published_figures():
        assert figure.value in known, figure


def test_claims_and_their_rows_exist():
    rows = [row for table in published_tables() for row in table.rows]
    keys = {row.key for row in (*rows, *extra_rows())}
    for claim in published_claims():
        assert {claim.first.partition("@")[0], claim.second.partition("@")[0]} <= keys
    assert [claim.claim for claim in published_claims() if claim.needs_glove] == [
        "pretrained word vectors over random ones"
    ]


def test_epochs_are_those_of_the_notebooks():
    rows = [row for table in published_tables() for row in table.rows]
    assert {row.key: row.epochs for row in rows if row.epochs is not None} == {
        "tripathi/combined": 30, "tripathi/combined_29": 30, "tripathi/combined_notebook": 20,
        "tripathi/combined_text_speech": 20, "tripathi/speech_model1": 80,
        "tripathi/speech_model2": 60, "tripathi/speech_model3": 60, "tripathi/speech_model4": 100,
        "tripathi/speech_model4/improvised": 100, "tripathi/text_model1": 125,
        "tripathi/text_model2": 30, "tripathi/text_model3": 30,
    }  # fmt: skip
