"""How the tests open a release that the twin wrote."""

from pathlib import Path
from typing import Any

from emotion_hpo.config.corpus import IemocapCorpus
from emotion_hpo.corpus import open_corpus
from emotion_hpo.corpus.iemocap.corpus import Iemocap

#: The smallest twin that has every session, class and kind of dialogue.
SEED, SCALE = 3, 0.004

CLASSES = ("ang", "exc", "neu", "sad")


def opened(root: Path, **changes: Any) -> Iemocap:
    """The release at a folder, with the usual settings."""
    settings = {"classes": CLASSES, "merge": {}, "audio": "sentences", "left_channel": "female"}
    config = IemocapCorpus(name="iemocap", root=root, **{"strict": False, **settings, **changes})
    return open_corpus(config)
