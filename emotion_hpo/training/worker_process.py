"""A process that trains for another: how it begins, and why it never outlives its starter.

Its standard input is a pipe; when that closes, whoever started it is gone. It reads the study from
its files, and never sees the sealed session.
"""

import gc
import os
import threading

import pyarrow as pa
import torch

from emotion_hpo.config import SearchConfig
from emotion_hpo.features.preparation import quiet
from emotion_hpo.runtime.memory import keep_freed_memory
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.training.fold_run import DataModule
from emotion_hpo.training.launch.ends import NO_FAULT_STATUS


def setup(home: StudyHome, n_threads: int) -> tuple[SearchConfig, DataModule]:
    """Set this process up to train, and read what it trains on."""
    torch.set_num_threads(n_threads)
    pa.set_memory_pool(pa.system_memory_pool())  # its own one keeps what reading a table took
    threading.Thread(target=_die_with_the_pipe, daemon=True).start()
    config = study_file.read(home).config
    _, development = open_development(config, home.features, quiet)
    keep_freed_memory()  # of what comes now: reading has left some that training would not fit into
    freeze_loaded()
    return config, DataModule(development)


def freeze_loaded() -> None:
    """Let the garbage collector pass over what is loaded by now, libraries most of all.

    It would go through these 300,000 objects again and again, and find nothing.
    """
    gc.collect()
    gc.freeze()


def _die_with_the_pipe() -> None:
    """Block until the starter's end of the pipe closes; then nobody waits for this process."""
    while os.read(0, 1024):
        pass
    os._exit(NO_FAULT_STATUS)
