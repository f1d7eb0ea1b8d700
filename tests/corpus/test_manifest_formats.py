"""A manifest as people's programs write it: other encodings, signs, spaces; and a fuzz of all."""

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotion_hpo.config.corpus import ManifestCorpus
from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.manifest_table import NUMBERS, OPTIONAL, REQUIRED, read_rows
from emotion_hpo.corpus.retranscribed import read_words
from emotion_hpo.corpus.votes import read_votes
from emotion_hpo.errors import CorpusError, EmotionHpoError
from emotion_hpo.features import prepare
from tests.pipeline import SMALL, compose_config

HEADER = "utterance_id,speaker,session,emotion,transcript"
LINES = (HEADER, 'u1,ann,1,joy,"well, yes"', "u2,bob,2,anger,nö", "")
EXPECTED = [("u1", "ann", "1", "joy", "well, yes"), ("u2", "bob", "2", "anger", "nö")]

#: Cases of the fuzz; set it to 2000 for a night.
N_CASES = int(os.environ.get("EMOTION_HPO_FUZZ_CASES", "150"))


def rows_of(path):
    table = read_rows(path, ()).table
    return list(table[HEADER.split(",")].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", "\n".join(LINES).encode()),
        ("marked.csv", "\n".join(LINES).encode("utf-8-sig")),
        ("wide.csv", "\n".join(LINES).encode("utf-16")),
        ("wide_be.csv", b"\xfe\xff" + "\n".join(LINES).encode("utf-16-be")),
        ("wider.csv", "\n".join(LINES).encode("utf-32")),
        ("windows.csv", "\r\n".join(LINES).encode()),
        ("old_mac.csv", "\r".join(LINES).encode()),
        ("spaces.csv", "\n".join(LINES).replace(",", " , ").replace("well ,  ", "well, ").encode()),
        ("tabs.csv", "\n".join(LINES).replace(",", "\t").replace("well\t", "well,").encode()),
        ("tabs.tsv", "\n".join(LINES).replace(",", "\t").replace("well\t", "well,").encode()),
        ("german.csv", "\n".join(LINES).replace(",", ";").replace("well;", "well,").encode()),
        ("commas.tsv", "\n".join(LINES).encode()),
    ],
)
def test_what_can_be_read_is_read_rightly(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert rows_of(path) == EXPECTED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n".join(LINES).encode("utf-16-le"), "UTF-16 without its mark; save it as UTF-8"),
        (b"\xff\xfe\x00", "is not utf-16-le, as its mark says"),
        (b"\n \n", "unknown column|the table has no header|has no name"),
        (b"", "the table has no header: utterance_id, speaker"),
        (b"utterance_id;speaker;emotion\na;b;c\n", "the table lacks session"),
        (b",utterance_id,speaker,session,emotion\n0,a,b,c,d\n", "column 1 of the header has no"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_rows(path, ())


TIMES = f"{HEADER},start_s,end_s"


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("-0.5", "1", r"1 rows have a start_s below 0:\n.*line 3 \(-0.5\)"),
        ("2", "1", r"1 rows end before they start:\n.*line 3 \(start_s 2, end_s 1\)"),
        ("1", "1", r"1 rows end before they start:\n.*line 3"),
        ("", "1", r"1 rows have no start_s:\n.*line 3"),
        ("0", "nan", r"1 rows have no end_s:\n.*line 3"),
        ("0", "inf", r"1 rows have a end_s that is no number:\n.*line 3 \('inf'\)"),
        ("0", "1_5", r"1 rows have a end_s that is no number:\n.*line 3 \('1_5'\)"),
        ("0", '"0,5"', r"1 rows have a end_s that is no number:\n.*line 3 \('0,5'\)"),
    ],
)
def test_bad_times_name_row_and_column(tmp_path, start, end, message):
    path = tmp_path / "table.csv"
    path.write_text(f"{TIMES}\nu1,ann,1,joy,x,0,1\nu2,bob,2,anger,y,{start},{end}\n")
    with pytest.raises(CorpusError, match=message):
        read_rows(path, ())


