"""Servers for the cluster tests, one a module."""

import tempfile
from pathlib import Path

import pytest

from tests.cluster.servers import Postgres
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
