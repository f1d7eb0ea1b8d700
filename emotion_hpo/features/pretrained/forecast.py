"""How long pretrained models will take, and how much they will store, said before they begin.

Each model is opened and reads a few seconds of noise, or a few sentences: whatever is wrong with it
is thus known before anything runs.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from emotion_hpo.config.features import PretrainedSpeech, PretrainedText
from emotion_hpo.features.pretrained.encoders import Encoders
from emotion_hpo.features.speech import SAMPLE_RATE_HZ
from emotion_hpo.runtime.formatting import format_duration

#: Where a table does not say how long an utterance is: the mean of IEMOCAP's.
_UTTERANCE_S = 4.5

_NOISE_S = 5
_SENTENCES = ["I do not know what you mean by that, but it sounds like fun to me."] * 8

#: A word is about 1.3 pieces.
_TOKENS_A_WORD = 1.3


def forecast(encoders: Encoders, modalities: Sequence[str], table: pd.DataFrame) -> str:
    """Return a line that says what pretrained models will read, and what that will cost.

    Args:
        encoders: That will read them.
        modalities: That are extracted.
        table: The utterances.

    Raises:
        FeatureError: A model is none that can be read.
    """
    seconds = n_bytes = 0.0
    durations_s = (table["end_s"] - table["start_s"]).astype(float).fillna(_UTTERANCE_S).to_numpy()
    transcripts = table["transcript"].dropna()
    for modality, section in encoders.features.pretrained.items():
        if modality not in modalities:
            continue
        size = 4 if section.layers == "last" else 2
        if isinstance(section, PretrainedSpeech):
            model = encoders.speech_model(modality, section)
            noise = np.random.default_rng(0).standard_normal(_NOISE_S * SAMPLE_RATE_HZ)
            signal = (0.1 * noise[: int(model.window_s * SAMPLE_RATE_HZ)]).astype(np.float32)
            per_signal = _time(lambda: model.encode([signal]))  # noqa: B023 (called at once)
            seconds += per_signal * durations_s.sum() * SAMPLE_RATE_HZ / len(signal)
            n_frames = len(durations_s)
            if section.pooling == "frames":
                n_frames += int(durations_s.sum() * section.frame_rate_hz)
            width = model.dimensions * (2 if section.pooling == "mean_std" else 1)
            n_bytes += n_frames * width * model.n_layers * size
        elif isinstance(section, PretrainedText):
            text_model = encoders.text_model(modality, section)
            per_text = _time(lambda: text_model.encode(_SENTENCES)) / len(_SENTENCES)  # noqa: B023
            seconds += per_text * len(transcripts)
            _, n_layers, width = text_model.encode(["yes"])[0].states.shape
            n_vectors = float(len(transcripts))
            if section.pooling == "tokens":
                n_vectors = _TOKENS_A_WORD * sum(len(text.split()) for text in transcripts)
            n_bytes += n_vectors * n_layers * width * size
    hours = durations_s.sum() / 3600
    return (
        f"Pretrained models read {len(table):,} utterances ({hours:.1f} h): about "
        f"{format_duration(seconds)}, {n_bytes / 1e9:.3f} GB on the disk"
    )


def _time(run: Callable[[], object]) -> float:
    """Seconds of a run, after one that warms up."""
    run()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
