"""The paper's own claim: trained encoders serve other networks, of which the head alone is trained.

Each change of the trained network stands beside the same network trained whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emotion_hpo.config import SearchConfig, build, dump
from emotion_hpo.final.paper_rows import PaperRow

#: An encoder of speech in the place of the reference's, as the preset `fusion` has it.
_OTHER_SPEECH = {
    "name": "lstm", "units": 112, "depth": 1, "bidirectional": True, "pooling": "attention",
    "output_units": 256,
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A change of a trained network.

    Attributes:
        change: In words.
        part: The row whose head, and new encoder, alone is trained.
        whole: Key of the row of the same network trained whole.
    """

    change: str
    part: PaperRow
    whole: str


def whole_rows(combined: PaperRow) -> list[PaperRow]:
    """Return the networks trained whole that no published table has."""
    model = dump(combined.config.model)
    encoders = model["encoders"] | {"speech": _OTHER_SPEECH}
    return [_row(combined, "modularity/other_speech", model | {"encoders": encoders})]


def changes_of(combined: PaperRow, weights: str) -> Sequence[Change]:
    """Return the changes of the trained network.

    Args:
        combined: The network of text, speech and motion.
        weights: File of its trained model.
    """
    model = dump(combined.config.model)
    trained = {name: encoder | {"weights": weights, "frozen": True}
               for name, encoder in model["encoders"].items()}  # fmt: skip
    replaced = trained | {"speech": _OTHER_SPEECH}
    without = {name: encoder for name, encoder in trained.items() if name != "mocap"}

    def change(words: str, key: str, encoders: Mapping[str, Any], whole: str) -> Change:
        return Change(words, _row(combined, key, model | {"encoders": encoders}), whole)

    return (
        change("nothing: the head alone is trained again", "modularity/head", trained,
               combined.key),
        change("motion taken away, the head alone trained", "modularity/without_motion", without,
               "tripathi/combined_text_speech"),
        change("speech encoder replaced, it and the head trained", "modularity/replaced_speech",
               replaced, "modularity/other_speech"),
    )  # fmt: skip


def _row(combined: PaperRow, key: str, model: Mapping[str, Any]) -> PaperRow:
    config = build(SearchConfig, dump(combined.config) | {"model": model})
    return PaperRow(key, config, combined.protocol, test_picked=False)
