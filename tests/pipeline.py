"""What the tests of the later rooms need: a small twin, prepared once, and studies on it."""

import copy
import functools
import hashlib
import io
import pickle
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from optuna.storages._rdb import storage
from rich.console import Console

from emotion_hpo import report
from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.cli.search import observers
from emotion_hpo.config import NetworkModel, SearchConfig, build
from emotion_hpo.console import output as screen
from emotion_hpo.console.output import show_logs
from emotion_hpo.features import workers
from emotion_hpo.features.origin import describe_origins
from emotion_hpo.features.preparation import prepare_features, quiet
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.models import baseline
from emotion_hpo.models.modalities import all_modalities
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.report import style
from emotion_hpo.search import batch, coordinator
from emotion_hpo.search.baseline import fit_or_read_baseline
from emotion_hpo.search.coordinator import SearchResult
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.search.life import Life
from emotion_hpo.search.optuna.study import Claim, Study
from emotion_hpo.search.worker import Worker
from emotion_hpo.splits.opening import open_development
from emotion_hpo.splits.parts import Development, Holdout, split
from emotion_hpo.study import Epoch, StudyHome, study_file
from emotion_hpo.training.fold_run import Checkpoint, DataModule
from emotion_hpo.training.job import Train
from emotion_hpo.training.launch import forked, local
from emotion_hpo.training.learner import build_learner
from tests import ready_made
from tests.forking import fork_server, fork_workers
from tests.sharing import make_once

#: A search on this takes seconds: about 100 utterances, a network of a few thousand weights, and
#: no confirmation but where it is what is tested.
SMALL = (
    "study=smoke", "features=paper", "corpus.scale=0.02", "features.mocap.n_parts=20",
    "study.confirm_leaders=0",
    "tracking=none",
)  # fmt: skip

#: The cheapest encoder of the tiny network alone: an epoch takes a fifth of the time.
WORDS_ALONE = ("~model.encoders.speech", "~model.encoders.mocap")

#: A second trial whose model reads its dialogues, the turns after an utterance, too.
CONTEXT = (
    "+space.model.context.name={choices: [none, recurrent]}",
    "+space.model.context.units={choices: [8], when: {model.context.name: recurrent}}",
    "+space.model.context.reads={choices: [both], when: {model.context.name: recurrent}}",
    "study.enqueue=[{model.context.name: recurrent}]",
)

#: Where a study lies.
DIRECTORY = "study.directory="

StudyMaker = Callable[..., tuple[StudyHome, SearchConfig]]


def compose_config(*overrides: str) -> SearchConfig:
    """Compose `conf/search.yaml`, and decide what is `auto` for the small twin's 73 utterances."""
    return resolve_budget(compose_open_config(*overrides), n_train=73)[0]


def compose_open_config(*overrides: str) -> SearchConfig:
    """Compose `conf/search.yaml` as the command line does, and build it; `auto` stays `auto`."""
    directories = [override for override in overrides if override.startswith(DIRECTORY)]
    plain = copy.deepcopy(_compose(*(text for text in overrides if text not in directories)))
    for override in directories:  # of each test another, of which nothing else depends
        plain["study"]["directory"] = override.removeprefix(DIRECTORY)
    return build(SearchConfig, plain)


@functools.cache
def _compose(*overrides: str) -> dict[str, Any]:
    """Compose by Hydra, which takes a fifth of a second."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        composed = compose("search", [*overrides])
    plain = cast("dict[str, Any]", OmegaConf.to_container(composed, resolve=True))
    plain.pop("output")
    plain["study"]["name"] = plain["study"]["name"] or "study"
    return plain


def trainer(home: StudyHome) -> Train:
    """What trains jobs of a study."""
    return functools.partial(batch.train_batch, home, study_file.read(home).config)


def stop_after_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask every worker of this process to stop after a network's epoch that is not its last."""
    workers: list[Worker] = []
    true_run, true_keep = Worker._run, Life.keep

    def run(worker: Worker, claim: Claim) -> None:
        workers.append(worker)
        true_run(worker, claim)

    def keep(life: Life, curve: tuple[Epoch, ...], checkpoint: Checkpoint) -> None:
        true_keep(life, curve, checkpoint)
        config, job = life.claim.config, life.claim.job
        last = (job and job.epochs) or config.training.epochs
        is_over = len(curve) >= last
        workers[-1].stopping = isinstance(config.model, NetworkModel) and not is_over

    monkeypatch.setattr(Worker, "_run", run)
    monkeypatch.setattr(Life, "keep", keep)


