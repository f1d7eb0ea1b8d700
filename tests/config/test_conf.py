"""Every file of `conf/` is composed as the command line does and built; none is there in vain."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.cli.registry import COMMANDS
from emotion_hpo.config import EmodbCorpus, SearchConfig, SpeakersSplit, build, dump, fingerprint
from emotion_hpo.search.space import check_params, check_space
from tests.pipeline import compose_config

CONF = conf_folder()
KINDS = {name: command.load_model() for name, command in COMMANDS.items()}
OF_A_STUDY = sorted(name for name, kind in KINDS.items() if "study" in kind.model_fields)
#: What a preset asks of another group's choice alone; each is chosen by both.
PAIRS = sorted(path.relative_to(CONF).with_suffix("") for path in CONF.glob("study_*/*.yaml"))
OPTIONS = sorted(
    path.relative_to(CONF).with_suffix("").as_posix()
    for path in CONF.glob("*/**/*.yaml")
    if not path.parent.name.startswith("study_")
)

#: The other choice that an option needs beside itself, for it says so.
NEEDS = {
    "launcher/ray": ("storage=postgresql",),
    "launcher/slurm": ("storage=postgresql",),
    "space/text": ("model=text",),
    "space/speech": ("model=speech",),
    "space/mocap": ("model=mocap",),
    "space/best": ("model=best",),
    "space/transformer": ("model=transformer",),
    "space/cross_attention": ("model=cross_attention",),
    "space/dialogue": ("model=dialogue",),
    "space/poria_bc_lstm": ("model=poria/bc_lstm",),
    "space/linear": ("model=linear",),
    "space/svm": ("model=svm",),
    "space/boosting": ("model=boosting",),
    "space/probe": ("model=probe",),
    "space/fusion_pretrained": ("model=fusion_pretrained",),
}


def needs(option: str) -> tuple[str, ...]:
    """What must be set beside an option: what it marks as missing (`???`), and another choice."""
    group = option.partition("/")[0]
    content = yaml.safe_load((CONF / f"{option}.yaml").read_text("utf-8"))
    missing = [f"{group}.{key}=x" for key, value in content.items() if value == "???"]
    return (*NEEDS.get(option, ()), *missing)


def composed_alone(root: str, *overrides: str) -> dict[str, Any]:
    """A root of `conf/` as plain data."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        plain = OmegaConf.to_container(compose(root, [*overrides]), resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def composed(root: str, *overrides: str) -> dict[str, Any]:
    """A root of `conf/` as plain data, named as the command line would name its study."""
    plain = composed_alone(root, *overrides)
    plain["study"]["name"] = "study"
    return plain


@pytest.mark.parametrize("option", [name for name in OPTIONS if name.startswith("model/")])
def test_every_model_is_counted_by_models(option):
    plain = composed_alone("models", f"model={option.removeprefix('model/')}")
    assert build(KINDS["models"], plain).model.name


def test_folder_holds_configuration_alone():
    strangers = [path for path in CONF.rglob("*") if path.is_file() and path.suffix != ".yaml"]
    assert strangers == []


def test_roots_are_the_commands():
    roots = {path.stem for path in CONF.glob("*.yaml")} - {"hydra_settings"}
    assert roots == set(COMMANDS)


def test_groups_are_the_sections():
    groups = {path.name for path in CONF.iterdir() if path.is_dir()}
    groups -= {pair.parent.name for pair in PAIRS}
    single_keys = {"warm_start"}  # names a study: there is nothing to choose among
    assert groups | single_keys == set(SearchConfig.model_fields)
    assert not groups & single_keys


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda path: path.stem)
def test_file_says_what_it_is_for(path):
    """The first line that is not Hydra's own is a comment, for a reader and for nobody else."""
    lines = [line for line in path.read_text("utf-8").splitlines() if "# @package" not in line]
    assert re.match(r"# \S", lines[0])


@pytest.mark.parametrize("root", OF_A_STUDY)
@pytest.mark.parametrize("study", sorted(path.stem for path in (CONF / "study").glob("*.yaml")))
def test_root_with_study(root, study):
    plain = composed(root, f"study={study}")
    assert dump(build(KINDS[root], plain))["study"]["name"] == "study"


