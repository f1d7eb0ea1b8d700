"""The command line: what it prints where, and that no slip of a user ends in a traceback."""

import inspect
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emotion_hpo.cli import app, final, search, status
from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.cli.registry import COMMANDS
from emotion_hpo.study import StudyHome, Trial, TrialState, study_file
from emotion_hpo.study.trials import write_trial
from tests.pipeline import compose_config

#: Imports that take seconds, or write to disk, and that nobody who asks for help has asked for.
HEAVY = ("torch", "pandas", "numpy", "scipy", "optuna", "mlflow", "sklearn", "librosa", "hydra",
         "omegaconf", "pydantic", "rich", "yaml", "joblib", "matplotlib")  # fmt: skip


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The plain configurations that commands were called with; they do nothing else."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(app, "execute", lambda _command, words: calls.append(words.plain))
    return calls


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Run code in an interpreter of its own, warnings as errors."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(app.__file__).parents[2])},
    )


MAIN = "import sys; from emotion_hpo.cli.app import main; sys.argv[0] = 'emotion-hpo'; main()"


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_usage_names_every_command(emotion_hpo, arguments):
    ended = emotion_hpo(*arguments)
    assert (ended.status, ended.stderr) == (0, "")
    for name, command in COMMANDS.items():
        assert f"  {name:<10} {command.summary}\n" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (("--help",), HEAVY),
        (("serach",), HEAVY),
        (("search", "model.droput=1"), ("torch", "optuna", "mlflow", "sklearn", "librosa")),
    ],
)
def test_nothing_heavy_is_imported(isolated, arguments, unwanted):
    """Help and slips are answered before seconds of imports."""
    code = f"""if True:
        import sys
        from emotion_hpo.cli.app import main
        try:
            main()
        except SystemExit:
            pass
        print("imported:", *(sys.modules.keys() & {set(unwanted)!r}))
    """
    with start(code, *arguments) as process:
        stdout, _ = process.communicate()
    assert stdout.splitlines()[-1] == "imported:"


