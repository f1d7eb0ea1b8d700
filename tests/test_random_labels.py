"""Labels that mean nothing end at chance, whatever learns from them: nothing leaks."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from emotion_hpo.config.corpus import ManifestCorpus
from emotion_hpo.features.preparation import quiet
from emotion_hpo.final.scoring import final
from emotion_hpo.study import StudyHome
from tests.pipeline import compose_open_config, search, trainer

CLASSES = ("ang", "hap", "neu", "sad")
N_SPEAKERS, N_TURNS, N_SESSIONS = 10, 60, 5

#: Chance is a quarter of the 120 utterances of a part; one test in 100,000 sees more by luck.
N_JUDGED = N_SPEAKERS * N_TURNS // N_SESSIONS
MOST = float(binom.ppf(1 - 1e-5, N_JUDGED, 0.25)) / N_JUDGED


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Voices and words that tell who speaks, and labels that were drawn without looking."""
    folder, generator = tmp_path_factory.mktemp("random"), np.random.default_rng(7)
    speakers = np.repeat(np.arange(N_SPEAKERS), N_TURNS)
    n = len(speakers)
    words = np.array([f"word{index}" for index in range(60)])
    table = pd.DataFrame({
        "utterance_id": [f"u{row:04}" for row in range(n)],
        "speaker": [f"s{speaker}" for speaker in speakers],
        "session": [str(speaker % N_SESSIONS + 1) for speaker in speakers],
        "dialogue": [f"d{speaker}_{row % N_TURNS // 10}" for row, speaker in enumerate(speakers)],
        "emotion": [CLASSES[row % 4] for row in range(n)],
        "transcript": [" ".join(generator.choice(words, 6)) for _ in range(n)],
    })  # fmt: skip
    by_speaker = [generator.permutation(rows.to_numpy()) for _, rows in
                  table.groupby("speaker", sort=False)["emotion"]]  # fmt: skip
    table["emotion"] = np.concatenate(by_speaker)
    table.to_csv(folder / "table.csv", index=False)
    voices = generator.normal(size=(N_SPEAKERS, 1, 12))[speakers]
    np.save(folder / "speech.npy", voices + generator.normal(size=(n, 6, 12)))
    np.save(folder / "voice.npy", voices[:, 0] + generator.normal(size=(n, 30))[:, :12])
    return folder


#: A small network of words and frames, the default one, and a machine of all that there is.
MODELS = {"network": ("~model.encoders.mocap",), "auto": ("model=auto",), "svm": ("model=svm",)}


@pytest.mark.parametrize("model", MODELS)
def test_search_and_final_end_at_chance(model, corpus, tmp_path):
    config = compose_open_config(
        "study=smoke", "corpus=manifest", f"corpus.table={corpus}/table.csv", *MODELS[model],
        f"+corpus.features={{speech: {corpus}/speech.npy, voice: {corpus}/voice.npy}}",
        f"study.directory={tmp_path}", "study.name=random", "study.n_trials=2",
        "study.confirm_leaders=0", "split=speakers", "features=default", "tracking=none",
        "launcher.n_workers=1", "training.batch_size=64",
    )  # fmt: skip
    assert isinstance(config.corpus, ManifestCorpus)
    summary = search(config).summary
    assert summary.n_complete + summary.n_pruned == 2
    assert summary.baseline.validation.accuracy <= MOST
    assert summary.expected.value <= MOST
    home = StudyHome(tmp_path, "random")
    result = final(home, summary.best_trial, rescore=False, on_features=quiet,
                   train=trainer(home))  # fmt: skip
    assert result.n_test == N_JUDGED
    assert result.accuracy <= MOST
    assert result.baseline.accuracy <= MOST
