"""The twin copies IEMOCAP's published shape; the figures here are the publications', not ours."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.corpus import Twin
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.twin import motion, voice
from emotion_hpo.corpus.twin.expression import Act
from emotion_hpo.corpus.twin.stage import frames_within
from emotion_hpo.corpus.twin.table import twin_table
from emotion_hpo.errors import CorpusError
from tests.corpus.contract import CorpusContract

# session: ang, exc, neu, sad; dialogues; improvised; female
COUNTS = {
    "1": ((229, 143, 384, 194), 28, 488, 459),
    "2": ((137, 210, 362, 197), 30, 476, 411),
    "3": ((240, 151, 320, 305), 32, 567, 442),
    "4": ((327, 238, 258, 143), 30, 503, 497),
    "5": ((170, 299, 384, 245), 31, 625, 513),
}
# session: mean share of frames with a NaN; utterances with NaN always, never; without a file
LOST = {
    "1": (0.204, 54, 520, 0),
    "2": (0.018, 1, 799, 0),
    "3": (0.027, 2, 856, 0),
    "4": (0.280, 99, 384, 0),
    "5": (0.618, 235, 154, 24),
}
# session: turns of improvised and of scripted dialogues
TURNS = {
    "1": (759, 1060), "2": (788, 1023), "3": (1044, 1092), "4": (1060, 1043), "5": (1133, 1037),
}  # fmt: skip
# session: turns of each label that is no class
BETWEEN = {
    "1": {"dis": 1, "fea": 12, "fru": 280, "hap": 135, "oth": 1, "sur": 25, "xxx": 415},
    "2": {"fea": 9, "fru": 325, "hap": 117, "oth": 1, "sur": 17, "xxx": 436},
    "3": {"dis": 1, "fea": 2, "fru": 382, "hap": 135, "sur": 28, "xxx": 572},
    "4": {"fea": 7, "fru": 481, "hap": 65, "oth": 1, "sur": 19, "xxx": 564},
    "5": {"fea": 10, "fru": 381, "hap": 143, "sur": 18, "xxx": 520},
}


@pytest.fixture(scope="module")
def turns(full_twin) -> pd.DataFrame:
    """All turns, by session and id."""
    tables = [full_twin.table(session) for session in full_twin.sessions()]
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def table(turns) -> pd.DataFrame:
    """Those that have a class: the corpus's utterances."""
    return turns[turns["emotion"].notna()]


@pytest.fixture(scope="module")
def seconds(table) -> pd.Series:
    return table["end_s"] - table["start_s"]


def words(transcripts) -> Counter:
    return Counter(word for text in transcripts for word in re.findall(r"[a-z']+", text.lower()))


@pytest.mark.parametrize("session", COUNTS)
class TestSession:
    def test_counts(self, table, session):
        table = table[table["session"] == session]
        counts, n_dialogues, improvised, female = COUNTS[session]
        assert tuple(table["emotion"].value_counts().sort_index()) == counts
        assert table["dialogue"].nunique() == n_dialogues
        assert (table["scenario"] == "improvised").sum() == improvised
        assert (table["scenario"] == "scripted").sum() == len(table) - improvised
        assert (table["speaker"] == f"Ses0{session}F").sum() == female
        assert (table["speaker"] == f"Ses0{session}M").sum() == len(table) - female

    def test_counts_of_all_turns(self, full_twin, session):
        table = full_twin.table(session)
        improvised, scripted = TURNS[session]
        assert (table["scenario"] == "improvised").sum() == improvised
        assert (table["scenario"] == "scripted").sum() == scripted
        labels = full_twin.labels(session)
        assert list(labels) == list(table["utterance_id"])
        labelled = table["emotion"].notna().to_numpy()
        between = np.array(list(labels.values()))[~labelled]
        assert Counter(between.tolist()) == BETWEEN[session]
        assert [labels[name] for name in table["utterance_id"][labelled]] == (
            table["emotion"][labelled].tolist()
        )

    def test_names(self, full_twin, session):
        table = full_twin.table(session)
        pattern = rf"Ses0{session}[FM]_(impro\d\d[ab]?|script\d\d_\db?)_[FM]\d\d\d"
        assert table["utterance_id"].str.fullmatch(pattern).all()
        prefix = table["dialogue"] + "_" + table["speaker"].str[-1]
        assert all(map(str.startswith, table["utterance_id"], prefix))
        assert (
            table["dialogue"].str.contains("impro") == (table["scenario"] == "improvised")
        ).all()
        assert (table["wears_markers"] == (table["speaker"] == table["dialogue"].str[:6])).all()
        assert 0.4 < table["wears_markers"].mean() < 0.6

    def test_lost_markers(self, full_twin, session):
        rows = twin_table(full_twin.seed, full_twin.scale, None)
        ours = rows[rows["session"] == session]
        shares = ours.loc[ours["emotion"].notna(), "nan_share"]
        mean, always, never, no_motion = LOST[session]
        assert shares.isna().sum() == no_motion
        assert ours["nan_share"].isna().sum() == (90 if no_motion else 0)
        assert (~full_twin.table(session)["has_mocap"]).sum() == ours["nan_share"].isna().sum()
        assert (shares == 1).sum() == always
        assert (shares == 0).sum() == never
        assert shares.mean() == pytest.approx(mean, abs=0.005)

    def test_turns_stand_in_the_order_of_time(self, full_twin, session):
        table = full_twin.table(session).sort_values(["dialogue", "turn"])
        by_dialogue = table.groupby("dialogue")
        assert (table["turn"] == by_dialogue.cumcount()).all()
        assert (by_dialogue["start_s"].diff().dropna() > 0).all()
        own_end = table.groupby(["dialogue", "speaker"])["end_s"].shift()
        assert (table["start_s"] >= own_end.fillna(0)).all(), "nobody interrupts himself"


