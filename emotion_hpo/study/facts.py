"""The facts of a study, collected when it begins: versions, commit, machine, fingerprints."""

import importlib.metadata
import os
import platform
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from emotion_hpo.config import SearchConfig, dump, fingerprint
from emotion_hpo.study.records.study_facts import StudyFacts
from emotion_hpo.study.records.transcription import read_transcription

#: Packages whose version may change a number.
_PACKAGES = (
    "emotion-hpo",
    "torch",
    "numpy",
    "scipy",
    "librosa",
    "scikit-learn",
    "optuna",
    "mlflow",
)


def collect_facts(config: SearchConfig, *, synthetic: bool) -> StudyFacts:
    """Return the facts of a study that begins now, here.

    Args:
        config: The study.
        synthetic: Whether its corpus is invented.
    """
    facts = {
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit(),
        "fingerprint": {
            "experiment": config.experiment().identity,
            "space": fingerprint(
                {path: dump(value_range) for path, value_range in config.space.items()}
            ),
        },
        "versions": read_versions(),
        "hardware": describe_hardware(),
        "synthetic": synthetic,
    }
    words = read_transcription(config.corpus.transcripts)
    return StudyFacts.from_json(facts | ({"words": words.to_json()} if words else {}))


def read_versions() -> dict[str, str | None]:
    """Return package → version of those that may change a number; None where it is not there."""
    return {name: _version(name) for name in _PACKAGES}


def describe_hardware() -> dict[str, Any]:
    """Describe this machine, which begins the study; workers elsewhere may have another."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = re.findall(r"^model name\s*:\s*(.+)$", information.read_text("utf-8"), re.MULTILINE)
        processor = names[0] if names else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "gpus": _gpus(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (OSError, ValueError, AttributeError):  # not every system tells
        return None


def _gpus() -> list[str]:
    """Return the names of NVIDIA GPUs from their driver: importing torch takes seconds."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return answer.stdout.splitlines() if answer.returncode == 0 else []


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def commit() -> str | None:
    """Return the commit of the code that runs; None where it is no checkout, or git is missing."""
    folder = Path(__file__).parents[1]
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD", "--show-prefix"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    head, _, prefix = result.stdout.strip().partition("\n")
    # Installed into an environment inside another project, git would name that project's commit.
    return head[:12] if result.returncode == 0 and prefix == f"{folder.name}/" else None
