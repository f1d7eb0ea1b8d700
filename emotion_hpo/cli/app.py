"""The command line: `emotion-hpo COMMAND key=value …`. The only module that imports hydra.

Each command is a Hydra application over `conf/COMMAND.yaml`, so that Hydra's own `--help`,
`--cfg job` and shell completion work. Hydra composes; the result leaves here as a plain dict, and
`config.build` judges it. What a person typed passes `overrides.for_hydra` first, so that names stay
as they were typed.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from emotion_hpo.errors import ConfigError, EmotionHpoError, unknown_name

if TYPE_CHECKING:
    from omegaconf import DictConfig

#: Command → what it does; the functions of the same names live in `commands`.
COMMANDS: Mapping[str, str] = {
    "prepare": "read a corpus, store its features, say what is there and what is missing",
    "search": "run a study, or continue it",
    "final": "retrain a trial on train + validation and score the holdout, once",
    "report": "write a study's page: figures, tables, one HTML file",
    "compare": "write a page that holds several studies against each other",
    "predict": "class probabilities of a wav, words or motion, or of many",
    "serve": "answer requests on 127.0.0.1 with a final model",
    "nested": "repeat the whole search with each session as the test",
    "models": "list every encoder, head and preset with its parameter counts",
    "status": "say how far a study is, from any terminal",
    "replay": "train a trial again and compare it epoch by epoch",
    "sync": "write to MLflow what it lacks of a study",
    "ui": "open MLflow's pages over all studies on 127.0.0.1",
}

USAGE = f"""Hyperparameter optimisation for multimodal emotion recognition.

Usage: emotion-hpo COMMAND [key=value ...]

{"".join(f"  {name:<10} {what}{chr(10)}" for name, what in COMMANDS.items())}
emotion-hpo COMMAND --help      what can be set, and to what
emotion-hpo COMMAND --cfg job   the configuration as it would run
eval "$(emotion-hpo -sc install=bash)"   completion of commands and keys (also zsh, fish)
"""

#: Commands that take up what an interrupted call has stored.
_CONTINUED = ("prepare", "search", "final", "nested", "sync")

#: Keys that name a study or a way to look at it, not what was searched.
_FREE = (
    "best",
    "trial",
    "final",
    "rule",
    "n_members",
    "paper_protocol",
    "rescore",
    "output",
    "port",
    "launcher",
    "storage",
    "hydra",
)
_NAMING = ("study", "study.name", "study.directory")


def main() -> None:
    """Run the command that `sys.argv` names; exit with 2 on an error that a user can mend."""
    for stream in (sys.stdout, sys.stderr):  # no label may be the end of a command that has scored
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:]
    if arguments[:1] == ["-sc"]:
        _complete(arguments)
        return
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return
    command, *overrides = arguments
    # Threads that wait for each other give their core away: on a shared machine the default, to
    # spin, costs a training most of its time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        if command not in COMMANDS:
            raise ConfigError(unknown_name("command", command, COMMANDS))
        _run(command, overrides)
    except EmotionHpoError as error:
        sys.stderr.write(f"emotion-hpo {command}: {_told(error)}\n")
        sys.exit(2)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # 128 + SIGPIPE, as other programs end then
    except KeyboardInterrupt:
        kept = "; what is finished is kept, and the same command goes on from there"
        words = f"interrupted{kept if command in _CONTINUED else ''}"
        sys.stderr.write(f"\nemotion-hpo {command}: {words}\n")
        sys.exit(130)


def conf_folder() -> Path:
    """Where the configuration lies: beside the code once installed, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / "conf" if (package / "conf").is_dir() else package.parent / "conf"


