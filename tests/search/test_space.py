"""Ranges over the configuration: what fits it, what can be drawn, what becomes of a draw."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_hpo.config import (
    ExperimentConfig,
    Range,
    build,
    dump,
    flatten,
    with_value,
)
from emotion_hpo.errors import ConfigError
from emotion_hpo.search.space import (
    applies,
    check_params,
    check_space,
    configured,
    defaults,
    grid_points,
)
from tests.pipeline import SMALL, compose_config

HEADS = {"low": 1, "high": 4, "when": {"model.fusion.name": "attention"}}
HEAD_NAMES = {"choices": ["concat", "attention"]}


@pytest.fixture(scope="module")
def base() -> ExperimentConfig:
    """The smoke study's experiment: three small encoders and a `concat` head of 8 units."""
    return compose_config("study=smoke").experiment()


@pytest.fixture(scope="module")
def attending(base) -> ExperimentConfig:
    """The same with an attention head."""
    head = {"name": "attention", "units": 8, "heads": 2}
    return build(ExperimentConfig, with_value(dump(base), "model.fusion", head))


def space_of(**ranges) -> dict[str, Range]:
    return {path.replace("__", "."): build(Range, one) for path, one in ranges.items()}


FITTING = [
    {"model__dropout": {"low": 0.0, "high": 0.4}},
    {"training__learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}},
    {"training__batch_size": {"choices": [8, 16]}},
    {"model__fusion__units": {"low": 4, "high": 16, "step": 4}},
    {"features__text__max_words": {"low": 5, "high": 50}},
    {"training__clip_norm": {"choices": [None, 1.0]}},
    {"model__fusion__name": {"choices": ["concat", "gated"]}},
    {"model__fusion__name": {"choices": ["concat", "linear"]}},
    {"model__fusion__name": HEAD_NAMES, "model__fusion__heads": HEADS},
    {"model__fusion__heads": HEADS},
    {
        "training__optimizer__name": {"choices": ["adam", "sgd"]},
        "training__optimizer__momentum": {
            "low": 0.0,
            "high": 0.9,
            "when": {"training.optimizer.name": "sgd"},
        },
        "training__optimizer__weight_decay": {
            "choices": [0.0],
            "when": {"training.optimizer.name": "sgd"},
        },
    },
]


@pytest.mark.parametrize("ranges", FITTING)
def test_space_that_fits(base, ranges):
    space = space_of(**ranges)
    check_space(base, space)
    point = defaults(base, space)
    assert configured(base, point) == base, "the configuration is a point of its own space"
    check_params(base, space, point)


MISFITS = [
    # ranges, what is said, why it does not fit
    (
        {"model__dropot": {"low": 0.0, "high": 0.4}},
        "space.model.dropot: unknown path 'model.dropot', did you mean 'model.dropout'?",
        "a slip",
    ),
    (
        {"model__encoders__video__units": {"low": 4, "high": 8}},
        "space.model.encoders.video.units: unknown path",
        "no such encoder",
    ),
    (
        {"model__fusion": {"choices": ["concat"]}},
        "space.model.fusion: unknown path 'model.fusion', did you mean 'model.fusion.name'?",
        "a section, not a value",
    ),
    (
        {"corpus__seed": {"low": 0, "high": 9}},
        "space.corpus.seed: only features, model, training can be searched over",
        "another corpus, another score",
    ),
    (
        {"split__n_validation": {"low": 0.1, "high": 0.3}},
        "space.split.n_validation: only features, model, training",
        "another validation part, another score",
    ),
    (
        {"study__seed": {"low": 0, "high": 9}},
        "space.study.seed: only features, model, training",
        "seeds are no hyperparameters",
    ),
    (
        {"model__dropout": {"low": 0.0, "high": 1.5}},
        "space.model.dropout: 1.5 is not possible (model.dropout: input should be less than 1",
        "beyond the bound of the value itself",
    ),
    (
        {"model__fusion__units": {"low": 4.5, "high": 16}},
        "space.model.fusion.units: 4.5 is not possible (model.fusion.units: input should be a",
        "half a unit",
    ),
    (
        {"training__schedule": {"choices": ["constant", "cosin"]}},
        "space.training.schedule: cosin is not possible (training.schedule: input should be",
        "a slip in a choice",
    ),
    (
        {"model__fusion__name": {"choices": ["concat", "attention"]}},
        "space.model.fusion.name: attention is not possible (model.fusion.heads: a value is",
        "nothing says how many heads",
    ),
    (
        {"model__fusion__heads": {**HEADS, "when": {"model.fusion.nme": "attention"}}},
        "space.model.fusion.heads: 1 is not possible (model.fusion.nme: unknown key 'nme'",
        "a slip in a condition",
    ),
    (
        {"model__fusion__heads": {**HEADS, "when": {"model.fusion.name": "attenton"}}},
        "space.model.fusion.heads: 1 is not possible (model.fusion: unknown name 'attenton'",
        "a slip in a condition's value",
    ),
    (
        {"model__fusion__heads": HEADS, "model__fusion__name": HEAD_NAMES},
        "space.model.fusion.heads: model.fusion.name is drawn later; write its range before",
        "the condition would be judged by the default",
    ),
    (
        {"model__dropout": {"low": 0.2, "high": 0.4}},
        "space.model.dropout: the default model.dropout=0.1 lies outside 0.2…0.4; widen",
        "the default is always tried",
    ),
    (
        {"model__fusion__units": {"low": 5, "high": 25, "step": 10}},
        "the default model.fusion.units=8 lies outside 5…25 in steps of 10",
        "the default is never drawn",
    ),
    (
        {"training__batch_size": {"choices": [8, 32]}},
        "the default training.batch_size=16 lies outside {8, 32}",
        "the default is no choice",
    ),
]


@pytest.mark.parametrize(("ranges", "said", "why"), MISFITS)
def test_space_that_does_not_fit(base, ranges, said, why):
    with pytest.raises(ConfigError, match=re.escape(said)):
        check_space(base, space_of(**ranges))


def test_all_misfits_come_at_once(base):
    ranges = {path: one for misfit, *_ in MISFITS[:4] for path, one in misfit.items()}
    with pytest.raises(ConfigError, match=r"^space\.model\.dropot") as caught:
        check_space(base, space_of(**ranges))
    assert len(str(caught.value).splitlines()) == 4


class TestVariants:
    """A `name` that is searched over brings and takes what belongs to it."""

    def test_what_only_the_new_variant_knows_is_drawn(self, base):
        params = {"model.fusion.name": "attention", "model.fusion.heads": 4}
        assert dump(configured(base, params).model.fusion) == {
            "name": "attention",
            "units": 8,
            "heads": 4,
        }

    def test_what_only_the_old_variant_knew_goes(self, attending):
        fusion = configured(attending, {"model.fusion.name": "concat"}).model.fusion
        assert dump(fusion) == {"name": "concat", "units": 8}

    def test_an_encoder_is_replaced(self, base):
        params = {
            "model.encoders.text.name": "mlp",
            "model.encoders.text.units": 4,
            "model.encoders.text.depth": 0,
        }
        encoder = configured(base, params).model.encoders["text"]
        assert (encoder.name, encoder.units) == ("mlp", 4)
        assert configured(base, params).model.encoders["speech"] == base.model.encoders["speech"]

    def test_what_a_draw_names_never_goes_quietly(self, attending):
        params = {"model.fusion.name": "concat", "model.fusion.heads": 4}
        with pytest.raises(ConfigError, match="unknown key 'heads'"):
            configured(attending, params)

    def test_a_slip_never_goes_quietly(self, base):
        with pytest.raises(ConfigError, match="unknown key 'unts'"):
            configured(base, {"model.fusion.name": "gated", "model.fusion.unts": 4})

    def test_a_default_whose_condition_fails_is_no_part_of_the_point(self, base, attending):
        space = space_of(model__fusion__name=HEAD_NAMES, model__fusion__heads=HEADS)
        assert defaults(base, space) == {"model.fusion.name": "concat"}
        assert defaults(attending, space) == {
            "model.fusion.name": "attention",
            "model.fusion.heads": 2,
        }


def test_drawing_changes_its_paths_alone(base):
    params = {"model.dropout": 0.3, "model.encoders.text.units": 9, "training.epochs": 2}
    before, after = flatten(dump(base)), flatten(dump(configured(base, params)))
    assert after == {**before, **params}


def test_impossible_draw_is_refused(base):
    with pytest.raises(ConfigError, match=r"model\.dropout: input should be less than 1"):
        configured(base, {"model.dropout": 2.0})


KNOWN = [
    # params, what is said, why it cannot be tried
    ({"model.droput": 0.1}, "unknown path of the space 'model.droput', did you mean", "a slip"),
    ({"model.dropout": 0.9}, "study.enqueue: model.dropout=0.9 lies outside 0.0…0.4", "too high"),
    ({"model.dropout": "high"}, "model.dropout='high' lies outside", "a word"),
    ({"model.dropout": "0.1"}, "model.dropout='0.1' lies outside", "a number in quotes"),
    ({"model.dropout": True}, "model.dropout=True lies outside", "no number"),
    ({"model.dropout": None}, "model.dropout=None lies outside", "nothing"),
    ({"model.fusion.units": 8.5}, "model.fusion.units=8.5 lies outside 4…16", "half a unit"),
    ({"training.schedule": "linear"}, "lies outside {constant, cosine}", "no such choice"),
]


@pytest.mark.parametrize(("params", "said", "why"), KNOWN)
def test_known_configuration_that_does_not_fit(base, params, said, why):
    space = space_of(
        model__dropout={"low": 0.0, "high": 0.4},
        model__fusion__units={"low": 4, "high": 16},
        training__schedule={"choices": ["constant", "cosine"]},
    )
    with pytest.raises(ConfigError, match=re.escape(said)):
        check_params(base, space, params)


RANGES = [
    # range, values in it, values outside
    ({"low": 1, "high": 3}, [1, 2, 3, 2.0], [0, 4, 1.5, True, "2", None, float("nan")]),
    ({"low": 0.0, "high": 1}, [0, 0.0, 0.5, 1], [-1e-9, 1.0001, True]),
    ({"low": 2, "high": 10, "step": 4}, [2, 6, 10], [4, 8]),
    ({"low": 0.0, "high": 0.3, "step": 0.1}, [0.1, 0.2, 0.3, 0.1 + 0.2 - 1e-16], [0.15]),
    ({"low": 1e-4, "high": 1e-2, "log": True}, [1e-4, 3e-3], [0.0]),
    ({"low": 5, "high": 5}, [5], [4, 6]),
    ({"low": 4, "high": 15, "step": 4}, [4, 8, 12], [15, 16]),
    ({"low": 0.0, "high": 1.0, "step": 0.3}, [0.0, 0.9], [1.0, 1.2]),
    ({"choices": ["a", None, 1]}, ["a", None, 1], ["b", 2, "", True]),
    ({"choices": [True, False]}, [True], [1, 0]),
]


@pytest.mark.parametrize(("plain", "inside", "outside"), RANGES)
def test_contains(plain, inside, outside):
    one = build(Range, plain)
    assert [value for value in inside if not one.contains(value)] == []
    assert [value for value in outside if one.contains(value)] == []


@given(st.integers(-99, 99), st.integers(0, 99), st.integers(1, 9), st.integers(0, 99))
def test_contains_every_step(low, width, step, n):
    one = build(Range, {"low": low, "high": low + width, "step": step})
    value = low + n * step
    assert one.contains(value) == (value <= low + width)
    assert not one.contains(value + 0.5)


SHOWN = [
    ({"low": 1, "high": 3}, "1…3"),
    ({"low": 1e-4, "high": 1e-2, "log": True}, "0.0001…0.01 (log)"),
    ({"low": 2, "high": 10, "step": 4}, "2…10 in steps of 4"),
    ({"choices": ["a", None, 1]}, "{a, None, 1}"),
]


@pytest.mark.parametrize(("plain", "words"), SHOWN)
def test_shown(plain, words):
    assert str(build(Range, plain)) == words


def test_every_condition_must_hold():
    one = build(Range, {"choices": [1], "when": {"a": 1, "b": None}})
    assert applies(one, {"a": 1, "b": None})
    assert applies(one, {"a": 1}), "what is absent is null"
    assert not applies(one, {"a": 2, "b": None})
    assert not applies(one, {"a": 1, "b": 0})
    assert applies(build(Range, {"choices": [1]}), {})


GRIDS = [
    # ranges, points, what is said, why it is no grid
    (5, 20, r"sampler: .* sampler.points=20 has 3,200,000 points .*lower sampler.points", "many"),
    (1, 2, r"sampler: a grid cannot hold the conditional range", "conditional"),
]


@pytest.mark.parametrize(("n_ranges", "n_points", "message", "why"), GRIDS)
def test_a_grid_that_cannot_be_listed_is_refused(n_ranges, n_points, message, why):
    ranges = {f"model.{i}": Range(low=0.0, high=1.0) for i in range(n_ranges)}
    if why == "conditional":
        ranges["model.heads"] = Range(**HEADS)
    with pytest.raises(ConfigError, match=message):
        grid_points(ranges, n_points, seed=0)


SPREADS = [
    ({"low": 4, "high": 15, "step": 4}, 5, [4, 8, 12]),
    ({"low": 4, "high": 15, "step": 4}, 2, [4, 12]),
    ({"low": 0.0, "high": 1.0, "step": 0.3}, 9, [0.0, 0.3, 0.6, 0.9]),
    ({"low": 1, "high": 2}, 5, [1, 2]),
    ({"low": 0.5, "high": 0.5}, 3, [0.5]),
    ({"low": 0.0, "high": 1.0}, 1, [0.0]),
    ({"low": 1.0, "high": 100.0, "log": True}, 3, [1.0, 10.0, 100.0]),
    ({"choices": ["a", None]}, 1, ["a", None]),
]


@pytest.mark.parametrize(("plain", "n", "values"), SPREADS)
def test_a_grid_lists_values_of_the_range(plain, n, values):
    assert build(Range, plain).spread(n) == pytest.approx(values)


def test_the_scaling_of_ready_made_features_is_searched_without_a_section():
    config = compose_config(
        *SMALL, "+space={features.video.normalise: {choices: [corpus, speaker]}}"
    )
    assert config.features.section("video").normalise == "auto"
    check_space(config.experiment(), config.space)
    drawn = configured(config.experiment(), {"features.video.normalise": "speaker"})
    assert drawn.features.section("video").normalise == "speaker"


def test_what_is_decided_once_is_not_searched():
    config = compose_config(*SMALL)
    space = {"features.speech.normalise": Range(choices=("auto", "corpus"))}
    with pytest.raises(ConfigError, match="auto is decided once"):
        check_space(config.experiment(), space)