SLIPS = [
    # arguments, what is said (parts of it), why it is bad
    (("serach",), ["emotion-hpo serach: unknown command 'serach', did you mean 'search'?"], "slip"),
    (("search", "model=fusio"), ["model: unknown choice 'fusio', did you mean 'fusion'?"], "slip"),
    (
        ("search", "model=tripathi/combned"),
        ["model: unknown choice 'tripathi/combned', did you mean 'tripathi/combined'?"],
        "slip in a folder of a group",
    ),
    (("search", "study=smok"), ["study: unknown choice 'smok', did you mean 'smoke'?"], "slip"),
    (("search", "corpus=3"), ["corpus: unknown choice '3' (valid: collected, emodb"], "no name"),
    (
        ("search", "study=null"),
        ["study: unknown choice 'null' (valid: best, paper, quick"],
        "no name",
    ),
    (
        ("search", "study="),
        ["study: unknown choice '' (valid: best, paper, quick, smoke)"],
        "empty",
    ),
    (("search", "=3"), ["cannot read the override '=3': write KEY=VALUE"], "no key"),
    (("search", "+=3"), ["cannot read the override '+=3': write KEY=VALUE"], "no key"),
    (("search", "corpus=emodb"), ["corpus.root: a value is needed here"], "no folder given"),
    (("search", "model.dropout=["), ["cannot read the override 'model.dropout=['"], "no list"),
    (("search", "model.dropout"), ["cannot read the override 'model.dropout'"], "no value"),
    (("search", ""), ["cannot read the override ''"], "an empty variable of a shell"),
    (("search", "model.dropout=${nope}"), ["Interpolation key 'nope' not found"], "no such key"),
    (
        ("search", "model.dropout=0.1,0.2"),
        ["model.dropout=0.1,0.2 is several values: write model.dropout=[0.1,0.2] if a list"],
        "a sweep",
    ),
    (("search", "-m", "study.seed=1,2"), ["no -m here"], "two studies of one name"),
    (("search", "--multirun"), ["no --multirun here"], "two studies of one name"),
    (("search", "~model.dropout"), ["model.dropout: a value is needed here"], "taken away"),
    (("search", "~nope"), ["'nope' does not exist"], "nothing to take away"),
    (
        ("search", "study.name=a/b"),
        [
            "study.name: a study's name is its folder's: at most 100 of the letters a to z, "
            "digits, '.', '_' and '-', the first a letter or a digit, but got 'a/b'; take 'a-b'\n"
        ],
        "two folders",
    ),
    (("search", "study.name=.."), ["study.name: a study's name is", "got '..'"], "another folder"),
    (("search", "study.name="), ["study.name: a study's name is", "got ''"], "the folder above"),
    (("search", "study.name=[a]"), ["study.name: a study's name is", "got '[a]'"], "a list"),
    (("final", "study.name=a/b"), ["study.name: a study's name is its folder's"], "two folders"),
    (
        ("search", "space.model.droput.low=0.1"),
        ["space: unknown path 'model.droput', did you mean 'model.dropout'?"],
        "a bound of a range that is not there",
    ),
    (
        ("search", "space.model.dropout.hihg=0.1"),
        ["space: unknown path 'model.dropout.hihg', did you mean 'model.dropout'?"],
        "a bound that is not there",
    ),
    (
        ("search", "space.training.clip_norm.low=0.1"),
        ["space.training.clip_norm: give low and high, or choices"],
        "half of a new range",
    ),
    (("ui", "port=0"), ["port: input should be greater than or equal to 1"], "any port"),
    (("ui", "prot=1"), ["prot: unknown key 'prot', did you mean 'port'?"], "slip"),
    (("search", "best=3"), ["best: unknown key 'best'"], "another command's"),
    (("final", "rescore=maybe"), ["rescore: input should be a valid boolean"], "neither"),
    (
        ("search", "space.model.dropout={low: 1, high: 0}"),
        ["space.model.dropout: low <= high must hold, but got low=1, high=0"],
        "upside down",
    ),
    (
        ("search", "model.droput=0.3", "training.batch_size=-1"),
        [
            "emotion-hpo search: \n",
            "\n  model.droput: unknown key 'droput', did you mean 'dropout'?",
            "\n  training.batch_size: input should be greater than or equal to 1, but got -1\n",
        ],
        "two slips, told at once",
    ),
    (
        ("search", "space.model.dropot={low: 0.0, high: 0.5}"),
        ["space.model.dropot: unknown path 'model.dropot', did you mean 'model.dropout'?"],
        "a range of nothing",
    ),
    (
        ("search", "space.model.dropout.high=2.0"),
        ["space.model.dropout: 2.0 is not possible (model.dropout: input should be less than 1"],
        "a range beyond what a network takes",
    ),
    (
        ("search", "study.enqueue=[{model.dropout: 0.9}]"),
        ["study.enqueue: model.dropout=0.9 lies outside 0.0…0.5"],
        "outside its range",
    ),
    (("final",), ["no study 'quick' in studies; run `make search` first"], "nothing searched"),
]


@pytest.mark.parametrize(("arguments", "said", "why"), SLIPS)
def test_slip_is_answered(emotion_hpo, isolated, arguments, said, why):
    ended = emotion_hpo(*arguments)
    assert (ended.status, ended.stdout) == (2, ""), why
    assert ended.stderr.startswith(f"emotion-hpo {arguments[0]}: "), "nothing of Hydra's before it"
    assert "++" not in ended.stderr, "nobody wrote that"
    for part in said:
        assert part in ended.stderr, why
    assert list(isolated.iterdir()) == [], "a refused command leaves nothing behind"


def test_slip_in_a_process_of_its_own(isolated):
    with start(MAIN, "search", "model.droput=0.3", "training.batch_size=-1") as process:
        stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr.count("\n")) == (2, "", 3)


