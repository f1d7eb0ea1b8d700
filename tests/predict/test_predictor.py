"""A model on new utterances: the same answers as in evaluation, any subset of its modalities."""

import io

import numpy as np
import pandas as pd
import pytest
import soundfile
from mlflow.exceptions import MlflowException

from emotion_hpo.config import ExperimentConfig, build, dump
from emotion_hpo.corpus.schema import MOTION_PARTS
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.origin import describe_origins
from emotion_hpo.final.breakdowns import group_by_source
from emotion_hpo.predict import Predictor, Utterance
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.training.learner import build_learner
from tests.pipeline import SMALL, compose_config
from tests.ready_made import TOKENS, VECTORS
from tests.recorded import read_recorded

RATE = 16_000
HUM = (0.1 * np.sin(np.arange(RATE) / 20)).astype(np.float32)
STILL = np.zeros((60, sum(MOTION_PARTS.values())), np.float32)


@pytest.fixture(scope="module")
def predictor(small_saved_model):
    return Predictor(small_saved_model)


def test_new_utterances_get_the_answers_of_evaluation(predictor, small_saved_model, data_module):
    """The stored features and those extracted here are the same."""
    validation = data_module.development.validation.subset(np.arange(4))
    asked = predictor(read_recorded(validation, compose_config(*SMALL).corpus))
    expected = small_saved_model.probabilities(
        small_saved_model.preprocessor.transform(validation)
    ).mean(0)
    np.testing.assert_allclose(asked, expected, atol=1e-6)


@pytest.mark.parametrize(
    "utterance",
    [
        Utterance(text="hello there"),
        Utterance(samples=HUM),
        Utterance(motion=STILL),
        Utterance(text="hello there", samples=HUM, motion=STILL),
        Utterance(samples=np.resize(HUM, 44_100), sample_rate_hz=44_100),
        Utterance(text="words " * 10_000),
    ],
    ids=["text", "speech", "motion", "all", "another rate", "long text"],
)
def test_any_subset_will_do(predictor, utterance):
    probabilities = predictor([utterance])
    assert probabilities.shape == (1, 4)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-4)


@pytest.mark.parametrize(
    ("utterance", "message"),
    [
        (Utterance(), r"utterance 1: there is nothing that the model uses \(text"),
        (Utterance(text="  "), "utterance 1: there is nothing"),
        (Utterance(samples=np.zeros(0, np.float32)), "utterance 1: there is nothing"),
        (Utterance(motion=STILL[:, :100]), r"utterance 1: motion must be \(frames, 189\)"),
        (Utterance(motion=np.full_like(STILL, np.nan)), "utterance 1: there is nothing"),
    ],
    ids=["empty", "blank text", "no samples", "motion of the wrong width", "motion all lost"],
)
def test_what_cannot_be_used_is_named(predictor, utterance, message):
    with pytest.raises(FeatureError, match=message):
        predictor([Utterance(text="fine"), utterance])


@pytest.fixture(scope="module", params=[("text", "text_factors"), ("text_factors",)])
def reader_of_words(request, data_module):
    encoders = {"text": TOKENS, "text_factors": VECTORS}
    plain = dump(compose_config(*SMALL, "features.text_factors={components: 5}").experiment())
    plain["model"]["encoders"] = {name: encoders[name] for name in request.param}
    config = build(ExperimentConfig, plain)
    inputs = data_module.fold(config).preprocessor
    learner = build_learner(config, inputs, 4, seed=0)
    classes = data_module.development.everything.classes
    origins = describe_origins(inputs.modalities, config.features, {})
    return SavedModel(config, inputs, classes, (learner.state(),), origins, synthetic=True)


class TestFactors:
    """A model that reads words twice: as tokens, and as components of their tf-idf."""

    def test_a_text_is_read_both_ways_and_counts_once(self, reader_of_words, data_module):
        predictor = Predictor(reader_of_words)
        assert predictor.columns == ("text",)
        validation = data_module.development.validation
        texts = list(validation.table["transcript"])
        (answer,) = predictor.answer([Utterance(text=texts[0])])
        assert answer.modalities == ("text",)
        data = reader_of_words.preprocessor.transform(validation)
        assert np.stack(
            [answer.probabilities for answer in predictor.answer([*map(Utterance, texts)])]
        ) == pytest.approx(reader_of_words.probabilities(data)[0], abs=1e-6)

    def test_a_stored_model_answers_as_before(self, reader_of_words, data_module, tmp_path):
        reader_of_words.save(tmp_path / "model.pt")
        loaded = SavedModel.load(tmp_path / "model.pt")
        validation = data_module.development.validation
        before, after = (
            model.probabilities(model.preprocessor.transform(validation))
            for model in (reader_of_words, loaded)
        )
        np.testing.assert_array_equal(before, after)

    def test_words_that_nobody_knows_are_named(self, reader_of_words):
        if "text" in reader_of_words.preprocessor.modalities:  # it has a token for them
            assert Predictor(reader_of_words)([Utterance(text="Ωμέγα")]).shape == (1, 4)
            return
        with pytest.raises(FeatureError, match="the model knows nothing of 'Ωμέγα'"):
            Predictor(reader_of_words)([Utterance(text="Ωμέγα")])

    def test_without_words_both_views_are_masked(self, reader_of_words, data_module):
        sources = group_by_source(reader_of_words.origins)
        assert sources == {"text": tuple(reader_of_words.preprocessor.modalities)}
        rest = data_module.development.validation
        for view in sources["text"]:
            rest = rest.without(view)
        (batch,) = reader_of_words.preprocessor.transform(rest).in_order(len(rest))
        assert not any(sequence.present.any() for sequence in batch.modalities.values())