def search(config: SearchConfig) -> SearchResult:
    """Search as the command line does, with its screen and its tracker."""
    show_logs()
    return coordinator.search(config, observers())


@pytest.fixture(scope="session", autouse=True)
def _each_baseline_is_chosen_once() -> Iterator[None]:
    """Choose the baseline of the same rows once: every search and every final does, in seconds."""
    known: dict[bytes, list[float]] = {}
    true_losses = baseline._losses

    def losses(*rows: Any) -> list[float]:
        key = hashlib.sha256(pickle.dumps(rows)).digest()
        if key not in known:
            known[key] = true_losses(*rows)
        return known[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(baseline, "_losses", losses)
        yield


@pytest.fixture(scope="session", autouse=True)
def _versions_of_the_database_are_listed_once() -> Iterator[None]:
    """Read Optuna's migrations once, which it reads whenever it opens a database."""
    true_version = storage._VersionManager.get_head_version
    known: list[str] = []

    def head_version(manager: storage._VersionManager) -> str:
        if not known:
            known.append(true_version(manager))
        return known[0]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(storage._VersionManager, "get_head_version", head_version)
        yield


@pytest.fixture(scope="session", autouse=True)
def _jobs_are_trained_in_this_process() -> Iterator[None]:
    """Train batches without starting processes, which costs seconds; `search/` has some that do."""

    modules: dict[tuple[str, Path], DataModule] = {}

    def work(home: StudyHome, config: SearchConfig, study: Study, display: Any, _stop: Any) -> None:
        folder = home.owner.features
        data = {"corpus": config.corpus, "features": config.features, "split": config.split}
        key = str(data), folder.resolve()
        if key not in modules:
            modules[key] = DataModule(open_development(config, folder, quiet)[1])
        data_module = modules[key]
        with display:
            Worker(home, config, data_module, "worker_0").work()
            display.show(study.trials())

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch, "_work", work)
        yield


@pytest.fixture(scope="session", autouse=True)
def _processes_are_forked() -> Iterator[None]:
    """Start workers without loading libraries, which takes seconds of a processor each time."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (forked, local):
            patched.setattr(module, "subprocess", fork_workers())
        pools = SimpleNamespace(get_context=lambda _method: fork_server())
        patched.setattr(workers, "multiprocessing", pools)
        yield


@pytest.fixture
def started_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start workers and their servers as users do: by an interpreter that loads all libraries."""
    for module in (forked, local):
        monkeypatch.setattr(module, "subprocess", subprocess)


@pytest.fixture(scope="session")
def small_features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the small twin's features."""

    def make(folder: Path) -> None:
        prepare_features(compose_config(*SMALL), folder / "features", quiet)

    return make_once(tmp_path_factory, "prepared", make) / "features"


@pytest.fixture(scope="session")
def small_store(small_features: Path) -> FeatureStore:
    """The small twin's features."""
    return prepare_features(compose_config(*SMALL), small_features, quiet)


@pytest.fixture(scope="session")
def small_parts(small_store: FeatureStore) -> tuple[Development, Holdout]:
    """The small twin, divided."""
    return split(small_store, compose_config(*SMALL).split)


@pytest.fixture(scope="session")
def data_module(small_parts: tuple[Development, Holdout]) -> DataModule:
    """The small twin's development part, ready to be trained on."""
    return DataModule(small_parts[0])


@pytest.fixture(scope="session")
def small_baseline(
    tmp_path_factory: pytest.TempPathFactory, small_parts: tuple[Development, Holdout]
) -> tuple[Path, Path]:
    """The baseline's two files, as the first search on the small twin writes them."""
    home = StudyHome(tmp_path_factory.mktemp("baseline"), "study")
    development = small_parts[0]
    modalities = tuple(all_modalities(development.everything))
    fit_or_read_baseline(home, development, modalities, compose_config(*SMALL))
    return home.baseline, home.baseline_probabilities


