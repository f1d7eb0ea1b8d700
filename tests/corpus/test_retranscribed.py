"""Other words for a corpus: all of them or none, and what is wrong with their file."""

import pytest

from emotion_hpo.config.corpus import TwinCorpus
from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.errors import CorpusError
from tests.corpus.contract import CorpusContract


def opened(path):
    return open_corpus(TwinCorpus(name="twin", seed=3, scale=0.004, transcripts=path))


def test_words_replace_the_transcripts(small_twin, tmp_path):
    ids = list(small_twin.table("1")["utterance_id"])
    path = tmp_path / "words.csv"
    path.write_text(f'id,words\n{ids[0]},"well, yes"\n{ids[1]},\nnobody,nothing\n', "utf-8")
    corpus = opened(path)
    table = corpus.table("1").set_index("utterance_id")
    assert table.loc[ids[0], "transcript"] == "well, yes"
    assert list(table["has_text"]) == [True] + [False] * (len(ids) - 1)
    n_all = sum(len(small_twin.table(session)) for session in small_twin.sessions())
    assert corpus.remarks()[-1] == f"transcripts of {path}: 2 of {n_all} utterances, 1 unknown ids"
    assert [fault.place for fault in corpus.faults()] == [f"{path}, line 4, nobody"]
    assert not corpus.table("2")["has_text"].any()


@pytest.mark.parametrize("words", ["None", "NA", "nan", "null"])
def test_words_that_mean_missing_elsewhere_are_words(small_twin, tmp_path, words):
    name = small_twin.table("1")["utterance_id"].iloc[0]
    path = tmp_path / "words.csv"
    path.write_text(f"id,words\n{name},{words}\n", "utf-8")
    (row,) = opened(path).table("1").query("has_text").to_dict("records")
    assert row["transcript"] == words


def test_fingerprint_follows_the_words(tmp_path, small_twin):
    name = small_twin.table("1")["utterance_id"].iloc[0]
    path = tmp_path / "words.csv"
    prints = set()
    for words in ("one", "two"):
        path.write_text(f"id,words\n{name},{words}\n", "utf-8")
        prints.add(opened(path).fingerprint("1", Digests()))
    assert len(prints) == 2


@pytest.mark.parametrize(("content", "message"), [
    (b"", "line 1: `id,words` must stand here"),
    (b"a,b\n", "line 1: `id,words` must stand here"),
    (b"id,words\na,b,c\n", "line 2: an id and its words must stand here"),
    (b"id,words\n,yes\n", "line 2: the id is empty"),
    (b"id,words\na,b\na,c\n", "line 3: a stands in .*line 2 already"),
    (b'id,words\na,"b\n', "line 2: unexpected end of data"),
    (b"id,words\na,caf\xe9\n", r"1 rows are not UTF-8 .*:\n.*line 2"),
])  # fmt: skip
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "words.csv"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        opened(path)


def test_no_file(tmp_path):
    with pytest.raises(CorpusError, match=r"gone.csv: No such file"):
        opened(tmp_path / "gone.csv")


class TestContract(CorpusContract):
    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, small_twin, tmp_path_factory):
        path = tmp_path_factory.mktemp("words") / "words.csv"
        names = small_twin.table("1")["utterance_id"]
        rows = [f"{name},heard {number}" for number, name in enumerate(names)]
        path.write_text("\n".join(["id,words", *rows[1:], "nobody,nothing", ""]), "utf-8")
        return opened(path)

    @pytest.fixture(scope="class")
    @classmethod
    def faulty_corpus(cls, corpus):
        return corpus
