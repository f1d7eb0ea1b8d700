"""The one mapping from a context's name to the module.

A context is a module `(fused_RLU, order) -> (R, L, U)`, zero or anything where `order.mask` is
False, over rows of turns: a dialogue each, or what may be seen of it. Neither masked places nor how
far a row is padded change the answer of a turn; with `reads: past` no later turn does, either. A
turn alone is a row of one.
"""

from emotion_hpo.config.model import ContextConfig
from emotion_hpo.models.context.attention import WindowedAttention
from emotion_hpo.models.context.recurrent import RecurrentTurns
from emotion_hpo.models.context.speakers import SpeakerStates

Context = RecurrentTurns | WindowedAttention | SpeakerStates


def build_context(config: ContextConfig, units: int) -> Context | None:
    """Build the context of that name over fused vectors of so many units; None of `none`."""
    match config.name:
        case "none":
            return None
        case "recurrent":
            return RecurrentTurns(config, units)
        case "attention":
            return WindowedAttention(config, units)
        case "speaker_recurrent":
            return SpeakerStates(config, units)
