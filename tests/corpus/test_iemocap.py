"""The release is read without loss, as configured."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.corpus import Recording, Twin, write_release
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.iemocap.corpus import Iemocap
from emotion_hpo.corpus.iemocap.evaluation import read_turns
from emotion_hpo.corpus.retranscribed import Retranscribed
from emotion_hpo.errors import CorpusError
from emotion_hpo.features.marks import compute_marks
from emotion_hpo.features.mocap import parts
from emotion_hpo.features.short_term import short_term
from emotion_hpo.splits.parts import read_content
from emotion_hpo.study.ledger import SAME_SHARE
from tests.corpus.contract import CorpusContract
from tests.corpus.releases import SCALE, SEED, opened

ROOT = Path(__file__).parents[2]
WHERE = "Ses01F_impro01"


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a class; their places count what is between them, too."""
    return table[table["emotion"].notna()].drop(columns="turn").reset_index(drop=True)


def recorded(corpus: Iemocap | Twin, session: str = "1") -> dict[str, Recording]:
    dialogues = corpus.table(session)["dialogue"].unique()
    return {
        recording.utterance_id: recording
        for name in dialogues
        for recording in corpus.recordings(session, name)
    }


def content(corpus, session="5"):
    """What a session is, as its shard tells the ledger."""
    table = corpus.table(session)
    marks = {
        recording.utterance_id: compute_marks(recording)
        for dialogue in table["dialogue"].unique()
        for recording in corpus.recordings(session, dialogue)
    }
    return read_content(SimpleNamespace(table=table, marks=marks))


