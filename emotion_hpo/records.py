"""Every file and folder name of a study, and the schemas of what is written there.

`search`, `final` and `report` talk to each other through these files alone. A file is written
beside its final name, flushed to disk and renamed: a reader sees the old content or the new, never
half.
"""

import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import yaml

from emotion_hpo.errors import StudyError

#: Files that are being written, or whose writer died over them.
PARTIAL = ".*.partial"

#: What to do about a broken file, for none of them can be made anew from the others.
RESTORE = "restore it from a copy, or search under another study.name"


class TrialState(StrEnum):
    """Where a trial stands; the last four are ends."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # another trial continues it; it counts towards no budget

    @property
    def is_finished(self) -> bool:
        """Whether it counts towards the budget."""
        return self in {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED}


def sign_of(objective: str) -> int:
    """1 where a higher value of the objective is better, -1 where a lower one is.

    >>> sign_of("val/accuracy"), sign_of("val/loss")
    (1, -1)
    """
    return -1 if objective.endswith("loss") else 1


@dataclass(frozen=True)
class Epoch:
    """One pass over the training part.

    Attributes:
        epoch: From 1.
        metrics: `train/loss`, `val/loss`, `val/accuracy`, `val/uar`, `val/macro_f1`.
        seconds: What it took, validation included.
        finished_at: Seconds since 1970.
        training: Index of the trial's training that it belongs to.
        usage: What its process took of the machine: `cpu_cores` that were busy, `memory_peak_mb`
            so far and, on a GPU, `gpu_memory_peak_mb` of this epoch.
    """

    epoch: int
    metrics: Mapping[str, float]
    seconds: float
    finished_at: float
    training: int = 0
    usage: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {
            "epoch": self.epoch,
            "metrics": dict(self.metrics),
            "seconds": self.seconds,
            "finished_at": self.finished_at,
            "training": self.training,
            "usage": dict(self.usage),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """As read back."""
        return cls(**stored)


@dataclass(frozen=True)
class Training:
    """One of a trial's trainings, ended: one fold, one seed.

    Attributes:
        fold: Its fold's name.
        seed: Of this training.
        value: The objective at `best_epoch`.
        best_epoch: The epoch that `value` is from.
    """

    fold: str
    seed: int
    value: float
    best_epoch: int


@dataclass(frozen=True)
class Trial:
    """A trial as search, tracking, final and report see it.

    Attributes:
        number: Optuna's; the folder is `trial_<number>`.
        state: Where it stands.
        params: Path in the configuration → value drawn.
        value: The objective, a mean over the trainings, or None while there is none.
        best_epoch: The epoch that `value` is from; of several trainings the median.
        curve: Every epoch trained, one training after the other.
        worker: Who trained it.
        reason: Why it failed.
        continues: Number of the interrupted trial whose checkpoint it took up.
        seed: Of its training.
        n_threads: That it was trained on; its bits depend on them.
        started_at: Seconds since 1970.
        finished_at: Seconds since 1970.
        trainings: Of an ended trial, each training over folds and seeds, in order.
        commit: Of the code that trained it.
        cost: The second objective, where the study has one.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any] = field(default_factory=dict)
    value: float | None = None
    best_epoch: int | None = None
    curve: tuple[Epoch, ...] = ()
    worker: str | None = None
    reason: str | None = None
    continues: int | None = None
    seed: int | None = None
    n_threads: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    trainings: tuple[Training, ...] = ()
    commit: str | None = None
    cost: float | None = None

    @property
    def name(self) -> str:
        """As people write it: `trial_42`."""
        return f"trial_{self.number}"

    @property
    def seconds(self) -> float:
        """Time spent training, over all lives of the trial."""
        return math.fsum(epoch.seconds for epoch in self.curve)


