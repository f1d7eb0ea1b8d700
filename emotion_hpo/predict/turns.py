"""The turns of dialogues in their order, as a model that reads them together takes them."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from emotion_hpo.dataset.scaling import UNKNOWN_SPEAKER
from emotion_hpo.errors import FeatureError
from emotion_hpo.predict.utterance import Utterance


def place_turns(
    utterances: Mapping[int, Utterance],
) -> tuple[dict[int, Utterance], dict[int, FeatureError]]:
    """Return the same, of those in a dialogue `turn` their place from 0, and why others have none.

    A dialogue runs as `turn` says where all its turns have one, else by `start_s`; of turns that
    start at once, the first comes first.
    """
    dialogues: dict[str, dict[int, Utterance]] = defaultdict(dict)
    placed: dict[int, Utterance] = {}
    for number, utterance in utterances.items():
        if utterance.dialogue is None:
            placed[number] = utterance
        else:
            dialogues[utterance.dialogue][number] = utterance
    faults: dict[int, FeatureError] = {}
    for turns in dialogues.values():
        by_turn = _runs_by_turn(turns.values())
        ranks = {n: turn.turn if by_turn else turn.start_s for n, turn in turns.items()}
        n_of = Counter(ranks.values())
        order: list[tuple[float, int]] = []
        for number, rank in ranks.items():
            if fault := find_fault(turns[number]):
                faults[number] = FeatureError(fault)
            elif rank is None:
                faults[number] = FeatureError(
                    f"it is a turn of a dialogue, but has no {'turn' if by_turn else 'start_s'}, "
                    "so that nobody knows its place; give it, or no dialogue"
                )
            elif by_turn and n_of[rank] > 1:
                faults[number] = FeatureError(f"turn={rank:g} is another's of its dialogue, too")
            else:
                order.append((rank, number))
        order.sort(key=lambda pair: pair[0])
        placed |= {n: replace(turns[n], turn=place) for place, (_, n) in enumerate(order)}
    return placed, faults


def _runs_by_turn(turns: Collection[Utterance]) -> bool:
    has_turn = [turn.turn is not None for turn in turns]
    return all(has_turn) or (any(has_turn) and any(turn.start_s is None for turn in turns))


def find_fault(turn: Utterance) -> str | None:
    """Return what is wrong with the times of a turn."""
    times = {"turn": turn.turn, "start_s": turn.start_s, "end_s": turn.end_s}
    for name, time in times.items():
        if time is not None and not math.isfinite(time):
            return f"{name}={time:g} is no place in a dialogue"
    if turn.start_s is not None and turn.end_s is not None and turn.end_s <= turn.start_s:
        return f"end_s={turn.end_s:g} is not after start_s={turn.start_s:g}"
    return None


def turn_columns(utterances: Sequence[Utterance]) -> dict[str, "list[str | None] | pd.Series[Any]"]:
    """Return the columns of a table that say whose turns they are, and when."""
    return {
        "dialogue": [utterance.dialogue for utterance in utterances],
        "speaker": [u.speaker if u.speaker != UNKNOWN_SPEAKER else None for u in utterances],
        **{
            name: pd.Series([getattr(utterance, name) for utterance in utterances], dtype=float)
            for name in ("turn", "start_s", "end_s")
        },
    }
