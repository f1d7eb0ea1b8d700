"""Where the trainings of a command run: as the study says, or the command line."""

import pytest

from emotion_hpo.cli.jobs import with_launcher
from emotion_hpo.config import dump
from emotion_hpo.errors import ConfigError
from tests.pipeline import SMALL, compose_config

#: Workers on several machines, which need a server.
ELSEWHERE = ("launcher=slurm", "storage=postgresql")


@pytest.fixture
def stored():
    return compose_config(*SMALL, "launcher=ray", "storage=postgresql", "launcher.cpus=4")


@pytest.fixture
def composed():
    return dump(compose_config(*SMALL, "launcher.n_workers=3"))


def test_the_studys_launcher_counts_unless_the_command_line_names_another(stored, composed):
    assert with_launcher(stored, composed, {"study.seed": 1}) == stored
    widened = with_launcher(stored, composed, {"launcher.n_workers": 8}).launcher
    assert (widened.name, widened.n_workers, widened.cpus) == ("ray", 8, 4)
    here = with_launcher(stored, composed, {"launcher": composed["launcher"]}).launcher
    assert (here.name, here.n_workers) == ("local", 3)


def test_an_option_of_sbatch_is_added_to_the_studys():
    stored = compose_config(*SMALL, *ELSEWHERE, "+launcher.options={account: lab}")
    requested = {"launcher": {"options": {"qos": "long"}}}
    options = with_launcher(stored, {}, requested).launcher.options
    assert options == {"account": "lab", "qos": "long"}


def test_a_study_that_was_searched_here_goes_on_elsewhere_with_a_server_alone(composed):
    here = compose_config(*SMALL)
    elsewhere = dump(compose_config(*SMALL, *ELSEWHERE))
    requested = {name: elsewhere[name] for name in ("launcher", "storage")}
    config = with_launcher(here, elsewhere, requested)
    assert (config.launcher.name, config.storage.name) == ("slurm", "postgresql")
    file_alone = {**composed, "launcher": elsewhere["launcher"]}
    with pytest.raises(ConfigError, match="cannot share an SQLite file; use storage=postgresql"):
        with_launcher(here, file_alone, {"launcher": elsewhere["launcher"]})


def test_a_launcher_that_is_none_is_refused(stored):
    with pytest.raises(ConfigError, match="launcher"):
        with_launcher(stored, {}, {"launcher.n_workers": 0})