@pytest.fixture(scope="session")
def small_saved_model(data_module: DataModule) -> SavedModel:
    """A model of two networks that nobody has trained."""
    config = compose_config(*SMALL).experiment()
    inputs = data_module.fold(config).preprocessor
    learners = [build_learner(config, inputs, 4, seed=seed) for seed in (0, 1)]
    classes = data_module.development.everything.classes
    origins = describe_origins(inputs.modalities, config.features, {})
    states = tuple(learner.state() for learner in learners)
    return SavedModel(config, inputs, classes, states, origins, synthetic=True)


@pytest.fixture(scope="session")
def ready_made_bundle(tmp_path_factory: pytest.TempPathFactory) -> SavedModel:
    """A model that learnt from ready-made `speech` of `(5, 34)` alone."""
    folder = tmp_path_factory.mktemp("ready_made")
    ready_made.write_manifest(folder, with_audio=False)
    encoders = {"speech": ready_made.SEQUENCES}
    base = compose_config(*SMALL, "split=session").experiment()
    return ready_made.train(base, folder, ("speech",), encoders)


@pytest.fixture(scope="session")
def mixed_bundle(tmp_path_factory: pytest.TempPathFactory) -> SavedModel:
    """A model of words, sound and ready-made `video` of `(6,)`, on an invented corpus."""
    folder = tmp_path_factory.mktemp("mixed")
    ready_made.write_manifest(folder, with_audio=True)
    encoders = {
        "text": ready_made.TOKENS,
        "speech": ready_made.SEQUENCES,
        "video": ready_made.VECTORS,
    }
    base = compose_config(*SMALL, "split=session").experiment()
    return ready_made.train(base, folder, ("video",), encoders, synthetic=True)


@pytest.fixture(scope="session")
def searched_once(
    tmp_path_factory: pytest.TempPathFactory,
    small_features: Path,
    small_store: FeatureStore,
    data_module: DataModule,
) -> Path:
    """The folder of a study of two trials, the second with a context, which nobody changes."""

    def make(directory: Path) -> None:
        (directory / "features").symlink_to(small_features)
        size = ("study.n_trials=2", "study.final_seeds=[0, 1]", "pruner=none")
        seed = "study.seed=0"  # of which both trials are in the greedy ensemble
        config = compose_config(
            *SMALL, *CONTEXT, "study.name=study", f"study.directory={directory}", *size, seed
        )
        home = StudyHome(directory, "study")
        home.path.mkdir()
        shards = {name: key for name, key in small_store.keys.items() if name != "5"}
        study_file.write_or_compare(home, config, shards, synthetic=True)
        Study(home, config).open_slots()
        Worker(home, config, data_module, "worker_0").work()

    return make_once(tmp_path_factory, "searched", make)


@pytest.fixture
def searched(searched_once: Path, tmp_path: Path) -> StudyHome:
    """A searched study of one's own: `study`, of two trials of three epochs."""
    shutil.copytree(searched_once, tmp_path / "studies", symlinks=True)
    return StudyHome(tmp_path / "studies", "study")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 100 columns without colours, in the place of standard error."""
    seen = io.StringIO()

    def console(**options: Any) -> Console:
        reading = {name: options[name] for name in ("markup", "emoji", "highlight")}
        return Console(
            file=seen, force_terminal=True, width=100, color_system=None, legacy_windows=False,
            **reading,
        )  # fmt: skip

    monkeypatch.setattr(screen, "Console", console)
    return seen


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reports lay their figures out, but not paint them: `report/` looks at the pictures."""
    monkeypatch.setattr(style, "picture", lambda _figure, kind: b"<svg/>" if kind == "svg" else b"")
    monkeypatch.setattr(report, "picture", style.picture)


@pytest.fixture
def make_study(tmp_path: Path, small_features: Path) -> StudyMaker:
    """Make the home and configuration of a study on the small twin: `make_study("name", …)`."""
    directory = tmp_path / "studies"
    directory.mkdir()
    (directory / "features").symlink_to(small_features)

    def make(name: str = "study", *overrides: str) -> tuple[StudyHome, SearchConfig]:
        where = (f"study.directory={directory}", f"study.name={name}")
        return StudyHome(directory, name), compose_config(*SMALL, *where, *overrides)

    return make
