"""Folders and tables of utterances: every row answered, or its reason told."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from emotion_hpo.errors import EmotionHpoError, FeatureError
from emotion_hpo.predict import Predictor, Utterance, find_rows, predict_rows
from emotion_hpo.predict import batch as module
from emotion_hpo.predict.batch import Row

RATE = 16_000
HUM = (0.1 * np.sin(np.arange(RATE) / 20)).astype(np.float32)


@pytest.fixture(scope="module")
def predictor(small_bundle):
    return Predictor(small_bundle)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "recordings"
    (folder / "deeper").mkdir(parents=True)
    soundfile.write(folder / "b.wav", HUM, RATE)
    soundfile.write(folder / "deeper" / "a.WAV", np.stack([HUM, HUM], 1), 44_100, format="WAV")
    (folder / "._b.wav").write_bytes(b"what macOS leaves behind")
    (folder / "notes.txt").touch()
    return folder


def silent(_done, _total):
    """Show nothing."""


def test_a_folder(predictor, folder):
    rows = find_rows(folder)
    assert [row.utterance_id for row in rows] == ["b", "deeper/a"]
    table = predict_rows(predictor, rows, silent)
    assert list(table.columns) == ["utterance_id", "predicted", "p_ang", "p_exc", "p_neu", "p_sad",
                                   "modalities", "error"]  # fmt: skip
    assert table["error"].isna().all()
    alone = predictor([Utterance(samples=HUM)])[0]
    np.testing.assert_allclose(table.iloc[0, 2:6].astype(float), alone, atol=0.01)
    assert table["predicted"][0] == predictor.classes[alone.argmax()]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_reads_beside_itself(predictor, folder, kind):
    np.save(folder / "m.npy", np.zeros((60, 189), np.float32))
    table = pd.DataFrame(
        {
            "utterance_id": ["one", "two", "three"],
            "audio": ["b.wav", None, "b.wav"],
            "start_s": [0.25, None, None],
            "end_s": [0.75, None, None],
            "transcript": ["hello, you", "words alone", None],
            "motion": [None, None, "m.npy"],
            "mood": ["ignored", "ignored", "ignored"],
        }
    )
    path = folder / f"table.{kind}"
    if kind == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    found = predict_rows(predictor, find_rows(path), silent)
    assert list(found["utterance_id"]) == ["one", "two", "three"]
    assert found["error"].isna().all()
    np.testing.assert_allclose(found.filter(like="p_").sum(axis=1), 1, rtol=1e-4)


def test_words_that_mean_missing_elsewhere_are_words(predictor, tmp_path):
    words = ["None", "NA", "nan", "null", "007", ""]
    lines = [f"{one or 'NULL'},{one},None,NA,nan" for one in words]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["utterance_id,transcript,speaker,start_s,end_s", *lines]))
    rows = find_rows(path)
    assert [row.utterance_id for row in rows] == ["None", "NA", "nan", "null", "007", "NULL"]
    assert [row.cells.get("transcript") for row in rows] == [*words[:-1], None]
    assert {row.cells["speaker"] for row in rows} == {"None"}
    errors = predict_rows(predictor, rows, silent)["error"]
    assert [*errors.isna()] == [True] * 5 + [False], "only the empty field is no transcript"


def test_a_bad_row_costs_only_itself(predictor, folder, monkeypatch):
    (folder / "c.wav").write_bytes(b"no sound")
    np.save(folder / "m.npy", np.zeros((9, 7)))
    rows = [
        *find_rows(folder),
        Row("narrow", {"motion": "m.npy"}, folder),
        Row("nothing", {"transcript": " "}),
        Row("late", {"audio": "b.wav", "start_s": "half past"}, folder),
        Row("fine", {"transcript": "hello"}),
    ]
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    seen = []
    table = predict_rows(predictor, rows, lambda done, total: seen.append((done, total)))
    told = table.set_index("utterance_id")["error"]
    assert "not a WAV file" in told["c"]
    assert "motion must be (frames, 189)" in told["narrow"]
    assert "there is nothing that the model uses" in told["nothing"]
    assert told["late"] == "start_s is no number of seconds: 'half past'"
    assert told.isna().sum() == 3
    assert seen == [(2, 7), (4, 7), (6, 7), (7, 7)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere", None, "no such file or folder"),
        ("t.csv", "audio\na.wav", "there is no column 'utterance_id'"),
        ("t.csv", "utterance_id\none", "needs one of the columns audio, transcript, motion"),
        ("t.csv", "utterance_id,audio\none,a\none,b", r"1 rows repeat an utterance_id:\n.*line 3"),
        ("t.csv", "utterance_id,audio\n", "holds no utterance"),
        ("t.csv", "utterance_id,audio\n,a", r"1 rows have no utterance_id:\n.*line 2"),
        ("t.csv", "", "is empty"),
        ("t.parquet", "nonsense", "cannot be read as Parquet"),
        ("t.xlsx", "nonsense", "a table ends in .csv, .tsv, .parquet"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(EmotionHpoError, match=message):
        find_rows(tmp_path / name)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FeatureError, match=r"holds no \.wav file"):
        find_rows(tmp_path)


class TestCommand:
    @pytest.fixture
    def model(self, small_bundle, tmp_path):
        path = tmp_path / "studies" / "quick" / "final" / "trial_7" / "model.pt"
        small_bundle.save(path)
        return path

    def test_one_utterance_is_a_table_of_bars(self, emotion_hpo, model, folder, tmp_path):
        told = tmp_path / "answer.json"
        words = "text=Well, I'm glad [really] you {came}! ${x} \\"
        ended = emotion_hpo(
            "predict", f"model={model.parent}", f"wav={folder / 'b.wav'}", words, f"output={told}"
        )
        assert (ended.status, ended.stderr) == (0, "")
        shares = [line.split()[1] for line in ended.stdout.splitlines()[2:6]]
        assert sum(map(float, shares)) == pytest.approx(100, abs=0.1)
        assert sorted(map(float, shares), reverse=True) == [*map(float, shares)]
        assert "█" in ended.stdout
        assert "synthetic" in ended.stdout
        assert "2 networks averaged" in ended.stdout
        answer = pd.read_json(told, typ="series")
        assert sum(answer["probabilities"].values()) == pytest.approx(1)

    def test_many_are_a_csv(self, emotion_hpo, model, folder, tmp_path):
        ended = emotion_hpo("predict", f"model={model}", f"utterances={folder}")
        assert (ended.status, ended.stdout.splitlines()[0][:12]) == (0, "utterance_id")
        (folder / "c.wav").touch()
        out = tmp_path / "answers.csv"
        ended = emotion_hpo("predict", f"model={model}", f"utterances={folder}", f"output={out}")
        assert ended.status == 2
        assert "1 of 3 utterances could not be used" in ended.stderr
        assert len(pd.read_csv(out)) == 3

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "nothing to predict"),
            (("text=",), "there is nothing that the model uses"),
            (("text= ",), "there is nothing that the model uses"),
            (("text=hello", "utterances=x"), "either utterances, or"),
            (("wav=nowhere.wav",), "nowhere.wav: no such file"),
            (("motion=nowhere.npy",), "nowhere.npy: no such file"),
            (("text=" + 10_000 * "a ",), "the text has 10,000 words"),
            (("utterances=nowhere",), "nowhere: no such file or folder"),
        ],
    )
    def test_slips_are_one_line(self, emotion_hpo, model, arguments, message):
        ended = emotion_hpo("predict", f"model={model}", *arguments)
        assert ended.status == 2
        assert message in ended.stderr
        assert ended.stderr.count("\n") == 1

    def test_no_model(self, emotion_hpo, isolated):
        ended = emotion_hpo("predict", "text=hello")
        assert (ended.status, "`make final` makes one" in ended.stderr) == (2, True)
