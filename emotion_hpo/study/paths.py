"""Every file and folder name of a study."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion_hpo.runtime.naming import ASCII_LETTERS, escaped


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
        """The network of its best epoch, where `study.keep_weights` asks for it.

        Of a final training, the model until it is put together with those of other seeds; of a
        protocol's, the model of the chosen epoch, or of every epoch a network.
        """
        return self.path / "weights.pt"

    @property
    def networks(self) -> Path:
        """Networks after epochs, until the training has ended."""
        return self.path / "networks"

    def network(self, epoch: int) -> Path:
        """The network after an epoch."""
        return self.networks / f"epoch_{epoch}.pt"

    @property
    def lock(self) -> Path:
        """Held by the worker that trains the trial: a dead worker's is free."""
        return self.path / ".lock"


@dataclass(frozen=True)
class ConfirmationHome:
    """The files of a leader's training over a fresh seed."""

    path: Path

    @property
    def record(self) -> Path:
        """What it came to."""
        return self.path / "confirmation.json"

    @property
    def every_epoch(self) -> Path:
        """Validation probabilities of each of its trainings after every epoch."""
        return self.path / "epochs.npz"


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
        """What it reaches on the test session."""
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

    def protocol(self, name: str) -> Path:
        """What a fixed configuration reaches under a protocol."""
        return self.path / "protocols" / f"{name}.json"

    def protocol_answers(self, job: str) -> Path:
        """A training's answers on its test part under a protocol."""
        return self.path / "protocols" / "answers" / f"{job}.npz"

    def protocol_model(self, job: str) -> Path:
        """A training's model under a protocol, where it stays."""
        return self.path / "protocols" / "models" / f"{job}.pt"

    @property
    def paper(self) -> Path:
        """The published tables beside ours."""
        return self.path / "paper.json"

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
        names = "+".join(study.name for study in (self, *others))
        folder = escaped(names, rf"{ASCII_LETTERS}+", 200)  # a folder's name may have 255 letters
        return ReportHome(self.directory / "comparisons" / folder)

    @property
    def claims(self) -> Path:
        """Lock under which a worker claims its next trial."""
        return self.path / ".claims.lock"

    @property
    def coordinator(self) -> Path:
        """Lock of the one `search` that runs this study."""
        return self.path / ".coordinator.lock"

    @property
    def mirror(self) -> Path:
        """Lock under which a run of this study is made in MLflow."""
        return self.path / ".mirror.lock"

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
    def mlflow_lock(self) -> Path:
        """Lock under which MLflow makes its tables."""
        return self.directory / ".mlflow.lock"

    @property
    def mlflow_artifacts(self) -> Path:
        """MLflow's artifacts, shared by all studies."""
        return self.directory / "mlartifacts"

    def batch(self, purpose: str, storage: str = "sqlite") -> "StudyHome":
        """The home of a batch of trainings for another purpose than the search, in a storage."""
        return StudyHome(self.path / "batches", f"{self.name}.{purpose}.{storage}")

    @property
    def purpose(self) -> str | None:
        """What a batch is trained for; None of a study's own home."""
        return self.name.split(".")[1] if self.is_batch else None

    @property
    def batch_config(self) -> Path:
        """The configuration of the study as the latest command on a batch had it."""
        return self.path / "config.yaml"

    @property
    def owner(self) -> "StudyHome":
        """The study that a batch belongs to; a study's own home is itself."""
        name, dot, _ = self.name.partition(".")  # which no study's own name has
        return StudyHome(self.directory.parent.parent, name) if dot else self

    @property
    def is_batch(self) -> bool:
        """Whether it is the home of a batch."""
        return self.owner != self

    def trial(self, number: int) -> TrialHome:
        """The home of a trial."""
        return TrialHome(self.path / "trials" / f"trial_{number}")

    def confirmation(self, number: int, index: int) -> ConfirmationHome:
        """The home of a leader's training over a fresh seed."""
        return self.confirmation_named(f"trial_{number}_seed_{index}")

    def confirmation_named(self, name: str) -> ConfirmationHome:
        """The same, by the name of its folder, which is that of its job."""
        return ConfirmationHome(self.path / "selection" / name)

    def final(self, name: str | int) -> FinalHome:
        """The home of a final model: of a trial, by number or name, or of another name's."""
        return FinalHome(self.path / "final" / (f"trial_{name}" if isinstance(name, int) else name))

    def worker_log(self, worker: str) -> Path:
        """What a worker printed."""
        return self.path / "workers" / f"{worker}.log"