class TestRoundTrip:
    def test_table(self, small_twin, release):
        corpus = opened(release)
        assert corpus.sessions() == small_twin.sessions()
        for session in corpus.sessions():
            read, written = corpus.table(session), small_twin.table(session)
            assert written["emotion"].isna().any(), "context rows are read, too"
            pd.testing.assert_frame_equal(
                read.drop(columns="audio"), written.drop(columns="audio"), check_exact=True
            )
        assert corpus.faults() == ()

    @pytest.mark.parametrize("audio", ["sentences", "dialog"])
    def test_features(self, small_twin, release, audio):
        read, written = recorded(opened(release, audio=audio)), recorded(small_twin)
        assert read.keys() == written.keys()
        for name, recording in written.items():
            ours = read[name]
            # Cut from a dialogue, it may be a sample off.
            n = min(len(ours.samples), len(recording.samples))
            assert abs(len(ours.samples) - len(recording.samples)) <= (audio == "dialog")
            np.testing.assert_allclose(ours.samples[:n], recording.samples[:n], atol=2**-14)
            np.testing.assert_allclose(
                short_term(ours.samples[:n], 16_000, 0.2, 0.1),
                short_term(recording.samples[:n], 16_000, 0.2, 0.1),
                atol=0.05,  # entropies of near silence feel 16 bits
            )
            assert (ours.motion is None) == (recording.motion is None)
            if recording.motion is not None:
                np.testing.assert_allclose(parts(ours.motion), parts(recording.motion), atol=1e-4)

    def test_motion_that_is_missing_is_absent(self, tmp_path):
        twin = Twin(SEED, 0.05)
        assert not twin.table("5")["has_mocap"].all()
        only = _OneSession(twin, "5")
        write_release(only, tmp_path / "release", lambda *_: None)
        read = opened(tmp_path / "release")
        pd.testing.assert_series_equal(read.table("5")["has_mocap"], twin.table("5")["has_mocap"])
        without = {
            name for name, recording in recorded(read, "5").items() if recording.motion is None
        }
        assert without == set(twin.table("5").query("~has_mocap")["utterance_id"])

    def test_its_utterances_are_the_same_however_they_are_read(self, small_twin, release, tmp_path):
        known = content(opened(release))
        (tmp_path / "words.csv").write_text("id,words\n")
        merge = {"classes": ["ang", "exc", "neu"], "merge": {"sad": "neu"}}
        ways = ({"audio": "dialog"}, {"audio": "dialog", "left_channel": "male"}, merge)
        same = [small_twin, Retranscribed(small_twin, tmp_path / "words.csv")]
        same += [opened(release, **changes) for changes in ways]
        shares = [content(corpus).n_shared(known) / len(known) for corpus in same]
        assert min(shares) >= SAME_SHARE, shares
        for other in (content(small_twin, "4"), content(Twin(SEED + 1, SCALE))):
            assert other.n_shared(known) < len(other) / 10

    def test_quirks_are_remarked(self, release):
        text = "\n".join(opened(release).remarks())
        assert "of xxx" in text
        assert "untimed lines" in text
        assert "transcripts without a label" in text
        assert "synthetic" in text

    def test_by_the_command_line(self, emotion_hpo, isolated):
        arguments = ("corpus=twin", f"corpus.scale={SCALE}", f"corpus.seed={SEED}")
        shown = emotion_hpo("prepare", *arguments, "corpus.write_release=out", "study.name=one")
        assert shown.status == 0, shown.stderr
        # In a process of its own, whose peak of memory is this command's alone.
        ended = subprocess.run(
            [
                sys.executable, "-c", "from emotion_hpo.cli.app import main; main()", "prepare",
                "corpus=iemocap", "corpus.root=out", "study.name=one", "output=found.json",
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        summary = json.loads((isolated / "found.json").read_text("utf-8"))
        assert {
            "n_utterances", "n_by_session_emotion", "n_by_modality", "n_word_types", "missing",
            "faults", "seconds", "peak_memory_mb",
        } <= summary.keys()  # fmt: skip
        assert summary["synthetic"] is True
        assert summary["faults"] == {}
        dialogues = summary["dialogues"]
        assert dialogues["n_turns"] > dialogues["n_labelled"] == summary["n_utterances"]
        counts = f"{dialogues['n_turns']} turns in {dialogues['n_dialogues']} dialogues, "
        assert f"{counts}{dialogues['n_labelled']} of them labelled; " in ended.stdout
        assert 50 < summary["peak_memory_mb"] < 1500
        again = emotion_hpo("prepare", *arguments, "corpus.write_release=out", "study.name=one")
        assert again.status == 2
        assert "is not empty" in again.stderr


class _OneSession:
    """A twin cut down to one session, for writing."""

    def __init__(self, twin: Twin, session: str) -> None:
        self.table, self.recordings, self.labels = twin.table, twin.recordings, twin.labels
        self._session = session

    def sessions(self) -> tuple[str, ...]:
        return (self._session,)


class TestSettings:
    def test_merging(self, small_twin, release):
        corpus = opened(release, merge={"hap": "exc"})
        merged = labelled(corpus.table("1"))
        plain = labelled(opened(release).table("1"))
        n_merged = (corpus.table("1")["emotion"] == "exc").sum() - (plain["emotion"] == "exc").sum()
        labels = list(small_twin.labels("1").values())
        assert n_merged == len(merged) - len(plain) == labels.count("hap") > 0
        assert set(merged["emotion"]) == set(plain["emotion"])
        assert any("of hap count as exc" in line for line in corpus.remarks())

    def test_turns_of_no_class_are_context_with_their_recordings(self, release):
        corpus = opened(release)
        table, faults = corpus.table("1"), corpus.faults()
        rows = table[table["emotion"].isna()].set_index("utterance_id")
        path = release / "Session1" / "dialog" / "EmoEvaluation"
        evaluated = "".join(file.read_text("utf-8") for file in path.glob("Ses*.txt"))
        assert len(table) == evaluated.count(" - ") - evaluated.count("START_TIME")
        assert len(rows)
        assert rows[["has_speech", "has_text"]].all(axis=None)
        assert not faults
        recordings = recorded(corpus)
        assert all(recordings[name].samples is not None for name in rows.index)
        assert any(line.startswith("context alone, as no class") for line in corpus.remarks())
        assert not table["utterance_id"].str.contains("XX").any(), "nobody judged those"

    def test_the_other_channel_is_the_other_actors(self, release):
        right = recorded(opened(release, audio="dialog"))
        wrong = recorded(opened(release, audio="dialog", left_channel="male"))
        turns = opened(release).table("1").set_index("utterance_id")
        by_dialogue = turns.groupby("dialogue")
        alone = [
            name
            for name, row in turns.iterrows()
            if ((by_dialogue.get_group(row["dialogue"])[["start_s", "end_s"]] - [
                row["end_s"], row["start_s"]
            ]) * [1, -1] < 0).all(axis=1).sum() == 1
        ]  # fmt: skip
        assert alone, "some turns overlap no other"
        for name in alone:
            assert np.abs(wrong[name].samples).max() < 0.2 * np.abs(right[name].samples).max()

    def test_the_wrong_way_round_is_noticed(self, release):
        assert opened(release, audio="dialog").faults() == ()
        kinds = {
            fault.kind for fault in opened(release, audio="dialog", left_channel="male").faults()
        }
        assert kinds == {"speakers are louder on the other channel: corpus.left_channel is wrong"}

    def test_channels_by_who_wears_the_markers(self, release):
        female, wearer = (
            recorded(opened(release, audio="dialog", left_channel=left))
            for left in ("female", "wearer")
        )
        for name in female:
            same = np.array_equal(female[name].samples, wearer[name].samples)
            assert same == (name[5] == "F"), "where she wears them, it is the same"

    def test_votes_and_ratings_are_all_read(self, release):
        turns = []
        for path in sorted(release.glob("Session*/dialog/EmoEvaluation/Ses*.txt")):
            lines = enumerate(path.read_text("utf-8").splitlines(), start=1)
            turns += read_turns(lines, path, path.stem, [])
        assert {person for turn in turns for person in turn.labels} >= {"E2", "E3", "E4"}
        assert any(len(labels) == 2 for turn in turns for labels in turn.labels.values())
        assert all(set(turn.ratings) >= {"E3", "E4"} for turn in turns)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"classes": ("ang", "ang")}, "each class once"),
            ({"classes": ("ang",)}, "at least 2 items"),
            ({"merge": {"hap": "joy"}}, "merge leads to joy, which is no class"),
            ({"merge": {"ang": "exc"}}, "ang cannot be a class and be merged"),
            ({"audio": "radio"}, "'sentences' or 'dialog'"),
        ],
    )
    def test_bad_settings(self, release, changes, message):
        with pytest.raises(ValueError, match=message):
            opened(release, **changes)

    def test_no_root(self, tmp_path):
        with pytest.raises(CorpusError, match=r"gone: no such folder; point corpus.root at"):
            opened(tmp_path / "gone")
        with pytest.raises(CorpusError, match=r"has no folder Session1"):
            opened(tmp_path)

    def test_fingerprint_follows_the_files(self, damaged):
        root = damaged()
        before = opened(root).fingerprint("1", Digests())
        assert opened(root).fingerprint("1", Digests()) == before
        face = root / "Session1" / "dialog" / "MOCAP_rotated" / f"{WHERE}.txt"
        face.write_bytes(face.read_bytes() + b"\r\n")
        changed = opened(root).fingerprint("1", Digests())
        assert changed != before
        assert opened(root, merge={"hap": "exc"}).fingerprint("1", Digests()) != changed


class TestContract(CorpusContract):
    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, release):
        return opened(release)

    @pytest.fixture(scope="class")
    @classmethod
    def faulty_corpus(cls, release, tmp_path_factory):
        root = tmp_path_factory.mktemp("faulty")
        shutil.copytree(release / "Session1", root / "Session1")
        shutil.rmtree(root / "Session1" / "dialog" / "transcriptions")
        return opened(root)
