"""Anyone's table: what it may say, what is wrong with it, and ready-made features."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotion_hpo.config.corpus import ManifestCorpus
from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.manifest import Manifest
from emotion_hpo.corpus.manifest_table import read_rows
from emotion_hpo.errors import CorpusError
from tests.corpus.contract import CorpusContract

ROOT = Path(__file__).parents[2]
MELD = ROOT.parent / "shared" / "data" / "meld"

HEADER = "utterance_id,speaker,session,emotion"
ROWS = ("u2,ann,1,joy", "u1,bob,1,anger", "u3,ann,2,joy")


def table(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join([header, *rows, ""]), "utf-8")
    return path


def opened(path: Path, **changes) -> Manifest:
    settings_ = {"features": {}, "classes": None, "synthetic": False, "strict": False, **changes}
    return open_corpus(ManifestCorpus(name="manifest", table=path, **settings_))


class TestTable:
    def test_the_least(self, tmp_path):
        corpus = opened(table(tmp_path, *ROWS))
        assert corpus.sessions() == ("1", "2")
        assert corpus.classes == ("anger", "joy")
        assert corpus.modalities == ()
        assert list(corpus.table("1")["utterance_id"]) == ["u1", "u2"]
        assert any("counts as independent" in line for line in corpus.remarks())

    def test_sessions_are_what_is_written(self, tmp_path):
        sessions = ("1.1", "1.10", "01", "1", "2019_05", "1e3", "NA", "null", "中文")
        rows = [f"u{at},s{at},{session},joy" for at, session in enumerate(sessions)]
        assert opened(table(tmp_path, *rows)).sessions() == tuple(sorted(sessions))

    @pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
    def test_formats_are_alike(self, tmp_path, suffix):
        frame = pd.DataFrame({
            "utterance_id": ["a", "b"], "speaker": ["s", "t"], "session": [1, 2],
            "emotion": ["x", "y"], "transcript": ["two\nlines, quoted", None],
            "start_s": [0.5, 1.5], "end_s": [1.0, 2.0], "wears_markers": [True, False],
        })  # fmt: skip
        path = tmp_path / f"table.{suffix}"
        if suffix == "parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
        corpus = opened(path)
        both = pd.concat([corpus.table("1"), corpus.table("2")])
        assert list(both["transcript"].where(both["has_text"], None)) == [
            "two\nlines, quoted",
            None,
        ]
        assert list(both["end_s"]) == [1.0, 2.0]
        assert list(both["wears_markers"]) == [True, False]

    @pytest.mark.parametrize("word", ["None", "NA", "nan", "null"])
    def test_words_that_mean_missing_elsewhere_are_words(self, tmp_path, word):
        rows = (f"{word},{word},1,joy,{word}", "u2,bob,1,anger,")
        read = opened(table(tmp_path, *rows, header=f"{HEADER},transcript")).table("1")
        said = read.set_index("utterance_id")
        assert (said.loc[word, "speaker"], said.loc[word, "transcript"]) == (word, word)
        assert list(said["has_text"].loc[[word, "u2"]]) == [True, False]

    def test_classes_choose_and_order(self, tmp_path):
        corpus = opened(table(tmp_path, *ROWS, "u4,bob,2,fear"), classes=("joy", "anger"))
        assert corpus.classes == ("joy", "anger")
        assert "left out, as no class here: 1 of fear" in corpus.remarks()
        assert "u4" not in set(corpus.table("2")["utterance_id"])

    @pytest.mark.parametrize(("name", "kind"), [
        ("gone.wav", "missing wav"),
        ("text.wav", "unreadable wav"),
        ("empty.wav", "empty wav"),
    ])  # fmt: skip
    def test_recordings_that_cannot_be_used(self, tmp_path, name, kind):
        (tmp_path / "text.wav").write_text("no audio")
        soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16_000)
        soundfile.write(tmp_path / "good.wav", np.zeros(800), 16_000)
        rows = (f"u1,ann,1,joy,{name}", "u2,bob,2,anger,good.wav")
        corpus = opened(table(tmp_path, *rows, header=f"{HEADER},audio"))
        (fault,) = corpus.faults()
        assert fault.kind == kind
        assert fault.place.endswith(name)
        assert not corpus.table("1")["has_speech"].any()
        assert next(corpus.recordings("1", "u1")).samples is None
        with pytest.raises(CorpusError, match=f"{name}: {kind}"):
            opened(tmp_path / "table.csv", strict=True)

    def test_times_cut_recordings(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.arange(16_000) / 16_000, 8000, subtype="FLOAT")
        rows = ("u1,ann,1,joy,a.wav,0.5,1.0", "u2,bob,2,anger,a.wav,8,9")
        corpus = opened(table(tmp_path, *rows, header=f"{HEADER},audio,start_s,end_s"))
        samples = next(corpus.recordings("1", "u1")).samples
        np.testing.assert_allclose(samples, np.arange(4000, 8000) / 16_000, atol=1e-6)
        assert [fault.kind for fault in corpus.faults()] == ["recording ends before end_s"]

    @pytest.mark.parametrize(
        ("header", "rows", "message"),
        [
            (f"{HEADER},colour", ROWS, "unknown column 'colour'"),
            (f"{HEADER},transcrit", ROWS, "did you mean 'transcript'"),
            ("utterance_id,speaker,emotion", ["a,b,c"], "the table lacks session"),
            (f"{HEADER},emotion", ROWS, "column 'emotion' stands twice"),
            (HEADER, [], "the table has no row"),
            (HEADER, [*ROWS, "u4,ann,1"], "1 rows have another number of fields .* 4:\n.*line 5"),
            (HEADER, [*ROWS, "u4,,1,joy"], "1 rows have no speaker:\n.*csv, line 5"),
            (HEADER, [*ROWS, "u1,ann,1,joy"], r"line 5 \(u1, first in .*csv, line 3\)"),
            (f"{HEADER},valence", ["u1,ann,1,joy,high"], r"valence that is no number:\n.*'high'"),
            (f"{HEADER},start_s,end_s", ["u1,ann,1,joy,2,1"], "end before they start.*\n.*line 2"),
            (f"{HEADER},start_s", ["u1,ann,1,joy,2"], "start_s and end_s go together"),
            (f"{HEADER},wears_markers", ["u1,ann,1,joy,maybe"], "neither true nor false"),
            (HEADER, ['u1,"ann,1,joy'], "line 2: unexpected end of data"),
        ],
    )
    def test_bad_tables(self, tmp_path, header, rows, message):
        with pytest.raises(CorpusError, match=message):
            opened(table(tmp_path, *rows, header=header))

    def test_only_the_first_ten_rows_are_named(self, tmp_path):
        rows = [f"u{i},,1,joy" for i in range(13)]
        with pytest.raises(
            CorpusError, match=r"13 rows have no speaker:(\n.*line \d+){10}\n… and 3"
        ):
            opened(table(tmp_path, *rows))

    def test_lines_are_those_of_the_file(self, tmp_path):
        rows = ('u1,"ann\nor bob",1,joy', "u2,,1,joy")
        with pytest.raises(CorpusError, match=r"have no speaker:\n.*line 4"):
            opened(table(tmp_path, *rows))

    def test_other_files(self, tmp_path):
        with pytest.raises(CorpusError, match="no such file"):
            opened(tmp_path / "gone.csv")
        with pytest.raises(CorpusError, match=r"a table ends in \.csv, \.tsv, \.parquet"):
            opened(tmp_path / "table.xlsx")
        (tmp_path / "table.parquet").write_text("no table")
        with pytest.raises(CorpusError, match="cannot be read as Parquet"):
            opened(tmp_path / "table.parquet")
        rows = {"utterance_id": ["a", "b"], "speaker": ["s", "t"], "emotion": ["x", "y"]}
        pd.DataFrame({**rows, "session": [1.1, 1.10]}).to_parquet(tmp_path / "floats.parquet")
        with pytest.raises(CorpusError, match="column session holds names, but is of type double"):
            opened(tmp_path / "floats.parquet")
        (tmp_path / "table.csv").write_bytes(HEADER.encode() + b"\nu1,Andr\xe9,1,joy\n")
        with pytest.raises(CorpusError, match=r"1 rows are not UTF-8 .*:\n.*line 2"):
            opened(tmp_path / "table.csv")
        with pytest.raises(CorpusError, match=r"no label 'fear' \(valid: anger, joy\)"):
            opened(table(tmp_path, *ROWS), classes=("joy", "fear"))

    @settings(
        max_examples=500,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        body=st.lists(
            st.one_of(
                st.sampled_from(
                    [*(row.encode() for row in ROWS), b"\n", b",", b'"', b"\r\n", b"nan"]
                ),
                st.binary(max_size=3),
            ),
            max_size=10,
        ).map(b"".join),
        header=st.sampled_from([HEADER, f"{HEADER},start_s,end_s", ""]),
    )
    def test_fuzz(self, tmp_path, body, header):
        path = tmp_path / "table.csv"
        path.write_bytes(header.encode() + b"\n" + body)
        try:
            rows = read_rows(path, ())
        except CorpusError:
            return
        assert rows.table["utterance_id"].is_unique


class TestFeatures:
    @pytest.mark.parametrize("shape", [(3, 5), (3, 4, 5)])
    def test_row_aligned(self, tmp_path, shape):
        values = np.random.default_rng(0).random(shape).astype(np.float32)
        np.save(tmp_path / "video.npy", values)
        corpus = opened(table(tmp_path, *ROWS), features={"video": tmp_path / "video.npy"})
        assert corpus.modalities == ("video",)
        np.testing.assert_array_equal(
            next(corpus.recordings("1", "u1")).features["video"], values[1]
        )

    def test_by_id(self, tmp_path):
        np.savez(tmp_path / "v.npz", u1=np.ones(4), u3=np.ones((2, 4)), u9=np.ones(4))
        corpus = opened(table(tmp_path, *ROWS), features={"wav2vec": tmp_path / "v.npz"})
        assert next(corpus.recordings("2", "u3")).features["wav2vec"].shape == (2, 4)
        assert next(corpus.recordings("1", "u2")).features == {}
        assert sorted((fault.kind, fault.place[-2:]) for fault in corpus.faults()) == [
            ("features of an unknown utterance", "u9"),
            ("no ready-made features", "u2"),
        ]

    @pytest.mark.parametrize(("values", "message"), [
        (np.ones((2, 5)), "has 2 rows, but the table has 3"),
        (np.ones(3), r"shape \(n, d\) or \(n, T, d\) are needed, but got float64 of \(3,\)"),
        (np.array([["a"]] * 3), "numbers of shape"),
        (np.array([[None]] * 3, dtype=object), "cannot be read as NumPy arrays"),
    ])  # fmt: skip
    def test_bad_arrays(self, tmp_path, values, message):
        np.save(tmp_path / "v.npy", values)
        with pytest.raises(CorpusError, match=f"corpus.features.video: .*v.npy: .*{message}"):
            opened(table(tmp_path, *ROWS), features={"video": tmp_path / "v.npy"})

    def test_bad_files(self, tmp_path):
        with pytest.raises(CorpusError, match=r"features end in \.npy or \.npz"):
            opened(table(tmp_path, *ROWS), features={"video": tmp_path / "v.csv"})
        (tmp_path / "v.npz").write_text("no archive")
        with pytest.raises(CorpusError, match="cannot be read as NumPy arrays"):
            opened(table(tmp_path, *ROWS), features={"video": tmp_path / "v.npz"})
        np.savez(tmp_path / "w.npz", u1=np.ones((1, 2, 3)))
        corpus = opened(table(tmp_path, *ROWS), features={"video": tmp_path / "w.npz"})
        with pytest.raises(CorpusError, match=r"u1: numbers of shape \(d,\) or \(T, d\)"):
            list(corpus.recordings("1", "u1"))

    def test_names(self, tmp_path):
        for name, message in (
            ("text", "is for transcripts"),
            ("text_factors", "is for transcripts"),
            ("A b", "no name of a modality"),
        ):
            with pytest.raises(ValueError, match=message):
                ManifestCorpus(
                    name="manifest", table=tmp_path, features={name: tmp_path}, classes=None,
                    synthetic=False, strict=False,
                )  # fmt: skip

    def test_through_the_store(self, emotion_hpo, isolated):
        np.save(isolated / "video.npy", np.random.default_rng(0).random((3, 7)))
        table(isolated, *(f"{row},hello there" for row in ROWS), header=f"{HEADER},transcript")
        shown = emotion_hpo(
            "prepare", "corpus=manifest", "corpus.table=table.csv", "study.name=one",
            "corpus.features.video=video.npy", "output=found.json",
        )  # fmt: skip
        assert shown.status == 0, shown.stderr
        assert "with video 3, text 3" in shown.stdout


def example(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestExamples:
    def test_meld(self, tmp_path):
        if not MELD.is_dir():
            pytest.skip(f"MELD's tables are not at {MELD}")
        example("meld").manifest(MELD).to_csv(tmp_path / "meld.csv", index=False)
        table = ManifestCorpus(
            name="manifest", table=tmp_path / "meld.csv", features={}, classes=None,
            synthetic=False, strict=False,
        )  # fmt: skip
        corpus = open_corpus(table, "split")
        assert corpus.sessions() == ("dev", "test", "train")
        assert [len(corpus.table(session)) for session in corpus.sessions()] == [1109, 2610, 9989]
        assert len(corpus.classes) == 7
        assert corpus.modalities == ("text",)
        turns = pd.concat([corpus.table(session) for session in corpus.sessions()])
        assert turns["dialogue"].nunique() == 1038 + 114 + 280
        places = turns.groupby("dialogue")["turn"]
        assert (places.max() + 1 == places.size()).all()
        first = turns[turns["dialogue"] == "train_0"].sort_values("turn")
        assert list(first["start_s"].iloc[:2]) == [0.0, 5.881]
        assert list(first["speaker"].iloc[:3]) == ["Chandler", "The Interviewer", "Chandler"]

    def test_berlin(self, berlin, tmp_path):
        (tmp_path / "wav").symlink_to(berlin / "wav")
        example("berlin").manifest(tmp_path).to_csv(tmp_path / "berlin.csv", index=False)
        corpus = opened(tmp_path / "berlin.csv")
        assert [len(corpus.table(session)) for session in corpus.sessions()] == [81, 51, 57, 77, 73]
        assert corpus.faults() == ()


@pytest.mark.parametrize("column", ["utterance_id", "speaker", "session", "emotion"])
def test_a_name_that_breaks_a_line_or_steers_a_terminal_is_refused(tmp_path, column):
    for sign in ("\x1b[2J", "a\u2028b", '"a\nb"'):
        row = {"utterance_id": "u4", "speaker": "bob", "session": "2", "emotion": "joy"}
        path = table(tmp_path, *ROWS, ",".join({**row, column: f"{sign}"}.values()))
        said = rf"1 rows have a line break or control sign in {column}:\n.*line 5"
        with pytest.raises(CorpusError, match=said):
            opened(path)


class TestContract(CorpusContract):
    """Recordings, transcripts and ready-made features of another modality."""

    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, write_berlin):
        return cls.manifest(write_berlin())

    @pytest.fixture(scope="class")
    @classmethod
    def faulty_corpus(cls, write_berlin):
        root = write_berlin()
        (root / "wav" / "03a01Wa.wav").write_bytes(b"no audio")
        return cls.manifest(root)

    @staticmethod
    def manifest(root: Path) -> Manifest:
        names = sorted(path.stem for path in (root / "wav").iterdir())
        rows = [f"{name},{name[:2]},{name[:1]},{name[5]},wav/{name}.wav,so" for name in names]
        np.save(root / "video.npy", np.ones((len(names), 3), np.float32))
        header = f"{HEADER},audio,transcript"
        features = {"video": root / "video.npy"}
        return opened(table(root, *rows, header=header), features=features)