@dataclass(frozen=True)
class TrialHome:
    """The files of one trial."""

    path: Path

    @property
    def config(self) -> Path:
        """The complete experiment configuration that was trained."""
        return self.path / "config.yaml"

    @property
    def record(self) -> Path:
        """How the trial ended."""
        return self.path / "trial.json"

    @property
    def curve(self) -> Path:
        """Every epoch's metrics."""
        return self.path / "curve.json"

    @property
    def probabilities(self) -> Path:
        """Validation ids, dialogues, labels, folds, probabilities at the best epoch, over seeds."""
        return self.path / "validation.npz"

    @property
    def cost(self) -> Path:
        """What the network costs to use: `n_parameters`, `latency_ms`, and how that was timed."""
        return self.path / "cost.json"

    @property
    def every_epoch(self) -> Path:
        """Validation probabilities of each training after every epoch."""
        return self.path / "epochs.npz"

    @property
    def checkpoint(self) -> Path:
        """State of an unfinished training; gone once the trial has ended."""
        return self.path / "checkpoint.pt"

    @property
    def weights(self) -> Path:
        """The network of its best epoch, where `study.keep_weights` asks for it."""
        return self.path / "weights.pt"

    @property
    def lock(self) -> Path:
        """Held by the worker that trains the trial: a dead worker's is free."""
        return self.path / ".lock"

    def read_curve(self) -> tuple[Epoch, ...]:
        """The epochs stored so far."""
        if not self.curve.exists():
            return ()
        try:
            return tuple(map(Epoch.from_json, read_json(self.curve)))
        except TypeError:
            raise StudyError(f"{self.curve} was not written by this version; {RESTORE}") from None

    def write_curve(self, curve: tuple[Epoch, ...]) -> None:
        """Store the epochs trained so far."""
        write_json(self.curve, [epoch.to_json() for epoch in curve])


@dataclass(frozen=True)
class RerunHome:
    """The files of a leader's training over a fresh seed."""

    path: Path

    @property
    def record(self) -> Path:
        """What it came to."""
        return self.path / "rerun.json"

    @property
    def every_epoch(self) -> Path:
        """Validation probabilities of each of its trainings after every epoch."""
        return self.path / "epochs.npz"

    @property
    def checkpoint(self) -> Path:
        """State of an unfinished training; gone once it has ended."""
        return self.path / "checkpoint.pt"

    @property
    def lock(self) -> Path:
        """Held by the process that trains it: a dead one's is free."""
        return self.path / ".lock"


@dataclass(frozen=True)
class FinalHome:
    """The files of one final model."""

    path: Path

    @property
    def model(self) -> Path:
        """The trained networks with all that is needed to use them."""
        return self.path / "model.pt"

    @property
    def plan(self) -> Path:
        """Identity of the model that is stored, written after it."""
        return self.path / "model.id"

    @property
    def result(self) -> Path:
        """The test figures."""
        return self.path / "result.json"

    @property
    def predictions(self) -> Path:
        """One row a test utterance: truth, prediction, probabilities."""
        return self.path / "predictions.csv"

    @property
    def confusion(self) -> Path:
        """The confusion matrix as a picture."""
        return self.path / "confusion.png"


@dataclass(frozen=True)
class ReportHome:
    """The files of a report: of one study, or of several compared."""

    path: Path

    @property
    def page(self) -> Path:
        """The page, with all its figures in it."""
        return self.path / "index.html"

    def figure(self, name: str, kind: str) -> Path:
        """A figure of the page as a file of its own: pdf or png."""
        return self.path / "figures" / f"{name}.{kind}"

    def table(self, name: str, kind: str) -> Path:
        """A table of the page as a file of its own: csv or tex."""
        return self.path / "tables" / f"{name}.{kind}"