def test_parquet_is_read_as_csv_is(tmp_path):
    frame = pd.DataFrame({
        "utterance_id": [" u1", "u2"], "speaker": ["ann ", "bob"], "session": [1, 2],
        "emotion ": ["joy", "anger "], "transcript": ["  ", "nö"], "audio": ["", " a.wav "],
        "votes": [{"joy": 2, "anger": None}, {"joy": 1, "anger": 2}],
    })  # fmt: skip
    frame.to_parquet(tmp_path / "table.parquet")
    written = frame.rename(columns=str.strip)
    votes = ['{"joy": 2}', '{"joy": 1, "anger": 2}']
    written.assign(votes=votes).to_csv(tmp_path / "table.csv", index=False)
    tables = [read_rows(tmp_path / f"table.{kind}", ()).table for kind in ("parquet", "csv")]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0]["emotion"].tolist() == ["joy", "anger"]
    assert tables[0]["transcript"].tolist() == [None, "nö"]
    assert tables[0]["audio"].tolist() == [None, "a.wav"]
    assert tables[0]["votes"].tolist() == votes


def test_bad_fields_of_parquet_are_named(tmp_path):
    frame = pd.DataFrame([["u1", "ann", "1", "joy"], ["u2", "bob", "2", ""]], columns=REQUIRED)
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(
        CorpusError, match=r"1 rows have no emotion; as context.*:\n.*a.parquet, row 2"
    ):
        read_rows(tmp_path / "a.parquet", ())
    frame.assign(transcript=[b"raw", None]).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(CorpusError, match=r"a transcript that is neither text .*\n.*row 1"):
        read_rows(tmp_path / "b.parquet", ())
    maps = pa.array([[("joy", 2)], None], pa.map_(pa.string(), pa.int64()))
    pa.parquet.write_table(
        pa.Table.from_pandas(frame.assign(emotion="joy")).append_column("votes", maps),
        tmp_path / "c.parquet",
    )
    votes = read_rows(tmp_path / "c.parquet", ()).table["votes"]
    assert votes.tolist() == ['{"joy": 2}', None]


VOTES = [
    ('{"hap": 2, "sad": 1}', {"hap": 2, "sad": 1}),
    ('{"hap ": 0.5}', {"hap": 0.5}),
    ('["hap", "hap", "sad"]', {"hap": 2, "sad": 1}),
    ("{}", {}),
    ("[]", {}),
    ("hap;hap;sad", "no JSON"),
    ('{"hap": -1, "sad": 3}', "hap has -1 votes"),
    ('{"hap": "two"}', 'hap has "two" votes'),
    ('{"hap": true}', "hap has true votes"),
    ('{"hap": NaN}', "hap has NaN votes"),
    ('{"hap": 1e999}', "hap has Infinity votes"),
    ('{"hap": 1, "hap ": 2}', "hap  stands twice"),
    ('{"hap": {"a": 1}}', 'hap has [["a", 1]] votes'),
    ('["hap", 1]', "a list of labels holds something else"),
    ('[["hap", 1]]', "a list of labels holds something else"),
    ("3", "neither an object nor a list"),
    ("[" * 100_000, "no JSON"),
    ("1" * 5000, "no JSON"),
]


@pytest.mark.parametrize(("text", "votes"), VOTES, ids=[text[:30] for text, _ in VOTES])
def test_votes(text, votes):
    assert read_votes(text) == votes


def opened(path, **features):
    config = ManifestCorpus(
        name="manifest", table=path, features=features, classes=None, synthetic=False, strict=False
    )
    return open_corpus(config)


