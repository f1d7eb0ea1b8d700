"""Parameter counts that we did not compute: those of the reference's networks."""

import json
from pathlib import Path
from typing import get_args

import pytest
import yaml

from emotion_hpo.config.model import ContextConfig, FusionConfig, NetworkModel
from emotion_hpo.models import catalogue

CONF = Path(__file__).parents[2] / "conf" / "model"


def combined(text, speech, fusion) -> NetworkModel:
    mapping = yaml.safe_load((CONF / "tripathi" / "combined.yaml").read_text(encoding="utf-8"))
    del mapping["defaults"]
    mapping["encoders"]["text"]["units"] = text
    mapping["encoders"]["speech"]["units"] = speech
    mapping["fusion"]["units"] = fusion
    return NetworkModel.model_validate(mapping)


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


def test_a_model_of_statistics_is_counted_as_it_is_read():
    (row,) = catalogue.preset_rows({"auto": catalogue.read_presets(CONF)["auto"]})
    parts = {name for name in row.parameters if "." not in name}
    assert parts == {"all", "text_factors", "functionals", "mocap", "fusion"}
    assert row.parameters["text_factors"] == 500 * 256 + 256
    assert row.parameters["mocap.input"] == 9 * 189 * 32 + 32


def test_every_encoder_and_head_is_listed():
    rows, heads = catalogue.encoder_rows(), catalogue.head_rows()
    listed = {modality: set() for modality in ("text", "speech", "mocap")}
    for row in rows:
        listed[row.modality].add(row.name)
    assert listed == {
        "speech": {
            "mlp", "lstm", "attention_lstm", "attention_bilstm", "attention_bigru",
            "attention_decoder", "transformer", "spectrogram_cnn", "functionals_mlp",
            "functionals_residual_mlp",
        },
        "text": {"conv", "lstm", "bilstm", "attention_bilstm", "transformer"},
        "mocap": {"mlp", "lstm", "transformer", "conv"},
    }  # fmt: skip
    kinds = get_args(get_args(FusionConfig)[0])
    assert [get_args(kind.model_fields["name"].annotation)[0] for kind in kinds] == [
        row.name for row in heads
    ]
    contexts = catalogue.context_rows()
    kinds = get_args(get_args(ContextConfig)[0])
    names = [get_args(kind.model_fields["name"].annotation)[0] for kind in kinds]
    assert ["none", *(row.name for row in contexts)] == names
    assert all(row.parameters["all"] > 0 for row in rows + heads + contexts)


def test_a_context_counts_its_own_part():
    """An LSTM of 100 units in both directions and two layers, and its dense layer: by hand."""
    mapping = yaml.safe_load((CONF / "poria" / "bc_lstm.yaml").read_text(encoding="utf-8"))
    del mapping["defaults"]
    (row,) = catalogue.preset_rows({"poria/bc_lstm": NetworkModel.model_validate(mapping)})
    layers = 2 * 4 * 100 * (100 + 100 + 1) + 2 * 4 * 100 * (200 + 100 + 1)
    assert row.parameters["context"] == layers + (200 + 1) * 100
    parts = ("text", "functionals", "fusion", "context")
    assert row.parameters["all"] == sum(row.parameters[name] for name in parts)


def test_the_command_lists_everything(emotion_hpo, isolated):
    ended = emotion_hpo("models", "output=counts.json")
    assert ended.status == 0, ended.stderr
    counts = json.loads((isolated / "counts.json").read_text())
    presets = {file.relative_to(CONF).with_suffix("").as_posix() for file in CONF.rglob("*.yaml")}
    assert set(counts) == presets
    assert counts["tripathi/combined"]["parameters"]["speech.decoder"] == 188_832
    for name in (*presets, "attention_bilstm", "spectrogram_cnn", "gated", "speaker_recurrent"):
        assert name in ended.stdout


def test_the_command_counts_a_network_that_is_changed(emotion_hpo, isolated):
    units = ("encoders.text.units=256", "encoders.speech.units=128", "fusion.units=256")
    overrides = ["model=tripathi/combined", *(f"model.{one}" for one in units)]
    ended = emotion_hpo("models", *overrides, "output=counts.json")
    assert ended.status == 0, ended.stderr
    (row,) = json.loads((isolated / "counts.json").read_text()).values()
    assert row["parameters"]["all"] == 7_441_200
    assert "7,441,200" in ended.stdout
    assert emotion_hpo("models", "model.unit=3").status == 2
