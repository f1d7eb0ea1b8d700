"""SLURM: what every launcher does, and what becomes of a study whose job is lost."""

import os
import shutil

import pytest

from emotion_hpo.training.launch import open_launcher
from tests.cluster.every_launcher import EveryLauncher
from tests.cluster.launching import (
    LONG,
    end_to_end,
    ends_of,
    search_through_a_loss,
    slurm_here,
)
from tests.cluster.servers import until


class TestSlurm(EveryLauncher):
    @pytest.fixture
    def place(self, slurm, monkeypatch):
        for name, value in slurm.environment.items():
            monkeypatch.setenv(name, value)
        return slurm_here()


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


def test_a_cancelled_job_of_slurm_costs_no_trial(make_study, storage, slurm, monkeypatch):
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)

    def lose():
        running = [name for name, state in slurm.jobs().items() if state == "RUNNING"]
        assert len({name.partition("_")[0] for name in running}) == 1, "one array"
        slurm.call("scancel", running[0])

    overrides = (*storage, *LONG, *slurm_here()[0])
    assert "started again" in search_through_a_loss(make_study, overrides, lose)


def test_all_trains_on_nodes_of_slurm_and_a_lost_job_costs_time_alone(
    make_study, storage, slurm, monkeypatch
):
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)

    def lose():
        running = [name for name, state in slurm.jobs().items() if state == "RUNNING"]
        slurm.call("scancel", running[0])

    assert end_to_end(make_study, (*storage, *slurm_here()[0]), lose) <= {"n1", "n2"}
