"""A process that trains for another: how it begins, and why it never outlives its starter.

Its standard input is a pipe; when that closes, whoever started it is gone. It reads the study from
its files, and never sees the sealed session.
"""

import gc
import os
import threading
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import torch

from emotion_hpo.config import SearchConfig, build
from emotion_hpo.features.preparation import quiet
from emotion_hpo.runtime.memory import keep_freed_memory
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import StudyHome, read_yaml, study_file
from emotion_hpo.training.fold_run import DataModule
from emotion_hpo.training.launch.ends import NO_FAULT_STATUS

#: The name of this process, of up to 15 letters.
_COMMAND = Path("/proc/self/comm")


def setup(home: StudyHome, name: str, n_threads: int) -> tuple[SearchConfig, DataModule]:
    """Set this process up to train, and read what it trains on."""
    loaded = load(home)
    become_worker(name, n_threads)
    return loaded


def load(home: StudyHome) -> tuple[SearchConfig, DataModule]:
    """Read a study, or a batch of one, and what it trains on.

    No thread is left behind, so that a process may be forked then.
    """
    torch.set_num_threads(1)
    pa.set_memory_pool(pa.system_memory_pool())  # its own one keeps what reading a table took
    if home.is_batch:
        config = build(SearchConfig, read_yaml(home.batch_config))
    else:
        config = study_file.read(home).config
    _, development = open_development(config, home.owner.features, quiet)
    freeze_loaded()
    return config, DataModule(development)


def become_worker(name: str, n_threads: int) -> None:
    """Set this process, which has loaded, up to train.

    Args:
        name: Shown by `top` and `ps`, where a system lets a process choose it.
        n_threads: That it computes on.
    """
    torch.set_num_threads(n_threads)
    threading.Thread(target=_die_with_the_pipe, daemon=True).start()
    keep_freed_memory()  # of what comes now: reading has left some that training would not fit into
    with suppress(OSError):
        _COMMAND.write_text(name[:15])


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
