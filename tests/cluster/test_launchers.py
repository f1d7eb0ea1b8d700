"""What every launcher does, and what becomes of a search whose node or job is lost."""

import os
import shutil
import signal

import psutil
import pytest

from emotion_hpo.config.places import LocalLauncher, RayLauncher, SlurmLauncher
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.search.optuna.jobs import batch_config
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import TrialState, study_file
from emotion_hpo.study.trials import read_trials
from emotion_hpo.training import launch
from emotion_hpo.training.launch import WorkerEnd, open_launcher
from emotion_hpo.training.launch.forked import ForkedProcesses
from tests.cluster.servers import until
from tests.cluster.slurm import Slurm
from tests.needed import need_module
from tests.search.processes import Command, is_worker

N_EPOCHS = 100  # so that a trial outlives what the cluster needs to notice a loss
LONG = ("study.n_trials=2", "launcher.n_workers=2", "pruner=none", f"training.epochs={N_EPOCHS}")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Two nodes of SLURM."""
    server = Slurm(tmp_path_factory.mktemp("slurm"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def ray_nodes():
    """Two nodes of Ray, and the one that may be lost."""
    need_module("ray", "ray")
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    lost = cluster.add_node(num_cpus=1)
    yield cluster, lost
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(params=["local", "elsewhere", "ray", "slurm"])
def place(request, monkeypatch):
    """The overrides that choose a launcher, and its configuration."""
    if request.param in ("local", "elsewhere"):
        if request.param == "elsewhere":
            monkeypatch.setattr(launch, "ForkedProcesses", launch.LocalProcesses)
        return (), LocalLauncher(name="local", n_workers=2)
    if request.param == "ray":
        cluster, _ = request.getfixturevalue("ray_nodes")
        return ray_at(cluster.address)
    server = request.getfixturevalue("slurm")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return slurm_here()


def ray_at(address):
    config = RayLauncher(name="ray", n_workers=2, address=address, cpus=1, gpus=0)
    return ("launcher=ray", f"launcher.address={address}"), config


def slurm_here():
    fields = {"partition": None, "cpus": 1, "gpus": 0, "memory_gb": None, "minutes": 60}
    return ("launcher=slurm",), SlurmLauncher(name="slurm", n_workers=2, options={}, **fields)


@pytest.fixture
def study_on(make_study, storage, small_store):
    """Make a study with open slots for long trials, as a coordinator leaves it to its workers."""

    def make(overrides):
        home, config = make_study("study", *storage, *LONG, *overrides)
        home.path.mkdir()
        shards = {name: key for name, key in small_store.keys.items() if name != "5"}
        study_file.write_or_compare(home, config, shards, synthetic=True)
        opened = Study(home, config)
        opened.open_slots()
        return home, config, opened

    return make


@pytest.fixture
def study(study_on, place):
    """Such a study for the place where workers run."""
    return study_on(place[0])


def workers_of(home) -> list[psutil.Process]:
    """Every worker of a study on this machine."""
    return [process for process in psutil.process_iter() if is_worker(process, home)]


def in_hands(study) -> list[str]:
    """Workers that hold a trial with at least one epoch."""
    running = [one for one in study.trials() if one.state is TrialState.RUNNING and one.curve]
    return [one.worker for one in running]


def ends_of(launcher) -> dict[str, WorkerEnd]:
    """The ends of workers, as soon as there is one."""
    ends: dict[str, WorkerEnd] = {}
    until(lambda: ends.update(launcher.ended()) or ends, 180, "the end of a worker")
    return ends


class TestLauncher:
    """Two workers are started, asked to end, started again and killed."""

    @pytest.mark.usefixtures("started_from_nothing")
    def test_life(self, place, study, postgres):
        home, config, found = study
        variable = {"EMOTION_HPO_STORAGE_URL": postgres.url}
        launcher = open_launcher(config.launcher, home, 2, variable)
        try:
            launcher.start(["worker_0", "worker_1"])
            assert launcher.running == ("worker_0", "worker_1")
            until(lambda: len(in_hands(found)) == 2, 120, "training")
            names = {one.partition("@")[0] for one in in_hands(found)}
            assert names == {"worker_0", "worker_1"}
            places = {one.partition("@")[2] for one in in_hands(found)}
            if config.launcher.name == "slurm":
                assert places == {"n1", "n2"}
            elif config.launcher.name == "ray":
                assert len(places) == 1
                assert "" not in places
            assert launcher.ended() == {}
            if isinstance(launcher, ForkedProcesses):
                server = workers_of(home)[0].parent()
                assert server.num_threads() == 1, "a fork copies one thread alone"
                assert {worker.parent() for worker in workers_of(home)} == {server}
                assert all(os.getsid(worker.pid) == worker.pid for worker in workers_of(home))

            launcher.stop()
            ended = {}
            until(lambda: ended.update(launcher.ended()) or len(ended) == 2, 60, "a polite end")
            assert ended == {"worker_0": WorkerEnd(0), "worker_1": WorkerEnd(0)}
            assert launcher.running == ()
            states = [one.state for one in found.trials()]
            assert states.count(TrialState.INTERRUPTED) == 2
            assert TrialState.RUNNING not in states

            launcher.start(["worker_1"])
            until(lambda: in_hands(found), 120, "training again")
            assert launcher.kill() == ("worker_1",)
            assert launcher.running == ()
            until(lambda: not workers_of(home), 10, "the end of every process")
        finally:
            launcher.kill()
            launcher.close()

    @pytest.mark.parametrize(
        ("number", "evidence", "text"),
        [
            (signal.SIGSEGV, "SIGSEGV", "SIGSEGV"),
            (signal.SIGKILL, None, "killed by SIGKILL"),
        ],
        ids=["crash", "kill"],
    )
    def test_how_a_worker_died_is_told(self, place, study, postgres, number, evidence, text):
        home, config, found = study
        variable = {"EMOTION_HPO_STORAGE_URL": postgres.url}
        launcher = open_launcher(config.launcher, home, 1, variable)
        try:
            launcher.start(["worker_0"])
            until(lambda: in_hands(found), 120, "training")
            (worker,) = workers_of(home)
            worker.send_signal(number)
            (end,) = ends_of(launcher).values()
            assert (end.evidence, str(end), end.is_gone) == (evidence, text, True)
        finally:
            launcher.kill()
            launcher.close()

    def test_an_exit_status_of_its_own_is_told(self, place, study):
        home, config, _ = study
        home.study.unlink()
        launcher = open_launcher(config.launcher, home, 1, {})
        try:
            launcher.start(["worker_0"])
            assert ends_of(launcher) == {"worker_0": WorkerEnd(1)}
        finally:
            launcher.kill()
            launcher.close()


def test_rays_word_that_memory_ran_out_is_told(study_on, postgres):
    """Ray's monitor kills what is largest once a share of the memory is in use: here, any."""
    need_module("ray", "ray")
    import ray
    from ray.cluster_utils import Cluster

    limits = {"memory_usage_threshold": 0.001, "memory_monitor_refresh_ms": 200}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": limits}
    )
    overrides, launcher_config = ray_at(cluster.address)
    home, _, _ = study_on(overrides)
    variable = {"EMOTION_HPO_STORAGE_URL": postgres.url}
    launcher = open_launcher(launcher_config, home, 1, variable)
    try:
        launcher.start(["worker_0"])
        assert ends_of(launcher) == {"worker_0": WorkerEnd(memory_witness="Ray")}
    finally:
        launcher.close()
        ray.shutdown()
        cluster.shutdown()