def test_reader_that_leaves_is_no_error(isolated):
    """`emotion-hpo search --help | head -1`."""
    with start(MAIN, "search", "--help") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_modules_of_commands_and_rows_agree():
    """A command's module says what it is for, and holds its model and `run`."""
    for name, command in COMMANDS.items():
        module = sys.modules[command.load_model().__module__]
        assert module.__name__ == f"emotion_hpo.cli.{name}"
        assert (module.__doc__ or "").startswith(f"`emotion-hpo {name}`: ")
        _, *more = inspect.signature(command.load_run()).parameters
        assert more == (["requested"] if command.takes_requested else [])


@pytest.mark.parametrize("command", ["prepare", "search", "final", "ui"])
def test_help_of_a_command(emotion_hpo, isolated, command):
    ended = emotion_hpo(command, "--help")
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.startswith("emotion-hpo is powered by Hydra.")
    for expected in ("study: best, paper, quick, smoke", "model/tripathi: combined,", "n_trials: "):
        assert expected in ended.stdout
    assert list(isolated.iterdir()) == []


def test_configuration_is_shown_without_running(emotion_hpo, given, isolated):
    ended = emotion_hpo("search", "study=smoke", "model.dropout=0.25", "--cfg", "job")
    assert (ended.status, ended.stderr) == (0, "")
    assert "  dropout: 0.25\n" in ended.stdout
    assert "n_trials: 4\n" in ended.stdout
    assert (given, list(isolated.iterdir())) == ([], [])


STUDY_NAMES = [
    ((), "quick"),
    (("study=paper",), "paper"),
    (("study=smoke",), "smoke"),
    (("model=speech",), "quick-speech"),
    (("model=tripathi/combined",), "quick-tripathi_combined"),
    (("corpus=emodb", "corpus.root=/x", "model=speech"), "quick-emodb-speech"),
    (("study.name=mine", "model=speech"), "mine"),
    (("study.name=null",), "null"),
    (("study.name=2024_05",), "2024_05"),
]


@pytest.mark.parametrize(("overrides", "name"), STUDY_NAMES)
def test_study_is_named_by_what_was_chosen(emotion_hpo, given, overrides, name):
    assert emotion_hpo("search", *overrides).status == 0
    assert given[0]["study"]["name"] == name


def test_interpolation_is_resolved(emotion_hpo, given):
    emotion_hpo("search", "training.batch_size=${model.fusion.units}")
    assert given[0]["training"]["batch_size"] == 189


def test_final_gets_what_was_requested_of_the_study(emotion_hpo, monkeypatch):
    """Its own keys and the study's name request nothing."""
    requests: dict[str, Any] = {}
    monkeypatch.setattr(final, "run", lambda _command, requested: requests.update(requested))
    overrides = ("best=3", "rescore=true", "study=smoke", "study.name=x", "output=out.json")
    ended = emotion_hpo("final", *overrides, "model.dropout=0.2", "split.name=${corpus.name}")
    assert ended.status == 0
    assert requests == {"model.dropout": 0.2, "split.name": "twin"}


@pytest.mark.parametrize(
    ("overrides", "context"),
    [
        (("model.context.name=none",), {"name": "none"}),
        (("model.context.name=speaker_recurrent", "model.context.units=8"),
         {"name": "speaker_recurrent", "units": 8, "reads": "both"}),
    ],
)  # fmt: skip
def test_another_variant_comes_without_the_keys_of_the_presets(
    emotion_hpo, monkeypatch, overrides, context
):
    commands = []
    monkeypatch.setattr(search, "run", commands.append)
    ended = emotion_hpo("search", "model=dialogue", *overrides)
    assert (ended.status, ended.stderr) == (0, "")
    got = commands[0].model.context.model_dump()
    assert {key: got[key] for key in context} == context


