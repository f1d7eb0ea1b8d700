"""The hub of pretrained models: what lies in its local cache, and how a model gets there.

Fetched are weights, settings and tokenizers by name, never code, and only what the user has named
by its id. `HF_ENDPOINT`, `HF_HOME` and `HF_HUB_OFFLINE` are obeyed by `huggingface_hub` itself;
`ORGANISATION/NAME@REVISION` pins a revision.
"""

import json
import re
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

from emotion_hpo.errors import FeatureError, missing_extra
from emotion_hpo.features.pretrained.files import FORMATS, is_settings, weight_files

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")


def is_id(model: str) -> bool:
    """Return whether a name can be one of the hub's.

    >>> is_id("facebook/wav2vec2-base"), is_id("openai/whisper-tiny@main"), is_id("./whisper")
    (True, True, False)
    """
    return _ID.fullmatch(model) is not None


def cached(model: str, path: str) -> Path:
    """Return the folder of a model that was fetched before.

    Args:
        model: Its id.
        path: Of the section in the configuration.

    Raises:
        FeatureError: It is not there; the message says how to bring it.
    """
    _require_library(model, path)
    from huggingface_hub import try_to_load_from_cache

    name, _, revision = model.partition("@")
    settings = try_to_load_from_cache(name, "config.json", revision=revision or None)
    if not isinstance(settings, str):
        raise not_at_hand(model, path)
    return Path(settings).parent


def is_cached(model: str, path: str) -> bool:
    """Return whether a model's weights were fetched before.

    Raises:
        ConfigError: The library of the hub is not installed.
    """
    try:
        folder = cached(model, path)
    except FeatureError:
        return False
    form = next((form for form in FORMATS if weight_files(folder, form)), None)
    if form is None:
        return False
    # Of this form alone: beside safetensors often lies the index of pickled parts, never fetched
    index = folder / f"{FORMATS[form][0]}.index.json"
    parts = json.loads(index.read_text("utf-8"))["weight_map"] if index.is_file() else {}
    return all((folder / part).is_file() for part in parts.values())


def fetch(model: str, path: str, *, allow_pickle: bool) -> None:
    """Fetch a model's weights, in the form that is preferred, and its settings.

    Args:
        model: Its id.
        path: Of the section in the configuration.
        allow_pickle: Take pickled weights where there are no others.

    Raises:
        FeatureError: The hub does not answer or has no such model, or has it pickled alone.
    """
    _require_library(model, path)
    from huggingface_hub import HfApi, snapshot_download

    name, _, revision = model.partition("@")
    try:
        facts = HfApi().model_info(name, revision=revision or None)
        names = [file.rfilename for file in facts.siblings or ()]
        files = _weights_among(names, model, path, allow_pickle=allow_pickle)
        snapshot_download(
            name,
            revision=revision or None,
            allow_patterns=[*files, *filter(is_settings, names)],
        )
    except FeatureError:
        raise
    except Exception as error:  # of the hub, of its HTTP library, of the network
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise not_at_hand(model, path, f" ({reason})") from None


def _weights_among(names: list[str], model: str, path: str, *, allow_pickle: bool) -> list[str]:
    """The files of the preferred form.

    Raises:
        FeatureError: There are none, or pickled ones alone.
    """
    for form, patterns in FORMATS.items():
        files = [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
        if not files:
            continue
        if form == "pickle" and not allow_pickle:
            raise FeatureError(
                f"{path}.model: the hub has {model} as a pickle alone ({files[0]}), which may hold "
                f"code of its author's; take another, or trust it by {path}.allow_pickle=true"
            )
        return files
    raise FeatureError(f"{path}.model: the hub's {model} holds no weights in a form that is read")


def not_at_hand(model: str, path: str, reason: str = "") -> FeatureError:
    """Return the error of a model that is not there: what is missing, what brings it, to where."""
    name, _, revision = model.partition("@")
    command = f"hf download {name}" + (f" --revision {revision}" if revision else "")
    folder = name.partition("/")[2]
    return FeatureError(
        f"{path}.model: {model} is neither a folder nor fetched{reason}; on a connected machine "
        f"run `{command} --local-dir {folder}`, copy that folder here, and give "
        f"{path}.model={folder}"
    )


def _require_library(model: str, path: str) -> None:
    if find_spec("huggingface_hub") is None:
        raise missing_extra(f"{path}.model={model}", "huggingface_hub", "pretrained")
