"""What a variable of `make` becomes: whole, whatever it holds, and from the command line alone."""

import re
import shlex
from pathlib import Path

import pytest

from emotion_hpo.cli.registry import COMMANDS
from tests.making import ROOT, built, made_call

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


def test_the_tables_budget_arrives(built, tmp_path):
    config = built(*made_call("make paper SEEDS=1 EPOCHS=2 GLOVE=/data/glove.txt", tmp_path))
    assert (config.seeds, config.epochs, config.glove) == (1, 2, Path("/data/glove.txt"))


VARIABLES = ("NAME", "STUDY", "CORPUS", "ROOT", "TRIALS", "WORKERS", "BEST", "SEEDS",
             "EPOCHS", "GLOVE", "ARGS")  # fmt: skip
MAKEFILE = (ROOT / "Makefile").read_text()

#: Targets that run a command of ours.
TARGETS = re.findall(r"^([a-z]+): .*\n\t@\$\(BIN\)/emotion-hpo ", MAKEFILE, re.MULTILINE)


def test_every_command_has_a_target():
    assert set(TARGETS) <= set(COMMANDS), "a target of no command"
    assert {"prepare", "search", "final", "report", "ui"} <= set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_the_environment_decides_nothing(tmp_path, target):
    stray = dict.fromkeys(VARIABLES, "stray")
    assert made_call(f"make {target}", tmp_path, **stray) == [target]


def test_the_head_comment_lists_every_variable():
    """`make help` prints it."""
    head = MAKEFILE.partition(".DEFAULT_GOAL")[0]
    assert set(re.findall(r"\b[A-Z]{4,}\b", head)) == set(VARIABLES)


OF_A_STUDY = [name for name in TARGETS if "study" in COMMANDS[name].load_model().model_fields]


@pytest.mark.parametrize("target", OF_A_STUDY)
def test_a_study_is_named_wherever_one_is_meant(built, tmp_path, target):
    studies = "ARGS=studies=[a,b]" if target == "compare" else ""
    assert (
        built(*made_call(f"make {target} NAME=berlin {studies}", tmp_path)).study.name == "berlin"
    )


@pytest.mark.parametrize("target", ["predict", "serve", "demo"])
def test_a_models_study_is_named(built, tmp_path, target):
    config = built(*made_call(f"make {target} NAME=berlin", tmp_path))
    assert config.model_file == Path("studies/berlin")
