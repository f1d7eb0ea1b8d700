"""`final` of a model that reads dialogues: what they are worth, and beside whom it stands."""

import json
import shutil

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from emotion_hpo.config import LinearModel
from emotion_hpo.features.preparation import quiet
from emotion_hpo.final.breakdowns import break_down, remove_context
from emotion_hpo.final.lone import lone_recipe
from emotion_hpo.final.plan import Plan, Recipe
from emotion_hpo.final.replay_final import replay_final
from emotion_hpo.final.retraining import put_together
from emotion_hpo.final.scoring import final
from emotion_hpo.models import baseline
from emotion_hpo.models.baseline import Baseline
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.search import batch
from emotion_hpo.splits.parts import Holdout
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.study.finals import find_finals
from emotion_hpo.training.learner import fit_preprocessor
from tests.dialogue_models import make_saved_model
from tests.dialogues import CONTEXTS, make_config, make_shelf, make_turns
from tests.pipeline import trainer

pytestmark = pytest.mark.no_cover  # traced, it would take half as long again


def score(home):
    return final(home, "trial_1", rescore=False, on_features=quiet, train=trainer(home))


@pytest.fixture(scope="module")
def home(searched_once, tmp_path_factory):
    """The searched study, whose second trial reads dialogues, scored after a cut."""
    folder = tmp_path_factory.mktemp("contextual") / "studies"
    shutil.copytree(searched_once, folder, symlinks=True)
    home = StudyHome(folder, "study")

    def cut(*_arguments):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(baseline, "_turns_help", lambda *_: True)  # a small twin's do not
        patched.setattr(Holdout, "unseal", cut)
        with pytest.raises(KeyboardInterrupt):
            score(home)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(baseline, "_turns_help", lambda *_: True)
        patched.setattr(batch, "_work", cut)  # all of them are trained already
        score(home)
    return home


@pytest.fixture(scope="module")
def result(home):
    return json.loads(home.final(1).result.read_text())


@pytest.fixture(scope="module")
def sealed(small_parts):
    return small_parts[1].unseal()


def answers_of(home, name, sealed, reads="all"):
    saved_model = SavedModel.load(home.final(name).model)
    data = saved_model.preprocessor.transform(sealed)
    return saved_model.probabilities(data, reads=reads).mean(0).argmax(1)


def test_it_is_judged_with_the_past_alone_and_with_nothing_of_its_dialogues(home, result, sealed):
    assert result["turns_read"] == "both"
    assert list(result["less_context"]) == ["past", "alone"]
    for reads, less in result["less_context"].items():
        predicted = answers_of(home, "trial_1", sealed, reads)
        assert less["accuracy"] == pytest.approx(accuracy_score(sealed.labels, predicted))
        assert less["uar"] == pytest.approx(balanced_accuracy_score(sealed.labels, predicted))
        assert less["accuracy_interval"]["low"] <= less["accuracy"]
        loss = less["loss_of_accuracy"]
        assert loss["difference"] == pytest.approx(result["accuracy"] - less["accuracy"])
        assert loss["interval"]["low"] < loss["difference"] < loss["interval"]["high"]


def test_it_is_held_against_the_same_network_without_context(home, result, sealed, small_parts):
    own, lone = (SavedModel.load(home.final(name).model) for name in ("trial_1", "trial_1_alone"))
    assert not lone.config.has_context
    assert lone.config.model.encoders == own.config.model.encoders
    assert len(lone.networks) == len(own.networks) == 2
    stored = result["lone"]
    predicted = answers_of(home, "trial_1_alone", sealed)
    assert stored["accuracy"] == pytest.approx(accuracy_score(sealed.labels, predicted))
    gain = stored["gain"]["accuracy"]
    assert gain["difference"] == pytest.approx(result["accuracy"] - stored["accuracy"])
    assert stored["batch_size"] == lone.config.training.batch_size
    assert 0 < gain["mcnemar_p"] <= 1


def test_it_is_held_against_the_baseline_without_the_turns_before(
    home, result, sealed, small_parts
):
    with_turns, alone = (
        SavedModel.load(home.final(name).model).config.model
        for name in ("baseline", "baseline_alone")
    )
    assert (with_turns.turns_before, alone.turns_before) == (8, 0)
    features = study_file.read(home).config.features
    plain = Baseline.fit(small_parts[0].everything, features)
    predicted = plain.probabilities(sealed).argmax(1)
    stored = result["baseline_alone"]
    assert stored["accuracy"] == pytest.approx(accuracy_score(sealed.labels, predicted))
    difference = stored["gain"]["accuracy"]["difference"]
    assert difference == pytest.approx(result["accuracy"] - stored["accuracy"])


