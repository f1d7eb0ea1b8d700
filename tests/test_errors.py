"""Kinds of errors, and the answer to an unknown name."""

import inspect

import pytest

from emotion_hpo import errors
from emotion_hpo.errors import EmotionHpoError, unknown_name

KINDS = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, EmotionHpoError) and one is not EmotionHpoError
]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_ours_and_a_standard_one(kind):
    standard = [base for base in kind.__mro__[1:-3] if base.__module__ == "builtins"]
    assert standard, "library users catch what they know"
    with pytest.raises(EmotionHpoError, match=r"^what a user reads$"):
        raise kind("what a user reads")


NAMES = [
    ("tep", ["random", "tpe"], "unknown sampler 'tep', did you mean 'tpe'? (valid: random, tpe)"),
    ("grid", ["tpe", "random"], "unknown sampler 'grid' (valid: random, tpe)"),
    ("", ["tpe"], "unknown sampler '' (valid: tpe)"),
    ("tpe", [], "unknown sampler 'tpe' (valid: )"),
    ("a\nb", ["tpe"], "unknown sampler 'a\\nb' (valid: tpe)"),
]


@pytest.mark.parametrize(("name", "valid", "said"), NAMES)
def test_unknown_name(name, valid, said):
    assert unknown_name("sampler", name, iter(valid)) == said
