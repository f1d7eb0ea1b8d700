"""Folders and tables of utterances: every row answered, or its reason told."""

from dataclasses import replace

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
def predictor(small_saved_model):
    return Predictor(small_saved_model)


@pytest.fixture(scope="module")
def mixed(mixed_bundle):
    return Predictor(mixed_bundle)


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


def test_words_may_be_called_as_one_utterance_has_them(predictor, tmp_path):
    rows = {}
    for name in ("text", "transcript"):
        (tmp_path / "t.csv").write_text(f"utterance_id;{name}\na;so, so sad\n")
        (rows[name],) = find_rows(tmp_path / "t.csv")
    assert rows["text"] == rows["transcript"]
    assert rows["text"].cells["transcript"] == "so, so sad"
    (tmp_path / "t.csv").write_text("utterance_id,text,transcript\na,b,c\n")
    with pytest.raises(FeatureError, match=r"t\.csv: transcript and text are .* leave one out"):
        find_rows(tmp_path / "t.csv")


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


TABLE = [["utterance_id", "transcript", "start_s"], ["a ", " so sad ", ""], ["b", "", ""]]


def lines(sign, encoding="utf-8"):
    return "\n".join(sign.join(fields) for fields in TABLE).encode(encoding)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", lines(",")),
        ("t.tsv", lines("\t")),
        ("T.CSV", lines(",", "utf-8-sig")),
        ("t.csv", lines(",").replace(b"\n", b"\r\n")),
        ("t.csv", lines(",").replace(b"utterance_id,", b" utterance_id , ")),
        ("t.csv", lines(";")),
        ("t.csv", lines("\t", "utf-16")),
        ("t.parquet", None),
    ],
    ids=["csv", "tsv", "marked", "CRLF", "spaces in the header", "semicolons", "UTF-16", "parquet"],
)
def test_tables_of_any_kind_are_read_alike(tmp_path, name, content):
    path = tmp_path / name
    if content is None:
        pd.DataFrame(TABLE[1:], columns=TABLE[0]).to_parquet(path)
    else:
        path.write_bytes(content)
    rows = find_rows(path)
    assert [row.utterance_id for row in rows] == ["a", "b"]
    assert [dict(row.cells) for row in rows] == [
        {"utterance_id": "a", "transcript": "so sad"},
        {"utterance_id": "b"},
    ]


def test_a_wrong_row_is_named_by_place_and_column(predictor, folder):
    path = folder / "table.csv"
    path.write_text("utterance_id,audio,start_s,end_s\nr1,b.wav,,\nr2,b.wav,-0.5,0.5\n")
    table = predict_rows(predictor, find_rows(path), silent)
    assert table["error"].isna()[0]
    error = f"{path}, line 3: b.wav: start_s=-0.5 lies before the recording"
    assert table["error"][1] == error


def test_words_without_a_letter_are_missing(predictor, folder):
    path = folder / "table.csv"
    path.write_text("utterance_id,audio,transcript\nr1,b.wav,...?!\nr2,,😀\nr3,,...so\n")
    table = predict_rows(predictor, find_rows(path), silent)
    assert list(table["modalities"].fillna("")) == ["speech", "", "text"]
    assert "there is no word in '😀'" in table["error"][1]


