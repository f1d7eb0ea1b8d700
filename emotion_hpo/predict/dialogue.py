"""A dialogue that goes on: what a model that reads the past alone keeps of it from turn to turn.

Of each turn the fused vector that every network that reads turns made of it, who spoke, and when.
With them the networks answer the next turn as if they had read the whole dialogue at once; what a
network makes of the vectors is computed anew, which costs little beside the vectors themselves.
As text it is JSON, the vectors base64 of little-endian float32, so that they stay as they are.
"""

import base64
import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from emotion_hpo.dataset.batch import TurnOrder
from emotion_hpo.dataset.dialogues import read_turns
from emotion_hpo.errors import FeatureError
from emotion_hpo.predict.turns import turn_columns
from emotion_hpo.predict.utterance import Utterance


@dataclass(frozen=True)
class Turn:
    """What is kept of a turn.

    Attributes:
        speaker: Who spoke.
        start_s: When it started, in seconds of the dialogue; None where nobody knows.
        end_s: When it ended.
        vectors: What each network made of it, one after the other, float32.
    """

    speaker: str
    start_s: float | None
    end_s: float | None
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Dialogue:
    """What was said so far.

    Attributes:
        model: Digest of the model that reads it.
        widths: Of each network's vector of a turn.
        turns: In order.
    """

    model: str
    widths: tuple[int, ...]
    turns: tuple[Turn, ...] = ()

    def vectors(self, network: int) -> NDArray[np.float32]:
        """Return a network's vectors of all turns `(turns, units)`."""
        start, width = sum(self.widths[:network]), self.widths[network]
        vectors = [turn.vectors[start : start + width] for turn in self.turns]
        return np.array(vectors, np.float32).reshape(len(self.turns), width)

    def order_to(self, utterance: Utterance) -> TurnOrder:
        """Return who spoke when, from the first turn to the next one, as of a dialogue as whole."""
        turns = [Utterance(speaker=t.speaker, start_s=t.start_s, end_s=t.end_s) for t in self.turns]
        turns = [replace(t, dialogue="", turn=at) for at, t in enumerate([*turns, utterance])]
        speakers, gaps_s, _ = read_turns(pd.DataFrame(turn_columns(turns)))
        mask = torch.ones((1, len(turns)), dtype=torch.bool)
        return TurnOrder(mask, torch.from_numpy(speakers)[None], torch.from_numpy(gaps_s)[None])

    def to_text(self) -> str:
        """Return it as JSON."""
        turns = [
            {
                "speaker": turn.speaker,
                "start_s": turn.start_s,
                "end_s": turn.end_s,
                "vectors": base64.b64encode(turn.vectors.astype("<f4").tobytes()).decode(),
            }
            for turn in self.turns
        ]
        return json.dumps({"model": self.model, "turns": turns})

    def continued(self, text: str) -> "Dialogue":
        """Return the dialogue of the same model that `to_text` wrote.

        Raises:
            FeatureError: It is none, or another model's.
        """
        try:
            plain = json.loads(text)
            model = plain["model"]
            width = sum(self.widths)
            turns = tuple(_turn(turn, width) for turn in plain["turns"] if model == self.model)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise FeatureError("it holds no dialogue of this version; begin a new one") from None
        if model != self.model:
            raise FeatureError(
                "it was begun with another model, whose vectors this one cannot read; go on with "
                "that model, or begin a new one"
            )
        return Dialogue(self.model, self.widths, turns)


def _turn(plain: dict[str, Any], width: int) -> Turn:
    """Read a turn.

    Raises:
        ValueError: It is none; other errors of the kind that JSON of any form leads to, too.
    """
    speaker, start_s, end_s = plain["speaker"], plain["start_s"], plain["end_s"]
    content = base64.b64decode(plain["vectors"], validate=True)
    vectors = np.frombuffer(content, "<f4").reshape(width).astype(np.float32)
    is_time = [
        s is None or (type(s) in (int, float) and math.isfinite(s)) for s in (start_s, end_s)
    ]
    if not isinstance(speaker, str) or not all(is_time) or not np.isfinite(vectors).all():
        raise ValueError
    return Turn(speaker, start_s, end_s, vectors)
