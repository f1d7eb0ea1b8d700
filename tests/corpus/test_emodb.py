"""The Berlin recordings: what names say, what is left out, what can be wrong with a folder."""

import re

import numpy as np
import pytest
import soundfile

from emotion_hpo.config.corpus import EmodbCorpus
from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.emodb import Emodb
from emotion_hpo.errors import CorpusError
from tests.corpus.contract import CorpusContract


def opened(root, *, strict=False) -> Emodb:
    return open_corpus(EmodbCorpus(name="emodb", root=root, strict=strict))


class TestInvented:
    def test_names_become_rows(self, write_berlin):
        corpus = opened(write_berlin())
        assert corpus.sessions() == ("1", "2", "5")
        table = corpus.table("1").set_index("utterance_id")
        assert list(table.index) == ["03a01Wa", "03a01Wb", "03b10Fa", "08a02Nc"]
        assert list(table["emotion"]) == ["anger", "anger", "happiness", "neutral"]
        assert list(table["speaker"]) == ["03", "03", "03", "08"]
        assert table.loc["08a02Nc", "transcript"] == "Das will sie am Mittwoch abgeben."

    def test_takes_of_a_sentence_are_one_dialogue(self, write_berlin):
        corpus = opened(write_berlin())
        takes = [recording.utterance_id for recording in corpus.recordings("1", "03a01")]
        assert takes == ["03a01Wa", "03a01Wb"]

    def test_other_emotions_are_counted(self, write_berlin):
        corpus = opened(write_berlin())
        assert corpus.left_out == {"boredom": 1, "fear": 1}
        assert corpus.remarks() == ("left out, as no class here: 1 of boredom, 1 of fear",)

    @pytest.mark.parametrize("n_channels", [1, 2, 3])
    def test_channels_are_averaged_at_their_own_rate(self, write_berlin, n_channels):
        root = write_berlin(sample_rate_hz=22_050, n_channels=n_channels)
        recording = next(opened(root).recordings("1", "03a01"))
        stored, _ = soundfile.read(root / "wav" / "03a01Wa.wav", always_2d=True)
        assert recording.sample_rate_hz == 22_050
        np.testing.assert_allclose(recording.samples, stored.mean(axis=1), atol=1e-6)

    def test_archive_leftovers_are_no_recordings(self, write_berlin):
        root = write_berlin()
        (root / "wav" / "._03a01Wa.wav").write_bytes(b"leftover")
        (root / "wav" / ".DS_Store").write_bytes(b"leftover")
        assert len(opened(root).table("1")) == 4

    def test_fingerprint_follows_the_sessions_files(self, write_berlin):
        root = write_berlin()
        before = {session: opened(root).fingerprint(session, Digests()) for session in "125"}
        path = root / "wav" / "16b03Wa.wav"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        after = {session: opened(root).fingerprint(session, Digests()) for session in "125"}
        assert [before[session] == after[session] for session in "125"] == [True, True, False]