@dataclass(frozen=True)
class StudyHome:
    """The files of one study: `<directory>/<name>/`, and those it shares with its siblings."""

    directory: Path
    name: str

    @property
    def path(self) -> Path:
        """The study's own folder."""
        return self.directory / self.name

    @property
    def study(self) -> Path:
        """Resolved configuration, fingerprints, versions and commit."""
        return self.path / "study.yaml"

    @property
    def database(self) -> Path:
        """Optuna's SQLite file."""
        return self.path / "study.db"

    @property
    def identity(self) -> Path:
        """What ties this folder to the study of its name on a server."""
        return self.path / ".identity"

    @property
    def summary(self) -> Path:
        """What `search` found."""
        return self.path / "search.json"

    @property
    def selection(self) -> Path:
        """What the leaders reach over fresh seeds, and which of them is confirmed."""
        return self.path / "selection.json"

    @property
    def nested(self) -> Path:
        """What the nested protocol found over all sessions."""
        return self.path / "nested.json"

    @property
    def baseline(self) -> Path:
        """What the plain model that every trial is held against reaches on validation."""
        return self.path / "baseline.json"

    @property
    def baseline_probabilities(self) -> Path:
        """Its answers on the validation part, as a trial's `validation.npz`."""
        return self.path / "baseline.npz"

    @property
    def report(self) -> ReportHome:
        """The study's page, its figures and tables."""
        return ReportHome(self.path / "report")

    def comparison(self, others: "Sequence[StudyHome]") -> ReportHome:
        """The page that compares this study with others of the same folder."""
        names = "+".join(one.name for one in (self, *others))
        return ReportHome(self.directory / "comparisons" / names)

    @property
    def claims(self) -> Path:
        """Lock under which a worker claims its next trial."""
        return self.path / ".claims.lock"

    @property
    def coordinator(self) -> Path:
        """Lock of the one `search` that runs this study."""
        return self.path / ".coordinator.lock"

    @property
    def features(self) -> Path:
        """Feature shards, shared by all studies."""
        return self.directory / "features"

    @property
    def ledger(self) -> Path:
        """Every opening of a holdout, shared by all studies."""
        return self.directory / "holdout_ledger.jsonl"

    @property
    def mlflow_database(self) -> Path:
        """MLflow's SQLite file, shared by all studies."""
        return self.directory / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        """MLflow's artifacts, shared by all studies."""
        return self.directory / "mlartifacts"

    def trial(self, number: int) -> TrialHome:
        """The home of a trial."""
        return TrialHome(self.path / "trials" / f"trial_{number}")

    def rerun(self, number: int, index: int) -> "RerunHome":
        """The home of a leader's training over a fresh seed."""
        return RerunHome(self.path / "selection" / f"trial_{number}_seed_{index}")

    def final(self, name: str | int) -> FinalHome:
        """The home of a final model: of a trial, by number or name, or of another name's."""
        return FinalHome(self.path / "final" / (f"trial_{name}" if isinstance(name, int) else name))

    def worker_log(self, worker: str) -> Path:
        """What a worker printed."""
        return self.path / "workers" / f"{worker}.log"


def make_folder(path: Path) -> Path:
    """Make a folder that can be written to, or say why not."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise StudyError(
            f"cannot write to {path}: {error.strerror}; choose another folder with "
            "study.directory=FOLDER"
        ) from None


def check_writable(path: Path | None) -> None:
    """Say before long work that its result could not be written.

    Raises:
        StudyError: A file cannot be made there.
    """
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise StudyError(
            f"cannot write {path}: {error.strerror}; give another output=FILE"
        ) from None


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file as a whole, or leave it as it was."""
    partial = path.parent / f".{path.name}.{os.getpid()}.partial"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StudyError(f"cannot write {path}: {error.strerror}") from None


def write_json(path: Path, content: object) -> None:
    """Write JSON as people read it; NaN and infinity become null, which every reader knows."""
    text = json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def write_yaml(path: Path, content: object) -> None:
    """Write YAML in the order given."""
    write_bytes(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())


def read_yaml(path: Path) -> Any:  # noqa: ANN401 (YAML is untyped until it is built)
    """Read YAML that was written here."""
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise StudyError(
            f"{path} is not readable: line {line}, {error.problem}; {RESTORE}"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise StudyError(f"{path} is not readable: {words}; {RESTORE}") from None


def read_json(path: Path) -> Any:  # noqa: ANN401 (JSON is untyped until it is built)
    """Read JSON that was written here."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} is not readable: {error}; {RESTORE}") from None


def _finite(content: object) -> object:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content