def test_a_key_that_was_typed_is_refused_where_the_variant_has_none(emotion_hpo):
    typed = ("model.context.name=speaker_recurrent", "model.context.cell=gru")
    ended = emotion_hpo("search", "model=dialogue", *typed)
    assert ended.status == 2
    assert "model.context.cell: unknown key 'cell'" in ended.stderr
    assert "depth" not in ended.stderr.partition("(valid")[0], "that was the preset's"


def test_what_no_value_depends_on_contradicts_no_study(emotion_hpo, made):
    """Where a study runs, is stored and is watched may be said anew."""
    made()
    free = ("launcher.n_workers=7", "tracking=none", "storage=sqlite")
    ended = emotion_hpo("final", "study.name=made", *free)
    assert "the study has no complete trial yet" in ended.stderr


@pytest.mark.parametrize("command", ["prepare", "search", "ui"])
def test_unwritable_folder(emotion_hpo, isolated, command):
    (isolated / "file").touch()
    ended = emotion_hpo(command, "study=smoke", "study.directory=file/studies")
    assert (ended.status, ended.stdout) == (2, "")
    assert "cannot write to file/studies" in ended.stderr
    assert "Not a directory; choose another folder with study.directory=FOLDER" in ended.stderr


@pytest.mark.parametrize("command", ["prepare", "search"])
def test_missing_corpus(emotion_hpo, command):
    ended = emotion_hpo(command, "corpus=emodb", "corpus.root=/nowhere/emodb", "model=speech")
    assert (ended.status, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"emotion-hpo {command}: ")
    assert "/nowhere/emodb" in ended.stderr


@pytest.fixture
def made(isolated: Path) -> Callable[..., StudyHome]:
    """Make a study `made` whose trials have ended as given, without a search."""

    def make(*trials: Trial) -> StudyHome:
        home = StudyHome(Path("studies"), "made")
        config = compose_config("study=smoke", "study.name=made")
        study_file.write_or_compare(home, config, {"1": "a-key"}, synthetic=True)
        for trial in trials:
            write_trial(home, trial)
        return home

    return make


COMPLETE = Trial(3, TrialState.COMPLETE, value=0.5, best_epoch=2)
FAILED = Trial(4, TrialState.FAILED, reason="a loss of nan")

NO_TRIALS = [
    # trials, arguments, what is said, why it cannot be
    ((), (), "the study has no complete trial yet; run `make search` first", "none"),
    ((FAILED,), (), "the study has no complete trial yet", "all failed"),
    ((FAILED,), ("best=4",), "the study has no finished trial yet", "it failed"),
    ((COMPLETE,), ("best=trial_4",), "unknown trial 'trial_4', did you mean 'trial_3'?", "no such"),
    ((COMPLETE,), ("best=4",), "unknown trial '4' (valid: trial_3)", "no such"),
    ((COMPLETE,), ("best=best",), "unknown trial 'best' (valid: trial_3)", "no number"),
    (
        (COMPLETE, FAILED),
        ("best=trial_4",),
        "trial_4 is failed and has no score; trials with one: trial_3",
        "it failed",
    ),
    (
        (COMPLETE,),
        ("model.dropout=0.3",),
        "model.dropout: the study has 0.1, the command says 0.3",
        "would be ignored otherwise",
    ),
    (
        (COMPLETE,),
        ("corpus.scale=0.5", "model.encoders.text.units=9"),
        "corpus.scale: the study has 0.03, the command says 0.5",
        "would be ignored otherwise",
    ),
]


@pytest.mark.parametrize(("trials", "arguments", "said", "why"), NO_TRIALS)
def test_final_of_what_is_not_there(emotion_hpo, made, trials, arguments, said, why):
    made(*trials)
    ended = emotion_hpo("final", "study.name=made", *arguments)
    assert (ended.status, ended.stdout) == (2, ""), why
    assert said in ended.stderr, why