class TestErrors:
    def test_no_root(self, tmp_path):
        with pytest.raises(CorpusError, match=r"gone: no such folder; point corpus.root at"):
            opened(tmp_path / "gone")

    def test_no_wav_folder(self, tmp_path):
        with pytest.raises(CorpusError, match=r"has no folder wav; point corpus.root at"):
            opened(tmp_path)

    def test_no_recordings(self, tmp_path):
        (tmp_path / "wav").mkdir()
        with pytest.raises(CorpusError, match="no recording of anger, happiness, neutral, sadness"):
            opened(tmp_path)

    def test_no_recordings_of_the_classes(self, write_berlin):
        with pytest.raises(CorpusError, match=r"no recording of .*expected files such as 03a01Wa"):
            opened(write_berlin(["03a01La"]))

    @pytest.mark.parametrize(("name", "message"), [
        ("notes", "the name is not speaker, sentence, emotion and take as in 03a01Fa"),
        ("03a01F", "the name is not speaker, sentence"),
        ("17a01Fa", "the name names speaker 17 (valid: 03, 08"),
        ("03a03Fa", "the name names sentence a03 (valid: a01, a02"),
        ("03a01Xa", "the name names emotion X (valid: W, F, N, T, L, E, A)"),
    ])  # fmt: skip
    def test_odd_names(self, write_berlin, name, message):
        with pytest.raises(CorpusError, match=re.escape(f"{name}.wav: {message}")):
            opened(write_berlin(["03a01Wa", name]))

    def test_unreadable_recording(self, write_berlin):
        root = write_berlin()
        (root / "wav" / "08a02Nc.wav").write_bytes(b"no audio")
        corpus = opened(root)
        assert [(fault.kind, fault.place[-11:]) for fault in corpus.faults()] == [
            ("unreadable wav", "08a02Nc.wav")
        ]
        rows = corpus.table("1").set_index("utterance_id")
        assert rows["has_speech"].to_dict() == {name: name != "08a02Nc" for name in rows.index}
        assert [recording.samples for recording in corpus.recordings("1", "08a02")] == [None]
        with pytest.raises(CorpusError, match=r"08a02Nc.wav: unreadable wav"):
            opened(root, strict=True)

    def test_folder_named_as_a_recording(self, write_berlin):
        root = write_berlin()
        (root / "wav" / "08a02Nc.wav").unlink()
        (root / "wav" / "08a02Nc.wav").mkdir()
        said = r"08a02Nc.wav: cannot be read \(Is a directory\); mend its permissions, or unpack"
        with pytest.raises(CorpusError, match=said):
            opened(root).fingerprint("1", Digests())

    def test_link_to_nothing(self, write_berlin):
        root = write_berlin()
        (root / "wav" / "08a02Nc.wav").unlink()
        (root / "wav" / "08a02Nc.wav").symlink_to(root / "nothing.wav")
        with pytest.raises(CorpusError, match=r"08a02Nc.wav: cannot be read \(No such file"):
            opened(root).fingerprint("1", Digests())

    def test_folder_that_may_not_be_listed(self, write_berlin, monkeypatch):
        def refuse(_folder):
            raise PermissionError(13, "Permission denied")

        root = write_berlin()
        monkeypatch.setattr(type(root), "iterdir", refuse)
        with pytest.raises(CorpusError, match=r"wav: cannot be read \(Permission denied\)"):
            opened(root)

    def test_empty_recording(self, write_berlin):
        root = write_berlin()
        soundfile.write(root / "wav" / "08a02Nc.wav", np.zeros(0), 16_000)
        assert [fault.kind for fault in opened(root).faults()] == ["empty wav"]
        assert not opened(root).table("1").set_index("utterance_id").loc["08a02Nc", "has_speech"]


def test_real_recordings(berlin):
    corpus = opened(berlin)
    tables = [corpus.table(session) for session in corpus.sessions()]
    assert [len(table) for table in tables] == [81, 51, 57, 77, 73]
    assert [table["speaker"].nunique() for table in tables] == [2] * 5
    counts = {name: sum((t["emotion"] == name).sum() for t in tables) for name in corpus.classes}
    assert counts == {"anger": 127, "happiness": 71, "neutral": 79, "sadness": 62}
    assert len({text for table in tables for text in table["transcript"]}) == 10
    assert corpus.remarks() == ()
    assert next(corpus.recordings("1", "03a01")).sample_rate_hz == 16_000


class TestContract(CorpusContract):
    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, write_berlin):
        return opened(write_berlin())

    @pytest.fixture(scope="class")
    @classmethod
    def faulty_corpus(cls, write_berlin):
        root = write_berlin()
        (root / "wav" / "08a02Nc.wav").write_bytes(b"no audio")
        return opened(root)


class TestContractOfTheRealRecordings(TestContract):
    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, berlin):
        return opened(berlin)
