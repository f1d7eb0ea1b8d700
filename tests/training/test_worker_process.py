"""A process that trains for another one."""

import signal
import subprocess
import sys

import pytest

from emotion_hpo.study import study_file
from emotion_hpo.training.launch.ends import NO_FAULT_STATUS
from emotion_hpo.training.launch.forked import ForkedProcesses

BEGIN = """
import sys, time
from pathlib import Path
from emotion_hpo.training.worker_process import setup
from emotion_hpo.study import StudyHome
config, data_module = setup(StudyHome(Path(sys.argv[1]), "study"), "worker_7", 1)
name = Path("/proc/self/comm").read_text().strip()
print(name, config.study.name, len(data_module.development.folds), flush=True)
from emotion_hpo.search import worker
from emotion_hpo.training.fold_run import build_learner
experiment = config.experiment()
fold = data_module.fold(experiment)
learner = build_learner(experiment, fold.preprocessor, 4, seed=0)
learner.fit(fold.train, None, 0, lambda *_: False)
heavy = {"sklearn", "matplotlib", "mlflow", "librosa", "hydra", "optuna", "torch._dynamo.config"}
print(*heavy & sys.modules.keys(), flush=True)
time.sleep(600)
"""


def test_it_reads_its_study_and_never_outlives_its_starter(make_study, small_store):
    home, config = make_study("study", "training.epochs=1")
    home.path.mkdir()
    shards = {name: key for name, key in small_store.keys.items() if name != "5"}
    study_file.write_or_compare(home, config, shards, synthetic=True)
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN, str(home.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "worker_7 study 1\n"
        assert process.stdout.readline() == "optuna\n", "a start loads no library that nobody uses"
        assert process.poll() is None
        process.stdin.close()  # as the kernel does when the starter is killed
        assert process.wait(timeout=60) == NO_FAULT_STATUS
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.usefixtures("started_from_nothing")
def test_what_has_not_loaded_is_ended_at_once(make_study):
    """Loading takes seconds, for which a second Ctrl-C is not to wait."""
    home, _ = make_study("study")
    launcher = ForkedProcesses(home, n_workers=2)
    launcher.start(["worker_0", "worker_1"])
    server = launcher._server._process
    assert launcher.running == launcher.kill() == ("worker_0", "worker_1")
    assert launcher.running == ()
    assert server.returncode == -signal.SIGKILL
    assert launcher.ended() == {}
    launcher.close()
