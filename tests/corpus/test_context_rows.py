"""Turns without a class of interest are rows, with all that was recorded of them."""

from collections import Counter

import numpy as np
import pytest
import soundfile

from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.retranscribed import Retranscribed
from emotion_hpo.errors import CorpusError
from tests.corpus import collecting
from tests.corpus.test_manifest import opened, table

ORDERED = "utterance_id,speaker,session,dialogue,turn,emotion,transcript"
ROWS = (
    "u1,ann,1,d,3,joy,oh", "u2,bob,1,d,1,,well", "u3,ann,1,d,2,anger,no",
    "u4,bob,1,d,7,fear,help", "u5,cat,2,e,1,joy,yes", "u6,dan,2,e,2,anger,never",
    "u7,eve,3,f,1,fear,aah", "u8,eve,3,f,2,,aah",
)  # fmt: skip
CHOSEN = ("anger", "joy")
BOTH = ("ang", "sad")


@pytest.fixture
def corpus(tmp_path):
    np.savez(tmp_path / "video.npz", u2=np.full(3, 2.0), u3=np.full(3, 3.0))
    path = table(tmp_path, *ROWS, header=ORDERED)
    return opened(path, classes=CHOSEN, features={"video": tmp_path / "video.npz"})


class TestManifest:
    def test_rows_without_a_class_are_context(self, corpus):
        rows = corpus.table("1")
        assert list(rows["utterance_id"]) == ["u1", "u2", "u3", "u4"]
        assert rows["emotion"].isna().tolist() == [False, True, False, True]
        assert list(rows["turn"]) == [2, 0, 1, 3]
        assert corpus.classes == CHOSEN
        assert "context alone, as no class here: 2 of fear, 2 without an emotion" in (
            corpus.remarks()
        )

    def test_a_session_of_context_alone_is_none(self, corpus):
        assert corpus.sessions() == ("1", "2")

    def test_an_empty_emotion_is_no_class(self, tmp_path):
        assert opened(table(tmp_path, *ROWS, header=ORDERED)).classes == ("anger", "fear", "joy")

    def test_context_has_its_features(self, corpus):
        recordings = {
            recording.utterance_id: recording for recording in corpus.recordings("1", "d")
        }
        assert recordings.keys() == {"u1", "u2", "u3", "u4"}
        np.testing.assert_array_equal(recordings["u2"].features["video"], np.full(3, 2.0))

    def test_context_is_content(self, corpus, tmp_path):
        before = corpus.fingerprint("1", Digests())
        other = table(tmp_path, *(row.replace("well", "what") for row in ROWS), header=ORDERED)
        assert opened(other, classes=CHOSEN).fingerprint("1", Digests()) != before

    def test_other_words_are_those_of_context_too(self, corpus, tmp_path):
        (tmp_path / "words.csv").write_text("id,words\nu2,anew\n", "utf-8")
        said = Retranscribed(corpus, tmp_path / "words.csv").table("1").set_index("utterance_id")
        assert said.loc["u2", "transcript"] == "anew"
        assert said["has_text"].tolist() == [False, True, False, False]

    def test_a_broken_recording_costs_a_context_row_its_speech_alone(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.zeros(800), 16_000)
        (tmp_path / "bad.wav").write_text("no audio")
        audio = ("a.wav", "bad.wav", *["a.wav"] * 6)
        rows = [f"{row},{path}" for row, path in zip(ROWS, audio, strict=True)]
        path = table(tmp_path, *rows, header=f"{ORDERED},audio")
        corpus = opened(path, classes=CHOSEN)
        (fault,) = corpus.faults()
        assert fault.place.endswith("bad.wav")
        row = corpus.table("1").set_index("utterance_id").loc["u2"]
        assert (row["has_speech"], row["has_text"]) == (False, True)
        with pytest.raises(CorpusError, match=r"bad\.wav"):
            opened(path, strict=True)

    def test_without_an_order_other_labels_are_left_out(self, tmp_path):
        columns = "utterance_id,speaker,session,dialogue,emotion"
        rows = ("u1,ann,1,d,joy", "u2,ann,1,d,fear", "u3,ann,2,e,anger")
        corpus = opened(table(tmp_path, *rows, header=columns), classes=CHOSEN)
        assert list(corpus.table("1")["utterance_id"]) == ["u1"]
        assert corpus.table("1")["turn"].isna().all()
        assert "left out, as no class here: 1 of fear" in corpus.remarks()

    def test_times_order_turns_of_one_recording_but_not_of_several(self, tmp_path):
        columns = "utterance_id,speaker,session,dialogue,emotion,start_s,end_s,audio"
        rows = [
            "u1,ann,1,d,joy,5,6,a.wav",
            "u2,ann,1,d,fear,1,2,a.wav",
            "u3,ann,2,e,anger,0,1,b.wav",
        ]
        corpus = opened(table(tmp_path, *rows, header=columns), classes=CHOSEN)
        assert list(corpus.table("1")["turn"]) == [1, 0]
        rows[1] = rows[1].replace("a.wav", "c.wav")
        corpus = opened(table(tmp_path, *rows, header=columns), classes=CHOSEN)
        assert list(corpus.table("1")["utterance_id"]) == ["u1"]
        rows[1] = rows[1].replace("fear", "")
        with pytest.raises(CorpusError, match=r"(?s)1 rows have no emotion; as context.*line 3"):
            opened(table(tmp_path, *rows, header=columns))

    @pytest.mark.parametrize(
        ("header", "row", "message"),
        [
            ("utterance_id,speaker,session,emotion", "u,s,1,", r"no emotion; as context, they"),
            ("utterance_id,speaker,session,emotion,start_s,end_s", "u,s,1,,0,1", "need dialogue"),
            ("utterance_id,speaker,session,emotion,dialogue", "u,s,1,,d", "dialogue and turn, or"),
            ("utterance_id,speaker,session,emotion,turn", "u,s,1,joy,1", "turn needs the column"),
            (ORDERED, "u,s,1,,1,,so", r"have no dialogue:\n.*line 2"),
            (ORDERED, "u,s,1,d,,joy,so", r"have no turn:\n.*line 2"),
            (ORDERED, "u,s,1,d,1.5,joy,so", r"turn that is no whole number:\n.*line 2 \(1\.5\)"),
            (ORDERED, "u,s,1,d,one,joy,so", r"turn that is no number:\n.*line 2 \('one'\)"),
            (
                ORDERED,
                "u,s,1,d,1,joy,so\nv,s,1,d,1,,so\nw,s,2,d,1,,so",
                r"2 rows have the same turn .*\n.*line 2 \(dialogue d, turn 1\)\n.*line 3",
            ),
            (ORDERED, "u,s,1,d,1,,so", "no utterance of "),
        ],
    )
    def test_what_cannot_be_ordered_is_refused(self, tmp_path, header, row, message):
        with pytest.raises(CorpusError, match=f"(?s){message}"):
            opened(table(tmp_path, row, header=header)).sessions()


