"""Dialogues in tables and on the command line: every turn answered among the others."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from emotion_hpo.errors import FeatureError
from emotion_hpo.predict import Predictor, find_rows, predict_rows
from emotion_hpo.predict import batch as module
from emotion_hpo.predict.batch import _find_dialogues, _read
from tests.dialogue_models import make_saved_model, make_utterances
from tests.dialogues import make_shelf

CLOSE = {"atol": 1e-5, "rtol": 0}
SHELF = make_shelf((6, 2, 8), seed=1)
PREDICTED = ["p_ang", "p_neu", "p_sad"]


def silent(_done, _total):
    """Show nothing."""


@pytest.fixture(scope="module")
def saved_model():
    return make_saved_model()


@pytest.fixture(scope="module")
def predictor(saved_model):
    return Predictor(saved_model)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Sixteen turns of three dialogues, their places in disorder."""
    columns = ["utterance_id", "dialogue", "speaker", "turn", "start_s", "end_s", "transcript"]
    table = SHELF.table[columns].sample(frac=1, random_state=0)
    return table.reset_index(drop=True)


@pytest.fixture(scope="module")
def expected(predictor) -> pd.DataFrame:
    turns = [replace_features(turn) for turn in make_utterances(SHELF)]
    return pd.DataFrame(predictor(turns), index=SHELF.table["utterance_id"], columns=PREDICTED)


def replace_features(turn):
    return type(turn)(**{**vars(turn), "features": {}})


def predict(predictor, table, path: Path, **options) -> pd.DataFrame:
    table.to_csv(path, index=False)
    answers = predict_rows(predictor, find_rows(path), silent, **options)
    return answers.set_index("utterance_id")


@pytest.mark.parametrize("at_once", [256, 3])
def test_turns_are_read_together_and_no_portion_cuts_a_dialogue(
    predictor, table, expected, tmp_path, monkeypatch, at_once
):
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    answers = predict(predictor, table, tmp_path / "t.csv")
    assert [*answers.index] == [*table["utterance_id"]]
    assert answers["error"].isna().all()
    np.testing.assert_allclose(answers[PREDICTED], expected.loc[answers.index], **CLOSE)


