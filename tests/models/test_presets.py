"""One contract for every preset of `conf/model`, as the command line composes it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from emotion_hpo.config.model import NetworkModel
from emotion_hpo.dataset.batch import InputShape
from emotion_hpo.models import build_network

CONF = Path(__file__).parents[2] / "conf"
CLASSICAL = ("boosting", "linear", "svm")
PRESETS = sorted(
    file.relative_to(CONF / "model").with_suffix("").as_posix()
    for file in (CONF / "model").rglob("*.yaml")
    if file.stem not in CLASSICAL
)
LENGTHS = [5, 2, 6, 1, 4, 3]
SHAPES = {
    "text": InputShape(0, 6, 12), "speech": InputShape(16, 7), "mocap": InputShape(189, 8),
    "functionals": InputShape(24, 1), "text_factors": InputShape(9, 1),
}  # fmt: skip


def composed(preset) -> NetworkModel:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        whole = compose("search", overrides=[f"model={preset}"])
    return NetworkModel.model_validate(OmegaConf.to_container(whole.model, resolve=True))


def shapes_for(config) -> dict[str, InputShape]:
    """Preprocessor in miniature, with word vectors of the width that the preset wants."""
    embedding = config.encoders["text"].embedding if "text" in config.encoders else None
    if embedding is None:  # a pretrained model's vector
        return SHAPES | {"text": InputShape(384, 1)}
    vectors = torch.randn(12, embedding.dimensions)
    return SHAPES | {"text": replace(SHAPES["text"], vectors=vectors)}


def lengths_for(shape) -> list[int]:
    """Functionals are one vector an utterance."""
    return [min(length, shape.max_length) for length in LENGTHS]


@pytest.mark.parametrize("preset", PRESETS)
class TestPreset:
    def test_learns_and_is_the_same_when_loaded(self, preset, draw, tmp_path):
        config = composed(preset)
        assert config.name == preset
        shapes = shapes_for(config)
        batch = {name: draw(shapes[name], lengths_for(shapes[name])) for name in config.encoders}
        labels = torch.arange(6) % 4
        network = build_network(config, shapes, 4, seed=0)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        losses = []
        for _ in range(6):
            loss = F.cross_entropy(network.eval()(batch), labels)
            losses.append(float(loss.detach()))
            optimizer.zero_grad()
            F.cross_entropy(network.train()(batch), labels).backward()
            optimizer.step()
        assert losses[-1] < losses[0]

        torch.save(network.state_dict(), tmp_path / "network.pt")
        again = build_network(config, shapes, 4, seed=1, blank=True)
        again.load_state_dict(torch.load(tmp_path / "network.pt", weights_only=True))
        assert torch.equal(again.eval()(batch), network.eval()(batch))
