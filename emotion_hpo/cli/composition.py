"""From the words of a command line to plain data, by Hydra.

What a person typed passes `overrides.for_hydra` first, so that names stay as they were typed. The
result is a dict that knows no Hydra; `config.build` judges it later.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import hydra
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.cli.hydra_errors import format_hydra_error
from emotion_hpo.cli.overrides import decode, for_hydra
from emotion_hpo.cli.registry import Command
from emotion_hpo.config import VARIANT_KEYS, SearchConfig, without_unknown
from emotion_hpo.config.free import NAMING_KEYS
from emotion_hpo.errors import ConfigError

_VERSION_BASE = "1.3"  # of Hydra

#: A composed root, and Hydra's own settings of it.
_Composed = tuple[DictConfig, HydraConf]

#: The corpus that a study's name does not mention.
_USUAL_CORPUS = "twin"

#: Preset → the model that its studies' names do not mention; of every other preset, `auto`.
_USUAL_MODELS = {"best": "best", "paper": "fusion", "smoke": "smoke"}


@dataclass(frozen=True)
class Composition:
    """What a command line says.

    Attributes:
        plain: The whole configuration as plain data.
        requested: Path → value of what the command line itself sets of a study's configuration.
    """

    plain: dict[str, Any]
    requested: dict[str, Any]

    def with_own_keys(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the configuration without what a variant has no key for that nobody typed.

        After `model.context.name=attention` the `cell` of the preset's recurrent context has no
        meaning; one that stands on the command line is kept, and refused.
        """
        typed = {path for path in self.requested if "." in path}  # the others choose a preset
        chosen = tuple(
            path.removesuffix(key)
            for path in typed
            for key in VARIANT_KEYS
            if path.endswith(f".{key}")
        )
        if not chosen:
            return self.plain
        return without_unknown(
            model, self.plain, lambda path: path.startswith(chosen) and path not in typed
        )


def compose(command: Command, overrides: Sequence[str]) -> Composition | None:
    """Compose a command's configuration; None where Hydra has answered --help or --cfg itself.

    Raises:
        ConfigError: An override cannot be read, or chooses what is not there.
    """
    if sweeping := {"-m", "--multirun"}.intersection(overrides):
        raise ConfigError(f"no {sweeping.pop()} here: what is to vary is a range of space.PATH")
    folder = conf_folder()
    groups = {path.name for path in folder.iterdir() if path.is_dir()}
    # A command on a study that exists takes any key of a search, unchecked.
    models = command.load_model(), SearchConfig
    readable = [line for typed in overrides for line in for_hydra(typed, models, groups)]
    GlobalHydra.instance().clear()  # another command of this process may have left it
    by_hydra = _let_hydra_run if any(word.startswith("-") for word in readable) else _compose
    try:
        composed = by_hydra(command.name, str(folder), readable)
        if composed is None:
            return None
        config, settings = composed
        plain = _to_plain(config, settings.runtime.choices)
        typed = OmegaConf.to_container(settings.overrides.task, resolve=False)  # with its `${…}`
        return Composition(plain, _requested(plain, cast("list[str]", typed)))
    except (HydraException, OmegaConfBaseException, ValueError) as error:  # corpus=3: ValueError
        raise ConfigError(format_hydra_error(error)) from None


def _compose(name: str, folder: str, overrides: list[str]) -> _Composed:
    """Compose a root without Hydra's own application, which composes everything twice."""
    with hydra.initialize_config_dir(folder, version_base=_VERSION_BASE):
        config = hydra.compose(name, overrides, return_hydra_config=True)
    with open_dict(config):
        settings = config.pop("hydra")
    return config, settings


def _let_hydra_run(name: str, folder: str, words: list[str]) -> _Composed | None:
    """Run Hydra's application, which reads `--config-dir`; None if it has answered itself.

    Args:
        name: Root of `conf/`.
        folder: `conf/`.
        words: Overrides and flags.
    """
    composed: list[_Composed] = []

    @hydra.main(version_base=_VERSION_BASE, config_path=folder, config_name=name)
    def application(config: DictConfig) -> None:
        composed.append((config, HydraConfig.get()))

    typed_here, sys.argv = sys.argv, [f"emotion-hpo {name}", *words]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting with 1
    try:
        application()
    finally:
        sys.argv = typed_here
    return composed[0] if composed else None


def _to_plain(config: DictConfig, choices: Mapping[str, str]) -> dict[str, Any]:
    """Return the composed configuration as a dict, the study named if nobody named it."""
    plain = decode(OmegaConf.to_container(config, resolve=True))
    study = plain.get("study")
    if isinstance(study, dict) and study.get("name") is None:
        study["name"] = _study_name(choices)
    return dict(plain)


def _study_name(choices: Mapping[str, str]) -> str:
    """Return the preset's name, and the corpus and model where they are not its own."""
    preset = choices["study"]
    usual = {"corpus": _USUAL_CORPUS, "model": _USUAL_MODELS.get(preset, "auto")}
    parts = [preset, *(choices[group] for group in usual if choices[group] != usual[group])]
    return "-".join(parts).replace("/", "_")


def _requested(plain: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return path → value of each override of a study's configuration, its name apart.

    Args:
        plain: The whole configuration.
        overrides: As Hydra has read them.
    """
    requested: dict[str, Any] = {}
    for override in overrides:
        path = override.lstrip("+~").partition("=")[0].replace("/", ".")
        if path.split(".")[0] not in SearchConfig.model_fields or path in NAMING_KEYS:
            continue
        value: Any = plain
        steps = [decode(step) for step in path.split(".")]
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        requested[".".join(steps)] = value
    return requested
