"""Use a trained model on new utterances: any subset of its modalities, made as in training.

`predictor.py` asks the model, `reading.py` takes what people have (a WAV, words, motion, arrays of
features) and refuses what cannot be one utterance, `batch.py` goes through a folder or a table, and
`dialogue.py` keeps a dialogue that goes on.
"""

from emotion_hpo.config.turns_read import READINGS
from emotion_hpo.predict.batch import predict_rows
from emotion_hpo.predict.dialogue import Dialogue
from emotion_hpo.predict.predictor import TURN_COLUMNS, Predictor
from emotion_hpo.predict.reading import (
    find_model,
    read_features,
    read_motion,
    read_sound,
    read_text,
    to_array,
)
from emotion_hpo.predict.rows import find_rows, missing_sources
from emotion_hpo.predict.utterance import FEATURES, Answer, Utterance

__all__ = [
    "FEATURES",
    "READINGS",
    "TURN_COLUMNS",
    "Answer",
    "Dialogue",
    "Predictor",
    "Utterance",
    "find_model",
    "find_rows",
    "missing_sources",
    "predict_rows",
    "read_features",
    "read_motion",
    "read_sound",
    "read_text",
    "to_array",
]
