"""What a person sees when a search has ended."""

from pathlib import Path

import pytest

from emotion_hpo.console.search_result import (
    show_baseline,
    show_confirmation,
    show_ensemble,
    show_front,
    show_next_steps,
    show_search,
    show_verdict,
)
from emotion_hpo.metrics import METRICS
from emotion_hpo.selection.suggestion import suggest
from emotion_hpo.study import StudyHome
from tests.records import (
    baseline,
    expected,
    expected_ensemble,
    search_summary,
    selection,
    span,
)


def summary(**changes):
    """What a search of three folds came to."""
    content = {
        "study": "berlin", "objective": "val/uar", "n_trials": 5, "n_folds": 3, "n_complete": 4,
        "n_pruned": 1, "n_train": 30, "n_validation": 9, "best_trial": "trial_2",
        "best_value": 0.5, "best_epoch": 3, "expected": None,
        "best_params": {"model.dropout": 0.123456, "model.fusion.name": "concat"},
    }  # fmt: skip
    return search_summary(**content | changes)


def baseline_of(uar, **changes):
    """A plain model, of which the UAR counts."""
    return baseline(validation=dict.fromkeys(METRICS) | {"uar": uar}, **changes).to_json()


def test_counts_best_trial_and_its_parameters(capsys):
    show_search(summary(), "5 of 5 trials")
    assert capsys.readouterr().out.splitlines() == [
        "Study berlin: 5 of 5 trials finished (4 complete, 1 pruned, 0 failed) on 30 training and "
        "9 validation utterances over 3 folds (training: the mean of one).",
        "Best: trial_2, val/uar 50.00 % after epoch 3 (synthetic data)",
        "  model.dropout                    0.1235",
        "  model.fusion.name                concat",
    ]


LUCK = ": the best of 24 trials is best by luck, too"


@pytest.mark.parametrize(
    ("n_trials", "confirmed", "sentence"),
    [
        (24, None, LUCK),
        (1, None, ""),
        (24, selection(expected=None).to_json(), LUCK),
        (24, selection().to_json(), None),
    ],
    ids=["of many", "of one", "confirmed without an expectation", "confirmed"],
)
def test_the_search_says_what_it_expects_where_no_confirmation_does(
    n_trials, confirmed, sentence, capsys
):
    show_search(summary(expected=expected(n_trials=n_trials), confirmed=confirmed), "5 of 5 trials")
    lines = [line for line in capsys.readouterr().out.splitlines() if "xpected" in line]
    line = "Expected: val/uar 61.00 % on new utterances (90 % interval 58.00 % – 64.00 %"
    line += ", by choice repeated)"
    assert lines == ([] if sentence is None else [f"{line}{sentence}. It holds for new speakers."])


def test_the_confirmation_says_of_whom_its_expectation_holds(capsys):
    show_confirmation(selection(), summary(expected=expected()).expected)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "  Expected of the winner: 60.00 % (90 % interval 55.00 % – 65.00 %, by choice repeated): "
        "its mean less what this choice added. It holds for new speakers."
    )


def test_a_search_without_a_complete_trial_has_no_best(capsys):
    show_search(summary(best_trial=None), "5 of 5 trials")
    assert "Best" not in capsys.readouterr().out


def test_the_baseline_is_shown_in_the_metric_of_the_search(capsys):
    show_baseline(summary())
    line = "Baseline: val/uar 45.00 % (logistic regression on text and speech)\n"
    assert capsys.readouterr().out == line


def test_the_baseline_without_the_turns_before_stands_beside_it(capsys):
    alone = dict.fromkeys(METRICS, 0.42)
    plain = baseline_of(0.45, alone=alone, model="logistic regression, the 8 turns before")
    show_baseline(summary(baseline=plain))
    assert capsys.readouterr().out.endswith(
        "the 8 turns before on text and speech); without the turns before 42.00 %\n"
    )


@pytest.mark.parametrize("turns_read", ["both", "past", None])
def test_a_best_trial_that_reads_later_turns_is_not_for_live_use(capsys, turns_read):
    show_search(summary(), "5 of 5 trials", turns_read)
    warning = "  It reads the turns after, too: not for live use.\n"
    assert (warning in capsys.readouterr().out) == (turns_read == "both")


def test_only_two_objectives_have_a_front(capsys):
    show_front(summary())
    assert capsys.readouterr().out == ""
    front = [{"trial": "trial_1", "value": 0.4, "cost": 5684.0, "params": {}}]
    show_front(summary(second_objective="parameters", front=front))
    assert capsys.readouterr().out.splitlines() == [
        "Pareto front of val/uar and parameters:",
        "  trial_1       40.00 %         5,684 parameters",
    ]


