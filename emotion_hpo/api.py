"""From Python what the command line does: the same keys, and the records that it stores.

    from emotion_hpo import api

    summary = api.search("study=smoke", "study.name=first")
    result = api.final("study.name=first", "best=trial_0")
    model = api.load_model("studies/first")
    model.answer([api.Utterance(text="so good to see you")])

What a command prints is printed here, too. What a user can mend is an `EmotionHpoError`.
"""

from pathlib import Path
from typing import Any

from emotion_hpo.cli import final as final_command
from emotion_hpo.cli import prepare as prepare_command
from emotion_hpo.cli import search as search_command
from emotion_hpo.cli.composition import compose
from emotion_hpo.cli.registry import COMMANDS
from emotion_hpo.config import build
from emotion_hpo.console.output import show_logs
from emotion_hpo.errors import ConfigError, EmotionHpoError
from emotion_hpo.predict import Predictor, Utterance, find_model
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.prepared_corpus import PreparedCorpus
from emotion_hpo.study.records.search_summary import SearchSummary

__all__ = ["EmotionHpoError", "Utterance", "final", "load_model", "prepare", "search"]


def prepare(*overrides: str) -> PreparedCorpus:
    """Store a corpus's features; return what is there, as `prepare output=FILE` writes it.

    Args:
        overrides: As on the command line, such as `corpus=emodb`.

    Raises:
        EmotionHpoError: The corpus or the configuration cannot be used.
    """
    command, _ = _read("prepare", overrides)
    return prepare_command.prepare(command)


def search(*overrides: str) -> SearchSummary:
    """Run or continue a study; return what it has found, its confirmation with it.

    Args:
        overrides: As on the command line, such as `study=smoke`, `study.n_trials=20`.

    Raises:
        EmotionHpoError: The study cannot be run, or none of its trials is complete.
    """
    command, _ = _read("search", overrides)
    return search_command.search_study(command.search(), command.output).summary


def final(*overrides: str) -> FinalResult | None:
    """Train a model on training and validation part, score the sealed session once.

    None if Ctrl-C has stopped it: nothing is scored, and the same call goes on.

    Args:
        overrides: As on the command line, such as `study.name=first`, `best=trial_0`.

    Raises:
        EmotionHpoError: There is no such study or trial, or it was scored before.
    """
    command, requested = _read("final", overrides)
    return final_command.score(command, requested)


def load_model(path: str | Path) -> Predictor:
    """Open a model file, or the latest below a folder.

    Raises:
        EmotionHpoError: It is not there, or cannot be read.
    """
    return Predictor.open(find_model(Path(path)))


def _read(name: str, overrides: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    """Return a command's model, and path → value of what the overrides set of a study."""
    composition = compose(COMMANDS[name], overrides)
    if composition is None:
        raise ConfigError("--help and --cfg are answered on the command line alone")
    show_logs()
    model = COMMANDS[name].load_model()
    return build(model, composition.with_own_keys(model)), composition.requested
