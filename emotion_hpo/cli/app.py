"""The command line: `emotion-hpo COMMAND key=value …`.

Each command is a Hydra application over `conf/COMMAND.yaml`, so that Hydra's own `--help`,
`--cfg job` and shell completion work. `composition` turns what was typed into a plain dict,
`config.build` turns that into the command's model, and the command's module runs it. Here is what
all commands share: how they are found, and how they end.
"""

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

from emotion_hpo.cli.registry import COMMANDS, Command
from emotion_hpo.errors import ConfigError, EmotionHpoError, unknown_name
from emotion_hpo.runtime.start import collect_seldom

if TYPE_CHECKING:
    from emotion_hpo.cli.composition import Composition

USAGE = f"""Hyperparameter optimisation for multimodal emotion recognition.

Usage: emotion-hpo COMMAND [key=value ...]

{"".join(f"  {command.name:<10} {command.summary}{chr(10)}" for command in COMMANDS.values())}
emotion-hpo COMMAND --help      what can be set, and to what
emotion-hpo COMMAND --cfg job   the configuration as it would run
eval "$(emotion-hpo -sc install=bash)"   completion of commands and keys (also zsh, fish)
"""


def main() -> None:
    """Run the command that `sys.argv` names; exit with 2 on an error that a user can mend."""
    for stream in (sys.stdout, sys.stderr):  # no label may be the end of a command that has scored
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:]
    if arguments[:1] == ["-sc"]:
        from emotion_hpo.cli.completion import complete

        complete(arguments)
        return
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return
    name, *overrides = arguments
    collect_seldom()
    # Threads that wait for each other give their core away: on a shared machine the default, to
    # spin, costs a training most of its time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        if name not in COMMANDS:
            raise ConfigError(unknown_name("command", name, COMMANDS))
        _run(COMMANDS[name], overrides)
    except EmotionHpoError as error:
        sys.stderr.write(f"emotion-hpo {name}: {_format_error(error)}\n")
        sys.exit(2)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # 128 + SIGPIPE, as other programs end then
    except KeyboardInterrupt:
        hint = "; what is finished is stored, and the same command goes on from there"
        message = f"interrupted{hint if COMMANDS[name].is_resumable else ''}"
        sys.stderr.write(f"\nemotion-hpo {name}: {message}\n")
        sys.exit(130)


def _run(command: Command, overrides: list[str]) -> None:
    from emotion_hpo.cli.composition import compose

    composition = compose(command, overrides)
    if composition is not None:  # Hydra has answered --help and --cfg itself
        execute(command, composition)


def execute(command: Command, composition: "Composition") -> None:
    """Build a command's model from what was composed, and run the command with it."""
    from emotion_hpo.config import build
    from emotion_hpo.console.output import show_logs

    show_logs()
    model = command.load_model()
    config = build(model, composition.with_own_keys(model))
    more = {"requested": composition.requested} if command.takes_requested else {}
    command.load_run()(config, **more)


def _format_error(error: EmotionHpoError) -> str:
    """Return an error's only line, or its several lines, each below the command."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0] if len(lines) == 1 else "\n  " + "\n  ".join(lines)