def test_final_of_another_study_names_those_there(emotion_hpo, made):
    made(COMPLETE)
    ended = emotion_hpo("final", "study.name=mad")
    assert "no study 'mad' in studies; studies here: made" in ended.stderr


def test_search_of_a_study_that_differs(emotion_hpo, made):
    """Refused before anything is trained; the features of a tiny twin are all that is made."""
    made()
    tiny = ("corpus.scale=0.02", "features.mocap.n_parts=5", "tracking=none")
    ended = emotion_hpo("search", "study=smoke", "study.name=made", *tiny)
    assert (ended.status, ended.stdout) == (2, "")
    assert "study 'made' was searched with another configuration:" in ended.stderr
    assert "corpus.scale: 0.03 → 0.02" in ended.stderr
    assert "features.mocap.n_parts: 50 → 5" in ended.stderr


def test_taken_port(emotion_hpo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = emotion_hpo("ui", f"port={port}")
    assert (ended.status, ended.stdout) == (2, "")
    assert f"port {port} on 127.0.0.1 cannot be used (Address already in use)" in ended.stderr
    assert "choose another with port=PORT" in ended.stderr


@pytest.mark.parametrize("kind", [RuntimeError, KeyError])
def test_our_own_defects_keep_their_traceback(emotion_hpo, monkeypatch, kind):
    def fail(_plain):
        raise kind("a defect")

    monkeypatch.setattr(search, "run", fail)
    with pytest.raises(kind, match="a defect"):
        emotion_hpo("search")


def test_interruption_has_the_status_that_shells_know(emotion_hpo, monkeypatch):
    def interrupt(_plain):
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "run", interrupt)
    ended = emotion_hpo("search")
    assert (ended.status, ended.stderr) == (
        130,
        "\nemotion-hpo search: interrupted; what is finished is stored, and the same command goes "
        "on from there\n",
    )


def test_an_interrupted_look_has_nothing_to_go_on_with(emotion_hpo, monkeypatch):
    def interrupt(_plain):
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "run", interrupt)
    assert emotion_hpo("status").stderr == "\nemotion-hpo status: interrupted\n"


COMPLETIONS = [
    ("emotion-hpo ", list(COMMANDS)),
    ("emotion-hpo s", ["search", "serve", "status", "sync"]),
    ("emotion-hpo x", []),
    ("emotion-hpo search model.dr", ["model.dropout="]),
    ("emotion-hpo search study=sm", ["study=smoke"]),
    ("emotion-hpo search study=smoke training.batch_s", ["training.batch_size="]),
    ("emotion-hpo search study.na", ["study.name="]),
    ("emotion-hpo final bes", ["best="]),
    ("emotion-hpo search bes", []),
    ("emotion-hpo ui po", ["port="]),
    ("emotion-hpo nothing mod", []),
]


@pytest.mark.parametrize(("line", "words"), COMPLETIONS)
def test_completion(emotion_hpo, monkeypatch, line, words):
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line)))
    ended = emotion_hpo("-sc", "query=bash")
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.split() == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_installed(emotion_hpo, shell):
    ended = emotion_hpo("-sc", f"install={shell}")
    assert (ended.status, ended.stderr) == (0, "")
    assert "emotion-hpo" in ended.stdout


def test_configuration_lies_beside_the_code_or_in_the_checkout():
    assert (conf_folder() / "search.yaml").is_file()


def test_report_of_a_corpus(emotion_hpo, isolated):
    """`prepare` on about a hundred utterances: a table for people, JSON for programs."""
    tiny = ("corpus.scale=0.02", "features.mocap.n_parts=5")
    ended = emotion_hpo("prepare", "study=smoke", *tiny, "output=corpus.json")
    summary = json.loads((isolated / "corpus.json").read_text())
    assert ended.status == 0
    assert ended.stdout.startswith("Corpus twin (synthetic)")
    assert f"{summary['n_utterances']} utterances" in ended.stdout
    assert "Preparing twin" in ended.stderr
