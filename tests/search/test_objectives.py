"""Two objectives: a trial's cost, the front, and what cannot go with it."""

import dataclasses
import time

import pytest
import torch

from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.errors import ConfigError
from emotion_hpo.models import build_network
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.study import Trial, TrialState
from emotion_hpo.study.trials import front_of, read_trials
from emotion_hpo.training import profiling
from emotion_hpo.training.profiling import measure_cost, measure_latency
from tests.pipeline import SMALL, compose_config, search

COMPLETE = TrialState.COMPLETE
TWO = ("study.second_objective=parameters", "sampler=nsga2", "pruner=none")
WIDTHS = "+space.model.fusion.units={low: 2, high: 64}"


def test_a_search_for_the_front(make_study):
    home, config = make_study("study", *TWO, WIDTHS, "study.n_trials=6", "training.epochs=1")
    found = search(config).summary
    trials = read_trials(home)
    assert {one.cost for one in trials} > {trials[0].cost}
    costs = [one.cost for one in found.front]
    values = [one.value for one in found.front]
    assert costs == sorted(costs)
    assert values == sorted(values)
    assert found.best_value == max(one.value for one in trials) == values[-1]


def test_the_front_holds_what_nothing_beats():
    scores = [(0.5, 10.0), (0.6, 20.0), (0.55, 30.0), (0.6, 20.0), (0.7, 40.0), (0.4, 10.0)]
    trials = [Trial(n, COMPLETE, value=v, cost=c) for n, (v, c) in enumerate(scores)]
    assert [one.number for one in front_of(trials, "val/accuracy")] == [0, 1, 4]
    losses = [dataclasses.replace(one, value=-one.value) for one in trials if one.value is not None]
    assert [one.number for one in front_of(losses, "val/loss")] == [0, 1, 4]
    assert front_of([Trial(0, COMPLETE, value=0.5), *trials[:1]], "val/accuracy") == trials[:1]


def test_parameters_are_those_that_are_trained(data_module):
    config = compose_config(*SMALL).experiment()
    network = build_network(config.model, data_module.fold(config).preprocessor.shapes(), 4, seed=1)
    n_all = sum(one.numel() for one in network.parameters())
    n_frozen = sum(one.numel() for one in network.parameters() if not one.requires_grad)
    assert measure_cost(config, data_module)["n_parameters"] == n_all - n_frozen
    frozen = build(
        SearchConfig,
        with_value(dump(compose_config(*SMALL)), "model.encoders.text.embedding.trainable", False),
    ).experiment()
    assert measure_cost(frozen, data_module)["n_parameters"] < n_all - n_frozen


def test_latency_is_the_median_over_utterances_of_every_length(data_module):
    """Evaluation goes by length: taking its first utterances would time the shortest alone."""
    config = compose_config(*SMALL).experiment()
    data = data_module.fold(config).validation
    timed, read_batch = [], data.batch

    def batch(rows):
        timed.append(int(rows[0]))
        return read_batch(rows)

    data.batch = batch
    found = measure_cost(config, data_module)
    del data.batch
    assert found["n_parameters"] > 0
    assert 0 < found["latency_ms"] < 1000
    assert found["device"] == "cpu"
    assert found["n_timed"] >= 5
    assert set(timed) >= set(range(len(data)))


def test_a_model_of_several_networks_takes_the_time_of_all(data_module):
    config = compose_config(*SMALL).experiment()
    data = data_module.fold(config).validation

    class Slow:
        def __init__(self):
            self.seen = set()

        def answer(self, data, row):
            """Take long at first, and less for what was seen."""
            first, new = not self.seen, row not in self.seen
            self.seen.add(row)
            time.sleep(0.1 if first else 0.02 if new else 0.002)

    one, two = (measure_latency([Slow() for _ in range(n)], data, config.training) for n in (1, 2))
    assert two.latency_ms > 1.6 * one.latency_ms
    assert one.first_ms > 2 * one.latency_ms > 4 * one.repeated_ms
    assert one.n_threads == torch.get_num_threads()
    assert one.waiting_share is None or 0 <= one.waiting_share <= 1


def test_a_busy_machine_is_noted(data_module, monkeypatch, tmp_path):
    """The second number of the scheduler's line has grown meanwhile."""
    config = compose_config(*SMALL).experiment()
    line = tmp_path / "schedstat"
    line.write_text("5 1000000000 3")
    monkeypatch.setattr(profiling, "_SCHEDULER", line)

    class Waiting:
        def answer(self, data, row):
            time.sleep(0.01)
            _, waited, _ = line.read_text().split()
            line.write_text(f"5 {int(waited) + 5_000_000} 3")

    data = data_module.fold(config).validation
    assert 0.2 < measure_latency([Waiting()], data, config.training).waiting_share < 0.6
    line.unlink()
    assert measure_latency([Waiting()] * 0, data, config.training).waiting_share is None


REFUSED = [
    (("pruner=median",), "cannot be pruned, .*; take pruner=none, not median"),
    (("pruner=none", "sampler=cmaes"), "cmaes knows one objective"),
    (("pruner=none", "warm_start=old"), "warm_start: a study with two objectives"),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED)
def test_what_cannot_go_with_two_objectives(overrides, message):
    with pytest.raises(ConfigError, match=message):
        compose_config(*SMALL, "study.second_objective=latency_ms", *overrides)


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp", "qmc", "grid", "nsga2"])
def test_samplers_propose_with_two_objectives(make_study, sampler):
    size = (
        "study.second_objective=parameters",
        "pruner=none",
        f"sampler={sampler}",
        "study.n_trials=8",
    )
    home, config = make_study("study", *size)
    home.path.mkdir()
    study = Study(home, config)
    study.open_slots()
    while (claim := study.claim("worker_0")) is not None:
        assert not study.report(claim, 1, 0.5), "there are no steps"
        dropout = claim.config.model.dropout
        study.end(claim, COMPLETE, dropout, 1, cost=1000 * dropout**2)
    trials = study.trials()
    assert len({tuple(one.params.items()) for one in trials}) == 8
    assert all(one.state is COMPLETE and one.cost is not None for one in trials)
