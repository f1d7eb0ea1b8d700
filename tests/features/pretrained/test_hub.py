"""The hub by a stand-in on the loopback address: what is fetched, what is said where it is not."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from emotion_hpo.features.pretrained import hub
from tests.features.pretrained import tiny
from tests.features.pretrained.extra import library

COMMIT = "0123456789abcdef0123456789abcdef01234567"

SCRIPT = """
import sys
from emotion_hpo.config.features import PretrainedSpeech
from emotion_hpo.errors import EmotionHpoError
from emotion_hpo.features.pretrained import hub
from emotion_hpo.features.pretrained.weights import digest_of, find_weights
model, fetches = sys.argv[1], sys.argv[2] == "fetch"
section = PretrainedSpeech(name="pretrained", model=model, normalise="corpus")
try:
    if fetches and not hub.is_cached(model, "features.speech"):
        hub.fetch(model, "features.speech", allow_pickle=False)
    weights = find_weights(section, "features.speech")
    print(digest_of(weights), *sorted(path.name for path in weights.folder.iterdir()))
except EmotionHpoError as error:
    print("ERROR", error)
"""


class _Hub(BaseHTTPRequestHandler):
    """Answers as the hub does: what a repository holds, and its files."""

    repositories: ClassVar[dict[str, dict[str, bytes]]]
    requested: ClassVar[list[str]]

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, *, with_body):
        path = self.path.partition("?")[0]
        self.requested.append(path)
        for name, files in self.repositories.items():
            if path in (f"/api/models/{name}", f"/api/models/{name}/revision/{COMMIT}",
                        f"/api/models/{name}/revision/main"):  # fmt: skip
                siblings = [{"rfilename": file} for file in files]
                facts = {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}
                return self._send(json.dumps(facts).encode(), with_body, "application/json")
            if path == f"/api/models/{name}/tree/{COMMIT}":
                tree = [
                    {"type": "file", "path": file, "size": len(data), "oid": "0" * 40}
                    for file, data in files.items()
                ]
                return self._send(json.dumps(tree).encode(), with_body, "application/json")
            prefix = f"/{name}/resolve/{COMMIT}/"
            if path.startswith(prefix) and path.removeprefix(prefix) in files:
                return self._send(files[path.removeprefix(prefix)], with_body, "text/plain")
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def _send(self, content, with_body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(content)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    library("huggingface_hub")
    folder = tiny.write_audio(tmp_path_factory.mktemp("tiny"), "wavlm-base")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    pickled = {name: data for name, data in files.items() if not name.endswith("safetensors")}
    return {
        "someone/tiny": files | {"pytorch_model.bin": b"pickle", "modeling_own.py": b"code"},
        "someone/pickled": pickled | {"pytorch_model.bin": b"pickle"},
    }


@pytest.fixture
def ask(repositories, tmp_path):
    """Run a process of its own against the stand-in: `(model, fetch or not, environment)`."""
    handler = type("Hub", (_Hub,), {"repositories": repositories, "requested": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"

    def run(model, how="fetch", **environment):
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT, model, how],
            env={
                **{
                    name: value for name, value in os.environ.items() if "proxy" not in name.lower()
                },
                "HF_ENDPOINT": endpoint,
                "HF_HOME": str(tmp_path / "hub"),
                "HF_HUB_DISABLE_XET": "1",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    run.requested = handler.requested
    yield run
    server.shutdown()
    server.server_close()


def test_a_model_is_fetched_once_without_its_code_and_its_pickle(ask):
    said = ask("someone/tiny")
    assert not said.startswith("ERROR"), (said, ask.requested)
    digest, *names = said.split()
    assert names == ["config.json", "model.safetensors", "preprocessor_config.json"]
    n_requests = len(ask.requested)
    assert n_requests
    assert ask("someone/tiny", HF_HUB_OFFLINE="1").split() == [digest, *names]
    assert ask("someone/tiny").split() == [digest, *names]
    assert len(ask.requested) == n_requests, "what is there is not asked for again"


def test_a_pickle_alone_is_refused_before_it_is_fetched(ask):
    said = ask("someone/pickled")
    assert said.startswith("ERROR features.speech.model: the hub has someone/pickled as a pickle")
    assert not [path for path in ask.requested if "pytorch_model" in path]


@pytest.mark.parametrize(
    ("model", "how", "environment"),
    [
        pytest.param("someone/absent", "fetch", {}, id="the hub has none"),
        pytest.param("someone/tiny", "fetch", {"HF_HUB_OFFLINE": "1"}, id="offline"),
        pytest.param("someone/tiny", "find", {}, id="nobody asked to fetch it"),
        pytest.param(
            "someone/tiny", "fetch", {"HF_ENDPOINT": "http://127.0.0.1:9"}, id="nothing answers"
        ),
    ],
)
def test_not_at_hand_is_one_line_that_says_what_brings_it(ask, model, how, environment):
    said = ask(model, how, **environment)
    assert said.startswith(f"ERROR features.speech.model: {model} is neither a folder nor fetched")
    folder = model.partition("/")[2]
    assert f"`hf download {model} --local-dir {folder}`" in said
    assert f"features.speech.model={folder}" in said
    assert len(said.splitlines()) == 1


PARTS = [f"{name}-0000{n}-of-00002.{ending}" for name, ending in
         (("model", "safetensors"), ("pytorch_model", "bin")) for n in (1, 2)]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "is_whole"),
    [(PARTS[:2], True), (PARTS[:1], False), (PARTS[2:], True), (PARTS[2:3], False), ([], False)],
)
def test_a_model_in_parts_is_there_when_those_of_its_form_are(
    names, is_whole, tmp_path, monkeypatch
):
    monkeypatch.setattr(hub, "cached", lambda *_: tmp_path)
    for name, parts in (("model.safetensors", PARTS[:2]), ("pytorch_model.bin", PARTS[2:])):
        index = {"weight_map": dict(enumerate(parts))}
        (tmp_path / f"{name}.index.json").write_text(json.dumps(index))
    for name in names:
        (tmp_path / name).touch()
    assert hub.is_cached("someone/large", "features.text") == is_whole
