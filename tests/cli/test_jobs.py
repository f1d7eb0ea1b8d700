"""Where the trainings of a command run: as the study says, or the command line."""

import pytest

from emotion_hpo.cli.jobs import with_launcher
from emotion_hpo.config import dump
from emotion_hpo.errors import ConfigError
from tests.pipeline import SMALL, compose_config


@pytest.fixture
def stored():
    return compose_config(*SMALL, "launcher=ray", "storage=postgresql", "launcher.cpus=4")


def test_the_studys_launcher_counts_unless_the_command_line_names_another(stored):
    local = dump(compose_config(*SMALL, "launcher.n_workers=3").launcher)
    assert with_launcher(stored, local, {"study.seed": 1}).launcher == stored.launcher
    widened = with_launcher(stored, local, {"launcher.n_workers": 8}).launcher
    assert (widened.name, widened.n_workers, widened.cpus) == ("ray", 8, 4)
    here = with_launcher(stored, local, {"launcher": local}).launcher
    assert (here.name, here.n_workers) == ("local", 3)


def test_a_launcher_that_is_none_is_refused(stored):
    with pytest.raises(ConfigError, match="launcher"):
        with_launcher(stored, {}, {"launcher.n_workers": 0})
