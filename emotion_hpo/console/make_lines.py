"""Lines that a person can paste into a shell, by the Makefile's variables where it has one."""

import re
import shlex
from collections.abc import Mapping

from emotion_hpo.study import StudyHome

#: What a command takes without a name or a folder, as `conf/` has it.
_USUAL_NAME, _USUAL_FOLDER = "quick", "studies"


def study_line(
    target: str, home: StudyHome, *, keys: Mapping[str, object] | None = None, **variables: object
) -> str:
    """Return the line that runs a target of the Makefile on a study.

    Args:
        target: Of the Makefile.
        home: The study.
        keys: Configuration that is set, beside the study's.
        variables: Of the Makefile.

    >>> from pathlib import Path
    >>> study_line("sync", StudyHome(Path("studies"), "berlin"))
    'make sync NAME=berlin'
    >>> study_line("final", StudyHome(Path("/data"), "quick"), BEST="trial_7")
    'make final BEST=trial_7 ARGS="study.directory=/data"'
    >>> study_line("replay", StudyHome(Path("studies"), "quick"), keys={"final": "baseline"})
    'make replay ARGS="final=baseline"'
    """
    name = {} if home.name == _USUAL_NAME else {"NAME": home.name}
    return make_line(target, {**folder_key(home), **(keys or {})}, **name, **variables)


def folder_key(home: StudyHome) -> dict[str, object]:
    """Return the key that names the folder of studies, where it is not the usual one."""
    is_usual = str(home.directory) == _USUAL_FOLDER
    return {} if is_usual else {"study.directory": home.directory}


def make_line(target: str, keys: Mapping[str, object], **variables: object) -> str:
    r"""A line that runs a target of the Makefile when it is pasted into a shell.

    >>> make_line("final", {"study.name": "wide"}, BEST="trial_7")
    'make final BEST=trial_7 ARGS="study.name=wide"'
    >>> make_line("ui", {"study.directory": "/data/my studies"})
    'make ui ARGS="\'study.directory=/data/my studies\'"'
    """
    words = [f"{name}={shlex.quote(str(value))}" for name, value in variables.items()]
    if keys:  # the shell of the target's recipe reads them once more
        overrides = shlex.join(f"{key}={value}" for key, value in keys.items())
        plain = not re.search(r'[$`"\\!]', overrides)
        words.append(f'ARGS="{overrides}"' if plain else f"ARGS={shlex.quote(overrides)}")
    return " ".join(["make", target, *words])
