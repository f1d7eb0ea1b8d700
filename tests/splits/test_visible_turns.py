"""No part of any split shows a turn of another, whatever is labelled."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from emotion_hpo.config import GivenSplit, LosoSplit, PaperSplit, SessionSplit, SpeakersSplit
from emotion_hpo.corpus import validate_table
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.runtime.contents import SOUND
from emotion_hpo.splits.parts import Development, Holdout, read_content, split

CLASSES = ("ang", "sad")
N_TURNS = 72

PAPER = PaperSplit(name="paper", test_session="c", n_validation=0.3)
SPLITS = [
    PAPER,
    PAPER.model_copy(update={"scenario": "improvised"}),
    SpeakersSplit(name="speakers", test_session="c", validation_session="next"),
    SessionSplit(name="session", test_session="c"),
    SessionSplit(name="session", test_session="a", scenario="scripted"),
    LosoSplit(name="loso", test_session="c"),
    GivenSplit(name="given", column="part", train="a", validation="b", test="c"),
]


def draw_table(seed: int) -> pd.DataFrame:
    """Turns of dialogues of three sessions, labelled or not, ids in no order of time."""
    rng = np.random.default_rng(seed)
    session = rng.choice(list("abc"), N_TURNS)
    start_s = rng.permutation(N_TURNS).astype(float)
    return pd.DataFrame({
        "utterance_id": [f"{name}{row:02d}" for row, name in enumerate(session)],
        "session": session,
        "dialogue": rng.choice(["d", "e"], N_TURNS),
        "speaker": [name + rng.choice(["F", "M"]) for name in session],
        "emotion": rng.choice([*CLASSES, None], N_TURNS),
        "scenario": rng.choice(["improvised", "scripted"], N_TURNS),
        "start_s": start_s,
        "end_s": start_s + 1.5,
        "transcript": [f"word{row}" for row in range(N_TURNS)],
    })  # fmt: skip


def divide(table: pd.DataFrame, config: Any) -> tuple[Development, Holdout]:
    """Split a corpus in memory whose only feature is each turn's first word in numbers."""

    def open_shard(session: str) -> SimpleNamespace:
        rows = validate_table(table[table["session"] == session], CLASSES, "here")
        video = [np.array([[*map(ord, text)]], np.float32) for text in rows["transcript"]]
        return SimpleNamespace(table=rows, features={"video": video}, extracted=frozenset())

    store = SimpleNamespace(sessions=("a", "b", "c"), classes=CLASSES, open=open_shard, copies={})
    return split(store, config)


def parts(development: Development, holdout: Holdout) -> dict[str, Utterances]:
    """All that anybody may read."""
    folds = {
        f"{fold.name} {part}": getattr(fold, part)
        for fold in development.folds
        for part in ("train", "validation")
    }
    return {**folds, "everything": development.everything, "sealed": holdout.unseal()}


def contents(part: Utterances) -> list[Any]:
    """Everything that a part's reader can read."""
    return [
        (
            read.table.to_json(),
            read.labels.tolist(),
            [read.sequence("video", row).tolist() for row in range(len(read))],
        )
        for read in (part, part.turns)
    ]


def without_places(part: Utterances) -> tuple[str, list[Any]]:
    """What is read of labelled utterances, whatever is beside them."""
    frames = [part.sequence("video", row).tolist() for row in range(len(part))]
    return part.table.drop(columns="turn").to_json(), frames