def _run(command: str, overrides: Sequence[str]) -> None:
    """Hand a command to Hydra, and what Hydra composes to the command."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from emotion_hpo.cli import commands
    from emotion_hpo.cli.overrides import for_hydra
    from emotion_hpo.config import SearchConfig
    from emotion_hpo.config.commands import MODELS

    if sweeping := {"-m", "--multirun"}.intersection(overrides):
        raise ConfigError(f"no {sweeping.pop()} here: what is to vary is a range of space.PATH")
    conf = conf_folder()
    groups = {path.name for path in conf.iterdir() if path.is_dir()}
    # A command on a study that exists takes any key of a search, unchecked.
    models = MODELS[command], SearchConfig
    readable = [one for typed in overrides for one in for_hydra(typed, models, groups)]
    sys.argv = [f"emotion-hpo {command}", *readable]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting with 1
    run: Callable[..., None] = getattr(commands, command)

    composed: list[tuple[DictConfig, dict[str, str], list[str]]] = []

    @hydra.main(version_base="1.3", config_path=str(conf), config_name=command)
    def compose(config: "DictConfig") -> None:
        found = HydraConfig.get()
        given = OmegaConf.to_container(found.overrides.task, resolve=False)  # as typed: ${…}
        composed.append((config, dict(found.runtime.choices), cast("list[str]", given)))

    calls: list[Callable[[], None]] = []
    try:
        compose()
        # Outside Hydra, which comments on errors; nothing is composed after --help and --cfg.
        for config, choices, given in composed:
            plain = _plain(config, choices)
            more: dict[str, Any] = {}
            if command in ("final", "replay"):
                more["asked"] = _asked(plain, given)
            if command == "models":
                more["presets"] = conf / "model"
            calls.append(partial(run, plain, **more))
    except (HydraException, OmegaConfBaseException, ValueError) as error:  # corpus=3: ValueError
        raise ConfigError(_hydra_words(error)) from None
    from emotion_hpo.console.output import show_logs

    show_logs()
    for call in calls:
        call()


def _plain(config: "DictConfig", choices: Mapping[str, str]) -> dict[str, Any]:
    """The composed configuration as a dict, the study named if nobody named it."""
    from omegaconf import OmegaConf

    from emotion_hpo.cli.overrides import decode

    plain = decode(OmegaConf.to_container(config, resolve=True))
    study = plain.get("study")
    if isinstance(study, dict) and study.get("name") is None:
        study["name"] = _study_name(choices)
    return dict(plain)


def _study_name(choices: Mapping[str, str]) -> str:
    """The preset's name, and the corpus and model where they are not its own."""
    usual = {"corpus": {"twin"}, "model": {"fusion", "smoke"}}
    parts = [choices["study"]]
    parts += [choices[group] for group, names in usual.items() if choices[group] not in names]
    return "-".join(parts).replace("/", "_")


def _asked(plain: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Path → value of each override that asks for more than a certain study."""
    from emotion_hpo.cli.overrides import decode

    asked: dict[str, Any] = {}
    for override in overrides:
        path = override.lstrip("+~").partition("=")[0].replace("/", ".")
        if path.split(".")[0] in _FREE or path in _NAMING:
            continue
        value: Any = plain
        steps = [decode(step) for step in path.split(".")]
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        asked[".".join(steps)] = value
    return asked


def _hydra_words(error: Exception) -> str:
    """Hydra's complaint in one line; an unknown choice of a group with the nearest one."""
    from hydra.errors import OverrideParseException

    from emotion_hpo.cli.overrides import unreadable

    text = str(error).replace("'++", "'")  # nobody wrote that
    if isinstance(error, OverrideParseException):
        return unreadable(error.override.removeprefix("++"))
    if found := re.search(r"Ambiguous value for argument '([^=']+)=([^']*)'", text):
        key, values = found[1], found[2]
        return f"{key}={values} is several values: write {key}=[{values}] if a list is meant"
    if found := re.search(r"Could not (?:find|load) '(\w+)/(.*)'\.?\n", text):
        listed = re.search(r"Available options in '.*':\n((?:\t.*\n)*)", text)
        return _unknown_choice(found[1], found[2], listed[1].split() if listed else ())
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _unknown_choice(group: str, choice: str, listed: Sequence[str]) -> str:
    """Say which choices there are: ours, those of folders too, and what Hydra lists of a user's."""
    folder = conf_folder() / group
    ours = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.yaml")]
    return f"{group}: {unknown_name('choice', choice, {*map(str, ours), *listed})}"


def _told(error: EmotionHpoError) -> str:
    """One error in the line of the command, several below it."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0] if len(lines) == 1 else "\n  " + "\n  ".join(lines)


def _complete(arguments: Sequence[str]) -> None:
    """Answer the shell: names of commands first, then Hydra's completion of the command's keys.

    Hydra knows applications without commands; what the shell has typed is shown to it without ours.
    """
    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    is_query = any(one.startswith("query=") for one in arguments)
    if is_query and (len(words) < 2 or (len(words) == 2 and not line.endswith(" "))):
        typed = words[1] if len(words) == 2 else ""
        sys.stdout.write(" ".join(name for name in COMMANDS if name.startswith(typed)) + "\n")
        return
    command = words[1] if is_query else next(iter(COMMANDS))
    if command not in COMMANDS:
        return
    if is_query:
        os.environ["COMP_LINE"] = line.replace(f" {command}", "", 1)
        shift = len(command) + 1
        os.environ["COMP_POINT"] = str(int(os.environ.get("COMP_POINT", len(line))) - shift)
    _run_hydra_completion(command, arguments)


def _run_hydra_completion(command: str, arguments: Sequence[str]) -> None:
    import hydra

    sys.argv = ["emotion-hpo", *arguments]
    application = hydra.main(
        version_base="1.3", config_path=str(conf_folder()), config_name=command
    )(lambda _config: None)
    application()
