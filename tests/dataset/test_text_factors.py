"""A transcript as one vector: components of the training part's tf-idf, absent without words."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.decomposition import TruncatedSVD

from emotion_hpo.dataset import Preprocessor, ResidentDataset
from emotion_hpo.dataset.text_factors import TextFactors
from emotion_hpo.dataset.tfidf import fit_tfidf
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from tests.pipeline import SMALL, compose_config

N_COMPONENTS = 8


def spoken(*transcripts):
    """Utterances of which nothing but the transcript is known."""
    table = pd.DataFrame({"transcript": transcripts, "emotion": "sad"})
    places = np.stack([np.zeros(len(table), np.int64), np.arange(len(table))], axis=1)
    return Utterances(table, ("sad",), (), places)


@pytest.fixture(scope="module")
def train(small_parts):
    return small_parts[0].folds[0].train


@pytest.fixture(scope="module")
def factors(train):
    return TextFactors.fit(train, N_COMPONENTS)


@pytest.fixture(scope="module")
def preprocessor(train):
    factors = f"features.text_factors={{components: {N_COMPONENTS}}}"
    features = compose_config(*SMALL, factors).features
    return Preprocessor.fit(train, features, ("text", "text_factors", "speech"))


def values_of(batch):
    """The values of the factors, `(n, 1, d)`."""
    return batch.modalities["text_factors"].values.numpy()  # noqa: PD011 (no table)


def weigh(train):
    transcripts = list(train.table["transcript"])
    texts = fit_tfidf(transcripts, min_df=2)
    return np.hstack([text.transform(transcripts).toarray() for text in texts.values()])


def test_they_are_the_leading_components_of_the_tf_idf(train, factors):
    values = factors.transform(train)
    assert values.shape == (len(train), N_COMPONENTS)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose((values**2).mean(), 1, rtol=1e-2)
    oracle = TruncatedSVD(N_COMPONENTS, algorithm="arpack", random_state=0)
    variances = np.sort(oracle.fit_transform(weigh(train)).var(axis=0))
    shares = np.sort(values.var(axis=0)) / values.var(axis=0).sum()
    np.testing.assert_allclose(shares, variances / variances.sum(), rtol=0.15)


def test_all_components_keep_distances_up_to_a_factor(train):
    distances = pdist(weigh(train))
    values = TextFactors.fit(train, 1000).transform(train)
    factor = pdist(values) / np.maximum(distances, 1e-9)
    np.testing.assert_allclose(factor[distances > 0.1], factor.max(), rtol=0.01)


def test_a_search_fits_a_training_part_once(train, factors):
    assert TextFactors.fit(train, N_COMPONENTS) is factors
    assert factors.transform(train) is factors.transform(train)


def test_the_same_transcripts_give_the_same_factors(train, factors):
    again = TextFactors.fit(train.subset(np.arange(len(train))), N_COMPONENTS)
    np.testing.assert_array_equal(again.transform(train), factors.transform(train))


def test_an_utterance_is_the_same_whatever_stands_beside_it(train, factors):
    alone = factors.transform(train.subset(np.array([3])))
    np.testing.assert_array_equal(alone[0], factors.transform(train)[3])


def test_a_stored_one_gives_the_very_same(train, factors):
    loaded = TextFactors.load(factors.state())
    np.testing.assert_array_equal(loaded.transform(train), factors.transform(train))
    assert all(isinstance(part, torch.Tensor) for part in factors.state().values())


def test_without_words_that_training_had_there_is_nothing():
    factors = TextFactors.fit(spoken("yes yes", "yes no", None, "no no"), 5)
    is_there = np.isfinite(factors.transform(spoken("yes", None, "", "Ω", "no, Ω"))).all(axis=1)
    assert is_there.tolist() == [True, False, False, False, True]


def test_of_a_few_utterances_there_are_fewer():
    assert TextFactors.fit(spoken("yes", "no", "yes", "no"), 50).dimensions == 2


def test_of_words_that_nobody_repeats_all_count():
    factors = TextFactors.fit(spoken("yes", "no"), 50)
    assert np.isfinite(factors.transform(spoken("no"))).all()


def test_without_any_word_they_are_refused():
    with pytest.raises(ConfigError, match=r"model.encoders.text_factors: no training .* has words"):
        TextFactors.fit(spoken(None, " "), 5)


def test_a_network_sees_one_step(train, preprocessor):
    shape = preprocessor.shapes()["text_factors"]
    assert (shape.dimensions, shape.max_length, shape.n_tokens) == (N_COMPONENTS, 1, None)
    data = preprocessor.transform(train)
    (batch,) = data.in_order(len(train))
    steps, vectors = values_of(batch), preprocessor.factors.transform(train)
    assert batch.modalities["text_factors"].mask.all()
    np.testing.assert_array_equal(steps, vectors[batch.rows][:, None])
    (resident,) = ResidentDataset(data, torch.device("cpu")).in_order(len(train))
    np.testing.assert_array_equal(values_of(resident), steps)
    few = data.subset(np.array([4, 2])).batch(np.array([0]))
    np.testing.assert_array_equal(values_of(few), vectors[[[4]]])


@pytest.mark.parametrize("view", ["text", "text_factors"])
def test_without_transcripts_both_views_are_gone(train, preprocessor, view):
    data = preprocessor.transform(train.without(view))
    (batch,) = data.in_order(len(train))
    present = {name: sequence.present.any() for name, sequence in batch.modalities.items()}
    assert present == {"text": False, "text_factors": False, "speech": True}
    assert not data.n_steps["text_factors"].any()
    assert np.isfinite(values_of(batch)).all()
