"""What a variable of `make` becomes: whole, whatever it holds, and from the command line alone."""

import shlex
from pathlib import Path

import pytest

from emotion_hpo.cli.app import COMMANDS
from emotion_hpo.config.commands import MODELS
from tests.making import built, made_call

__all__ = ["built"]

ROOTS = [
    "/data/IEMOCAP_full_release",
    "relative/folder",
    "/data/IEMOCAP full release",
    "/data/[2024] IEMOCAP (copy)",
    "/data/{a,b}",
    "/data/it's",
    '/data/"quoted"',
    "/data/a=b;c&d|e>f*?#g",
    "/data/$HOME",
    "/data/Aufnahmen für später",
    "~/IEMOCAP",
    "3",
    "null",
]


@pytest.mark.parametrize("root", ROOTS)
def test_a_folder_arrives_as_it_was_written(built, tmp_path, root):
    call = made_call(f"make prepare CORPUS=iemocap {shlex.quote(f'ROOT={root}')}", tmp_path)
    assert built(*call).corpus.root == Path(root).expanduser()


def test_variables_become_keys(built, tmp_path):
    line = "make search STUDY=paper CORPUS=twin TRIALS=40 WORKERS=4 ARGS='sampler=tpe pruner=asha'"
    config = built(*made_call(line, tmp_path))
    assert (config.study.n_trials, config.launcher.n_workers, config.training.epochs) == (40, 4, 30)
    assert (config.sampler.name, config.pruner.name) == ("tpe", "asha")


@pytest.mark.parametrize(("target", "key"), [("final", "best"), ("replay", "trial")])
def test_a_trial_is_named(built, tmp_path, target, key):
    assert getattr(built(*made_call(f"make {target} BEST=trial_7", tmp_path)), key) == "trial_7"


NAMES = ("STUDY", "CORPUS", "ROOT", "TRIALS", "WORKERS", "BEST", "ARGS")


@pytest.mark.parametrize("target", COMMANDS)
def test_the_environment_decides_nothing(tmp_path, target):
    stray = dict.fromkeys(NAMES, "stray")
    assert made_call(f"make {target}", tmp_path, **stray) == [target]


def test_every_command_is_judged():
    assert set(MODELS) == set(COMMANDS)
