"""`emotion-hpo doctor`: say what this machine has and reaches, for a report of a fault."""

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.config.commands import StudyCommand
from emotion_hpo.config.places import StorageConfig
from emotion_hpo.config.tracking import TrackingConfig
from emotion_hpo.console.output import echo
from emotion_hpo.errors import EmotionHpoError, StudyError
from emotion_hpo.runtime.cores import n_cores
from emotion_hpo.study import StudyHome, write_json

_PACKAGE = "emotion-hpo"
_GB = 1e9

#: What a training depends on most; their versions go into a report of a fault.
_SHOWN = ("torch", "numpy", "scikit-learn", "optuna", "mlflow", "hydra-core", "librosa", "pandas")


class DoctorCommand(StudyCommand):
    """`emotion-hpo doctor`: of the study it looks at the folder alone, which need not exist."""

    storage: StorageConfig
    tracking: TrackingConfig


class Finding(NamedTuple):
    """A line: what was looked at, what there is, and whether it is as it should be."""

    name: str
    text: str
    is_well: bool = True


def run(command: DoctorCommand) -> None:
    """Print every finding.

    Raises:
        StudyError: Something that the configuration names is not there or does not answer.
    """
    findings = [*_software(), *_hardware(), *_extras(), *_places(command)]
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        echo(f"{finding.name:<{width}}  {finding.text}", None if finding.is_well else "red")
    if command.output is not None:
        write_json(command.output, [finding._asdict() for finding in findings])
    broken = [finding.name for finding in findings if not finding.is_well]
    if broken:
        raise StudyError(f"{', '.join(broken)}: not usable as configured; see the lines above")


def _software() -> Iterator[Finding]:
    yield Finding("emotion_hpo", metadata.version(_PACKAGE))
    yield Finding("Python", f"{platform.python_version()} on {platform.platform()}")
    yield Finding("packages", ", ".join(f"{name} {metadata.version(name)}" for name in _SHOWN))
    yield Finding("configuration", str(conf_folder()))


def _hardware() -> Iterator[Finding]:
    import torch

    yield Finding("cores", f"{n_cores()} for this process, of {os.cpu_count()}")
    yield Finding("threads", f"{torch.get_num_threads()} of torch")
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    yield Finding("memory", f"{pages / _GB:.1f} GB free")
    yield Finding("device", torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu")


def _extras() -> Iterator[Finding]:
    """Every extra of the package but the developers', with the versions that are installed."""
    required: dict[str, list[str]] = {}
    for line in metadata.requires(_PACKAGE) or ():
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        name = re.match(r"[A-Za-z0-9._-]+", line)
        if extra is not None and name is not None and extra[1] != "dev":
            required.setdefault(extra[1], []).append(name[0])
    for extra_name, packages in sorted(required.items()):
        versions = {name: _version(name) for name in packages}
        missing = [name for name, version in versions.items() if version is None]
        there = ", ".join(f"{name} {version}" for name, version in versions.items())
        how = f"without {', '.join(missing)}: pip install 'emotion_hpo[{extra_name}]'"
        yield Finding(f"extra {extra_name}", how if missing else there)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _places(command: DoctorCommand) -> Iterator[Finding]:
    home = StudyHome(command.study.directory, command.study.name)
    yield _checked("studies", lambda: _folder(home.directory))
    yield _checked("storage", lambda: _storage(command.storage))
    yield _checked("tracking", lambda: _tracking(home, command.tracking))


def _checked(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, look())
    except EmotionHpoError as error:
        return Finding(name, str(error), is_well=False)


def _folder(directory: Path) -> str:
    """Where studies are kept, and how much fits there.

    Raises:
        StudyError: Nothing can be written there.
    """
    path = directory.absolute()
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise StudyError(f"{place} cannot be written")
    return f"{path}, {shutil.disk_usage(place).free / _GB:.1f} GB free"


def _storage(config: StorageConfig) -> str:
    if config.name == "sqlite":
        return "sqlite, a file in each study's folder"
    from emotion_hpo.search.optuna import postgresql

    postgresql.open_server(config).engine.dispose()
    return f"PostgreSQL {postgresql.format_server(postgresql.read_url(config))} answers"


def _tracking(home: StudyHome, config: TrackingConfig) -> str:
    if config.name == "none":
        return "none"
    from emotion_hpo.tracking import check_server

    return check_server(home, config)
