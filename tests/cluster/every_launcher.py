"""What every launcher does, as a class of tests that each launcher's own tests inherit.

A cluster is started once a file of tests, so that what is said of all is tested where each is.
"""

import os
import signal

import pytest

from emotion_hpo.study import TrialState
from emotion_hpo.training.launch import WorkerEnd, open_launcher
from emotion_hpo.training.launch.forked import ForkedProcesses
from tests.cluster.launching import ends_of, in_hands, workers_of
from tests.cluster.servers import until


class EveryLauncher:
    """Two workers are started, asked to end, started again and killed.

    A class that inherits has the fixture `place`: the overrides that choose a launcher, and its
    configuration.
    """

    @pytest.fixture
    def study(self, study_on, place):
        """A study for the place where workers run."""
        return study_on(place[0])

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
