"""Labels that a configuration names must be the corpus's; spellings of one label are told."""

import pandas as pd
import pytest

from emotion_hpo.config.corpus import ManifestCorpus
from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.iemocap.evaluation import MEANINGS
from emotion_hpo.corpus.labels import check_labels, spelling_remarks
from emotion_hpo.errors import CorpusError
from tests.corpus import collecting, releases

IEMOCAP = "ang, dis, exc, fea, fru, hap, neu, oth, sad, sur, xxx"


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("angry", "ang"),
        ("happy", "hap"),
        ("neutral", "neu"),
        ("exicted", "exc"),
        ("Sad", "sad"),
        ("frustrated", "fru"),
        ("surprised", "sur"),
        ("fear", "fea"),
        ("disgust", "dis"),
        ("sad ", "sad"),
    ],
)
def test_words_lead_to_the_label(written, nearest):
    said = f"no label {written!r}, did you mean '{nearest}'"
    with pytest.raises(CorpusError, match=said):
        check_labels("corpus.classes", [written], MEANINGS, "IEMOCAP")


@pytest.mark.parametrize("write", ["release", "pickle"])
def test_iemocap_knows_its_labels(small_twin, release, tmp_path, write):
    if write == "release":
        where, open_with = release, releases.opened
        source, valid = "IEMOCAP", IEMOCAP
    else:
        where = collecting.write_pickle(tmp_path / "data.pickle", collecting.entries(small_twin))
        open_with = collecting.opened
        source, valid = str(where), "ang, exc, fru, hap, neu, sad, xxx"
    with pytest.raises(CorpusError) as raised:
        open_with(where, classes=("angry", "exc", "neutral", "sad"))
    assert str(raised.value).splitlines() == [
        f"corpus.classes: {source} has no label 'angry', did you mean 'ang'? (valid: {valid})",
        f"corpus.classes: {source} has no label 'neutral', did you mean 'neu'? (valid: {valid})",
    ]
    with pytest.raises(CorpusError, match=r"corpus\.merge: .* no label 'fear', did you mean 'fea'"):
        open_with(where, merge={"fear": "sad"})
    merged = open_with(where, classes=("low", "exc"), merge={"sad": "low", "neu": "low"})
    counts = pd.concat([merged.table(name) for name in merged.sessions()])["emotion"].value_counts()
    plain = open_with(where)
    emotions = pd.concat([plain.table(name) for name in plain.sessions()])["emotion"].value_counts()
    assert counts["low"] == emotions["sad"] + emotions["neu"]


def manifest(folder, labels, classes=None):
    rows = [f"u{i},s{i},{i % 2},{label}" for i, label in enumerate(labels)]
    path = folder / "table.csv"
    path.write_text("\n".join(["utterance_id,speaker,session,emotion", *rows, ""]), "utf-8")
    return open_corpus(
        ManifestCorpus(
            name="manifest", table=path, features={}, classes=classes, synthetic=False, strict=False
        )
    )


def test_a_manifest_knows_its_labels(tmp_path):
    with pytest.raises(CorpusError, match=r"no label 'exicted', did you mean 'excited'\? \(valid:"):
        manifest(tmp_path, ["excited", "sad"], classes=("exicted", "sad"))


def test_a_manifest_takes_each_class_once(tmp_path):
    with pytest.raises(ValueError, match=r"each class once, but got \['sad', 'happy', 'sad'\]"):
        manifest(tmp_path, ["happy", "sad"], classes=("sad", "happy", "sad"))


def test_spellings_are_told(tmp_path, small_twin):
    corpus = manifest(tmp_path, ["Happy", "happy", "happy", "very sad", "very_sad"])
    said = "labels alike but for their spelling: {}; are they one?"
    remarks = [line for line in corpus.remarks() if line.startswith("labels")]
    assert remarks == [
        said.format("1 of Happy, 2 of happy"),
        said.format("1 of very sad, 1 of very_sad"),
    ]
    assert corpus.classes == ("Happy", "happy", "very sad", "very_sad")
    entries = collecting.entries(small_twin)
    entries[0]["emotion"] = entries[0]["emotion"].upper()
    pickled = collecting.write_pickle(tmp_path / "data.pickle", entries)
    assert any(
        "alike but for their spelling" in line for line in collecting.opened(pickled).remarks()
    )
    assert [*spelling_remarks({"1.1": 1, "11": 1, "1": 2})] == []
