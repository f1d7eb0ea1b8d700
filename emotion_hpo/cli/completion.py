"""Shell completion: names of commands by us, then Hydra's completion of a command's keys.

Hydra knows applications without commands; what the shell has typed is shown to it without ours.
"""

import os
import sys
from collections.abc import Sequence

import hydra

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.cli.registry import COMMANDS


def complete(arguments: Sequence[str]) -> None:
    """Answer `-sc query=SHELL` for the line that the shell shows, or print `-sc install=SHELL`."""
    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    is_query = any(argument.startswith("query=") for argument in arguments)
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
    sys.argv = ["emotion-hpo", *arguments]
    application = hydra.main(
        version_base="1.3", config_path=str(conf_folder()), config_name=command
    )(lambda _config: None)
    application()