class TestReadyMadeFeatures:
    def test_a_column_names_a_file_each(self, mixed, folder):
        np.save(folder / "v.npy", np.ones(6))
        path = folder / "table.csv"
        path.write_text(
            "utterance_id,features.video,transcript\nr1,v.npy,\nr2,,so sad\nr3,b.wav,so sad\n"
        )
        table = predict_rows(mixed, find_rows(path), silent)
        assert list(table["modalities"].fillna("")) == ["video", "text", ""]
        assert "features.video: b.wav is not a NumPy file" in table["error"][2]
        expected = mixed([Utterance(features={"video": np.ones(6, np.float32)})])[0]
        np.testing.assert_array_equal(table.iloc[0][["p_ang", "p_sad"]], expected)

    def test_parquet_may_hold_the_arrays(self, mixed, folder):
        path = folder / "table.parquet"
        for video in ([0.5] * 6, [[0.5] * 6]):
            cells = {"utterance_id": ["r1", "r2"], "features.video": [video, None]}
            pd.DataFrame(cells).to_parquet(path)
            table = predict_rows(mixed, find_rows(path), silent)
            assert list(table["modalities"].fillna("")) == ["video", ""]

    @pytest.mark.parametrize("kind", ["npy", "npz"])
    def test_one_file_of_all(self, mixed, folder, kind):
        values = np.random.default_rng(0).standard_normal((2, 6)).astype(np.float32)
        if kind == "npy":
            np.save(folder / "all.npy", values)
        else:
            np.savez(folder / "all.npz", r2=values[1], r1=values[0])
        path = folder / "table.csv"
        path.write_text("utterance_id\nr1\nr2\n")
        rows = find_rows(path, {"video": folder / f"all.{kind}"})
        table = predict_rows(mixed, rows, silent)
        expected = mixed([Utterance(features={"video": one}) for one in values])
        np.testing.assert_array_equal(table[["p_ang", "p_sad"]], expected)

    def test_files_that_do_not_fit_the_table_are_refused(self, folder):
        path = folder / "table.csv"
        path.write_text("utterance_id,features.video\nr1,v.npy\nr2,\n")
        np.save(folder / "all.npy", np.ones((3, 6)))
        with pytest.raises(
            EmotionHpoError, match=r"^features.speech: .* has 3 rows, but the table"
        ):
            find_rows(path, {"speech": folder / "all.npy"})
        with pytest.raises(EmotionHpoError, match=r"^features\.video is a column of"):
            find_rows(path, {"video": folder / "all.npy"})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere", None, "no such file or folder"),
        ("t.csv", "audio\na.wav", "the table lacks utterance_id"),
        ("t.csv", "utterance_id\none", "needs one of the columns audio, transcript, motion"),
        ("t.csv", "utterance_id,audio\none,a\none,b", r"1 rows repeat an utterance_id:\n.*line 3"),
        ("t.csv", "utterance_id,audio\n", "holds no utterance"),
        ("t.csv", "utterance_id,audio\n,a", r"1 rows have no utterance_id:\n.*line 2"),
        ("t.csv", "utterance_id,audio\na,b,c", r"another number of fields .*\n.*line 2 \(3\)"),
        ("t.csv", "utterance_id,audio,audio\na,b,c", "column 'audio' stands twice"),
        ("t.csv", "utterance_id|audio\na|b", r"lacks utterance_id; is it 'utterance_id\|audio'"),
        ("t.csv", "utterance id,audio\na,b", "lacks utterance_id; is it 'utterance id'"),
        ("t.csv", "utterance_id,audio\nä,b".encode("cp1252"), r"are not UTF-8.*\n.*line 2"),
        ("t.csv", "", "the table has no header"),
        ("t.parquet", "nonsense", "cannot be read as Parquet"),
        ("t.xlsx", "nonsense", "a table ends in"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EmotionHpoError, match=message):
        find_rows(tmp_path / name)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FeatureError, match=r"holds no \.wav file"):
        find_rows(tmp_path)


class TestCommand:
    @pytest.fixture
    def model(self, small_saved_model, tmp_path):
        path = tmp_path / "studies" / "quick" / "final" / "trial_7" / "model.pt"
        small_saved_model.save(path)
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
        assert "model.pt: 2 trainings averaged, " in ended.stdout
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

    def test_what_no_row_gives_is_said(self, emotion_hpo, small_saved_model, tmp_path):
        preprocessor = small_saved_model.preprocessor
        readers = {
            name: replace(reader, speakers={}) for name, reader in preprocessor.readers.items()
        }
        scaled = replace(preprocessor, readers=readers)
        replace(small_saved_model, preprocessor=scaled).save(tmp_path / "model.pt")
        path = tmp_path / "t.csv"
        asked = ("predict", f"model={tmp_path / 'model.pt'}", f"utterances={path}")
        path.write_text("utterance_id,text\na,so sad\nb,well\n")
        lacking = f"{path}: no utterance has audio, motion, which the model reads, too\n"
        as_one = f"{path}: scaled as one speaker's: give a table with `speaker`\n"
        done = "Predicting: utterances 2/2\n"
        ended = emotion_hpo(*asked)
        assert (ended.status, ended.stderr) == (0, f"{lacking}{as_one}{done}")
        assert emotion_hpo(*asked, "speaker=Ann").stderr == f"{lacking}{done}"
        path.write_text("utterance_id,text,speaker\na,so sad,Ann\nb,well,\n")
        assert emotion_hpo(*asked).stderr == f"{lacking}{done}"

    def test_ready_made_features(self, emotion_hpo, mixed_bundle, folder, tmp_path):
        mixed_bundle.save(tmp_path / "model.pt")
        np.save(tmp_path / "a, 1.0 [b].npy", np.ones(6))
        video = f"features.video={tmp_path / 'a, 1.0 [b].npy'}"
        asked = ("predict", f"model={tmp_path / 'model.pt'}", video)
        ended = emotion_hpo(*asked, "text=...?!", f"output={tmp_path / 'answer.json'}")
        assert ended.status == 0
        assert "synthetic" in ended.stdout, "its corpus was a manifest of invented content"
        assert ended.stderr == (
            "not used: text, in which there is nothing that the model reads; the answer is from "
            "video\n"
        )
        assert pd.read_json(tmp_path / "answer.json", typ="series")["modalities"] == ["video"]
        (folder / "table.csv").write_text("utterance_id,audio\none,b.wav\n")
        np.savez(tmp_path / "all.npz", one=np.ones(6))
        many = (f"utterances={folder / 'table.csv'}", f"features.video={tmp_path / 'all.npz'}")
        ended = emotion_hpo(*asked[:2], *many)
        assert ended.status == 0
        assert ended.stdout.splitlines()[1].split(",")[-2] == "speech video"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("features.speech=x.npy",), "features.speech: x.npy: no such file"),
            (("features=x.npy",), "features"),
            (("features.speech=",), "features.speech"),
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
