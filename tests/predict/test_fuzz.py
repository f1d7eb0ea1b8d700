"""Whatever a table or a request holds: each row is answered or refused in a line, none is lost.

`EMOTION_HPO_FUZZ_CASES=2000` tries more than the few of every day.
"""

import asyncio
import base64
import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import soundfile
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from emotion_hpo.errors import EmotionHpoError
from emotion_hpo.predict import Predictor, find_rows, predict_rows
from emotion_hpo.predict.batch import Row
from tests.ready_made import VIDEO_WIDTH

pytestmark = pytest.mark.no_cover  # what they run is traced elsewhere

FUZZ = settings(
    max_examples=int(os.environ.get("EMOTION_HPO_FUZZ_CASES", "60")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

ODD_TEXT = st.one_of(
    st.sampled_from(["", " ", "...?!", "😀", "None", "nan", "-0.5", "1e999", "0.05", "a.wav",
                     "b.npy", "so sad\n today", "../a.wav", "/", "a" * 5000, "\ufeff", '"', ";",
                     "\x00", "=1"]),
    st.text(max_size=8),
)  # fmt: skip
SOURCES = {
    "audio": st.sampled_from(["a.wav", "none.wav", "nan.wav", "cut.flac", ""]),
    "start_s": st.sampled_from(["", "0", "0.05", "-0.5", "nan", "inf", "9", "x"]),
    "end_s": st.sampled_from(["", "0.1", "0", "-1", "NA", "1e999", "x"]),
    "transcript": ODD_TEXT,
    "motion": st.sampled_from(["", "b.npy"]),
    "features.video": st.sampled_from(["b.npy", "nan.npy", "wide.npy", "a.wav", "", "x.npy"]),
    "features.speech": st.sampled_from(["", "", "b.npy"]),
    "speaker": ODD_TEXT,
    "mood": ODD_TEXT,
}


@pytest.fixture(scope="module")
def predictor(mixed_bundle):
    return Predictor(mixed_bundle)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the rows name."""
    folder = tmp_path_factory.mktemp("fuzz")
    hum = 0.1 * np.sin(np.arange(1600) / 20)
    soundfile.write(folder / "a.wav", hum, 16_000)
    soundfile.write(folder / "nan.wav", hum * np.nan, 16_000, subtype="FLOAT")
    soundfile.write(folder / "cut.flac", np.random.default_rng(0).normal(0, 0.1, 9000), 16_000)
    (folder / "cut.flac").write_bytes((folder / "cut.flac").read_bytes()[:4000])
    np.save(folder / "b.npy", np.ones(VIDEO_WIDTH))
    np.save(folder / "nan.npy", np.full(VIDEO_WIDTH, np.nan))
    np.save(folder / "wide.npy", np.ones((2, VIDEO_WIDTH + 1)))
    return folder


def answered(predictor: Predictor, path: Path) -> pd.DataFrame | None:
    """The table of answers, each row of it judged; None where the whole table is refused."""
    try:
        rows = find_rows(path)
    except EmotionHpoError as error:
        n_lines = len(str(error).splitlines())
    else:
        return judged(predictor, rows)
    assert 0 < n_lines <= 12
    return None


def judged(predictor: Predictor, rows: list[Row]) -> pd.DataFrame:
    """The answers, each of them looked at."""
    table = predict_rows(predictor, rows, lambda _done, _total: None)
    assert list(table["utterance_id"]) == [row.utterance_id for row in rows]
    is_answered = table["error"].isna()
    shares = table.filter(like="p_").astype(float)
    assert (shares[is_answered].sum(axis=1).sub(1).abs() < 1e-3).all()
    assert table["predicted"][is_answered].isin(predictor.classes).all()
    assert all(table["modalities"][is_answered]), "none is answered from nothing"
    assert shares[~is_answered].isna().all(axis=None)
    assert all(len(str(error).splitlines()) == 1 for error in table["error"].dropna())
    return table


@st.composite
def csv_tables(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Ids, and a CSV that holds them."""
    names = draw(st.lists(st.sampled_from(sorted(SOURCES)), unique=True, max_size=5))
    n_rows = draw(st.integers(1, 4))
    ids = [f"{number}{draw(st.sampled_from(['', ' ', 'é', ',']))}" for number in range(n_rows)]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=draw(st.sampled_from(",,,,,;\t")))
    writer.writerow([draw(st.sampled_from(["utterance_id", " utterance_id"])), *names])
    writer.writerows([name, *(draw(SOURCES[column]) for column in names)] for name in ids)
    encoding = draw(st.sampled_from(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "cp1252"]))
    return ids, file.getvalue().encode(encoding, "replace")


@FUZZ
@given(case=csv_tables())
def test_tables_of_text(predictor, folder, case):
    ids, content = case
    path = folder / "table.csv"
    path.write_bytes(content)
    if (table := answered(predictor, path)) is not None:
        assert list(table["utterance_id"]) == [name.strip() for name in ids]


