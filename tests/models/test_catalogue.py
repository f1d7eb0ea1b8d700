"""Parameter counts that we did not compute: those of the reference's networks."""

from pathlib import Path

import pytest
import yaml

from emotion_hpo.config.model import ModelConfig
from emotion_hpo.models import catalogue

CONF = Path(__file__).parents[2] / "conf" / "model"


def combined(text, speech, fusion) -> ModelConfig:
    mapping = yaml.safe_load((CONF / "tripathi" / "combined.yaml").read_text(encoding="utf-8"))
    mapping["encoders"]["text"]["units"] = text
    mapping["encoders"]["speech"]["units"] = speech
    mapping["fusion"]["units"] = fusion
    return ModelConfig.model_validate(mapping)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (
            (238, 112, 189),
            {
                "text": 1_849_516,
                "speech": 3_122_144,
                "speech.recurrent": 65_856,
                "speech.decoder": 188_832,
                "speech.output": 2_867_456,
                "mocap": 1_653_696,
            },
        ),
        ((256, 128, 256), {"all": 7_441_200}),
    ],
    ids=["configuration 19", "the paper's widths"],
)
def test_the_references_counts(units, expected):
    (row,) = catalogue.preset_rows({"tripathi/combined": combined(*units)})
    assert {part: row.parameters[part] for part in expected} == expected


def test_parts_add_up():
    (row,) = catalogue.preset_rows({"tripathi/combined": combined(7, 5, 3)})
    parts = row.parameters
    assert parts["all"] == sum(parts[name] for name in ("text", "speech", "mocap", "fusion"))
    for modality in ("text", "speech", "mocap"):
        of_it = [n for name, n in parts.items() if name.startswith(f"{modality}.")]
        assert sum(of_it) == parts[modality]


def test_every_encoder_and_head_is_listed():
    rows = catalogue.encoder_rows()
    assert {"attention_decoder", "spectrogram_cnn", "functionals_mlp"} <= {r.name for r in rows}
    assert all(row.parameters["all"] > 0 for row in rows + catalogue.head_rows())