class TestWhole:
    def test_durations(self, table, seconds):
        assert seconds.quantile([0.05, 0.5, 0.95, 1]).tolist() == pytest.approx(
            [1.38, 3.58, 11.2, 34.1], abs=0.01
        )
        assert seconds.sum() / 3600 == pytest.approx(6.27, abs=0.005)
        means = seconds.groupby(table["emotion"]).mean()
        assert means.tolist() == pytest.approx([4.51, 4.78, 3.90, 5.50], abs=0.02)

    def test_word_counts(self, table):
        counts = table["transcript"].str.split().str.len()
        assert counts.quantile([0.5, 0.95, 1]).tolist() == [8.5, 33, 98]
        assert counts.mean() == pytest.approx(11.65, abs=0.15)

    def test_words(self, table):
        counts = words(table["transcript"])
        assert len(counts) == pytest.approx(2736, rel=0.05)
        assert sum(count == 1 for count in counts.values()) == pytest.approx(980, rel=0.1)
        assert counts.total() == pytest.approx(57_788, rel=0.02)
        assert "don't" in counts

    def test_bracketed_sounds(self, table):
        assert table["transcript"].str.contains(r"\[[A-Z]+\]").sum() == 120

    def test_repeated_transcripts(self, table):
        last = table["session"] == "5"
        repeated = table["transcript"][last].isin(table["transcript"][~last])
        assert repeated.mean() == pytest.approx(0.158, abs=0.001)

    def test_no_slot_stays_empty(self, table):
        assert not table["transcript"].str.contains(r"\b(?:NS|VD|VG|VS|NP|UH)\b|!\w").any()

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_validation_rows_of_the_paper(self, seed):
        twin = Twin(seed)
        rows = pd.concat([twin.table(session) for session in "1234"], ignore_index=True)
        validation = rows[rows["emotion"].notna()].iloc[3000:]
        assert len(validation) == 838
        assert validation["utterance_id"].iloc[0] == "Ses04F_impro04_M018"
        assert tuple(validation["emotion"].value_counts().sort_index()) == (290, 196, 227, 125)

    def test_votes_and_attributes_are_annotations(self, table):
        assert (
            table[["valence", "activation", "dominance"]]
            .isin(np.arange(1, 5.5, 0.5))
            .all(axis=None)
        )
        assert table["votes"].str.fullmatch(r'\{"[a-z]{3}": \d(, "[a-z]{3}": 1)?\}').all()


def share_of_same(rows: pd.DataFrame, before: pd.Series, labels: str) -> dict[str, float]:
    """Label → per cent of turns that have it, of those whose earlier turn has it."""
    return {
        label: 100 * (rows["label"][before == label] == label).mean() for label in labels.split()
    }