def test_slurms_word_that_memory_ran_out_is_told(study_on, slurm, monkeypatch, tmp_path):
    """Only a SLURM with cgroups finds it out: this one's `squeue` is made to say so of a job."""
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    overrides, launcher_config = slurm_here()
    home, _, _ = study_on(overrides)
    small = launcher_config.model_copy(update={"memory_gb": 0.5})
    launcher = open_launcher(small, home, 1, {})
    try:
        launcher.start(["worker_0"])
        until(lambda: "RUNNING" in slurm.jobs().values(), 60, "a running job")
        assert slurm.call("squeue", "-h", "-t", "RUNNING", "-o", "%m").split() == ["512M"]
        squeue = tmp_path / "bin/squeue"
        squeue.parent.mkdir()
        squeue.write_text(
            f'#!/bin/sh\n{shutil.which("squeue")} "$@" | sed s/RUNNING/OUT_OF_MEMORY/\n'
        )
        squeue.chmod(0o755)
        with monkeypatch.context() as patch:
            patch.setenv("PATH", f"{squeue.parent}:{os.environ['PATH']}")
            (end,) = ends_of(launcher).values()
        assert (str(end), end.is_gone) == ("out of memory, says SLURM", True)
    finally:
        slurm.call("scancel", "--user=root")  # the job itself goes on
        until(lambda: "RUNNING" not in slurm.jobs().values(), 60, "the end of the job")
        launcher.kill()
        launcher.close()


@pytest.mark.parametrize(("module", "name"), [("ray", "ray"), ("submitit", "slurm")])
def test_a_missing_library_is_told_with_its_extra(monkeypatch, make_study, module, name):
    home, config = make_study("study", "storage=postgresql", f"launcher={name}")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    said = rf"launcher={name} needs {module}: pip install 'emotion_hpo\[{name}\]'"
    with pytest.raises(ConfigError, match=said):
        open_launcher(config.launcher, home, 1, {})


def test_no_slurm_is_told(monkeypatch, make_study):
    home, config = make_study("study", "storage=postgresql", "launcher=slurm")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StudyError, match="launcher=slurm: sbatch is not here"):
        open_launcher(config.launcher, home, 1, {})


def finished_exactly(home, config):
    """The budget is met, and every cut trial goes on where it was cut."""
    trials = Study(home, config).trials()
    assert sum(one.state.is_finished for one in trials) == 2
    assert {one.state for one in trials} <= {TrialState.COMPLETE, TrialState.INTERRUPTED}
    for one in trials:
        if one.state is TrialState.COMPLETE:
            assert [epoch.epoch for epoch in one.curve] == list(range(1, N_EPOCHS + 1))
        if one.continues is not None:
            former = trials[one.continues].curve
            assert one.curve[: len(former)] == former
    return trials


