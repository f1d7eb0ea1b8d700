"""What every launcher does, on this machine; and what is told where a launcher cannot be."""

import pytest

from emotion_hpo.config.places import LocalLauncher
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.training import launch
from emotion_hpo.training.launch import open_launcher
from tests.cluster.every_launcher import EveryLauncher


class TestLocal(EveryLauncher):
    @pytest.fixture(params=["local", "elsewhere"])
    def place(self, request, monkeypatch):
        if request.param == "elsewhere":
            monkeypatch.setattr(launch, "ForkedProcesses", launch.LocalProcesses)
        return (), LocalLauncher(name="local", n_workers=2)


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
