"""Our search against plain Optuna and MLflow, as their documentation shows them, side by side.

    python benchmarks/plain_stack.py [--trials 30]

Both train as many trials of the network of `study=smoke` on the same few utterances, three epochs
each, learning rate and dropout drawn at random, by two workers of a thread each. Plain is Optuna's
tutorial for several processes (`study.optimize` in each, one SQLite storage) with an objective that
opens MLflow's run, trains by a loop of its own and logs every epoch: no checkpoint, nothing that
survives a kill, no exact budget. Trials a minute are from the first start to the last end; what a
trial costs beyond training is all of its time that is no epoch. Plain is the shorter; the goal is
to be no more than twice as long.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import mlflow
import optuna
import torch
import torch.nn.functional as F
from figures import Figure, Goal, hand_over
from search import config_of, per_minute

from emotion_hpo import api
from emotion_hpo.config import ExperimentConfig
from emotion_hpo.config.auto import resolved
from emotion_hpo.features.preparation import quiet
from emotion_hpo.models import build_network
from emotion_hpo.search.adaptation import adapt
from emotion_hpo.splits.opening import open_development
from emotion_hpo.study import StudyHome
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training.fold_run import DataModule, FoldData

PRESET = ("study=smoke", "space=training", "sampler=random", "pruner=none")
N_WORKERS, N_CLASSES = 2, 4


@dataclass(frozen=True)
class Measured:
    """Trials a minute, and the median seconds of a trial that are no epoch."""

    rate: float
    beyond_s: float


def ours(folder: Path, n_trials: int) -> Measured:
    """Search as a user does, with MLflow."""
    where = (f"study.directory={folder}", "study.name=ours", f"study.n_trials={n_trials}")
    api.search(*PRESET, *where, f"launcher.n_workers={N_WORKERS}", "study.confirm_leaders=0")
    trials = read_trials(StudyHome(folder, "ours"))
    beyond_s = [
        trial.finished_at - trial.started_at - trial.seconds
        for trial in trials
        if trial.started_at and trial.finished_at
    ]
    return Measured(per_minute(trials), statistics.median(beyond_s))


class Objective:
    """What Optuna calls for every trial."""

    def __init__(self, config: ExperimentConfig, fold_data: FoldData) -> None:
        self.config, self.fold_data = config, fold_data

    def __call__(self, trial: optuna.Trial) -> float:
        """Train, log every epoch, and return the best validation accuracy."""
        training, best, seconds = self.config.training, 0.0, 0.0
        rate = trial.suggest_float("learning_rate", 1e-4, 1e-3, log=True)
        dropout = trial.suggest_float("dropout", 0.0, 0.8)
        model = self.config.model.model_copy(update={"dropout": dropout})
        network = build_network(model, self.fold_data.preprocessor.shapes(), N_CLASSES, seed=0)
        optimizer = torch.optim.Adam(network.parameters(), rate)
        with mlflow.start_run(run_name=f"trial_{trial.number}"):
            mlflow.log_params(trial.params)
            for epoch in range(resolved(training.epochs)):
                began_s = time.perf_counter()
                network.train()
                for batch in self.fold_data.train.epoch(resolved(training.batch_size), 8, [epoch]):
                    loss = F.cross_entropy(network(batch.inputs), batch.labels)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                accuracy = self.validate(network)
                seconds += time.perf_counter() - began_s
                mlflow.log_metrics(
                    {"train/loss": loss.item(), "val/accuracy": accuracy}, step=epoch
                )
                trial.report(accuracy, epoch)
                best = max(best, accuracy)
        trial.set_user_attr("training_s", seconds)
        return best

    def validate(self, network: torch.nn.Module) -> float:
        """Return the accuracy on the validation part."""
        network.eval()
        n_right = 0
        with torch.inference_mode():
            for batch in self.fold_data.validation.in_order(256):
                n_right += int((network(batch.inputs).argmax(1) == batch.labels).sum())
        return n_right / len(self.fold_data.validation)


def work(folder: Path, n_trials: int) -> None:
    """Read the data and optimise, as a process of Optuna's tutorial does."""
    torch.set_num_threads(1)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/plain_mlflow.db")
    mlflow.set_experiment("plain")
    home = StudyHome(folder, "plain")
    config = config_of(home, *PRESET)
    store, development = open_development(config, home.features, quiet)
    config, _ = adapt(config, store, development)
    fold_data = DataModule(development).fold(config.experiment())
    study = optuna.load_study(
        study_name="plain",
        storage=f"sqlite:///{folder}/plain.db",
        sampler=optuna.samplers.RandomSampler(),
    )
    study.optimize(Objective(config.experiment(), fold_data), n_trials=n_trials)


def plain(folder: Path, n_trials: int) -> Measured:
    """Start the processes of the tutorial and read what they stored."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"sqlite:///{folder}/plain.db"
    study = optuna.create_study(study_name="plain", storage=storage, direction="maximize")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/plain_mlflow.db")
    mlflow.create_experiment("plain", artifact_location=str(folder / "plain_artifacts"))
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=work, args=(folder, n_trials // N_WORKERS)) for _ in range(N_WORKERS)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("a process of plain Optuna failed")
    times = [
        (trial.datetime_start.timestamp(), trial.datetime_complete.timestamp())
        for trial in study.trials
    ]
    wall_s = max(end for _, end in times) - min(start for start, _ in times)
    beyond_s = [
        end - start - trial.user_attrs["training_s"]
        for (start, end), trial in zip(times, study.trials, strict=True)
    ]
    return Measured(60 * len(times) / wall_s, statistics.median(beyond_s))


def main() -> None:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=30)
    n_trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory(prefix="benchmark") as name:
        folder = Path(name)
        here = ours(folder, n_trials)  # makes the features that both read
        there = plain(folder, n_trials)
    what, rival = f"of {n_trials} trials, two workers", "plain Optuna + MLflow"
    rate, beyond = here.rate / there.rate, there.beyond_s / here.beyond_s
    goal = Goal("ratio", at_least=0.5)
    hand_over(
        Figure(f"trials a minute, {what}", here.rate, "", there.rate, rival, rate, goal),
        Figure(f"beyond training, {what}", here.beyond_s, "s", there.beyond_s, rival, beyond, goal),
    )


if __name__ == "__main__":
    main()
