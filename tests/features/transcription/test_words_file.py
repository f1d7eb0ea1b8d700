"""A CSV of words is whole after whatever has ended its writer, and never of two recognisers."""

import multiprocessing

import pytest

from emotion_hpo.corpus.retranscribed import read_words
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.transcription.words_file import open_words_file
from emotion_hpo.study.records.transcription import Transcription, place_of

RECORD = Transcription(
    corpus="manifest",
    synthetic=False,
    recogniser="pocketsphinx",
    release="5.1",
    model="en-us",
    digest="0" * 64,
    language="en",
)
WORDS = {"a,1": "well, yes", "b": "", 'c "d"': 'he said "no"', "e": "übermorgen"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "words.csv"


@pytest.fixture
def written(path):
    with open_words_file(path, RECORD) as file:
        for name, words in WORDS.items():
            file.append(name, words)
    return path


def test_it_is_read_back_and_gone_on_with(written):
    assert {name: words for name, (words, _) in read_words(written).items()} == WORDS
    with open_words_file(written, RECORD) as file:
        assert file.words == WORDS
        file.append("f", "more")
    assert [*read_words(written)] == [*WORDS, "f"]


def test_half_a_row_is_cut_off_wherever_it_ends(written):
    content = written.read_bytes()
    for n_bytes in range(len(content)):
        written.write_bytes(content[:n_bytes])
        n_whole = max(content[:n_bytes].count(b"\n") - 1, 0)
        with open_words_file(written, RECORD) as file:
            assert file.words == dict([*WORDS.items()][:n_whole])
            file.append("z", "after")
        assert [*read_words(written)] == [*[*WORDS][:n_whole], "z"]


@pytest.mark.parametrize("name", ["corpus", "release", "digest", "language"])
def test_words_of_two_recognisers_never_meet(written, name):
    other = RECORD.model_copy(update={name: "other"})
    with (
        pytest.raises(FeatureError, match=r"words.csv holds words of corpus .*, and not .*other"),
        open_words_file(written, other),
    ):
        pass
    assert len(read_words(written)) == len(WORDS)


def test_what_is_refused_leaves_nothing_behind(path):
    path.parent.mkdir()
    path.write_text("id,words\na,b\n")
    with pytest.raises(FeatureError), open_words_file(path, RECORD):
        pass
    assert [*path.parent.iterdir()] == [path]


def test_a_model_may_be_moved(written):
    with open_words_file(written, RECORD.model_copy(update={"model": "renamed"})) as file:
        assert file.words == WORDS


def test_a_csv_of_somebody_else_is_left_alone(path):
    path.parent.mkdir()
    path.write_text("id,words\na,b\n")
    with (
        pytest.raises(FeatureError, match="not by `emotion-hpo transcribe`; give another output"),
        open_words_file(path, RECORD),
    ):
        pass
    assert not place_of(path).exists()


def _hold(path, is_open, may_end):
    with open_words_file(path, RECORD):
        is_open.set()
        may_end.wait(60)


def test_two_processes_do_not_write_it(path):
    fork = multiprocessing.get_context("fork")
    is_open, may_end = fork.Event(), fork.Event()
    process = fork.Process(target=_hold, args=(path, is_open, may_end))
    process.start()
    try:
        assert is_open.wait(60)
        with (
            pytest.raises(FeatureError, match="is being written by another process"),
            open_words_file(path, RECORD),
        ):
            pass
    finally:
        may_end.set()
        process.join()
    with open_words_file(path, RECORD) as file:
        assert file.words == {}


def test_a_full_disk_is_a_line(written, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    with open_words_file(written, RECORD) as file:
        monkeypatch.setattr(type(written), "open", refuse)
        with pytest.raises(FeatureError, match="the disk is full; what was stored before is whole"):
            file.append("f", "more")
    monkeypatch.undo()
    assert [*read_words(written)] == [*WORDS]
