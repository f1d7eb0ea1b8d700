"""ONNX files of every encoder, fusion and context answer as the networks do."""

import ast
import json
import re
import sys
from dataclasses import replace
from itertools import cycle
from typing import get_args

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter

from emotion_hpo.config import model as sections
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.predict import Predictor, Utterance
from emotion_hpo.predict.onnx_file import TOLERANCE, draw_inputs, run_session, write_onnx
from emotion_hpo.predict.onnx_graph import GAP_S, SPEAKER
from emotion_hpo.predict.onnx_readme import write_readme
from emotion_hpo.predict.saved_model import SavedEnsemble
from emotion_hpo.runtime.onnx_session import open_session
from tests.dialogue_models import fit_classical, make_saved_model
from tests.dialogues import CLASSES, CONTEXTS, ENCODERS
from tests.models.test_encoders import CONFIGS, WORDS
from tests.models.test_presets import CLASSICAL, CONF, PRESETS
from tests.report.studies import begin, write_final

SMALL = {
    "linear": {},
    "concat": {"units": 6},
    "attention": {"units": 6, "heads": 2},
    "gated": {"units": 6},
    "low_rank": {"units": 6, "rank": 2},
    "cross_attention": {"units": 8, "depth": 1, "heads": 2, "feed_forward": 1.5},
}
READINGS = [(name, reads) for name in (None, *CONTEXTS) for reads in ("past", "both")][1:]


def names_of(union) -> set[str]:
    """The names of a union's sections."""
    classes = get_args(get_args(union)[0]) if get_args(union) else ()
    return {name for each in classes for name in get_args(each.model_fields["name"].annotation)}