@pytest.mark.parametrize("context", ["speaker_recurrent", None])
def test_an_unheard_speaker_is_scaled_by_all_rows_of_the_table(
    table, tmp_path, monkeypatch, context
):
    """However many are in memory at once; a row that costs an error is none of theirs."""
    saved_model = make_saved_model(context)
    readers = {
        name: replace(reader, speakers={"heard": reader.corpus})
        for name, reader in saved_model.preprocessor.readers.items()
    }
    preprocessor = replace(saved_model.preprocessor, readers=readers)
    own = Predictor(replace(saved_model, preprocessor=preprocessor))
    voices = SHELF.features["voice"]
    cells = [json.dumps(voices[n][0].tolist()) for n in range(len(voices))]
    cells = dict(zip(SHELF.table["utterance_id"], cells, strict=True))
    with_voice = table.assign(**{"features.voice": table["utterance_id"].map(cells)})
    with_voice["speaker"] = ["heard", "Ann", "Ben", None] * (len(table) // 4)
    with_voice.loc[[5, 9], ["features.voice", "transcript"]] = ["[[[1]]]", ""]
    with_voice.loc[[3, 14], ["start_s", "end_s"]] = [
        9,
        1,
    ]  # wrong in a dialogue alone
    answers = []
    for at_once in (256, 3):
        monkeypatch.setattr(module, "_AT_ONCE", at_once)
        answers.append(predict(own, with_voice, tmp_path / "t.csv"))
        assert answers[-1]["error"].notna().sum() == (2 if context is None else 4)
    np.testing.assert_allclose(answers[0][PREDICTED], answers[1][PREDICTED], **CLOSE)


def test_rows_without_a_dialogue_are_lone_utterances(predictor, table, tmp_path):
    lone = table.assign(dialogue=None)
    answers = predict(predictor, lone, tmp_path / "t.csv")
    alone = predict(predictor, table.drop(columns=["dialogue", "turn"]), tmp_path / "u.csv")
    np.testing.assert_allclose(answers[PREDICTED], alone[PREDICTED], **CLOSE)


def test_dialogues_of_different_sessions_are_different_ones(predictor, table, expected, tmp_path):
    same = table.assign(session=table["dialogue"], dialogue="d")
    answers = predict(predictor, same, tmp_path / "t.csv")
    np.testing.assert_allclose(answers[PREDICTED], expected.loc[answers.index], **CLOSE)


def test_a_dialogue_without_order_is_one_line(predictor, table, tmp_path):
    unordered = table.drop(columns=["turn", "start_s", "end_s"])
    with pytest.raises(FeatureError, match="beside `dialogue` the table needs `turn`, or"):
        predict(predictor, unordered, tmp_path / "t.csv")
    other = Predictor(make_saved_model(None))
    assert predict(other, unordered, tmp_path / "t.csv")["error"].isna().all()
    wrong = table.assign(turn="first", start_s="now")
    assert predict(other, wrong, tmp_path / "t.csv")["error"].isna().all(), "nobody looks at them"


def test_a_broken_row_is_no_neighbour(predictor, table, tmp_path):
    by_place = table.drop(columns=["start_s", "end_s"]).astype({"turn": object})
    (row, *_) = by_place.index[(by_place["dialogue"] == "d2") & (by_place["turn"] == 3)]
    rest = predict(predictor, by_place.drop(index=row), tmp_path / "rest.csv")
    for column, value, message in (
        ("transcript", "?!", "there is no word"),
        ("turn", None, "has no turn, so that nobody knows its place"),
        ("turn", "third", "turn is no number: 'third'"),
    ):
        broken = by_place.copy()
        broken.loc[row, column] = value
        answers = predict(predictor, broken, tmp_path / "t.csv")
        error = answers.pop("error")
        assert message in error.iloc[row]
        assert error.notna().sum() == 1
        np.testing.assert_allclose(answers.loc[rest.index, PREDICTED], rest[PREDICTED], **CLOSE)


class TestRecordings:
    """Times say which part of a recording a turn is, unless each turn has one of its own."""

    @pytest.fixture
    def folder(self, tmp_path):
        sound = np.sin(np.arange(16_000 * 10) / 20).astype(np.float32) / 10
        soundfile.write(tmp_path / "all.wav", sound, 16_000)
        soundfile.write(tmp_path / "a.wav", sound[16_000:48_000], 16_000)
        soundfile.write(tmp_path / "b.wav", sound[56_000:104_000], 16_000)
        return tmp_path

    def lengths(self, folder, names, starts=(1, 3.5), ends=(3, 6.5)):
        cells = {"utterance_id": ["a", "b"], "audio": names, "start_s": starts, "end_s": ends}
        pd.DataFrame(cells | {"dialogue": "d"}).to_csv(folder / "t.csv", index=False)
        rows = find_rows(folder / "t.csv")
        turns = [_read(*pair) for pair in zip(rows, "AB", _find_dialogues(rows), strict=True)]
        return [str(t) if isinstance(t, FeatureError) else len(t.samples) / 16_000 for t in turns]

    def test_parts_of_a_recording_of_the_dialogue(self, folder):
        assert self.lengths(folder, ["all.wav", "all.wav"]) == [2, 3]

    def test_recordings_of_their_own(self, folder):
        assert self.lengths(folder, ["a.wav", "b.wav"]) == [2, 3]

    def test_which_are_not_the_turns(self, folder):
        first, second = self.lengths(folder, ["all.wav", "b.wav"])
        assert (second, "all.wav: the recording lasts 10.00 s" in first) == (3, True)


class TestCommand:
    @pytest.fixture
    def model(self, saved_model, tmp_path):
        saved_model.save(tmp_path / "model.pt")
        return f"model={tmp_path / 'model.pt'}"

    def ask(self, emotion_hpo, model, turn, *more):
        words = [f"text={turn['transcript']}", f"speaker={turn['speaker']}", *more]
        if turn["start_s"] == turn["start_s"]:
            words += [f"start_s={turn['start_s']}", f"end_s={turn['end_s']}"]
        return emotion_hpo("predict", model, *words)

    def test_turn_by_turn_is_as_a_table(self, emotion_hpo, model, expected, tmp_path):
        state, answer = tmp_path / "state.json", tmp_path / "answer.json"
        for _, turn in SHELF.table[SHELF.table["dialogue"] == "d2"][:4].iterrows():
            files = (f"dialogue={state}", f"output={answer}")
            ended = self.ask(emotion_hpo, model, turn, *files)
            assert (ended.status, ended.stderr) == (0, "")
            shown = json.loads(answer.read_text())
            row = expected.loc[turn["utterance_id"]]
            np.testing.assert_allclose([*shown["probabilities"].values()], row, **CLOSE)
            assert shown["reads"] == "past"
        assert "4 turns, with this one" in ended.stdout
        assert "reads the turns before" in ended.stdout
        before = state.read_bytes()
        ended = emotion_hpo("predict", model, "text=?!", f"dialogue={state}")
        assert (ended.status, state.read_bytes() == before) == (2, True)

    def test_a_voice_that_was_not_learnt_is_told(self, emotion_hpo, saved_model, tmp_path):
        own = saved_model.preprocessor
        readers = {
            name: replace(reader, speakers={"F0": reader.corpus})
            for name, reader in own.readers.items()
        }
        replace(saved_model, preprocessor=replace(own, readers=readers)).save(tmp_path / "own.pt")
        arguments = (f"model={tmp_path / 'own.pt'}", f"dialogue={tmp_path / 's.json'}", "text=well")
        said = ("Ann: not a voice that the model learnt", "")
        for speaker, line in zip(("Ann", "F0"), said, strict=True):
            ended = emotion_hpo("predict", *arguments, f"speaker={speaker}")
            assert ended.status == 0
            assert ended.stderr.startswith(line)
            assert bool(ended.stderr) == bool(line)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("text=well", "start_s=1"), "give dialogue=FILE, too"),
            (("utterances=x", "dialogue=y"), "leave dialogue out"),
            (("text=well", "dialogue=s.json", "start_s=2", "end_s=1"), "end_s=1 is not after"),
            (("text=well", "dialogue=s.json", "start_s=-2"), "start_s"),
            (("text=well", "dialogue=s.json", "start_s=.inf"), "start_s"),
            (("text=well", "dialogue=."), "it is a folder; give another dialogue=FILE"),
            (("text=well", "dialogue=model.pt"), "model.pt: it holds no dialogue"),
        ],
    )
    def test_slips_are_one_line(self, emotion_hpo, model, arguments, message):
        ended = emotion_hpo("predict", model, *arguments)
        assert (ended.status, message in ended.stderr) == (2, True), ended.stderr
        assert ended.stderr.count("\n") == 1
        assert not Path("s.json").exists()

    def test_a_model_that_reads_what_follows_says_so(self, emotion_hpo, table, tmp_path):
        make_saved_model(reads="both").save(tmp_path / "both.pt")
        table.to_csv(tmp_path / "t.csv", index=False)
        model, said = (
            f"model={tmp_path / 'both.pt'}",
            "reads the turns after, too: not for live use",
        )
        assert said in emotion_hpo("predict", model, "text=well").stdout
        ended = emotion_hpo("predict", model, f"utterances={tmp_path / 't.csv'}")
        assert (ended.status, said in ended.stderr) == (0, True)
        ended = emotion_hpo("predict", model, "text=well", "dialogue=state.json")
        assert (ended.status, ended.stderr.count("\n")) == (2, 1)
        assert "give all turns at once" in ended.stderr
        make_saved_model(None).save(tmp_path / "none.pt")
        ended = emotion_hpo("predict", f"model={tmp_path / 'none.pt'}", "text=a", "dialogue=s.json")
        assert (ended.status, "reads every utterance alone" in ended.stderr) == (2, True)

    def test_another_models_dialogue_stays_as_it_is(self, emotion_hpo, model, tmp_path):
        make_saved_model(seed=7).save(tmp_path / "other.pt")
        state = tmp_path / "state.json"
        emotion_hpo("predict", model, "text=well", f"dialogue={state}")
        before = state.read_bytes()
        other = f"model={tmp_path / 'other.pt'}"
        ended = emotion_hpo("predict", other, "text=well", f"dialogue={state}")
        assert (ended.status, ended.stderr.count("\n")) == (2, 1)
        assert f"{state}: it was begun with another model" in ended.stderr
        assert state.read_bytes() == before