@FUZZ
@given(
    case=csv_tables(), where=st.integers(0, 400), what=st.binary(max_size=4), skip=st.integers(0, 9)
)
def test_broken_tables_of_text(predictor, folder, case, where, what, skip):
    _, content = case
    path = folder / "broken.csv"
    path.write_bytes(content[:where] + what + content[where + skip :])
    answered(predictor, path)


CELLS = (
    ODD_TEXT.map(lambda text: text.replace("\x00", "")),
    st.floats(),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.binary(max_size=4),
    st.lists(st.floats(), max_size=8),
    st.lists(st.lists(st.floats(width=32), min_size=VIDEO_WIDTH, max_size=VIDEO_WIDTH), max_size=2),
    st.dates(),
)


@st.composite
def parquet_tables(draw: st.DrawFn) -> pd.DataFrame:
    n_rows = draw(st.integers(1, 4))
    table = pd.DataFrame({"utterance_id": [f"{number} " for number in range(n_rows)]})
    for column in draw(st.lists(st.sampled_from(sorted(SOURCES)), unique=True, max_size=5)):
        usual = SOURCES[column].map(lambda text: text.replace("\x00", ""))
        cell = st.one_of(st.none(), draw(st.sampled_from([usual, *CELLS])))
        table[column] = pd.Series([draw(cell) for _ in range(n_rows)], dtype=object)
    return table


@FUZZ
@given(table=parquet_tables())
def test_tables_of_parquet(predictor, folder, table):
    path = folder / "table.parquet"
    try:
        table.to_parquet(path)
    except (pa.ArrowException, ValueError, OverflowError):
        assume(False)  # it cannot be such a file
    if (found := answered(predictor, path)) is not None:
        assert list(found["utterance_id"]) == [name.strip() for name in table["utterance_id"]]


def wav() -> str:
    file = io.BytesIO()
    soundfile.write(file, 0.1 * np.sin(np.arange(1600) / 20), 16_000, format="WAV")
    return base64.b64encode(file.getvalue()).decode()


HUM = wav()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD_TEXT, inner, max_size=2),
    max_leaves=8,
)
COLUMNS = {
    "text": st.sampled_from(["so sad", "hello there"]),
    "speech": st.sampled_from([HUM, HUM[:100], "%%%"]),
    "features.video": st.lists(st.floats(width=32), min_size=VIDEO_WIDTH, max_size=VIDEO_WIDTH),
    "features.speech": st.just([[0.5] * 34]),
    "mocap": st.just([[0.0] * 189]),
    "txt": st.just("so sad"),
}


@st.composite
def requests(draw: st.DrawFn) -> tuple[int, bytes]:
    """How many rows, and the body that holds them in one of MLflow's forms."""
    usual = ["text", "speech", "features.video"]
    names = st.sampled_from([*usual * 4, *sorted(COLUMNS)])
    columns = draw(st.lists(names, unique=True, min_size=1, max_size=3))
    rows = [
        {name: draw(st.one_of(COLUMNS[name], COLUMNS[name], st.none(), JSON)) for name in columns}
        for _ in range(draw(st.integers(1, 3)))
    ]
    match draw(st.sampled_from(["dataframe_records", "dataframe_split", "instances", "inputs"])):
        case "dataframe_split":
            data = [list(row.values()) for row in rows]
            body = {"dataframe_split": {"columns": columns, "data": data}}
        case "inputs":
            body = {"inputs": {name: [row[name] for row in rows] for name in columns}}
        case form:
            body = {form: rows}
    return len(rows), json.dumps(body).encode()


@pytest.fixture(scope="module")
def application(mixed_bundle, tmp_path_factory):
    from emotion_hpo.tracking.serving import serving_app

    folder = tmp_path_factory.mktemp("served")
    mixed_bundle.save(folder / "model.pt")
    return serving_app(folder / "model.pt")


def ask(application, body: bytes) -> tuple[int, bytes]:
    """Status and answer of a request, without a network."""
    scope = {"type": "http", "method": "POST", "path": "/invocations", "query_string": b"",
             "headers": [(b"content-type", b"application/json")], "http_version": "1.1",
             "scheme": "http", "server": ("x", 80), "root_path": ""}  # fmt: skip
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


@FUZZ
@given(case=requests())
def test_requests(application, case):
    n_rows, body = case
    status, answer = ask(application, body)
    assert b"Traceback" not in answer
    assert b"unexpected error" not in answer
    if status == 200:
        predictions = json.loads(answer)["predictions"]
        assert len(predictions) == n_rows, "none is dropped"
        for shares in predictions:
            assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    else:
        assert 400 <= status < 500
        assert json.loads(answer)["message"]
