"""PocketSphinx with the English model of its own wheel; the owner of the library.

It holds Python's lock while it decodes, so that signals beside each other take processes. A decoder
takes seconds to load and is kept by its process. Each signal is decoded as a whole, its cepstra
normalised by themselves: what was recognised before changes nothing.
"""

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.errors import missing_extra
from emotion_hpo.features.pretrained.weights import digest_of_files
from emotion_hpo.runtime.child_process import become_child

_MODEL = "en-us"
_SAMPLE_RATE_HZ = 16_000
_LOUDEST = 32_767


@dataclass(frozen=True)
class PocketSphinx:
    """The recogniser (a `Recogniser`).

    Attributes:
        release: Version of its package.
        digest: Of the model's files.
    """

    name: ClassVar[Literal["pocketsphinx"]] = "pocketsphinx"
    model: ClassVar[str] = _MODEL

    release: str
    digest: str

    def recognise(self, signal: NDArray[np.float32]) -> str:
        """Return the words of a signal at 16 kHz."""
        decoder = _decoder()
        samples = (signal.clip(-1, 1) * _LOUDEST).astype(np.int16)
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), no_search=False, full_utt=True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        return "" if hypothesis is None else str(hypothesis.hypstr)

    def open_pool(self, n_workers: int) -> Executor:
        """Return a pool of processes."""
        spawn = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(n_workers, spawn, initializer=become_child)


def open_pocketsphinx() -> PocketSphinx:
    """Find the library and its model.

    Raises:
        ConfigError: It is not installed.
    """
    folder = _model_folder()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return PocketSphinx(version("pocketsphinx"), digest_of_files(folder, files))


def _model_folder() -> Path:
    try:
        from pocketsphinx import get_model_path
    except ImportError:
        raise missing_extra("recogniser.name=pocketsphinx", "pocketsphinx", "transcribe") from None
    return Path(get_model_path(_MODEL))


@cache
def _decoder() -> Any:  # noqa: ANN401 (it has no types)
    """Return the decoder of this process."""
    from pocketsphinx import Decoder

    return Decoder(samprate=_SAMPLE_RATE_HZ, cmn="batch", loglevel="FATAL")
