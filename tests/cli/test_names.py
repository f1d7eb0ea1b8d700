"""Names on the command line and in `make` are text as typed, on every command."""

import itertools
import shlex
from pathlib import Path
from typing import get_args

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given as drawn
from hypothesis import strategies as st
from omegaconf import OmegaConf

from emotion_hpo.cli import app
from emotion_hpo.cli.overrides import decode, for_hydra
from emotion_hpo.cli.registry import COMMANDS
from emotion_hpo.cli.search import SearchCommand
from emotion_hpo.config import SearchConfig, build
from emotion_hpo.console.make_lines import make_line, study_line
from emotion_hpo.features.preparation import prepare_features, quiet
from emotion_hpo.splits.parts import split
from emotion_hpo.study import StudyHome
from tests.making import made_call
from tests.nasty_names import NAMES


@pytest.fixture
def composed(emotion_hpo, monkeypatch):
    """What a command is given by a command line: `composed("search", "study.name=1.10")`."""
    calls = []

    def record(command, composition):
        more = {"requested": composition.requested} if command.takes_requested else {}
        calls.append({**composition.plain, **more})

    monkeypatch.setattr(app, "execute", record)

    def compose(*arguments):
        calls.clear()
        ended = emotion_hpo(*arguments)
        assert (ended.status, ended.stderr) == (0, "")
        return calls[0]

    return compose


def value_at(plain, path):
    for step in path:
        plain = plain[step]
    return plain


STUDY_KEYS = (
    "study.name", "study.directory", "study.question", "corpus.table", "corpus.root", "corpus.file",
    "corpus.transcripts", "corpus.features.video", "features.text.vectors",
    "model.encoders.text.weights", "split.test_session", "split.validation_session",
    "storage.url_variable", "storage.url_file", "tracking.experiment", "tracking.uri",
    "launcher.partition", "launcher.address", "launcher.options.account", "warm_start", "output",
)  # fmt: skip


def text_keys(command):
    """Keys of a command that take any text."""
    fields = command.load_model().model_fields
    if "study" in fields:
        return STUDY_KEYS
    return tuple(
        name
        for name, field in fields.items()
        if {str, Path} & {field.annotation, *get_args(field.annotation)} and not field.metadata
    )