def test_its_accuracy_is_told_by_the_position_in_the_dialogue(result, sealed):
    table = sealed.turns.table.sort_values("turn")
    numbers = table.groupby("dialogue").cumcount() + 1
    of_id = dict(zip(table["utterance_id"], numbers, strict=True))
    own = np.array([of_id[key] for key in sealed.ids])
    counts = {
        "first": (own == 1).sum(),
        "2-5": ((own >= 2) & (own <= 5)).sum(),
        "6-10": ((own >= 6) & (own <= 10)).sum(),
        "11-20": ((own >= 11) & (own <= 20)).sum(),
        "later": (own > 20).sum(),
    }
    parts = result["by"]["position"]
    assert {name: part["n"] for name, part in parts.items()} == {
        name: n for name, n in counts.items() if n
    }
    right = sum(part["n"] * part["accuracy"] for part in parts.values())
    assert right == pytest.approx(result["n_test"] * result["accuracy"])


def test_its_rivals_are_no_final_models_and_it_replays(home):
    assert [folder.path.name for folder in find_finals(home)] == ["trial_1"]
    assert replay_final(home, "trial_1", quiet, trainer(home)).first_difference is None


def recipe(config, name="trial_3"):
    return Recipe(name, 3, 0.5, config, epochs=2, seeds=(0, 1), lr_halvings=(0, 1))


@pytest.fixture(scope="module")
def turns():
    return make_turns(make_shelf()).labelled()


@pytest.mark.parametrize("batch_turns", [1, 6, 12, 1000])
def test_the_network_without_context_takes_as_many_steps(turns, batch_turns):
    own = recipe(make_config(CONTEXTS["gru"], {"batch_turns": batch_turns}))
    lone = lone_recipe(Plan("trial_3", (own,)), turns)
    assert (lone.name, lone.key, lone.seeds, lone.epochs) == ("trial_3_alone", 3, (0, 1), 2)
    n_steps = []
    sizes = (batch_turns, lone.config.training.batch_size)
    for config, size in zip((own.config, lone.config), sizes, strict=True):
        data = fit_preprocessor(config, turns).transform(turns)
        epochs = [data.epoch(size, 1, [0, epoch]) for epoch in range(9)]
        n_steps.append([len(list(epoch)) for epoch in epochs])
    assert np.median(n_steps[1]) == pytest.approx(np.median(n_steps[0]), rel=0.2)
    assert lone.config.training.epochs == own.config.training.epochs
    assert lone.identity != own.identity


def test_a_classical_model_without_context_reads_no_turns(turns):
    model = LinearModel(name="linear", learner="linear", turns_before=3, turns_after=2)
    config = make_config().model_copy(update={"model": model})
    lone = lone_recipe(Plan("trial_3", (recipe(config),)), turns)
    assert (lone.config.model.turns_before, lone.config.model.turns_after) == (0, 0)
    assert lone.config.training == config.training


def test_only_a_single_trial_with_context_has_such_a_rival(turns):
    with_context = recipe(make_config(CONTEXTS["gru"]))
    plans = [
        Plan("trial_3", (recipe(make_config()),)),
        Plan("ensemble", (with_context, with_context), (0.5, 0.5), "average"),
        Plan("baseline", (recipe(make_config(CONTEXTS["gru"]), "baseline"),)),
    ]
    assert [lone_recipe(plan, turns) for plan in plans] == [None] * 3


@pytest.mark.parametrize("reads", ["past", "both"])
def test_every_member_of_an_ensemble_reads_less(turns, reads):
    saved_models = [make_saved_model("gru", reads), make_saved_model(None)]
    names = ("trial_0", "trial_1")
    recipes = tuple(recipe(m.config, name) for m, name in zip(saved_models, names, strict=True))
    plan = Plan("ensemble", recipes, (0.5, 0.5), "average")
    model = put_together(plan, dict(zip(names, saved_models, strict=True)))
    assert model.turns_read == reads
    answers = {
        kind: [
            saved_model.probabilities(saved_model.preprocessor.transform(turns), reads=kind)
            for saved_model in saved_models
        ]
        for kind in ("all", "past", "alone")
    }
    for kind, (first, second) in answers.items():
        np.testing.assert_allclose(model.answers(turns, kind), (first + second) / 2, atol=1e-6)
        np.testing.assert_array_equal(second, answers["all"][1])
    less = remove_context(lambda kind: model.answers(turns, kind), turns, reads)
    assert list(less) == (["past", "alone"] if reads == "both" else ["alone"])


@pytest.mark.parametrize(("context", "n_seen"), [("gru", 2), (None, 1)])
def test_a_model_has_seen_the_words_that_it_read_as_context(context, n_seen):
    """Of training words, those of turns without a class are known to whom reads turns alone."""
    train, test = make_turns(make_shelf()), make_turns(make_shelf((3,), seed=1))
    labelled = train.labelled()
    train.table["transcript"] = np.where(train.labels < 0, "of context", "labelled")
    labelled.table["transcript"] = "labelled"
    test.table["emotion"], test.table["transcript"] = "ang", ["labelled", "of context", "new"]
    saved_model = make_saved_model(context)
    answers = np.full((3, 3), 1 / 3)
    by = break_down(test, labelled, [saved_model], answers)["transcript_in_training"]
    assert (by["yes"].n, by["no"].n) == (n_seen, 3 - n_seen)


def test_a_model_that_reads_no_turns_has_nothing_less_to_read(turns):
    assert remove_context(print, turns, None) is None