def test_votes_are_named_by_row_and_remarked(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(f"{HEADER},votes\nu1,ann,1,joy,x,joy;joy\nu2,bob,2,anger,y,\n")
    with pytest.raises(CorpusError, match=r"(?s)in JSON, such as .*line 2 \(joy;joy: no JSON\)"):
        opened(path)
    path.write_text(f'{HEADER},votes\nu1,ann,1,joy,x,"[""joy"", ""fear""]"\nu2,bob,2,anger,y,\n')
    corpus = opened(path)
    assert corpus.table("1")["votes"].tolist() == ['{"joy": 1, "fear": 1}']
    assert "votes left out, as for no class here: 1 for fear" in corpus.remarks()


def test_words_of_a_recogniser_are_read_alike(tmp_path):
    path = tmp_path / "words.csv"
    path.write_bytes(' id , words \nu1 , "well, yes"\nu2,nö \n'.encode("utf-16"))
    assert read_words(path) == {"u1": ("well, yes", 2), "u2": ("nö", 3)}


FIELDS = st.one_of(
    st.sampled_from([
        "", " ", "u1", "u2", "a b", "-0.5", "0", "1", "1.5", "1e400", "nan", "inf", "0,5", "1_0",
        '"', '""', '"a', "a\nb", "[]", "{}", '{"joy": 1}', '{"joy": -1}', "true", "maybe", "ö",
        "/", "..", "~", "=1+1", "ok.wav", "gone.wav", "\x00", "\ufeff", "[/sad]", "1.10",
    ]),
    st.text(max_size=6),
)  # fmt: skip
COLUMNS = st.one_of(st.sampled_from([*REQUIRED, *OPTIONAL, "colour"]), st.text(max_size=4))
OPTIONAL_LISTS = st.lists(st.sampled_from(OPTIONAL), max_size=5, unique=True)


@st.composite
def tables(draw):
    """A header that is mostly right, and rows that are mostly wrong somewhere."""
    header = [*REQUIRED, *draw(OPTIONAL_LISTS)]
    if draw(st.integers(0, 9)) == 0:
        header[draw(st.integers(0, len(header) - 1))] = draw(COLUMNS)
    plain = {
        "utterance_id": "u{}", "speaker": "s{}", "session": "{}", "emotion": "joy",
        "start_s": "0.1", "end_s": "0.4", "audio": "ok.wav", "votes": '{{"joy": 1}}',
        "wears_markers": "true", **dict.fromkeys(NUMBERS[2:], "3"),
    }  # fmt: skip
    rows = [
        [plain.get(name, "x").format(number) for name in header]
        for number in range(draw(st.integers(0, 4)))
    ]
    for row in rows:
        if draw(st.booleans()):
            row[draw(st.integers(0, len(row) - 1))] = draw(FIELDS)
        if draw(st.integers(0, 19)) == 0:
            row.append("more")
    return header, rows


WRITTEN = st.tuples(
    st.sampled_from(["csv", "tsv", "parquet"]),
    st.sampled_from(",,,;\t"),
    st.sampled_from(["utf-8", "utf-8", "utf-16", "latin-1", "utf-16-le"]),
    st.booleans(),
)


def write(path, header, rows, how):
    """The table in a file of some kind; False where it cannot be written so."""
    kind, delimiter, encoding, is_quoted = how
    if kind == "parquet":
        try:
            pd.DataFrame([row[: len(header)] for row in rows], columns=header).to_parquet(path)
        except (ValueError, pa.ArrowException):
            return False
        return True

    def line(fields):
        quoted = ('"' + field.replace('"', '""') + '"' for field in fields)
        return delimiter.join(quoted if is_quoted else fields)

    path.write_bytes("\n".join(map(line, [header, *rows])).encode(encoding, "replace"))
    return True


@settings(
    max_examples=N_CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(table=tables(), how=WRITTEN, values=st.sampled_from([None, "npy", "npz", "odd"]))
def test_fuzz(tmp_path, table, how, values):
    """A manifest is refused in words, or every row is there, with its modality or its fault."""
    header, rows = table
    path = tmp_path / f"table.{how[0]}"
    if not write(path, header, rows, how):
        return
    if not (tmp_path / "ok.wav").exists():
        import soundfile

        soundfile.write(tmp_path / "ok.wav", np.sin(np.arange(8000) / 9), 16_000)
    features = {} if values is None else {"video": written_features(tmp_path, len(rows), values)}
    try:
        corpus = opened(path, **features)
        store = prepare(corpus, FEATURES, tmp_path / "store", 1, lambda *_: None)
        faults = (*corpus.faults(), *store.faults())
        assert all(fault.kind and fault.place for fault in faults)
        assert all(isinstance(line, str) for line in corpus.remarks())
    except EmotionHpoError:
        return
    read = pd.concat([store.open(session).table for session in store.sessions])
    assert len(read) == len(read_rows(path, ()).table)
    assert sum(any(field.strip() for field in row) for row in rows) <= len(read)
    silent = ~read["has_speech"].astype(bool) & read["audio"].notna()
    assert silent.sum() <= len(faults), "what has no speech has a fault"


FEATURES = compose_config(*SMALL).features


def written_features(folder, n_rows, kind):
    if kind == "odd":
        path = folder / "odd.npy"
        path.write_bytes(b"\x93NUMPY")
        return path
    block = np.ones((n_rows, 2, 3))
    block[::2, 0] = np.nan
    block[::3] = np.inf
    path = folder / f"video.{kind}"
    if kind == "npy":
        np.save(path, block)
    else:
        np.savez(path, **{f"u{i}": frames[: i % 3] for i, frames in enumerate(block)})
    return path
