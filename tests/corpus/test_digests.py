"""Digests follow a file's content, and cost no reading as long as nothing changed."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from emotion_hpo.config.corpus import ManifestCorpus
from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.manifest import Manifest
from emotion_hpo.errors import CorpusError


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "corpus" / "a.wav"
    path.parent.mkdir()
    path.write_bytes(b"one")
    return path


@pytest.fixture
def memory(tmp_path) -> Path:
    return tmp_path / "features" / ".digests.json"


@pytest.fixture
def hashed(monkeypatch) -> list[Path]:
    """The files that were opened to be read."""
    opened: list[Path] = []
    true_open = Path.open

    def watch(path, *arguments, **options):
        opened.append(path)
        return true_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", watch)
    return opened


def digest(memory: Path, path: Path) -> str:
    """What a process of its own would find."""
    digests = Digests(memory)
    digest = digests.of(path)
    digests.save()
    return digest


def test_nothing_is_read_twice_until_something_changes(file, memory, hashed):
    first = digest(memory, file)
    hashed.clear()
    assert digest(memory, file) == first
    assert file not in hashed
    os.utime(file, (1, 1))
    assert digest(memory, file) == first
    assert hashed.count(file) == 1, "a new time alone costs one reading"
    assert digest(memory, file) == first
    assert hashed.count(file) == 1


def test_a_copy_anywhere_has_the_same(file, memory, tmp_path):
    first = digest(memory, file)
    copied = shutil.copy(file, tmp_path / "b.wav")
    assert digest(memory, Path(copied)) == first
    shutil.move(file.parent, tmp_path / "moved")
    assert digest(memory, tmp_path / "moved" / "a.wav") == first


def test_other_content_of_the_same_size_and_time_has_another(file, memory):
    before = file.stat()
    first = digest(memory, file)
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digest(memory, file) != first


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 3}', '{"a": ["x", 1, 2, "d"]}'])
def test_a_broken_memory_is_no_memory(file, memory, content):
    first = digest(memory, file)
    memory.write_text(content)
    assert digest(memory, file) == first


def test_a_memory_that_cannot_be_written_is_none(file, tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    assert digest(tmp_path / "taken" / "x.json", file) == Digests().of(file)


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"gone.wav: cannot be read \(No such file"):
        Digests().of(tmp_path / "gone.wav")
    with pytest.raises(CorpusError, match=r"cannot be read \(Is a directory\)"):
        Digests().of(tmp_path)


@pytest.fixture
def manifest(tmp_path):
    """Two sessions of two utterances, a recording and an array each: `manifest(folder)`."""

    def make(folder: str, suffix: str = "npy", prefix: str = "") -> Manifest:
        root = tmp_path / folder
        root.mkdir()
        rows = ["utterance_id,speaker,session,emotion,audio"]
        for number in range(4):
            (root / f"{prefix}{number}.wav").write_bytes(b"sound %d" % number)
            rows.append(f"u{number},s,{number // 2},{'ab'[number % 2]},{prefix}{number}.wav")
        (root / "table.csv").write_text("\n".join([*rows, ""]))
        values = np.arange(12, dtype=np.float32).reshape(4, 3)
        if suffix == "npy":
            np.save(root / "v.npy", values)
        else:
            np.savez(root / "v.npz", **{f"u{number}": row for number, row in enumerate(values)})
        config = ManifestCorpus(
            name="manifest", table=root / "table.csv", features={"video": root / f"v.{suffix}"},
            classes=None, synthetic=False, strict=False,
        )  # fmt: skip
        return open_corpus(config)

    return make


def prints(corpus: Manifest) -> list[str]:
    return [corpus.fingerprint(session, Digests()) for session in corpus.sessions()]


def test_a_manifest_is_the_same_in_another_place_and_form(manifest):
    known = prints(manifest("a"))
    assert known == prints(manifest("b")) == prints(manifest("c", suffix="npz", prefix="other"))
    assert known[0] != known[1]


def test_a_change_of_one_session_is_none_of_the_other(manifest):
    """So that a search, which seals one of them, depends on no byte of it."""
    corpus = manifest("a")
    known = prints(corpus)
    values = np.load(corpus.path.with_name("v.npy"))
    values[3] += 1
    np.save(corpus.path.with_name("v.npy"), values)
    changed = prints(Manifest(corpus.path, corpus.features))
    assert [digest == other for digest, other in zip(changed, known, strict=True)] == [True, False]
    corpus.path.with_name("0.wav").write_bytes(b"another")
    again = prints(Manifest(corpus.path, corpus.features))
    assert [digest == other for digest, other in zip(again, changed, strict=True)] == [False, True]