def overwritten(table: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """The table with other words, features and times of all turns but these."""
    is_hidden = ~table["utterance_id"].isin(ids)
    n_hidden = int(is_hidden.sum())
    assert n_hidden
    start_s = np.random.default_rng(9).permutation(n_hidden) - 5.5
    changed = table.copy()
    changed.loc[is_hidden, "start_s"] = start_s
    changed.loc[is_hidden, "end_s"] = start_s + 200
    changed.loc[is_hidden, "transcript"] = [f"other{row}!" for row in range(n_hidden)]
    return changed


every_split = pytest.mark.parametrize(
    "config", SPLITS, ids=lambda config: f"{config.name}-{config.scenario}"
)


@every_split
def test_turns_that_a_part_may_not_see_change_nothing_that_it_reads(config):
    table = draw_table(0)
    for name, part in parts(*divide(table, config)).items():
        changed = overwritten(table, part.turns.ids)
        assert contents(parts(*divide(changed, config))[name]) == contents(part), name


@every_split
def test_a_turn_that_a_part_sees_does_change_it(config):
    """So that the test above can fail."""
    table = draw_table(0)
    all_parts = parts(*divide(table, config))
    for name in (next(iter(all_parts)), "everything", "sealed"):
        part = all_parts[name]
        context = next(id_ for id_ in part.turns.ids if id_ not in part.ids)
        changed = overwritten(table, [id_ for id_ in table["utterance_id"] if id_ != context])
        assert contents(parts(*divide(changed, config))[name]) != contents(part), name


@every_split
@pytest.mark.parametrize("seed", [0, 1])
def test_parts_divide_every_turn_and_the_labelled_ones_as_if_they_were_alone(config, seed):
    table = draw_table(seed)
    development, holdout = divide(table, config)
    of_scenario = table[table["scenario"] == config.scenario] if config.scenario else table
    is_sealed = of_scenario["session"] == config.test_session
    ids = of_scenario["utterance_id"]
    assert development.everything.turns.ids == sorted(ids[~is_sealed])
    assert holdout.unseal().turns.ids == sorted(ids[is_sealed])
    for fold in development.folds:
        train, validation = fold.train.turns.ids, fold.validation.turns.ids
        assert sorted(train + validation) == development.everything.turns.ids
        assert not set(train) & set(validation)
    alone = parts(*divide(table[table["emotion"].notna()], config))
    for name, part in parts(development, holdout).items():
        assert without_places(part) == without_places(alone[name])
        assert (part.labels >= 0).all()
        assert part.turns.labelled().ids == part.ids
        assert alone[name].turns is alone[name]


def test_the_paper_split_cuts_context_where_it_cuts_utterances():
    development, _ = divide(draw_table(1), PAPER)
    (fold,) = development.folds
    assert fold.validation.turns.ids[0] == fold.validation.ids[0]
    assert max(fold.train.turns.ids) < fold.validation.ids[0]
    cut = {*fold.train.turns.table["dialogue"]} & {*fold.validation.turns.table["dialogue"]}
    assert cut, "a dialogue lies on both sides"


def test_places_in_a_dialogue_are_counted_among_the_turns_of_the_part():
    development, _ = divide(draw_table(2), PAPER)
    for part in (development.folds[0].train, development.folds[0].validation):
        places = part.turns.table.set_index("utterance_id")["turn"]
        for _, rows in part.turns.table.groupby(["session", "dialogue"]):
            assert sorted(rows["turn"]) == list(range(len(rows)))
        assert list(part.table["turn"]) == list(places[part.ids])


def test_dialogues_of_one_name_in_two_sessions_are_two():
    """As they are read, so they are resampled; what the sealed ones are called, nobody knows."""
    table = draw_table(0)
    table.loc[table["session"] == "b", "dialogue"] = ["e", *"ef" * 40][
        : (table["session"] == "b").sum()
    ]
    development, _ = divide(table, SPLITS[3])
    names = development.everything.turns.table.groupby("session")["dialogue"].unique()
    assert {session: {*own} for session, own in names.items()} == {
        "a": {"d", "a/e"},
        "b": {"b/e", "f"},
    }


def test_all_validation_utterances_together_show_no_other_turn():
    development, _ = divide(draw_table(0), SPLITS[3])
    assert development.validation.turns.ids == development.validation.ids


def test_a_scenario_of_context_alone_has_nothing_to_score():
    table = draw_table(0)
    table.loc[table["emotion"].notna(), "scenario"] = "scripted"
    with pytest.raises(ConfigError, match=r"split\.scenario: no utterance here is improvised"):
        divide(table, SPLITS[1])


def test_a_session_is_the_same_to_the_ledger_with_and_without_context():
    table = validate_table(draw_table(0), CLASSES, "here")
    marks = {name: {SOUND: f"{row:064x}"} for row, name in enumerate(table["utterance_id"])}
    whole = read_content(SimpleNamespace(table=table, marks=marks))
    labelled = table[table["emotion"].notna()]
    assert len(whole) == len(labelled) < len(table)
    assert whole.digest == read_content(SimpleNamespace(table=labelled, marks=marks)).digest


def test_the_holdout_counts_labelled_utterances():
    table = draw_table(0)
    _, holdout = divide(table, PAPER)
    of_session = table[table["session"] == "c"]["emotion"]
    assert holdout.counts() == {name: int((of_session == name).sum()) for name in CLASSES}