def networks() -> dict[str, dict]:
    """As few networks as hold every encoder twice, on words and frames, every head and context."""
    configs = list(CONFIGS.items())
    heads, readings = cycle(SMALL.items()), cycle(READINGS)
    made = {}
    for place in range(max(len(configs), len(SMALL), len(READINGS)) // 2 + 1):
        (name, config), (other, config_of_words) = (
            configs[(2 * place + k) % len(configs)] for k in (0, 1)
        )
        (head, settings), (context, reads) = next(heads), next(readings)
        made[f"{name} + {other}: {head}, {context} {reads}"] = {
            "context": context,
            "reads": reads,
            "encoders": {
                "speech": config,
                "text": config_of_words | WORDS,
                "voice": {"name": "residual_mlp", "units": 6, "depth": 1, "expansion": 2,
                          "output_units": 4},
            },
            "fusion": {"name": head} | settings,
        }  # fmt: skip
    return made


NETWORKS = networks()


def test_every_part_is_in_a_network():
    """A new encoder, head or context needs a row."""
    made = [network["encoders"][name]["name"] for network in NETWORKS.values()
            for name in ("speech", "text")]  # fmt: skip
    assert set(made) == names_of(sections.EncoderConfig) == {c["name"] for c in CONFIGS.values()}
    assert set(SMALL) == names_of(sections.FusionConfig)
    contexts = {config["name"] for config in CONTEXTS.values()} | {"none"}
    assert contexts == names_of(sections.ContextConfig)


#: Settings of an encoder or a context that make another graph, rather than a larger one.
STRUCTURE = (
    "name", "pooling", "bidirectional", "halving", "input_norm", "cell", "residual", "relations"
)  # fmt: skip


def structure(section) -> tuple:
    """What kind of graph an encoder or a context is traced as."""
    return tuple(getattr(section, name, None) for name in STRUCTURE)


def test_every_preset_is_made_of_them():
    """So that what `conf/model` offers is exported, or refused by a test below."""
    encoder, context = TypeAdapter(sections.EncoderConfig), TypeAdapter(sections.ContextConfig)
    made = [encoder.validate_python(config) for config in CONFIGS.values()]
    made += [context.validate_python(config) for config in [*CONTEXTS.values(), {"name": "none"}]]
    covered = {structure(section) for section in made}
    for preset in PRESETS:
        plain = yaml.safe_load((CONF / "model" / f"{preset}.yaml").read_text("utf-8"))
        plain.pop("defaults", None)
        model = sections.NetworkModel.model_validate(plain)
        assert {structure(part) for part in [*model.encoders.values(), model.context]} <= covered
        assert model.fusion.name in SMALL, preset


@pytest.mark.parametrize("settings", NETWORKS.values(), ids=NETWORKS)
def test_its_file_answers_as_it_does(settings, tmp_path):
    """Over random lengths, lost values and missing modalities, as the writer itself checks."""
    saved_model = make_saved_model(**settings)
    saved_model = replace(saved_model, networks=saved_model.networks[:1])
    path = tmp_path / "model.onnx"
    assert write_onnx(saved_model, path) < TOLERANCE
    session = open_session(path, 1)
    sizes = [run_session(session, draw_inputs(saved_model, 100, n)).shape for n in (1, 9)]
    assert sizes == [(1, 3), (9, 3)]


def test_its_readme_answers_as_predict_does(tmp_path, monkeypatch, capsys):
    """The code beside the file, on raw features: cut, scaled and masked as `predict` does it."""
    saved_model = make_saved_model(None)
    reader = saved_model.preprocessor.readers["speech"]
    scaled = replace(reader, speakers={"F": reader.corpus}, max_length=4)
    preprocessor = replace(
        saved_model.preprocessor, readers=saved_model.preprocessor.readers | {"speech": scaled}
    )
    saved_model = replace(saved_model, preprocessor=preprocessor)
    path = tmp_path / "model.onnx"
    page = write_readme(saved_model, path, write_onnx(saved_model, path))
    generator = np.random.default_rng(0)
    arrays = {"speech": generator.normal(1, 2, (9, 5)), "voice": generator.normal(size=6)}
    arrays["speech"][1] = np.nan
    arrays["speech"][2, 3] = np.nan
    for name, values in arrays.items():
        np.save(tmp_path / f"{name}.npy", values)
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    exec(code.replace("so good to see you", "well stop unheard lost"), {})
    answer = ast.literal_eval(capsys.readouterr().out)
    floats = {name: values.astype(np.float32) for name, values in arrays.items()}
    utterance = Utterance(text="Well, stop unheard: LOST", speaker="F", features=floats)
    expected = Predictor(saved_model)([utterance])[0]
    np.testing.assert_allclose([*answer.values()], expected, atol=TOLERANCE)
    assert [*answer] == list(saved_model.classes)


@pytest.mark.parametrize("context", ["recurrent", "speaker_recurrent", "attention"])
def test_a_dialogue_is_read_as_predict_reads_it(context, tmp_path):
    saved_model = make_saved_model(context, reads="both", encoders={"voice": ENCODERS["voice"]})
    path = tmp_path / "model.onnx"
    write_onnx(saved_model, path)
    generator = np.random.default_rng(0)
    voices = generator.normal(size=(5, 6)).astype(np.float32)
    voices[3] = np.nan
    voices[3, 0] = 1  # all but one value lost
    speakers, ends = "FMMFF", [1.0, 2.5, 4.0, 5.0, 9.0]
    starts = [0.0, 1.2, 2.4, 4.5, 8.0]
    utterances = [
        Utterance(features={"voice": voice}, dialogue="d", speaker=who, turn=place, start_s=start,
                  end_s=end)
        for place, (voice, who, start, end) in enumerate(
            zip(voices, speakers, starts, ends, strict=True)
        )
    ]  # fmt: skip
    gaps_s = np.array([0, *(np.array(starts[1:]) - np.array(ends[:-1]))], np.float32)
    numbers = np.array(["FM".index(who) for who in speakers])
    inputs = {"voice": voices, SPEAKER: numbers, GAP_S: gaps_s}
    answers = run_session(open_session(path, 1), inputs)
    np.testing.assert_allclose(answers, Predictor(saved_model)(utterances), atol=TOLERANCE)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_classical_model_is_refused(name, tmp_path):
    saved_model = fit_classical(name)
    with pytest.raises(StudyError, match=rf"model '{name}' .* has no ONNX file: .* networks alone"):
        write_onnx(saved_model, tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())


def test_a_missing_package_is_refused(tmp_path, monkeypatch):
    saved_model = make_saved_model(None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"onnx: pip install 'emotion_hpo\[onnx\]'"):
        write_onnx(saved_model, tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())


def test_a_file_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    batches = []

    def answer(session, inputs):
        batches.append(inputs)
        return run_session(session, inputs) if len(batches) < 3 else np.array([np.nan])

    monkeypatch.setattr("emotion_hpo.predict.onnx_file.run_session", answer)
    with pytest.raises(StudyError, match="probabilities differ by up to nan, so it was not"):
        write_onnx(make_saved_model(None), tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())


def test_export_writes_it_beside_the_model(emotion_hpo, tmp_path):
    home = begin(tmp_path)
    write_final(home, 3)
    where = (f"study.directory={home.directory}", f"study.name={home.name}", "format=onnx")
    ended = emotion_hpo("export", *where)
    assert ended.status == 2, "the report's files hold no model"
    make_saved_model(None).save(home.final(3).model)
    ended = emotion_hpo("export", *where)
    assert (ended.status, ended.stderr) == (0, "")
    folder = home.final(3).path / "onnx"
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "model_README.md"}
    make_saved_model(None).save(home.final(5).model)  # a member, which was not scored itself
    assert emotion_hpo("export", *where, "best=trial_5").status == 0
    assert (home.final(5).path / "onnx" / "model.onnx").exists()
    members = (make_saved_model(None), make_saved_model(None, seed=2))
    SavedEnsemble(members, (0.5, 0.5), "average").save(home.final(5).model)
    ended = emotion_hpo("export", *where, "best=trial_5")
    assert ended.status == 2
    assert "is an ensemble, which has no ONNX file; export its members" in ended.stderr
    assert ended.stderr.count("\n") == 1
    facts = open_session(folder / "model.onnx", 1).get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == list(CLASSES)
    ended = emotion_hpo("export", *where, f"output={tmp_path / 'away.onnx'}")
    assert ended.status == 0
    assert (tmp_path / "away_README.md").read_text("utf-8").startswith("# away.onnx: features")
