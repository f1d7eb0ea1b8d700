"""What a recording becomes, and what counts as absent."""

import numpy as np
import pytest

from emotion_hpo.config.features import TextFactors
from emotion_hpo.corpus.schema import MOTION_PARTS, Recording
from emotion_hpo.errors import ConfigError, FeatureError
from emotion_hpo.features.extraction import (
    all_modalities,
    check_sections,
    extract,
    extract_dialogue,
    source_of,
    stored_modalities,
)
from emotion_hpo.features.pretrained.encoders import Encoders

MODALITIES = ("speech", "mocap", "video")
SAMPLES = np.random.default_rng(0).standard_normal(8000).astype(np.float32)


def motion(value: float, n_frames: int = 300) -> dict[str, np.ndarray]:
    return {name: np.full((n_frames, w), value, np.float32) for name, w in MOTION_PARTS.items()}


@pytest.mark.parametrize(
    ("recording", "shapes"),
    [
        pytest.param(Recording("a"), {}, id="nothing"),
        pytest.param(Recording("a", SAMPLES), {"speech": (4, 34)}, id="a waveform"),
        pytest.param(Recording("a", SAMPLES[:0]), {}, id="a waveform of no sample"),
        pytest.param(Recording("a", motion=motion(1)), {"mocap": (200, 189)}, id="motion"),
        pytest.param(Recording("a", motion=motion(np.nan)), {}, id="every marker lost"),
        pytest.param(Recording("a", motion=motion(1, 0)), {}, id="motion of no frame"),
        pytest.param(Recording("a", motion={}), {}, id="motion of no stream"),
        pytest.param(
            Recording("a", features={"video": np.ones(5)}), {"video": (1, 5)}, id="a vector"
        ),
        pytest.param(
            Recording("a", SAMPLES, features={"speech": np.ones((7, 3))}),
            {"speech": (7, 3)},
            id="ready-made speech goes first",
        ),
    ],
)
def test_arrays(paper, recording, shapes):
    arrays = extract(recording, MODALITIES, Encoders(paper))
    assert {name: array.shape for name, array in arrays.items()} == shapes
    assert all(array.dtype == np.float32 for array in arrays.values())


def test_modalities_that_the_corpus_does_not_name_are_not_extracted(paper):
    assert extract(Recording("a", SAMPLES, motion=motion(1)), ("text",), Encoders(paper)) == {}


@pytest.mark.parametrize(
    ("features", "message"),
    [
        pytest.param({"smell": np.ones(3)}, "smell are not among", id="unknown modality"),
        pytest.param({"text": np.ones(3)}, "`text` is for transcripts", id="text"),
        pytest.param({"video": np.ones((2, 2, 2))}, r"\(2, 2, 2\)", id="too many dimensions"),
        pytest.param({"video": np.float32(1)}, r"got \(\)", id="a number"),
    ],
)
def test_refuses(paper, features, message):
    with pytest.raises(FeatureError, match=message):
        extract(Recording("a", features=features), MODALITIES, Encoders(paper))


def test_a_recording_is_seen_twice_where_functionals_are_wanted(fake_corpus, paper):
    corpus = fake_corpus()
    assert all_modalities(corpus, paper) == (*corpus.modalities, "functionals")
    recording = Recording("a", SAMPLES)
    arrays = extract(recording, stored_modalities(corpus, paper), Encoders(paper))
    assert {name: len(array) for name, array in arrays.items()} == {"speech": 4, "functionals": 1}
    alone = paper.model_copy(update={"functionals": None})
    assert all_modalities(corpus, alone) == corpus.modalities


def test_words_are_seen_twice_where_factors_are_wanted(fake_corpus, paper):
    both = paper.model_copy(update={"text_factors": TextFactors(components=9)})
    corpus = fake_corpus(modalities=("text",))
    assert all_modalities(corpus, both) == ("text", "text_factors")
    assert stored_modalities(corpus, both) == ()
    assert "text_factors" not in all_modalities(fake_corpus(modalities=("speech",)), both)
    assert source_of("text_factors", ()) == "text"


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        pytest.param({"modalities": ("text",)}, ("text",), id="no recordings"),
        pytest.param(
            {"modalities": ("speech", "text"), "ready_made": ("speech",)},
            ("speech", "text"),
            id="ready-made speech, of which nobody knows the sound",
        ),
        pytest.param(
            {"modalities": ("functionals", "speech"), "ready_made": ("functionals",)},
            ("functionals", "speech"),
            id="functionals of the corpus's own go before",
        ),
    ],
)
def test_no_second_view(fake_corpus, paper, traits, expected):
    assert all_modalities(fake_corpus(**traits), paper) == expected


def test_ready_made_functionals_are_left_alone(paper):
    vector = np.arange(47, dtype=np.float32)
    recording = Recording("a", SAMPLES, features={"functionals": vector})
    np.testing.assert_array_equal(
        extract(recording, ("functionals",), Encoders(paper))["functionals"], [vector]
    )


def test_a_broken_recording_is_one_fault_by_the_name_that_people_know(fake_corpus, paper):
    corpus = fake_corpus(fails_at="S1_003")
    extracted = list(extract_dialogue(corpus, Encoders(paper), "1", "D1b", {}))
    (broken,) = [utterance for utterance in extracted if utterance.utterance_id == "S1_003"]
    assert [fault.kind.partition(":")[0] for fault in broken.faults] == ["no speech"]
    assert broken.arrays.keys() == {"mocap"}


def test_settings_of_a_modality_that_is_not_there_name_the_nearest(fake_corpus, paper):
    corpus = fake_corpus(modalities=("speech", "video"), ready_made=("video",))
    check_sections(paper.with_normalisation({"video": "speaker"}), corpus)
    with pytest.raises(ConfigError, match=r"features\.vidio: .* did you mean 'video'"):
        check_sections(paper.with_normalisation({"vidio": "speaker"}), corpus)