KEYS = {
    **{name: text_keys(command) for name, command in COMMANDS.items()},
    "final": (*STUDY_KEYS, "best"),
    "replay": (*STUDY_KEYS, "trial", "final"),
    "models": ("model.name", "features.text.vectors", "output"),
    "predict": ("model", "wav", "text", "motion", "speaker", "utterances", "output"),
    "serve": ("model",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_names_as_they_were_typed(composed, command):
    """Each call gives the command's keys other names: where it has enough of them, all names."""
    keys = KEYS[command]
    preset = ("model=fusion",) if command == "models" else ()
    for start in range(0, len(NAMES), max(len(keys), 14)):
        pairs = [(key, NAMES[(start + at) % len(NAMES)]) for at, key in enumerate(keys)]
        plain = composed(command, *preset, *(f"{key}={name}" for key, name in pairs))
        for key, name in pairs:
            path = "model_file" if key == "model" else key
            assert value_at(plain, path.split(".")) == name, key


@pytest.mark.parametrize("command", ["models", "predict", "serve"])
def test_commands_of_few_keys_take_every_name(command):
    for key, name in itertools.product(KEYS[command], NAMES):
        (readable,) = for_hydra(
            f"{key}={name}", (COMMANDS[command].load_model(), SearchConfig), ("model",)
        )
        (override,) = OverridesParser.create().parse_overrides([readable])
        held = OmegaConf.create({"value": override.value()})
        assert decode(OmegaConf.to_container(held, resolve=True)) == {"value": name}


@pytest.mark.parametrize("command", ["final", "report"])
def test_lists_and_mappings_keep_the_text_of_their_items(composed, command):
    quoted = [f'"{name}"' if '"' not in name else f"'{name}'" for name in NAMES]
    listed = f"[{', '.join(quoted)}]"
    merged = f"{{{', '.join(f'{name}: {name}' for name in quoted)}}}"
    plain = composed(command, f"corpus.classes={listed}", f"corpus.merge={merged}")
    assert tuple(plain["corpus"]["classes"]) == NAMES
    assert plain["corpus"]["merge"] == {name: name for name in NAMES}
    assert composed(command, "corpus.classes=[0,1, 1.10,1.1]")["corpus"]["classes"] == [
        "0", "1", "1.10", "1.1",
    ]  # fmt: skip
    plain = composed(command, "corpus.merge={fear:sad,1.10: on}", "corpus.merge.Größe 1.1=01")
    assert plain["corpus"]["merge"] == {"fear": "sad", "1.10": "on", "Größe 1.1": "01"}
    if command == "report":
        assert composed(command, "studies=[1.10,2024_05]")["studies"] == ["1.10", "2024_05"]


def test_names_are_requested_as_typed(composed):
    overrides = ("corpus.merge.1.10=01", "split.test_session=1.10", "corpus.classes=[1,1.10]")
    assert composed("final", *overrides)["requested"] == {
        "corpus.merge.1.10": "01", "split.test_session": "1.10", "corpus.classes": ["1", "1.10"],
    }  # fmt: skip


def test_null_is_an_absence_only_where_there_may_be_one(composed):
    plain = composed("final", "best=null", "split.test_session=null", "corpus.classes=[null, on]")
    assert (plain["best"], plain["split"]["test_session"]) == (None, "null")
    assert plain["corpus"]["classes"] == ["null", "on"]


@drawn(st.text(st.characters(codec="utf-8")))
def test_any_text_passes_hydra_and_omegaconf(text):
    """As a value, an item, an entry's name and its value."""
    typed = [f"split.test_session={text}", f"corpus.merge.{text}={text}"]
    readable = [part for line in typed for part in for_hydra(line, [SearchConfig], ())]
    container = {}
    for override in OverridesParser.create().parse_overrides(readable):
        OmegaConf.update(
            config := OmegaConf.create(container), override.key_or_group, override.value()
        )
        container = OmegaConf.to_container(config, resolve=False)
    plain = decode(OmegaConf.to_container(OmegaConf.create(container), resolve=True))
    name, _, value = f"{text}={text}".partition("=")
    assert plain == {"split": {"test_session": text}, "corpus": {"merge": {name: value}}}


REFUSED = [
    # arguments, what is said, why it is bad
    (
        ("corpus.classes=ang,sad",),
        "corpus.classes takes a list: write corpus.classes=[ang,sad]",
        "",
    ),
    (("corpus.classes=[a,b",), "a list: write corpus.classes=[a,b]", "no bracket at its end"),
    (("corpus.classes=[a,,b]",), "corpus.classes=[a,,b]: an item is empty", "a slip"),
    (("corpus.classes=[a,b,]",), "corpus.classes=[a,b,]: an item is empty", "a slip"),
    (("corpus.merge=[a]",), "corpus.merge takes names with values: write", "a list"),
    (("corpus.merge={a}",), "corpus.merge={a}: write {NAME: VALUE, …}", "no value"),
    (("split.test_session=\udcff",), "it is not UTF-8", "bytes of another encoding"),
    (
        ("study=1.10",),
        "study: unknown choice '1.10' (valid: best, paper, quick, smoke)",
        "no number",
    ),
    (("study=[1.10]",), "study: unknown choice", "no list of names"),
    (("corpus=emodb", "corpus.root="), "corpus: root is empty; write . if", "no folder"),
    (("study.name=features",), "study.name: 'features' lies in every folder of studies", "taken"),
    (("study.name=1,10",), "got '1,10'; take '1-10'", "no folder's name"),
    (("++split.test_session=1.10", "split.tset=1"), "split.tset: unknown key", "one slip"),
]


@pytest.mark.parametrize(("arguments", "said", "why"), REFUSED)
def test_what_is_no_name_is_refused_in_one_line(emotion_hpo, isolated, arguments, said, why):
    ended = emotion_hpo("search", *arguments)
    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), why
    assert said in ended.stderr


def test_presets_of_ones_own_are_named_as_their_files(composed, emotion_hpo, isolated):
    preset = isolated / "mine" / "study"
    preset.mkdir(parents=True)
    for name in ("1.10", "2024_05"):
        (preset / f"{name}.yaml").write_text(f"# @package _global_\nstudy: {{name: '{name}'}}\n")
        assert composed("search", "--config-dir", "mine", f"study={name}")["study"]["name"] == name
    ended = emotion_hpo("search", "--config-dir", "mine", "study=1.1")
    assert ended.stderr == (
        "emotion-hpo search: study: unknown choice '1.1', did you mean '1.10'? "
        "(valid: 1.10, 2024_05, best, paper, quick, smoke)\n"
    )


#: `make` itself takes away the blanks before a variable's value, and ends a line at its end.
ONE_LINE = [name for name in NAMES if "\n" not in name and name[0] != " "]


@pytest.mark.parametrize("name", ONE_LINE)
def test_make_hands_names_over_as_typed(tmp_path, name):
    variables = {
        "NAME": "study.name",
        "STUDY": "study",
        "CORPUS": "corpus",
        "ROOT": "corpus.root",
        "BEST": "best",
    }
    typed = " ".join(shlex.quote(f"{variable}={name}") for variable in variables)
    in_args = shlex.quote(f"ARGS={shlex.quote(f'study.question={name}')}")
    call = made_call(f"make final {typed} {in_args}", tmp_path)
    assert call[1:] == [*(f"{key}={name}" for key in variables.values()), f"study.question={name}"]


@pytest.mark.parametrize("name", [name for name in ONE_LINE if name != "--help"])
def test_a_printed_line_does_what_it_says(tmp_path, name):
    home = StudyHome(Path(f"/data/{name}"), "wide")
    call = made_call(study_line("final", home, BEST="trial_7"), tmp_path)
    assert call == ["final", "study.name=wide", "best=trial_7", f"study.directory=/data/{name}"]
    call = made_call(make_line("final", {"study.seed": 3}, NAME=name, BEST=name), tmp_path)
    assert call == ["final", f"study.name={name}", f"best={name}", "study.seed=3"]


def test_the_session_that_was_typed_is_sealed(composed, isolated):
    """1.1 and 1.10 are two sessions."""
    sessions = ("1.1", "1.2", "1.9", "1.10")
    rows = [
        f"u{session}{i},s{session}{i % 2},{session},{'ab'[i % 2]},good day {i}"
        for session in sessions
        for i in range(4)
    ]
    header = "utterance_id,speaker,session,emotion,transcript"
    Path("table.csv").write_text("\n".join([header, *rows]), "utf-8")
    table = ("corpus=manifest", "corpus.table=table.csv", "model=text")
    given = composed("search", "study=smoke", *table, "split.test_session=1.10")
    config = build(SearchCommand, given).search()
    development, holdout = split(prepare_features(config, Path("features"), quiet), config.split)
    assert holdout.session == "1.10"
    assert set(development.everything.table["session"]) == {"1.1", "1.2", "1.9"}
