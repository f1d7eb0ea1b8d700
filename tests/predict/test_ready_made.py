"""A model knows how each of its modalities was made: nothing is made in another way for it."""

from dataclasses import replace

import numpy as np
import pytest

from emotion_hpo.errors import FeatureError, StudyError
from emotion_hpo.features.origin import Extraction, ReadyMade
from emotion_hpo.features.store import FEATURES_VERSION
from emotion_hpo.predict import Predictor, Utterance
from emotion_hpo.predict.saved_model import SavedModel
from tests.ready_made import N_FRAMES, RATE, VIDEO_WIDTH, WIDTH

HUM = (0.1 * np.sin(np.arange(RATE) / 20)).astype(np.float32)
SPEECH = np.ones((N_FRAMES, WIDTH), np.float32)
VIDEO = np.ones(VIDEO_WIDTH, np.float32)


@pytest.fixture(scope="module")
def alone(ready_made_bundle):
    return Predictor(ready_made_bundle)


@pytest.fixture(scope="module")
def mixed(mixed_bundle):
    return Predictor(mixed_bundle)


def test_the_file_says_of_each_modality_how_it_was_made(mixed_bundle, ready_made_bundle, tmp_path):
    mixed_bundle.save(tmp_path / "model.pt")
    saved_model = SavedModel.load(tmp_path / "model.pt")
    settings = saved_model.config.features.extraction()
    assert settings["speech"] == {"name": "short_term", "window_s": 0.2, "step_s": 0.1}
    assert saved_model.origins == {
        "speech": Extraction(version=FEATURES_VERSION, settings=settings["speech"]),
        "text": Extraction(version=FEATURES_VERSION, settings={"name": "words"}),
        "video": ReadyMade(dimensions=VIDEO_WIDTH, is_vector=True),
    }
    assert saved_model.synthetic
    ready_made_bundle.save(tmp_path / "model.pt")
    saved_model = SavedModel.load(tmp_path / "model.pt")
    assert saved_model.origins == {"speech": ReadyMade(dimensions=WIDTH, is_vector=False)}
    assert not saved_model.synthetic


def test_a_file_without_origins_is_of_another_version(mixed_bundle, tmp_path):
    import torch

    path = tmp_path / "model.pt"
    mixed_bundle.save(path)
    stored = torch.load(path, weights_only=True)
    del stored["origins"]
    torch.save(stored, path)
    with pytest.raises(StudyError, match=r"not a model of this version \(KeyError\); `make final`"):
        SavedModel.load(path)


def test_what_an_utterance_may_bring(alone, mixed, small_saved_model):
    assert alone.columns == ("features.speech",)
    assert mixed.columns == ("text", "speech", "features.video")
    assert Predictor(small_saved_model).columns == ("text", "speech", "mocap")


@pytest.mark.parametrize(
    ("utterance", "used"),
    [
        (Utterance(features={"video": VIDEO}), ("video",)),
        (Utterance(features={"video": VIDEO[None]}), ("video",)),
        (Utterance(text="so sad", features={"video": VIDEO}), ("text", "video")),
        (Utterance(text="so sad", samples=HUM, features={"video": VIDEO}),
         ("speech", "text", "video")),
        (Utterance(text="...?!", samples=HUM), ("speech",)),
        (Utterance(text="so sad", features={"video": np.full_like(VIDEO, np.nan)}), None),
    ],
    ids=["a vector", "one frame", "words too", "sound too", "no word", "no number"],
)  # fmt: skip
def test_ready_made_and_extracted_modalities_together(mixed, utterance, used):
    (answer,) = mixed.answer([utterance])
    if used is None:  # counted as missing, or refused
        assert isinstance(answer, FeatureError) or answer.modalities == ("text",)
        return
    assert answer.modalities == used
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-4)