def test_a_lost_node_of_ray_costs_no_trial(make_study, storage, ray_nodes):
    cluster, lost = ray_nodes
    overrides = (*storage, *LONG, *ray_at(cluster.address)[0])
    home, config = make_study("study", *overrides)
    command = Command(home, *overrides)
    until(lambda: len(list(home.path.glob("trials/*/curve.json"))) == 2, 120, "training")
    cluster.remove_node(lost, allow_graceful=False)
    status, _, err = command.wait()
    assert status == 0, err
    assert "died (place lost" in err
    trials = finished_exactly(home, config)
    assert sum(one.state is TrialState.INTERRUPTED for one in trials) == 1
    assert not workers_of(home)


def test_a_cancelled_job_of_slurm_costs_no_trial(make_study, storage, slurm, monkeypatch):
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    overrides = (*storage, *LONG, *slurm_here()[0])
    home, config = make_study("study", *overrides)
    command = Command(home, *overrides)
    until(lambda: len(list(home.path.glob("trials/*/curve.json"))) == 2, 120, "training")
    running = [name for name, state in slurm.jobs().items() if state == "RUNNING"]
    assert len({name.partition("_")[0] for name in running}) == 1, "one array"
    slurm.call("scancel", running[0])
    status, _, err = command.wait()
    assert status == 0, err
    assert "started again" in err
    trials = finished_exactly(home, config)
    assert sum(one.state is TrialState.INTERRUPTED for one in trials) == 1
    assert not workers_of(home)


def end_to_end(make_study, overrides, lose=lambda: None):
    """Search, confirm and score by processes of their own; the workers of each step."""
    size = ("study.n_trials=2", "launcher.n_workers=2", "pruner=none", "sampler=random")
    confirm = ("study.confirm_leaders=1", "study.confirm_seeds=1", "study.final_seeds=[0,1]")
    overrides = (*overrides, *size, *confirm, "training.epochs=20", "study.value=last")
    home, config = make_study("study", *overrides)
    status, _, err = Command(home, *overrides).wait()
    assert status == 0, err
    batch = home.batch("final", "postgresql")
    command = Command(home, *overrides, name="final")
    until(lambda: list(batch.path.glob("trials/*/curve.json")), 180, "training")
    lose()
    status, _, err = command.wait()
    assert status == 0, err
    assert len(home.ledger.read_text().splitlines()) == 3, "the session, its opening, its score"
    confirmed = read_trials(home.batch("confirmation", "postgresql"))
    trained = Study(batch, batch_config(config)).trials()
    assert sum(trial.state is TrialState.COMPLETE for trial in trained) >= 3
    ended = [trial for trial in trained if trial.state is TrialState.COMPLETE]
    assert all(len(trial.curve) in (1, 20) for trial in ended), "the baseline has one epoch"
    assert not workers_of(batch)
    return {trial.worker.partition("@")[2] for trial in [*read_trials(home), *confirmed, *ended]}


def test_all_trains_on_nodes_of_slurm_and_a_lost_job_costs_time_alone(
    make_study, storage, slurm, monkeypatch
):
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)

    def lose():
        running = [name for name, state in slurm.jobs().items() if state == "RUNNING"]
        slurm.call("scancel", running[0])

    assert end_to_end(make_study, (*storage, *slurm_here()[0]), lose) <= {"n1", "n2"}


def test_all_trains_on_nodes_of_ray_and_a_lost_node_costs_time_alone(
    make_study, storage, ray_nodes
):
    cluster, _ = ray_nodes
    lost = cluster.add_node(num_cpus=1)  # of which an earlier test has left one alone
    overrides = (*storage, *ray_at(cluster.address)[0])
    places = end_to_end(
        make_study, overrides, lambda: cluster.remove_node(lost, allow_graceful=False)
    )
    assert "" not in places


def test_ray_may_be_of_this_machine_alone(make_study, ray_nodes):
    """Though a cluster runs here, which Ray would join by itself: one that has lost a node."""
    del ray_nodes
    overrides = (
        "study.n_trials=2",
        "launcher=ray",
        "launcher.address=null",
        "launcher.n_workers=1",
    )
    home, config = make_study("study", *overrides)
    status, _, err = Command(home, *overrides).wait()
    assert status == 0, err
    assert "place lost" not in err
    trials = Study(home, config).trials()
    assert [one.state.is_finished for one in trials] == [True] * 2
    assert all(one.worker.startswith("worker_0@") for one in trials)
    until(lambda: not workers_of(home), 10, "the end of every process")


def test_a_worker_that_no_node_has_room_for_is_told(make_study, storage, ray_nodes):
    cluster, _ = ray_nodes
    overrides = (*ray_at(cluster.address)[0], "launcher.cpus=64", "launcher.gpus=1")
    home, config = make_study("study", *storage, *overrides)
    said = "no node of the Ray cluster has cpus=64 and gpus=1"
    with pytest.raises(StudyError, match=said):
        open_launcher(config.launcher, home, 1, {})
