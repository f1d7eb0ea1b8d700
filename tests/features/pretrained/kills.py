"""A process that prepares features and kills itself at a given change of a file.

What every such process needs is made as this module is imported, before it is forked.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet  # noqa: F401 (tables are written by it)

from emotion_hpo.features import prepare, workers
from emotion_hpo.features.pretrained import encoders
from tests.features.fake import FakeCorpus

N_SESSIONS = 20

TABLES = {session: FakeCorpus().table(session) for session in FakeCorpus(N_SESSIONS).sessions()}

#: What changes files. A file that is opened is a change where it is written to.
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")


class Corpus(FakeCorpus):
    """Recordings alone; its tables are at hand."""

    def table(self, session):
        return TABLES[session]


CORPUS = Corpus(N_SESSIONS, modalities=("speech",))


class Model:
    """States of a signal are its own samples."""

    dimensions, n_layers, frames_per_s, window_s = 4, 1, 50.0, 30.0

    def encode(self, signals):
        return [np.resize(signal, (9, 1, self.dimensions)) for signal in signals]


def prepare_until(n_changes, config, directory: Path, log: Path):
    """Prepare; before the change of that number this process is killed. 0: it is not.

    Each dialogue that it begins to extract is a line of the log.
    """
    os.fsync = lambda _: None  # nobody pulls the plug
    encoders.open_speech_model = lambda *_: Model()
    extract = workers.extract_dialogue

    def logged(corpus, encoders, session, dialogue, transcripts):
        with log.open("a") as file:
            file.write(f"{dialogue}\n")
        yield from extract(corpus, encoders, session, dialogue, transcripts)

    workers.extract_dialogue = logged
    done = 0

    def count(event, arguments):
        nonlocal done
        writes = event == "open" and arguments[1] not in (None, "r", "rb")
        if (writes and str(directory) in str(arguments[0])) or event in CHANGES:
            done += 1
            if done == n_changes:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    prepare(CORPUS, config, directory, 1, lambda *_: None)
