"""The layers of a pretrained model in the report."""

from types import SimpleNamespace

import numpy as np
import torch

from emotion_hpo.final.breakdowns import layer_weights
from emotion_hpo.report.layer_plots import layer_plots
from emotion_hpo.study.records.final_result import LayerWeights


def final(weights):
    result = SimpleNamespace(trial="trial_3", synthetic=False, layer_weights=weights)
    return SimpleNamespace(result=result)


def test_a_figure_a_modality():
    entry = LayerWeights(layers=(0, 4, 12), weights=((0.2, 0.5, 0.3), (0.4, 0.3, 0.3)))
    (plot,) = layer_plots(final({"speech": entry}))
    assert plot.name == "layers_speech"
    assert "2 networks" in plot.caption


def test_none_where_nothing_is_mixed():
    assert layer_plots(final({})) == []


def saved_model(layers, logits):
    section = SimpleNamespace(layers=layers)
    return SimpleNamespace(
        preprocessor=SimpleNamespace(readers={"speech": SimpleNamespace(n_layers=len(logits))}),
        networks=[{"encoders.speech.layer_mix.logits": torch.tensor(logits)}, {"other": 0}],
        config=SimpleNamespace(features=SimpleNamespace(pretrained={"speech": section})),
    )


def test_weights_are_of_every_network_that_mixes():
    for layers, numbers in (("all", (0, 1, 2)), ((2, 5, 9), (2, 5, 9))):
        record = layer_weights([saved_model(layers, [0.0, 1.0, -1.0])])["speech"]
        assert record.layers == numbers
        (weights,) = record.weights
        expected = np.exp([0, 1, -1]) / np.exp([0, 1, -1]).sum()
        np.testing.assert_allclose(weights, expected, atol=1e-6)
