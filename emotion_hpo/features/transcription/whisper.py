"""Whisper by faster-whisper; the owner of the library.

In: signals at 16 kHz. Out: words, by beam search without sampling, so that the same signal gives
the same words. Nothing is carried over from what was recognised before. Whisper reads windows of
30 s, of which a shorter signal costs as much as a longer one. The model runs outside Python's lock:
threads share its weights.
"""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.config.features import PretrainedSpeech
from emotion_hpo.config.recogniser import RecogniserSection
from emotion_hpo.errors import FeatureError, missing_extra, unknown_name
from emotion_hpo.features.pretrained.files import Weights
from emotion_hpo.features.pretrained.weights import digest_of, find_weights

_PATH = "recogniser"

#: Without it faster-whisper would fetch another model's from the hub.
_TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class Whisper:
    """The recogniser (a `Recogniser`).

    Attributes:
        release: Version of its package.
        model: Its name, or that of its folder.
        digest: Of the model's files, as of features by the same model.
        language: That is spoken.
    """

    name: ClassVar[Literal["faster-whisper"]] = "faster-whisper"

    release: str
    model: str
    digest: str
    language: str
    _model: Any

    def recognise(self, signal: NDArray[np.float32]) -> str:
        """Return the words of a signal at 16 kHz.

        Raises:
            FeatureError: The files of the model do not fit each other.
        """
        try:
            segments, _ = self._model.transcribe(
                signal,
                language=self.language,
                beam_size=5,
                temperature=0.0,
                condition_on_previous_text=False,
            )
            return " ".join(segment.text for segment in segments)
        except Exception as error:  # a vocabulary of another model fails in several libraries
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise FeatureError(
                f"{_PATH}.model: {self.model} cannot recognise ({reason}); take {_TOKENIZER} and "
                "the vocabulary from the model that was converted"
            ) from None

    def open_pool(self, n_workers: int) -> Executor:
        """Return a pool of threads."""
        return ThreadPoolExecutor(n_workers)


def open_whisper(section: RecogniserSection, n_workers: int) -> Whisper:
    """Open a model, on the GPU where there is one.

    Args:
        section: As configured.
        n_workers: Signals that will be recognised at once, each by one core.

    Raises:
        ConfigError: The library is not installed.
        FeatureError: The model is not at hand or none of this form, or does not know the language.
    """
    try:
        import faster_whisper
    except ImportError:
        raise missing_extra(
            f"{_PATH}.name=faster-whisper", "faster-whisper", "transcribe"
        ) from None
    weights = _find(section.model, faster_whisper)
    try:
        model = faster_whisper.WhisperModel(
            str(weights.folder),
            compute_type="float32",
            cpu_threads=1,
            num_workers=n_workers,
            local_files_only=True,
        )
    except Exception as error:  # tokenizers raises nothing narrower
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FeatureError(
            f"{_PATH}.model: {weights.folder} cannot be read as Whisper: {reason}"
        ) from None
    languages = model.supported_languages
    if section.language not in languages:
        raise FeatureError(
            f"{_PATH}.language: {unknown_name('language', section.language, languages)}"
        )
    name = section.model or "tiny.en"
    return Whisper(
        version("faster-whisper"),
        Path(name).expanduser().resolve().name if Path(name).expanduser().is_dir() else name,
        digest_of(weights),
        section.language,
        model,
    )


def _find(model: str | None, faster_whisper: Any) -> Weights:  # noqa: ANN401 (it has no types)
    """Return the files of a model: of a folder, of the hub's cache, of the package of weights."""
    folder = model
    if model is not None and not Path(model).expanduser().is_dir():
        folder = _fetch(model, faster_whisper)
    # Only looked for: what is pickled is refused below, as whatever else faster-whisper cannot read
    section = PretrainedSpeech(
        name="pretrained", model=folder, normalise="corpus", allow_pickle=True
    )
    weights = find_weights(section, _PATH)
    if weights.format != "ctranslate2":
        raise FeatureError(
            f"{_PATH}.model: {weights.folder} is not in CTranslate2's form; convert it: "
            "ct2-transformers-converter --model FOLDER --output_dir NEW --copy_files "
            f"{_TOKENIZER} preprocessor_config.json"
        )
    if not (weights.folder / _TOKENIZER).is_file():
        raise FeatureError(
            f"{_PATH}.model: {weights.folder} lacks {_TOKENIZER}; copy it from the model that was "
            "converted"
        )
    return weights


def _fetch(model: str, faster_whisper: Any) -> str:  # noqa: ANN401 (it has no types)
    """Return the folder of a size or an id of the hub, fetched unless it was before.

    Raises:
        FeatureError: There is no such size, or the hub does not answer.
    """
    sizes = faster_whisper.available_models()
    if "/" not in model and model not in sizes:
        raise FeatureError(
            f"{_PATH}.model: no folder {Path(model).expanduser()}, and "
            f"{unknown_name('size', model, sizes)}"
        )
    name, _, revision = model.partition("@")
    for is_local in (True, False):
        try:
            return str(
                faster_whisper.download_model(
                    name, local_files_only=is_local, revision=revision or None
                )
            )
        except Exception as error:  # of the hub, of its HTTP library, of the network
            reason = " ".join(str(error).split())[:160] or type(error).__name__
    raise FeatureError(
        f"{_PATH}.model: {model} is neither a folder nor fetched ({reason}); on a connected "
        f"machine run `python -c \"import faster_whisper as w; w.download_model('{name}', "
        f"'FOLDER')\"`, copy that folder here, and give {_PATH}.model=FOLDER"
    )
