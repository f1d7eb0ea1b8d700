"""Ray: what every launcher does, and what becomes of a study whose node is lost."""

import pytest

from emotion_hpo.errors import StudyError
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.training.launch import WorkerEnd, open_launcher
from tests.cluster.every_launcher import EveryLauncher
from tests.cluster.launching import (
    LONG,
    end_to_end,
    ends_of,
    ray_at,
    search_through_a_loss,
    workers_of,
)
from tests.cluster.servers import until
from tests.needed import need_module
from tests.search.processes import Command


class TestRay(EveryLauncher):
    @pytest.fixture
    def place(self, ray_nodes):
        cluster, _ = ray_nodes
        return ray_at(cluster.address)


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


def test_a_lost_node_of_ray_costs_no_trial(make_study, storage, ray_nodes):
    cluster, lost = ray_nodes
    overrides = (*storage, *LONG, *ray_at(cluster.address)[0])
    said = search_through_a_loss(
        make_study, overrides, lambda: cluster.remove_node(lost, allow_graceful=False)
    )
    assert "died (place lost" in said


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
