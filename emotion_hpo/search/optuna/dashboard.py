"""optuna-dashboard over one study, in a process that ends with the one that started it.

`python -m emotion_hpo.search.optuna.dashboard DIRECTORY NAME PORT` serves it on 127.0.0.1. The
study's own record says where the tables are; a password stays in the environment.
"""

import os
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

from emotion_hpo.errors import missing_extra
from emotion_hpo.study import StudyHome, study_file


def start_dashboard(home: StudyHome, port: int) -> None:
    """Start the process, and return at once.

    Raises:
        ConfigError: optuna-dashboard is not installed.
        StudyError: There is no such study.
    """
    if find_spec("optuna_dashboard") is None:
        raise missing_extra("dashboard=true", "optuna-dashboard", "dashboard")
    study_file.read(home)
    module = [sys.executable, "-m", __name__, str(home.directory), home.name, str(port)]
    subprocess.Popen(module, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    """Serve until the parent ends."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    directory, name, port = sys.argv[1:]
    home = StudyHome(Path(directory), name)
    storage = study_file.read(home).config.storage
    from optuna.storages import RDBStorage
    from optuna_dashboard import run_server

    from emotion_hpo.search.optuna.postgresql import open_server

    # Read by Optuna's own connection: ours takes the write lock at each look
    if storage.name == "sqlite":
        tables = RDBStorage(f"sqlite:///{home.database.resolve()}")
    else:
        tables = open_server(storage)
    run_server(tables, host="127.0.0.1", port=int(port))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    main()
