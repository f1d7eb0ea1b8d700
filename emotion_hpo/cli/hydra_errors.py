"""Hydra's complaints in one line that says what to do."""

import re
from collections.abc import Sequence

from hydra.errors import OverrideParseException

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.cli.overrides import unreadable
from emotion_hpo.errors import unknown_name


def format_hydra_error(error: Exception) -> str:
    """Return a complaint in one line; of an unknown choice of a group, with the nearest one."""
    text = str(error).replace("'++", "'")  # nobody wrote that
    if isinstance(error, OverrideParseException):
        return unreadable(error.override.removeprefix("++"))
    if sweep := re.search(r"Ambiguous value for argument '([^=']+)=([^']*)'", text):
        key, values = sweep[1], sweep[2]
        return f"{key}={values} is several values: write {key}=[{values}] if a list is meant"
    if missing := re.search(r"Could not (?:find|load) '(\w+)/(.*)'\.?\n", text):
        listed = re.search(r"Available options in '.*':\n((?:\t.*\n)*)", text)
        return _unknown_choice(missing[1], missing[2], listed[1].split() if listed else ())
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _unknown_choice(group: str, choice: str, listed: Sequence[str]) -> str:
    """Return a message with all choices: ours, those in folders too, and a user's own.

    Args:
        group: Of `conf/`.
        choice: What is not there.
        listed: Choices that Hydra knows of, those of `--config-dir` among them.
    """
    folder = conf_folder() / group
    ours = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.yaml")]
    return f"{group}: {unknown_name('choice', choice, {*map(str, ours), *listed})}"
