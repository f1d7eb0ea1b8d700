"""A remark on dialogues that a split by a column divides between training and validation."""

from emotion_hpo.config import GivenSplit, SplitConfig
from emotion_hpo.splits.parts import Development

#: So many dialogues are named.
_N_NAMED = 5


def describe_shared_dialogues(config: SplitConfig, development: Development) -> list[str]:
    """Return a line where dialogues of a given split lie in training and in validation.

    Utterances of one scene resemble each other, so that validation is too kind. Or else the
    dialogues' numbers begin anew in each part, which makes two dialogues of one name. Other splits
    say themselves what they divide.
    """
    if not isinstance(config, GivenSplit):
        return []
    (fold,) = development.folds
    shared = sorted({*fold.train.table["dialogue"]} & {*fold.validation.table["dialogue"]})
    if not shared:
        return []
    named = ", ".join(shared[:_N_NAMED]) + ", …" * (len(shared) > _N_NAMED)
    return [
        f"dialogues in training and in validation, by the column {config.column!r}: {len(shared)} "
        f"({named}); if their numbers begin anew in each part, put its name before them, else "
        "validation is too kind"
    ]