class TestCollected:
    def test_other_labels_are_context(self, small_twin, tmp_path):
        written = collecting.entries(small_twin)
        first, second = written[0], written[1]
        written[0] = {**first, "emotion": "fru"}
        written[1] = {**second, "emotion": "xxx", "transcription": ""}
        corpus = collecting.opened(collecting.write_pickle(tmp_path / "data.pickle", written))
        rows = corpus.table("1").set_index("utterance_id")
        assert rows["emotion"].isna()[[first["id"], second["id"]]].all()
        others = {entry["id"] for entry in written if entry["emotion"] not in collecting.CLASSES}
        assert set(rows.index[rows["emotion"].isna()]) == others & set(rows.index)
        counts = Counter(
            entry["emotion"] for entry in written if entry["emotion"] not in collecting.CLASSES
        )
        said = ", ".join(f"{n} of {label}" for label, n in counts.most_common())
        assert f"context alone, as no class here: {said}" in corpus.remarks()
        assert [fault.kind for fault in corpus.faults()] == ["label without transcript"]
        recordings = {
            recording.utterance_id: recording
            for dialogue in rows["dialogue"].unique()
            for recording in corpus.recordings("1", dialogue)
        }
        assert recordings[first["id"]].samples.any()
        assert recordings[first["id"]].motion.keys() == {"head", "hand", "face"}

    def test_what_the_file_lacks_is_remarked(self, small_twin, tmp_path):
        first = collecting.entries(small_twin)[0]
        ids = [f"Ses01F_impro01_{name}" for name in ("F000", "F001", "F002", "M000", "FXX0")]
        written = [{**first, "id": name, "emotion": BOTH[row % 2]} for row, name in enumerate(ids)]
        whole = collecting.opened(
            collecting.write_pickle(tmp_path / "a.pickle", written), classes=BOTH
        )
        assert not [line for line in whole.remarks() if "lack" in line]
        cut = collecting.opened(
            collecting.write_pickle(tmp_path / "b.pickle", written[1:]), classes=BOTH
        )
        assert any("seems to lack, by the numbers of its ids: 1, and" in s for s in cut.remarks())
