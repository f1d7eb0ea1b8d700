"""The served model: what README.md tells people to type is answered; nothing brings it down."""

import base64
import http.client
import io
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import soundfile

from emotion_hpo.tracking.serving import limited
from tests.making import ROOT
from tests.needed import need_program


def wav(samples, rate=16_000):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


HUM = wav(0.1 * np.sin(np.arange(16_000) / 20))


@pytest.fixture(scope="module")
def server(small_saved_model, tmp_path_factory):
    """The address of `emotion-hpo serve`."""
    folder = tmp_path_factory.mktemp("served")
    small_saved_model.save(folder / "model.pt")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = "from emotion_hpo.cli.app import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "serve", f"model={folder}", f"port={port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "TMPDIR": tempfile.gettempdir(),
        },
    )
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 300
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/ping", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, process.stdout.read().decode()
                assert time.monotonic() < end, "the server did not start"
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def ask(server, body, kind="application/json"):
    """Status and answer of a request."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{server}/invocations", content, {"Content-Type": kind}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def records(**columns):
    return {"dataframe_records": [columns]}


def encoded(content):
    return base64.b64encode(content).decode()


def test_the_line_of_the_readme_is_answered(server, tmp_path):
    need_program("curl", "apt-get install curl")
    readme = (ROOT / "README.md").read_text()
    (line,) = re.findall(r"^curl .*/invocations .*$", readme, re.MULTILINE)
    # Of more bytes than one argument of a program may have
    (tmp_path / "a.wav").write_bytes(wav(0.1 * np.sin(np.arange(96_000) / 20)))
    here = line.replace("127.0.0.1:5001", server.removeprefix("http://"))
    assert here != line
    ended = subprocess.run(
        ["bash", "-c", here], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    answers = json.loads(ended.stdout)["predictions"]
    assert len(answers) == 2
    for one in answers:
        assert set(one) == {"ang", "exc", "neu", "sad"}
        assert sum(one.values()) == pytest.approx(1, abs=1e-4)
    assert answers[0] != answers[1]


@pytest.mark.parametrize(
    "columns",
    [
        {"text": "hello"},
        {"speech": encoded(HUM)},
        {"mocap": np.zeros((30, 189)).tolist()},
        {"text": "hello", "speech": encoded(wav(np.zeros((44_100, 2)), 44_100))},
    ],
    ids=["text", "speech", "motion", "stereo at another rate"],
)
def test_any_subset_is_answered(server, columns):
    status, answer = ask(server, records(**columns))
    assert status == 200, answer
    assert sum(answer["predictions"][0].values()) == pytest.approx(1, abs=1e-4)


def test_rows_may_lack_what_others_have(server):
    rows = [{"text": "hello"}, {"speech": encoded(HUM)}, {"mocap": np.zeros((30, 189)).tolist()}]
    status, answer = ask(server, {"dataframe_records": rows})
    assert (status, len(answer["predictions"])) == (200, 3), answer


def test_every_form_that_mlflow_knows_has_the_same_answers(server):
    """It reads null as the word "None" itself, and rows of different columns as one."""
    rows = [{"text": "hello"}, {"speech": encoded(HUM)}]
    columns = {"text": ["hello", None], "speech": [None, encoded(HUM)]}
    split = {"columns": [*columns], "data": [*zip(*columns.values(), strict=True)]}
    forms = ({"dataframe_records": rows}, {"dataframe_split": split}, {"instances": rows},
             {"params": {}, "inputs": columns})  # fmt: skip
    first, *others = [ask(server, form) for form in forms]
    assert (first[0], len(first[1]["predictions"])) == (200, 2)
    for other in others:
        assert other == first


BAD = [
    # body, what is said, why it is bad
    (b"{", "valid JSON formatted string", "broken JSON"),
    (b"", "valid JSON formatted string", "nothing at all"),
    (b"\xff\xfe", "", "no text"),
    ({"rows": []}, "", "a key that MLflow does not know"),
    (records(speech=encoded(b"no sound at all")), "not a WAV file", "not a wav"),
    (records(speech="%%%"), "speech is not base64", "not base64"),
    (records(speech=encoded(wav(np.zeros(0)))), "has no samples", "0 samples"),
    (records(speech=encoded(wav(np.zeros(7200 * 2000), 2000))), "lasts 7,200 s", "2 hours"),
    (records(text="word " * 10_000), "the text has 10,000 words", "10,000 words"),
    (records(mocap=[[0.0] * 7]), "motion must be (frames, 189)", "motion of the wrong width"),
    (records(mocap=[[0.0], [0.0, 0.0]]), "motion must be rows", "ragged motion"),
    (
        records(mood="good"),
        "the model takes no column 'mood'; the columns are text, speech, mocap",
        "a column that the model does not know",
    ),
    (
        records(text="hello", **{"features.video": [0.5]}),
        "the model takes no column 'features.video'",
        "beside one that it knows",
    ),
    (records(text="...?!"), "there is no word in '...?!'", "words without a letter"),
    (b'{"dataframe_records":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep", "deep"),
    (b"[" * 100_000, "nested too deep", "deep, and never closed"),
    (b'{"dataframe_records":[{"mocap":[[' + b"1" * 5000 + b"]]}]}", "5000 digits", "digits"),
    ({"inputs": {"text": ["hello", None]}}, "utterance 1: there is nothing", "null is no word"),
    ({"inputs": {"text": ["a", "b"], "speech": [None]}}, "", "columns of different lengths"),
    (b"x" * 100_000_000, "a request may have 80 MB", "a body of 100 MB"),
]


@pytest.mark.parametrize(("body", "said", "why"), BAD, ids=[why for *_, why in BAD])
def test_bad_input_is_refused_and_the_server_lives_on(server, body, said, why):
    status, answer = ask(server, body)
    assert 400 <= status < 500, why
    assert said in answer["message"], why
    assert "Traceback" not in json.dumps(answer), why
    assert ask(server, records(text="hello"))[0] == 200


def test_a_body_without_a_length_is_limited_too(server):
    """Chunked: its size is known only when it is there."""
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"400000\r\n" + b" " * 0x400000 + b"\r\n"
        try:
            for _ in range(25):
                connection.sendall(chunk)
            connection.sendall(b"0\r\n\r\n")
        except (ConnectionResetError, BrokenPipeError):
            pass  # it does not want the rest
        told = connection.recv(1000)
    assert told.startswith(b"HTTP/1.1 413")
    assert ask(server, records(text="hello"))[0] == 200


def test_a_body_of_no_kind_is_read_as_json(server):
    host, port = server.removeprefix("http://").split(":")
    for body, status in ((json.dumps(records(text="hello")), 200), ("hello", 400)):
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("POST", "/invocations", body.encode())  # without a Content-Type
        assert connection.getresponse().status == status
        connection.close()


def test_csv_is_refused_with_what_to_send_instead(server):
    host, port = server.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    kind = {"Content-Type": "text/csv; charset=utf-8"}
    connection.request("POST", "/invocations", b"text\nhello\n", kind)
    answer = connection.getresponse()
    assert answer.status == 415
    assert "JSON, not CSV" in json.loads(answer.read())["message"]
    connection.close()
    assert ask(server, records(text="hello"))[0] == 200


def test_a_small_body_passes_untouched():
    import asyncio

    seen, sent = [], []

    async def app(scope, receive, send):
        seen.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "http.request", "body": b"12345678", "more_body": False}

    async def send(message):
        sent.append(message)

    for largest, status in ((8, 200), (7, 413)):
        asyncio.run(limited(app, largest)({"type": "http", "headers": []}, receive, send))
        assert sent[0]["status"] == status
        sent.clear()
    assert seen == [b"12345678"]


def test_a_taken_port_is_told(emotion_hpo, small_saved_model, tmp_path):
    small_saved_model.save(tmp_path / "model.pt")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = emotion_hpo("serve", f"model={tmp_path}", f"port={port}")
    assert ended.status == 2
    assert 'make serve ARGS="port=PORT"' in ended.stderr
