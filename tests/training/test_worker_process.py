"""A process that trains for another one."""

import subprocess
import sys

from emotion_hpo.study import study_file
from emotion_hpo.training.launch.ends import NO_FAULT_STATUS

BEGIN = """
import sys, time
from pathlib import Path
from emotion_hpo.training.worker_process import setup
from emotion_hpo.study import StudyHome
config, data_module = setup(StudyHome(Path(sys.argv[1]), "study"), 1)
print(config.study.name, len(data_module.development.folds), flush=True)
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
        assert process.stdout.readline() == "study 1\n"
        assert process.stdout.readline() == "optuna\n", "a start loads no library that nobody uses"
        assert process.poll() is None
        process.stdin.close()  # as the kernel does when the starter is killed
        assert process.wait(timeout=60) == NO_FAULT_STATUS
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