INTERVAL = span(0.58, 0.66, "choice repeated", level=0.9)
ENSEMBLE = expected_ensemble(
    value=0.62, plain=0.64, interval=INTERVAL, n_trials=4,
    members=[{"trial": "trial_2", "weight": 0.75}, {"trial": "trial_0", "weight": 0.25}],
)  # fmt: skip


def test_the_ensemble_is_shown_with_what_is_expected_of_it(capsys):
    show_ensemble(summary(ensemble=ENSEMBLE))
    assert capsys.readouterr().out.splitlines() == [
        "Ensemble of 75 % trial_2, 25 % trial_0: expected val/uar 62.00 % (90 % interval 58.00 % "
        "– 66.00 %, by choice repeated), its 64.00 % on these utterances less what choosing it "
        "from 4 models added."
    ]
    show_ensemble(summary(ensemble=None))
    assert capsys.readouterr().out == ""


VERDICTS = [
    # objective, expected of the search's best, of the confirmed, of the baseline; lines
    ("val/uar", 0.60, 0.60, 0.59,
     "Ahead is the ensemble of 2 models: val/uar 62.00 % expected, which `make final` takes.",
     "Beside it: trial_2 -2.00, the baseline -3.00 points."),
    ("val/uar", 0.60, 0.63, 0.59,
     "Ahead is trial_2: val/uar 63.00 % expected, which `make final` takes.",
     "Beside it: the ensemble of 2 models -1.00, the baseline -4.00 points."),
    ("val/uar", 0.75, 0.58, 0.70,
     "The baseline is ahead: val/uar 70.00 % expected, which `make final` takes (linear SVM).",
     "Beside it: the ensemble of 2 models -8.00, trial_2 -12.00 points. Look at the features and "
     "the space."),
    ("val/uar", 0.60, 0.62, 0.61,
     "Ahead is trial_2: val/uar 62.00 % expected, which `make final` takes.",
     "Beside it: the ensemble of 2 models as good, the baseline -1.00 points."),
    ("val/loss", 0.60, 0.60, 0.63,
     "Ahead is trial_2: val/loss 0.6000 expected, which `make final` takes.",
     "Beside it: the ensemble of 2 models +0.0200, the baseline +0.0300."),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "searched", "confirmed", "plain", "first", "then"), VERDICTS)
def test_the_verdict_is_of_what_is_confirmed(
    capsys, objective, searched, confirmed, plain, first, then
):
    """A baseline that is ahead of the confirmed trial is said to be, whatever the search hoped."""
    validation = dict.fromkeys(METRICS) | dict.fromkeys(("uar", "loss"), plain)
    came_to = summary(
        objective=objective,
        ensemble=ENSEMBLE,
        expected=expected(value=searched),
        baseline=baseline(validation=validation, model="linear SVM").to_json(),
    )
    score = {"value": confirmed, "interval": INTERVAL, "optimism": 0.01}
    chosen = selection(winner="trial_2", expected=score)
    show_verdict(came_to, suggest(came_to, chosen))
    assert capsys.readouterr().out.splitlines() == [first, then]


def test_without_an_expectation_or_with_a_front_there_is_no_verdict(capsys):
    nothing = summary()
    show_verdict(nothing, suggest(nothing, None))
    two = summary(expected=expected(value=0.6), second_objective="parameters")
    show_verdict(two, suggest(two, None))
    assert capsys.readouterr().out == ""


NEXT = [
    # folder and name of the study, the lines that are printed
    ("studies", "quick", "make final", "make ui"),
    ("studies", "berlin", "make final NAME=berlin", "make ui"),
    (
        "/data/my studies",
        "berlin",
        "make final NAME=berlin ARGS=\"'study.directory=/data/my studies'\"",
        "make ui ARGS=\"'study.directory=/data/my studies'\"",
    ),
]


@pytest.mark.parametrize(("folder", "name", "final_line", "ui_line"), NEXT)
def test_the_next_lines_name_the_study(capsys, folder, name, final_line, ui_line):
    searched = summary(expected=expected(value=0.6))
    show_next_steps(StudyHome(Path(folder), name), suggest(searched, None))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == ["", "Next:"]
    assert lines[2] == f"{final_line}   retrains trial_2, scores the sealed session, once"
    assert lines[3].startswith(f"{ui_line}   ")