class TestDialogues:
    """Figures of IEMOCAP's dialogues: counted on its release."""

    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls, full_twin, turns) -> pd.DataFrame:
        """All turns with their labels, in the order of dialogue and time."""
        labels = {}
        for session in full_twin.sessions():
            labels |= full_twin.labels(session)
        labelled = turns.assign(label=turns["utterance_id"].map(labels))
        return labelled.sort_values(["dialogue", "turn"], ignore_index=True)

    def test_lengths(self, rows):
        sizes = rows.groupby("dialogue").size()
        assert len(rows) == 10_039
        assert len(sizes) == 151
        assert (sizes.min(), sizes.max()) == (pytest.approx(24, abs=3), 167)
        assert sizes.idxmax() == "Ses04F_impro07"
        assert sizes.quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx([49, 67, 81], abs=5)
        n_class = rows["emotion"].notna().groupby(rows["dialogue"]).sum()
        assert n_class.min() >= 3
        assert n_class.median() == pytest.approx(32, abs=3)

    def test_all_turns_last_as_long_and_say_as_much(self, rows):
        seconds = rows["end_s"] - rows["start_s"]
        assert seconds.sum() / 3600 == pytest.approx(12.44, abs=0.1)
        assert seconds.median() == pytest.approx(3.5, abs=0.1)
        n_words = rows["transcript"].str.split().str.len()
        assert n_words.sum() == pytest.approx(116_116, rel=0.01)

    def test_who_speaks_when(self, rows):
        by_dialogue = rows.groupby("dialogue")
        same = rows["speaker"] == by_dialogue["speaker"].shift()
        assert same.sum() / (len(rows) - 151) == pytest.approx(0.168, abs=0.01)
        gaps = (rows["start_s"] - by_dialogue["end_s"].shift()).dropna()
        assert (gaps < 0).mean() == pytest.approx(0.71, abs=0.02)
        assert gaps.median() == pytest.approx(-0.44, abs=0.05)
        assert gaps.quantile([0.05, 0.95]).tolist() == pytest.approx([-2.4, 1.3], abs=0.25)

    def test_labels_run_on_with_the_same_speaker(self, rows):
        before = rows.groupby(["dialogue", "speaker"])["label"].shift()
        shares = share_of_same(rows, before, "ang exc neu sad fru hap xxx")
        published = [62, 67, 63, 75, 60, 56, 48]
        assert list(shares.values()) == pytest.approx(published, abs=11)

    def test_labels_run_on_with_the_other_speaker(self, rows):
        by_dialogue = rows.groupby("dialogue")
        other = by_dialogue["speaker"].shift() != rows["speaker"]
        before = by_dialogue["label"].shift().where(other)
        shares = share_of_same(rows, before, "ang exc neu sad fru hap xxx")
        published = [35, 40, 22, 54, 40, 39, 38]
        assert list(shares.values()) == pytest.approx(published, abs=11)

    def test_labels_at_a_distance(self, rows):
        emotion = rows["emotion"]
        shares = []
        for lag in (1, 2, 4, 8, 16):
            before = rows.groupby("dialogue")["emotion"].shift(lag)
            both = emotion.notna() & before.notna()
            shares.append(100 * (emotion == before)[both].mean())
        assert shares == pytest.approx([71, 85, 80, 73, 69], abs=5)

    def test_commonest_class_of_a_dialogue(self, rows):
        labelled = rows[rows["emotion"].notna()]
        commonest = labelled.groupby("dialogue")["emotion"].agg(
            lambda emotions: emotions.value_counts(normalize=True).iloc[0]
        )
        assert commonest.mean() == pytest.approx(0.75, abs=0.04)

    def test_plays_come_again_but_for_slips(self, full_twin, rows):
        hidden = twin_table(full_twin.seed, full_twin.scale, None).set_index("utterance_id")
        by_line = rows.assign(line=rows["utterance_id"].map(hidden["line"])).set_index("line")
        first, other = (
            by_line.loc[by_line["dialogue"] == f"Ses0{n}F_script02_2", "transcript"] for n in "12"
        )
        both = pd.concat([first, other], axis=1, keys=["first", "other"]).dropna()
        assert len(both) > 0.8 * len(other)
        assert 0.05 < (both["first"] == both["other"]).mean() < 0.8
        n_same = sum(
            len(set(left.lower().split()) & set(right.lower().split()))
            for left, right in both.itertuples(index=False)
        )
        n_words = sum(len(set(text.lower().split())) for text in both["other"])
        assert n_same / n_words > 0.75, "a slip leaves most of a line"

    def test_no_column_tells_the_label_of_a_context_row(self, full_twin):
        context = full_twin.table("1").query("emotion.isna()")
        assert {"label", "said", "mood", "shown", "meant"}.isdisjoint(context.columns)
        assert len(context) == sum(BETWEEN["1"].values())


