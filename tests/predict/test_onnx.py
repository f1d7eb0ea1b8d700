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

from emotion_hpo.config import ExperimentConfig, build, dump
from emotion_hpo.config import model as sections
from emotion_hpo.errors import ConfigError, FeatureError, StudyError
from emotion_hpo.features.origin import describe_origins
from emotion_hpo.predict import Predictor, Utterance
from emotion_hpo.predict.onnx_file import TOLERANCE, draw_inputs, run_session, write_onnx
from emotion_hpo.predict.onnx_inputs import GAP_S, SPEAKER
from emotion_hpo.predict.onnx_readme import write_readme
from emotion_hpo.predict.saved_model import SavedEnsemble, SavedModel
from emotion_hpo.runtime.onnx_session import open_session
from emotion_hpo.study.records.base import write_record
from emotion_hpo.training.learner import build_learner
from tests.dialogue_models import fit_classical, make_saved_model
from tests.dialogues import CLASSES, CONTEXTS, ENCODERS
from tests.models.test_encoders import CONFIGS, WORDS
from tests.models.test_presets import CLASSICAL, CONF, PRESETS
from tests.pipeline import SMALL as SMALL_TWIN
from tests.pipeline import compose_config
from tests.records import final_result
from tests.report.studies import begin, write_final

SMALL = {
    "linear": {},
    "concat": {"units": 6},
    "attention": {"units": 6, "heads": 2},
    "gated": {"units": 6},
    "low_rank": {"units": 6, "rank": 2},
    "cross_attention": {"units": 8, "depth": 1, "heads": 2, "feed_forward": 1.5},
}
TWIN_CLASSES = ("ang", "exc", "neu", "sad")
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
    predictor = Predictor(saved_model)
    np.testing.assert_allclose(answers, predictor(utterances), atol=TOLERANCE)
    made = predictor.onnx_inputs(utterances[::-1])
    assert made.keys() == inputs.keys()
    for name, values in made.items():
        np.testing.assert_array_equal(values, inputs[name])
    with pytest.raises(FeatureError, match="the turns of one dialogue, but these are more"):
        predictor.onnx_inputs([*utterances, Utterance(features={"voice": voices[0]})])


@pytest.mark.parametrize("frames", ["sequences", "statistics"])
def test_inputs_are_made_of_what_people_have(frames, data_module, tmp_path):
    """Of words, sound and motion: all kinds that this program extracts, some scaled by speaker."""
    plain = dump(compose_config(*SMALL_TWIN).experiment())
    plain["features"]["text_factors"] = {"components": 5}
    plain["features"]["functionals"]["normalise"] = "speaker"
    plain["model"]["frames"] = frames
    vector = {"name": "mlp", "units": 8, "depth": 0, "output_units": 4}
    plain["model"]["encoders"] |= {"functionals": vector, "text_factors": vector}
    if frames == "statistics":
        plain["model"]["encoders"] |= {"speech": vector, "mocap": vector}
    config = build(ExperimentConfig, plain)
    preprocessor = data_module.fold(config).preprocessor
    state = build_learner(config, preprocessor, len(TWIN_CLASSES), seed=0).state()
    origins = describe_origins(preprocessor.modalities, config.features, {})
    saved_model = SavedModel(config, preprocessor, TWIN_CLASSES, (state,), origins, synthetic=True)
    path = tmp_path / "model.onnx"
    write_onnx(saved_model, path)
    generator = np.random.default_rng(0)
    sound = (0.1 * generator.normal(size=12_000)).astype(np.float32)
    motion = generator.normal(size=(60, 189)).astype(np.float32)
    utterances = [
        Utterance("so good to see you", sound, motion=motion),
        Utterance("Leave me alone!"),
        Utterance(None, sound[:8000], 8000, speaker="A"),
        Utterance("qqqq", sound, speaker="A", motion=np.full((9, 189), np.nan, np.float32)),
    ]
    predictor = Predictor(saved_model)
    inputs = predictor.onnx_inputs(utterances)
    answers = run_session(open_session(path, 1), inputs)
    np.testing.assert_allclose(answers, predictor(utterances), atol=TOLERANCE)


def test_inputs_that_cannot_be_made_are_refused():
    saved_model = make_saved_model(None)
    predictor = Predictor(saved_model)
    with pytest.raises(FeatureError, match="there is no utterance"):
        predictor.onnx_inputs([])
    wrong = Utterance(text="well", features={"voice": np.zeros(3, np.float32)})
    with pytest.raises(FeatureError, match=r"utterance 1: features.voice must be \(6,\)"):
        predictor.onnx_inputs([Utterance(text="well"), wrong])
    ensemble = SavedEnsemble((saved_model, saved_model), (0.5, 0.5), "average")
    with pytest.raises(StudyError, match="an ensemble has no ONNX file; open one of its members"):
        Predictor(ensemble).onnx_inputs([Utterance(text="well")])


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
    ensemble = home.final("ensemble")
    models = (make_saved_model(None), make_saved_model(None, seed=2))
    SavedEnsemble(models, (0.5, 0.5), "average").save(ensemble.model)
    members = [{"trial": f"trial_{n}", "epochs": 1, "weight": 0.5} for n in (5, 3)]
    write_record(ensemble.result, final_result(trial="ensemble", members=members))
    ended = emotion_hpo("export", *where, "best=ensemble")
    line = (
        f'make export NAME=study BEST=trial_5 ARGS="study.directory={home.directory} format=onnx"'
    )
    assert ended.status == 2
    assert ended.stderr == (
        f"emotion-hpo export: {ensemble.path} is an ensemble, which has no ONNX file; export its "
        f"members one by one: `{line}`, then trial_3\n"
    )
    facts = open_session(folder / "model.onnx", 1).get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == list(CLASSES)
    ended = emotion_hpo("export", *where, f"output={tmp_path / 'away.onnx'}")
    assert ended.status == 0
    assert (tmp_path / "away_README.md").read_text("utf-8").startswith("# away.onnx: features")


def test_export_from_no_study_is_refused(emotion_hpo, tmp_path):
    ended = emotion_hpo("export", f"study.directory={tmp_path}", "study.name=a", "format=onnx")
    assert ended.status == 2
    assert ended.stderr.startswith(f"emotion-hpo export: no study 'a' in {tmp_path}; ")
