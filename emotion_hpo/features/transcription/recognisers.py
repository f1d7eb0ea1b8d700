"""Which recogniser a configuration names."""

from emotion_hpo.config.recogniser import RecogniserSection
from emotion_hpo.features.transcription.pocket_sphinx import PocketSphinx, open_pocketsphinx
from emotion_hpo.features.transcription.whisper import Whisper, open_whisper

#: Each has `name`, `release` (of its package), `model` and `digest` (of the model's files);
#: `recognise`, which returns the words of a signal at 16 kHz, whatever was recognised before; and
#: `open_pool`, whose workers recognise signals beside each other.
Recogniser = PocketSphinx | Whisper


def open_recogniser(section: RecogniserSection, n_workers: int) -> Recogniser:
    """Open what a configuration names.

    Args:
        section: As configured.
        n_workers: Signals that will be recognised at once.

    Raises:
        ConfigError: Its package is not installed.
        FeatureError: Its model is not at hand, or does not know the language.
    """
    if section.name == "pocketsphinx":
        return open_pocketsphinx()
    return open_whisper(section, n_workers)
