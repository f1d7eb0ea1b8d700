"""Servers for the cluster tests, one a module, and studies on them."""

import tempfile
from pathlib import Path

import pytest

from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import study_file
from tests.cluster.launching import LONG
from tests.cluster.servers import Postgres
from tests.cluster.slurm import Slurm
from tests.needed import need_module


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL server, in a folder that another user may enter, which pytest forbids."""
    need_module("psycopg", "postgres")
    with tempfile.TemporaryDirectory(prefix="postgres") as folder:
        Path(folder).chmod(0o711)
        server = Postgres(Path(folder) / "data")
        yield server
        server.stop()


@pytest.fixture
def storage(postgres, monkeypatch):
    """The overrides that keep a study on an empty server."""
    postgres.drop()
    monkeypatch.setenv("EMOTION_HPO_STORAGE_URL", postgres.url)
    return ("storage=postgresql",)


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
