"""Use a trained model on new utterances: any subset of its modalities, through the same extractors.

`predictor.py` asks the model, `reading.py` takes what people have (a WAV, words, motion) and
refuses what cannot be one utterance, `batch.py` goes through a folder or a table of them.
"""

from emotion_hpo.predict.batch import find_rows, predict_rows
from emotion_hpo.predict.predictor import Predictor, Utterance
from emotion_hpo.predict.reading import find_model, read_motion, read_sound, read_text

__all__ = [
    "Predictor",
    "Utterance",
    "find_model",
    "find_rows",
    "predict_rows",
    "read_motion",
    "read_sound",
    "read_text",
]