def test_nobody_gets_no_answer(predictor):
    assert predictor([]).shape == (0, 4)


class TestMlflowModel:
    """The same behind MLflow's interface."""

    @pytest.fixture
    def model(self, predictor):
        from emotion_hpo.tracking.model import EmotionModel

        model = EmotionModel()
        model._predictor = predictor
        return model

    def wav(self, rate=RATE, channels=1):
        file = io.BytesIO()
        soundfile.write(file, np.repeat(HUM[:, None], channels, 1), rate, format="WAV")
        return file.getvalue()

    def test_rows_may_lack_what_others_have(self, model):
        table = pd.DataFrame(
            {"text": ["hello", None], "speech": [None, self.wav(44_100, 2)], "mocap": [None, None]}
        )
        answer = model.predict(None, table)
        assert answer.shape == (2, 4)

    def test_motion_comes_as_lists(self, model):
        answer = model.predict(None, pd.DataFrame({"mocap": [STILL.tolist()]}))
        assert answer.shape == (1, 4)

    def test_what_is_no_wav_is_named(self, model):
        with pytest.raises(MlflowException, match="utterance 0: speech is not a WAV file"):
            model.predict(None, pd.DataFrame({"speech": [b"RIFFnot a sound"]}))

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"speech": b""}, "utterance 0: speech is not a WAV file"),
            ({"text": "hi", "speech": 5}, "utterance 0: speech must be a WAV file"),
            ({"text": 5}, "utterance 0: text must be a string"),
            ({"text": "hi", "mocap": 5.0}, "rows of numbers, all of one width"),
            ({"text": "word " * 10_000}, "the text has 10,000 words"),
            ({"mocap": [[0.0] * 7]}, r"motion must be \(frames, 189\)"),
            ({"mocap": [[0.0], [0.0, 1.0]]}, "rows of numbers, all of one width"),
            ({"text": ""}, "utterance 0: there is nothing that the model uses"),
        ],
        ids=[
            "empty wav",
            "a number as sound",
            "a number as text",
            "a number as motion",
            "long text",
            "narrow motion",
            "ragged motion",
            "nothing",
        ],
    )
    def test_what_cannot_be_used_is_refused(self, model, row, message):
        with pytest.raises(MlflowException, match=message):
            model.predict(None, pd.DataFrame([row]))


class TestMlflowModelOfReadyMadeFeatures:
    """Arrays beside words and sound, under `features.NAME`."""

    @pytest.fixture
    def model(self, mixed_bundle):
        from emotion_hpo.tracking.model import EmotionModel

        model = EmotionModel()
        model._predictor = Predictor(mixed_bundle)
        return model

    @pytest.mark.parametrize(
        "video",
        [[0.5] * 6, [[0.5] * 6], np.full(6, 0.5), (0.5,) * 6, [0.5, None, 0.5, 0.5, 0.5, 0.5],
         [1, 0, 1, 0, 1, 0], [10**30] * 6, np.full(6, 0.5, np.float16)],
        ids=["a list", "a frame", "an array", "a tuple", "null", "whole", "beyond 64 bits", "half"],
    )  # fmt: skip
    def test_arrays_are_taken(self, model, video):
        answer = model.predict(None, pd.DataFrame({"features.video": [video]}))
        assert answer.sum(axis=1)[0] == pytest.approx(1, abs=1e-4)

    def test_rows_may_lack_what_others_have(self, model):
        rows = [{"features.video": [0.5] * 6}, {"text": "so sad"}]
        assert model.predict(None, pd.DataFrame(rows)).shape == (2, 2)

    @pytest.mark.parametrize(
        ("video", "message"),
        [
            ([0.5] * 7, r"utterance 0: features.video must be \(6,\), as in training, but are"),
            ([[0.5], [0.5, 0.5]], "features.video must be rows of numbers, all of one width"),
            (["a"] * 6, "must be rows of numbers"),
            (["1"] * 6, "must be rows of numbers"),
            ([{"a": 1}] * 6, "must be rows of numbers"),
            ({"a": 1}, "must be rows of numbers"),
            ("AAAA", "must be rows of numbers"),
            (5.0, "must be rows of numbers"),
            ([10**400] * 6, "must be rows of numbers"),
            ([1e300] * 6, r"holds numbers beyond 3e\+38"),
            ([[0.5] * 6] * 100_001, "has 100,001 frames, an utterance at most 100,000"),
            ([], "must be"),
            ([None] * 6, "nothing that the model uses|no value"),
        ],
    )
    def test_what_is_no_array_is_refused(self, model, video, message):
        with pytest.raises(MlflowException, match=message):
            model.predict(None, pd.DataFrame({"features.video": [video]}))