class TestScale:
    @pytest.mark.parametrize("scale", [0.001, 0.02, 0.3])
    def test_every_session_keeps_classes_and_speakers(self, scale):
        twin = Twin(seed=1, scale=scale)
        assert twin.sessions() == ("1", "2", "3", "4", "5")
        for session in twin.sessions():
            table = twin.table(session)
            labelled = table["emotion"].notna()
            assert set(table["emotion"][labelled]) == set(twin.classes)
            assert set(table["speaker"]) == {f"Ses0{session}F", f"Ses0{session}M"}
            n, n_between = sum(COUNTS[session][0]), sum(BETWEEN[session].values())
            assert labelled.sum() == pytest.approx(scale * n, abs=4)
            assert (~labelled).sum() == pytest.approx(labelled.sum() * n_between / n, abs=1)
            assert table.groupby("dialogue").size().max() > 1


class TestSeed:
    def test_another_seed_is_another_corpus_of_the_same_shape(self):
        first, other = Twin(0, 0.02), Twin(1, 0.02)
        assert first.fingerprint("1", Digests()) != other.fingerprint("1", Digests())
        assert not first.table("1")["transcript"].equals(other.table("1")["transcript"])

    def test_an_utterance_sounds_the_same_whatever_was_read_before(self):
        twin = Twin(0, 0.02)
        table = twin.table("2")
        dialogue = table["dialogue"].iloc[-1]
        alone = {
            recording.utterance_id: recording.samples
            for recording in twin.recordings("2", dialogue)
        }
        for other in table["dialogue"].unique():
            for recording in twin.recordings("2", other):
                if other == dialogue:
                    np.testing.assert_array_equal(recording.samples, alone[recording.utterance_id])


def all_rows(twin) -> pd.DataFrame:
    return pd.concat([twin.table(session) for session in twin.sessions()], ignore_index=True)


class TestDraws:
    def test_fresh_speakers_are_nobodys(self, full_twin, table):
        rows = all_rows(full_twin.fresh(600, seed=0))
        assert rows["emotion"].notna().sum() == 600
        assert rows["utterance_id"].is_unique
        assert not set(rows["speaker"]) & set(table["speaker"])
        assert rows["speaker"].nunique() == 4

    def test_known_speakers_say_new_things(self, full_twin, table):
        rows = all_rows(full_twin.draw(600, seed=0))
        assert rows["emotion"].notna().sum() == 600
        assert set(rows["speaker"]) == set(table["speaker"])
        assert not set(rows["utterance_id"]) & set(table["utterance_id"])

    def test_dialogues_are_drawn_whole(self, full_twin):
        rows = all_rows(full_twin.fresh(600, seed=0)).sort_values(["dialogue", "turn"])
        by_dialogue = rows.groupby("dialogue")
        assert (rows["turn"] == by_dialogue.cumcount()).all()
        assert (by_dialogue["speaker"].nunique() == 2).all()
        lengths = by_dialogue.size()
        assert lengths.median() > 40
        assert rows["emotion"].isna().any()

    def test_shape_is_drawn_from_one_session(self, full_twin):
        rows = full_twin.draw(1098, seed=0, like="5").table("5")
        assert tuple(rows["emotion"].value_counts().sort_index()) == COUNTS["5"][0]
        assert rows["dialogue"].nunique() == 31

    def test_more_than_the_corpus_has(self):
        fresh = Twin(0, 0.02).fresh(6000, seed=2)
        assert all_rows(fresh)["emotion"].notna().sum() == 6000
        assert fresh.sessions() == tuple(sorted(fresh.sessions()))

    def test_another_seed_is_another_draw(self):
        drawn = []
        for seed in (1, 2):
            fresh = Twin(0).fresh(5, seed)
            dialogue = fresh.table("6")["dialogue"].iloc[0]
            drawn.append(next(fresh.recordings("6", dialogue)).samples)
        assert drawn[0].shape != drawn[1].shape or not np.array_equal(*drawn)

    @pytest.mark.parametrize(("n", "like", "message"), [
        (0, None, r"n >= 1 must hold, but got n=0"),
        (5, "9", r"no session '9' to draw from \(valid: 1, 2, 3, 4, 5\)"),
    ])  # fmt: skip
    def test_impossible_draws(self, n, like, message):
        with pytest.raises(CorpusError, match=message):
            Twin(0).fresh(n, seed=0, like=like)


def act(emotion=0, **changes) -> Act:
    facts = {"stream": "x", "emotion": emotion, "intensity": 1.0, "n_words": 10, "seconds": 4.0}
    return Act(**{**facts, "wears_markers": True, "nan_share": 0.0, **changes})