@pytest.mark.parametrize("root", sorted(KINDS.keys() - OF_A_STUDY))
def test_root_without_a_study(root):
    plain = composed_alone(root)
    config = build(KINDS[root], plain)
    assert build(KINDS[root], plain | dump(config)) == config


@pytest.mark.parametrize("root", ["predict", "serve"])
def test_a_model_is_looked_for_among_the_studies(root):
    assert build(KINDS[root], composed_alone(root)).model_file == Path("studies")


@pytest.mark.parametrize("option", OPTIONS)
def test_option(option):
    """It builds, survives being written and read, and its space fits its network."""
    group, _, name = option.partition("/")
    config = compose_config(f"{group}={name}", *needs(option))
    stored = yaml.safe_load(yaml.safe_dump(dump(config)))
    again = build(SearchConfig, stored)
    assert again == config
    assert fingerprint(again) == fingerprint(config)
    check_space(config.experiment(), config.space)
    for params in config.study.enqueue:
        check_params(config.experiment(), config.space, params)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_pair_is_of_choices_that_there_are(pair):
    """A misspelt one would be left out without a word."""
    study, _, choice = pair.name.partition("_")
    assert (CONF / "study" / f"{study}.yaml").is_file()
    assert (CONF / pair.parent.name.removeprefix("study_") / f"{choice}.yaml").is_file()


#: A space of its own network does not fit that of another preset.
OF_NETWORKS = ("auto", "best", "paper", "text", "speech", "mocap", "transformer", "cross_attention")
UNFIT = {
    *(("smoke", f"space/{name}") for name in OF_NETWORKS),
    *(("paper", f"space/{name}") for name in ("auto", "best")),
}


@pytest.mark.parametrize("study", ["paper", "smoke"])
@pytest.mark.parametrize("option", [name for name in OPTIONS if not name.startswith("study/")])
def test_preset_takes_any_choice(study, option):
    """It carries no key of a choice that it does not have."""
    if (study, option) in UNFIT:
        return
    group, _, name = option.partition("/")
    config = compose_config(f"study={study}", f"{group}={name}", *needs(option))
    check_space(config.experiment(), config.space)
    for params in config.study.enqueue:
        check_params(config.experiment(), config.space, params)


@pytest.mark.parametrize("option", [name for name in OPTIONS if not name.startswith("study/")])
def test_option_is_named_as_its_file(option):
    """So that a name in a result leads to the file; a space, features and training have none."""
    content = yaml.safe_load((CONF / f"{option}.yaml").read_text("utf-8"))
    group, _, name = option.partition("/")
    if group in ("space", "features", "training"):
        assert "name" not in content
    else:
        assert content["name"] == name


def test_berlin_brings_new_speakers():
    config = compose_config("corpus=emodb", "corpus.root=/data/emodb")
    assert config.corpus == EmodbCorpus(name="emodb", root=Path("/data/emodb"))
    assert isinstance(config.split, SpeakersSplit)


def test_choice_on_the_command_line_beats_a_presets():
    assert compose_config("model=text", "space=training").space.keys() == {
        "training.learning_rate",
        "model.dropout",
    }
    smoke = compose_config("study=smoke", "model=text")
    assert smoke.model.name == "text"
    assert "model.encoders.text.units" in smoke.space, "a network brings its space"
    assert compose_config("study=paper", "sampler=tpe").sampler.name == "tpe"


def test_paper_is_the_references_search():
    """Tripathi et al. (2018): 30 random trials of 30 epochs, its two published ones among them."""
    config = compose_config("study=paper")
    assert (config.study.n_trials, config.training.epochs) == (30, 30)
    assert (config.sampler.name, config.pruner.name) == ("random", "none")
    assert {
        path: (bounds.low, bounds.high, bounds.log) for path, bounds in config.space.items()
    } == {
        "training.learning_rate": (1e-4, 1e-3, True),
        "model.dropout": (0.0, 0.4, False),
        "model.encoders.text.units": (150, 300, False),
        "model.encoders.speech.units": (100, 150, False),
        "model.fusion.units": (150, 350, False),
    }
    assert [list(params.values()) for params in config.study.enqueue] == [
        [5.76005427777614e-4, 0.15337660753, 238, 112, 189],
        [3.9254250610751723e-4, 0.12617134037, 234, 100, 203],
    ]
