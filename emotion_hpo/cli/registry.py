"""Every command: a row here, a module of its name beside this one, a YAML of its name in `conf/`.

The module holds the command's model, which is read from the YAML and the command line, and `run`,
which is called with it. Modules are loaded when their command is, so that help costs no import.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from emotion_hpo.config.base import Section


@dataclass(frozen=True)
class Command:
    """A command of `emotion-hpo`.

    Attributes:
        name: Of the command, of its module and of its YAML.
        summary: What it does, in a line of the help.
        model: Name of the class in its module that its configuration is built into.
        is_resumable: Whether the same command goes on where an interrupted one ended.
        takes_requested: Whether `run` also gets the values that the command line itself sets for
            the study (path → value), `requested`: they must not contradict what is stored.
    """

    name: str
    summary: str
    model: str
    is_resumable: bool = False
    takes_requested: bool = False

    def load_model(self) -> "type[Section]":
        """Return the class of its configuration."""
        return cast("type[Section]", getattr(self._module(), self.model))

    def load_run(self) -> Callable[..., None]:
        """Return the function that runs it."""
        return cast("Callable[..., None]", self._module().run)

    def _module(self) -> Any:  # noqa: ANN401 (each module has a model of another name)
        return import_module(f"emotion_hpo.cli.{self.name}")


_ROWS = (
    Command("prepare", "read a corpus, store its features, say what is there and what is missing",
            "PrepareCommand", is_resumable=True),
    Command("transcribe", "recognise the words of a corpus's recordings, into a CSV",
            "TranscribeCommand", is_resumable=True),
    Command("search", "run a study, or continue it", "SearchCommand", is_resumable=True),
    Command("final", "retrain a trial on train + validation and score the holdout, once",
            "FinalCommand", is_resumable=True, takes_requested=True),
    Command("report", "write a study's page: figures, tables, one HTML file", "ReportCommand"),
    Command("compare", "write a page that compares several studies", "CompareCommand"),
    Command("predict", "class probabilities of a wav, words or motion, or of many",
            "PredictCommand"),
    Command("demo", "show a page to try a final model, on 127.0.0.1", "DemoCommand"),
    Command("serve", "answer requests on 127.0.0.1 with a final model", "ServeCommand"),
    Command("export", "write a final model for elsewhere: its card", "ExportCommand"),
    Command("nested", "repeat the whole search with each session as the test", "NestedCommand",
            is_resumable=True),
    Command("evaluate", "score a fixed configuration under one of the field's protocols",
            "EvaluateCommand", is_resumable=True, takes_requested=True),
    Command("paper", "train and score the published tables, theirs beside ours on one page",
            "PaperCommand", is_resumable=True, takes_requested=True),
    Command("models", "list every encoder, head and preset with its parameter counts",
            "ModelsCommand"),
    Command("status", "say how far a study is, from any terminal", "StatusCommand"),
    Command("replay", "train a trial again and compare it epoch by epoch", "ReplayCommand",
            takes_requested=True),
    Command("sync", "write to MLflow what it lacks of a study", "SyncCommand", is_resumable=True),
    Command("doctor", "say what this machine has and reaches, for a report of a fault",
            "DoctorCommand"),
    Command("ui", "open MLflow's pages over all studies on 127.0.0.1", "UiCommand"),
)  # fmt: skip

#: Name → command, in the order of the help.
COMMANDS: Mapping[str, Command] = {command.name: command for command in _ROWS}
