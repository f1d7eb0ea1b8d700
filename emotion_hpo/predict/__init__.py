"""Use a trained model on new utterances: any subset of its modalities, made as in training.

`predictor.py` asks the model, `reading.py` takes what people have (a WAV, words, motion, arrays of
features) and refuses what cannot be one utterance, `batch.py` goes through a folder or a table.
"""

from emotion_hpo.predict.batch import find_rows, predict_rows
from emotion_hpo.predict.predictor import FEATURES, Answer, Predictor, Utterance
from emotion_hpo.predict.reading import (
    find_model,
    read_features,
    read_motion,
    read_sound,
    read_text,
    to_array,
)

__all__ = [
    "FEATURES",
    "Answer",
    "Predictor",
    "Utterance",
    "find_model",
    "find_rows",
    "predict_rows",
    "read_features",
    "read_motion",
    "read_sound",
    "read_text",
    "to_array",
]
