"""`auto` becomes plain values that fit the corpus, once, before a study is stored."""

import re

import pytest

from emotion_hpo.cli.stored_study import refuse_contradiction
from emotion_hpo.config import dump, flatten
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.search.corpus_budget import resolve_budget
from emotion_hpo.search.space import check_space
from emotion_hpo.study import study_file
from tests.pipeline import SMALL, compose_open_config, search

#: Utterances → epochs, steps of an epoch, batch, patience, first rung; 280 steps are aimed at.
BUDGETS = [
    (20, 80, 3, 8, 26, 13),  # 240 steps: more epochs than that are never trained
    (100, 22, 13, 8, 7, 4),
    (266, 32, 9, 32, 10, 5),
    (1000, 18, 16, 64, 6, 3),
    (3000, 6, 47, 64, 3, 1),  # the twin: as long as six epochs ever were
    (9989, 6, 157, 64, 3, 1),  # never fewer epochs
]


@pytest.fixture(scope="module")
def open_config():
    return compose_open_config("training.steps=280")


@pytest.mark.parametrize(("n", "epochs", "n_steps", "batch_size", "patience", "rung"), BUDGETS)
def test_budget_of_a_corpus(open_config, n, epochs, n_steps, batch_size, patience, rung):
    config, decision = resolve_budget(open_config, n)
    training = config.training
    assert (training.epochs, training.batch_size, training.patience) == (
        epochs, batch_size, patience
    )  # fmt: skip
    assert config.pruner.min_epochs == rung
    expected = f"{n:,} utterances: {epochs} epochs of {n_steps} steps, batches of {batch_size}"
    assert decision == expected


@pytest.mark.parametrize("n", [8, 65, 127, 266, 500, 2999, 4936])
@pytest.mark.parametrize("steps", [1, 280, 3000])
def test_bounds(n, steps):
    config, _ = resolve_budget(compose_open_config(f"training.steps={steps}"), n)
    n_steps = -(-n // config.training.batch_size)
    assert 6 <= config.training.epochs <= 80
    assert config.training.epochs == 80 or config.training.epochs * n_steps >= steps
    assert n_steps >= 8 or config.training.batch_size == 8
    assert "auto" not in flatten(dump(config.pruner)).values()


def test_what_is_given_stays():
    given = ("training.epochs=5", "training.batch_size=48", "training.patience=null")
    config, decision = resolve_budget(compose_open_config(*given, "pruner.min_epochs=2"), 266)
    assert (config.training.epochs, config.training.batch_size) == (5, 48)
    assert (config.training.patience, config.pruner.min_epochs) == (None, 2)
    assert decision == ""


def test_a_given_batch_decides_the_epochs():
    config, decision = resolve_budget(
        compose_open_config("training.steps=280", "training.batch_size=16"), 266
    )
    assert (config.training.epochs, config.training.batch_size) == (17, 16)
    assert decision == "266 utterances: 17 epochs of 17 steps, batches of 16"
    own = compose_open_config("model=dialogue", "training.batch_turns=100")
    config, decision = resolve_budget(own, 266, 1, 600)
    assert (config.training.epochs, config.training.batch_turns) == (80, 100)
    assert decision == "266 utterances among 600 turns: 80 epochs of 6 steps, batches of 100 turns"


@pytest.mark.parametrize(
    ("pruner", "key", "of_epochs", "of_trainings"),
    [
        ("asha", "min_epochs", 5, 1),
        ("median", "n_warmup_epochs", 5, 1),
        ("patient", "patience", 16, 2),
    ],
)
def test_a_pruner_counts_trainings_where_a_trial_has_several(pruner, key, of_epochs, of_trainings):
    config = compose_open_config("training.steps=280", f"pruner={pruner}")
    values = [getattr(resolve_budget(config, 266, n)[0].pruner, key) for n in (1, 4)]
    assert values == [of_epochs, of_trainings]


@pytest.mark.parametrize(
    ("range_", "batch_size"),
    [
        ("{choices: [48, 64, 128]}", 48),
        ("{low: 4, high: 16}", 16),
        ("{low: 8, high: 512, log: true}", 32),
    ],
)
def test_a_searched_batch_starts_from_the_nearest_value(range_, batch_size):
    config = compose_open_config(f"+space.training.batch_size={range_}", "training.steps=280")
    check_space(config.experiment(), config.space)
    config, _ = resolve_budget(config, 266)
    assert config.training.batch_size == batch_size
    check_space(config.experiment(), config.space)


@pytest.mark.parametrize(
    ("n_train", "n_turns", "epochs", "n_steps", "batch_turns"),
    [
        (3838, 7869, 30, 20, 400),
        (3838, None, 60, 10, 400),
        (900, 1800, 67, 9, 200),
        (120, 300, 80, 6, 50),
    ],
)
def test_a_batch_of_dialogues_counts_turns(n_train, n_turns, epochs, n_steps, batch_turns):
    config, line = resolve_budget(compose_open_config("model=dialogue"), n_train, 1, n_turns)
    assert (config.training.epochs, config.training.batch_turns) == (epochs, batch_turns)
    n_read = n_turns or n_train
    assert line == (
        f"{n_train:,} utterances among {n_read:,} turns: {epochs} epochs of {n_steps} steps, "
        f"batches of {batch_turns} turns"
    )
    alone, _ = resolve_budget(compose_open_config(), n_train, 1, n_turns)
    assert alone.training.batch_size == config.training.batch_size <= 64


@pytest.mark.parametrize(
    ("range_", "complaint"),
    [
        ("training.steps={low: 8, high: 99}", "space.training.steps: it decides training.epochs"),
        ("training.epochs={choices: [auto, 9]}", "space.training.epochs: auto is decided once"),
    ],
)
def test_a_range_that_no_trial_could_draw_from(range_, complaint):
    config = compose_open_config(f"+space.{range_}")
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        check_space(config.experiment(), config.space)


def test_presets_that_quote_a_paper_keep_its_epochs():
    paper, smoke = compose_open_config("study=paper"), compose_open_config("study=smoke")
    assert (paper.training.epochs, paper.training.batch_size) == (30, 64)
    assert (paper.training.patience, smoke.training.epochs) == (None, 3)
    assert compose_open_config().training.epochs == "auto"


def test_auto_without_steps_is_refused():
    with pytest.raises(ConfigError, match=r"training: epochs=auto needs training\.steps"):
        compose_open_config("study=paper", "training.epochs=auto")


def test_a_study_is_stored_in_plain_values_and_goes_on(make_study, capfd):
    home, _ = make_study("study")
    where = (f"study.directory={home.directory}", "study.n_trials=1", "launcher.n_workers=1")
    config = compose_open_config(
        *SMALL, *where, "pruner=none", "training=auto", "training.epochs=auto",
        "training.batch_size=auto", "training.steps=9",
    )  # fmt: skip
    result = search(config)
    stored = study_file.read(home).config
    assert result.config == stored
    assert (stored.training.epochs, stored.training.batch_size) == (6, 8)
    assert stored.training.patience == 3
    assert re.search(r"\d+ utterances: 6 epochs of \d+ steps, batches of 8", capfd.readouterr().err)
    assert search(config).summary.n_finished == 1
    refuse_contradiction(home, dump(stored), {"training": {"epochs": "auto"}})
    with pytest.raises(StudyError, match=r"training.epochs: the study has 6, the command says 7"):
        refuse_contradiction(home, dump(stored), {"training": {"epochs": 7}})
    with pytest.raises(StudyError, match=r"training.precision: the study has 'auto'"):
        refuse_contradiction(home, dump(stored), {"training": {"precision": "float32"}})