def test_the_answers_are_those_of_evaluation(ready_made_bundle, alone, tmp_path):
    """Ready-made features reach the network as the training part's did."""
    frames = np.random.default_rng(1).standard_normal((3, N_FRAMES, WIDTH)).astype(np.float32)
    each = alone([Utterance(features={"speech": one}) for one in frames])
    reader = ready_made_bundle.preprocessor.readers["speech"]
    (learner,) = ready_made_bundle.build_learners()
    import torch

    from emotion_hpo.dataset.batch import Sequence

    scaled = torch.from_numpy((frames - reader.corpus.mean) / reader.corpus.deviation)
    mask = torch.ones(frames.shape[:2], dtype=torch.bool)
    with torch.inference_mode():
        logits = learner.network.eval()({"speech": Sequence(scaled, mask, mask.any(1))})
    np.testing.assert_allclose(each, logits.softmax(1).numpy(), atol=0.01)  # bfloat16 rounds


@pytest.mark.parametrize(
    ("which", "utterance", "message"),
    [
        ("alone", Utterance(samples=HUM),
         r"speech: the model was trained on ready-made features of \(frames, 34\), which cannot be "
         r"made from a recording here; give features.speech"),
        ("alone", Utterance(text="so sad", samples=HUM), "give features.speech"),
        ("alone", Utterance(text="so sad"), r"nothing that the model uses \(features.speech\)$"),
        ("alone", Utterance(features={"speech": SPEECH[:, :7]}),
         r"features.speech must be \(frames, 34\), as in training, but are \(5, 7\)"),
        ("alone", Utterance(features={"speech": SPEECH[None]}), r"but are \(1, 5, 34\)"),
        ("alone", Utterance(features={"speech": SPEECH, "spech": SPEECH}),
         r"features.spech: the model reads no spech \(it takes features.speech\)"),
        ("mixed", Utterance(features={"speech": SPEECH}),
         "features.speech: the model extracts speech itself; give a recording instead"),
        ("mixed", Utterance(features={"video": np.ones((2, VIDEO_WIDTH), np.float32)}),
         r"features.video must be \(6,\), as in training, but are \(2, 6\)"),
        ("mixed", Utterance(text="...?!"), r"nothing that the model uses .* no word in '...\?!'"),
        ("mixed", Utterance(text="😀"), "there is no word in '😀'"),
        ("mixed", Utterance(samples=np.full(RATE, np.nan, np.float32)), "not finite"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_by_name(alone, mixed, which, utterance, message):
    predictor = {"alone": alone, "mixed": mixed}[which]
    with pytest.raises(FeatureError, match=f"^utterance 0: .*{message}"):
        predictor([utterance])


def test_features_go_before_a_recording(alone):
    """A manifest may name both; its ready-made features were what the model learnt from."""
    np.testing.assert_array_equal(
        alone([Utterance(samples=HUM, features={"speech": SPEECH})]),
        alone([Utterance(features={"speech": SPEECH})]),
    )


def test_extractors_of_another_version_are_not_taken(mixed_bundle):
    older = Extraction(version=0, settings={"name": "short_term"})
    saved_model = replace(mixed_bundle, origins={**mixed_bundle.origins, "speech": older})
    predictor = Predictor(saved_model)
    with pytest.raises(FeatureError, match=r"speech: .* version 0 of the extractors, but this"):
        predictor([Utterance(samples=HUM)])
    assert len(predictor([Utterance(text="so sad", features={"video": VIDEO})])) == 1


def test_a_bad_utterance_changes_no_other_answer(mixed):
    good = [Utterance(text="so sad"), Utterance(features={"video": VIDEO})]
    answers = mixed.answer([good[0], Utterance(text="?"), good[1]])
    assert isinstance(answers[1], FeatureError)
    both = np.stack([answers[0].probabilities, answers[2].probabilities])
    np.testing.assert_array_equal(both, mixed(good))


def test_values_beyond_all_bounds_are_no_answer(alone, mixed):
    for predictor, name, shape in ((alone, "speech", (2, WIDTH)), (mixed, "video", (VIDEO_WIDTH,))):
        huge = np.full(shape, 3e38, np.float32)
        (answer,) = predictor.answer([Utterance(features={name: huge})])
        if not isinstance(answer, FeatureError):
            assert np.isfinite(answer.probabilities).all()
