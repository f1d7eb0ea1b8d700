"""Errors that a user can mend, one kind a cause; and the message on an unknown name.

Every error that a user can mend derives from `EmotionHpoError`: the command line prints its message
as it is, without a traceback, and exits with status 2. Anything else is a defect of ours and keeps
its traceback. Each kind inherits the standard type too, so that library users catch what they know.
"""

import difflib
import re
from collections.abc import Iterable


class EmotionHpoError(Exception):
    """Root of all errors that a user can mend."""


class ConfigError(EmotionHpoError, ValueError):
    """The configuration, the space or an override is wrong."""


class CorpusError(EmotionHpoError, ValueError):
    """A corpus's files are missing, broken or contradict each other."""


class FeatureError(EmotionHpoError, ValueError):
    """Features cannot be extracted, stored or read."""


class UnusableError(FeatureError):
    """What an utterance brings of one modality holds nothing that can be used."""


class StudyError(EmotionHpoError, RuntimeError):
    """A study cannot be opened, continued or asked for what it does not have."""


class TrainingsFailed(StudyError):  # noqa: N818 (as `TrialFailed`)
    """Trainings ended without a model: they diverged, or their workers died of them."""


class HoldoutError(EmotionHpoError, PermissionError):
    """The holdout was asked for against the rules."""


class TrackingError(EmotionHpoError, RuntimeError):
    """MLflow cannot be reached or refuses."""


class TrialFailed(EmotionHpoError, RuntimeError):  # noqa: N818 (named as the state that it leads to)
    """A trial cannot be finished; the study stores the message as its reason."""


def missing_extra(feature: str, package: str, extra: str) -> ConfigError:
    """Return the error of a feature whose package is not installed, and how to install it."""
    return ConfigError(f"{feature} needs {package}: pip install 'emotion_hpo[{extra}]'")


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> str:
    """Return a message on an unknown name: the nearest valid one, and all that are valid.

    >>> unknown_name("sampler", "tep", ["random", "tpe"])
    "unknown sampler 'tep', did you mean 'tpe'? (valid: random, tpe)"
    """
    names = sorted(valid, key=_natural)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f", did you mean {near[0]!r}?" if near else ":"
    return f"unknown {kind} {name!r}{hint} (valid: {', '.join(names)})".replace(
        ": (valid", " (valid"
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """Return the sorting key of a name as people count: trial_2 before trial_10."""
    return [(len(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]