class TestVoice:
    def test_women_speak_higher(self):
        women = [voice.voice(seed, "Ses01F").pitch_hz for seed in range(9)]
        men = [voice.voice(seed, "Ses01M").pitch_hz for seed in range(9)]
        assert min(women) > max(men)

    @pytest.mark.parametrize(("louder", "softer"), [(0, 3), (0, 2), (1, 3)])
    def test_arousal_is_louder(self, louder, softer):
        speaker = voice.voice(0, "Ses01F")

        def level(emotion):
            return np.mean([
                np.log(np.std(voice.speak(0, act(emotion, stream=str(i)), speaker)))
                for i in range(12)
            ])  # fmt: skip

        assert level(louder) > level(softer)

    @pytest.mark.parametrize(("n_words", "seconds"), [(1, 0.58), (98, 34.1), (30, 1.0)])
    def test_extreme_lengths(self, n_words, seconds):
        spoken = voice.speak(0, act(n_words=n_words, seconds=seconds), voice.voice(0, "Ses01M"))
        assert len(spoken) == round(seconds * 16_000)
        assert np.isfinite(spoken).all()
        assert spoken.std() > 1e-4


class TestMotion:
    @pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999, 1.0])
    def test_markers_are_lost_in_that_share_of_frames(self, share):
        moved = motion.move(0, act(nan_share=share), motion.face(0, "Ses01F"))
        lost = np.isnan(moved["face"]).any(axis=1)
        expected = share if share in {0, 1} else np.clip(share, 1 / len(lost), 1 - 1 / len(lost))
        assert lost.mean() == pytest.approx(expected, abs=0.5 / len(lost))
        assert not np.isnan(moved["head"]).any()

    def test_lost_markers_come_in_runs(self):
        moved = motion.move(0, act(nan_share=0.5, seconds=10.0), motion.face(0, "Ses01F"))
        lost = np.isnan(moved["face"]).any(axis=1)
        assert np.abs(np.diff(lost.astype(int))).sum() < 60

    def test_a_marker_is_lost_with_all_its_coordinates(self):
        moved = motion.move(0, act(nan_share=0.5), motion.face(0, "Ses01F"))
        by_marker = np.isnan(moved["face"]).reshape(len(moved["face"]), 55, 3)
        assert (by_marker.all(axis=2) == by_marker.any(axis=2)).all()

    def test_a_listener_moves_less(self):
        face = motion.face(0, "Ses01F")

        def jaw(wears):
            moved = [motion.move(0, act(stream=str(i), wears_markers=wears), face)["face"]
                     for i in range(8)]  # fmt: skip
            return np.mean([frames[:, 1].std() for frames in moved])  # a chin marker's height

        assert jaw(True) > jaw(False)


#: First turn of version 3.
GOLDEN = {
    "utterance_id": "Ses01F_impro01_M000",
    "characters": 339,
    "loudness": 0.0093822,
    "chin_mm": 1.882512,
}


def test_what_is_synthesised_changes_only_with_its_version(full_twin):
    """Stored features are found by the fingerprint: raise `_VERSION`, then change these figures."""
    recording = next(full_twin.recordings("1", "Ses01F_impro01"))
    assert recording.utterance_id == GOLDEN["utterance_id"]
    transcripts = full_twin.table("1").set_index("utterance_id")["transcript"]
    assert len(transcripts[GOLDEN["utterance_id"]]) == GOLDEN["characters"]
    assert float(recording.samples.std()) == pytest.approx(GOLDEN["loudness"], rel=1e-3)
    assert float(recording.motion["face"][:, 1].std()) == pytest.approx(GOLDEN["chin_mm"], rel=1e-3)


def test_where_turns_overlap_both_show_the_same_motion(full_twin):
    dialogue = "Ses02F_impro01"
    table = full_twin.table("2").query("dialogue == @dialogue").sort_values("turn")
    moved = {r.utterance_id: r.motion["head"] for r in full_twin.recordings("2", dialogue)}
    n_overlaps = 0
    rows = list(table.itertuples())
    for row, following in pairwise(rows):
        first, n = frames_within(row.start_s, row.end_s)
        second, n_following = frames_within(following.start_s, following.end_s)
        n_shared = min(first + n - second, n_following)
        if n_shared > 0:
            n_overlaps += 1
            shared = moved[row.utterance_id][second - first :][:n_shared]
            np.testing.assert_array_equal(moved[following.utterance_id][:n_shared], shared)
    assert n_overlaps > 5


class TestContract(CorpusContract):
    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, small_twin):
        return small_twin

    def test_faults_are_named(self, corpus):
        assert corpus.faults() == (), "nothing is read"


class TestContractOfKnownSpeakers(TestContract):
    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, small_twin):
        return small_twin.draw(30, seed=5)


class TestContractOfFreshSpeakers(TestContract):
    fewest_sessions = 1

    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, small_twin):
        return small_twin.fresh(30, seed=5)
