"""What a person sees when a search has ended."""

from pathlib import Path

import pytest

from emotion_hpo.console.search_result import (
    show_baseline,
    show_ensemble,
    show_expected,
    show_front,
    show_next_steps,
    show_search,
)
from emotion_hpo.metrics import METRICS
from emotion_hpo.selection.suggestion import suggest
from emotion_hpo.study import StudyHome
from tests.records import baseline, expected, expected_ensemble, search_summary, span


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
        "",
        "Study berlin: 5 of 5 trials finished (4 complete, 1 pruned, 0 failed) on 30 training and "
        "9 validation utterances over 3 folds (training: the mean of one).",
        "Best: trial_2, val/uar 50.00 % after epoch 3 (synthetic data)",
        "  model.dropout                    0.1235",
        "  model.fusion.name                concat",
    ]


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


RANKED = [
    (0.60, "the ensemble (2 models in the place of one) 62.00 %, then trial_2 60.00 %, then the "
     "baseline 59.00 %."),
    (0.63, "trial_2 63.00 %, then the ensemble (2 models in the place of one) 62.00 %, then the "
     "baseline 59.00 %."),
]  # fmt: skip


@pytest.mark.parametrize(("of_winner", "line"), RANKED)
def test_what_final_may_score_is_ranked_by_what_is_expected(capsys, of_winner, line):
    searched = summary(
        ensemble=ENSEMBLE, expected=expected(value=of_winner), baseline=baseline_of(0.59)
    )
    show_expected(searched, suggest(searched, None))
    assert capsys.readouterr().out == f"Expected to be best: {line}\n"


def test_a_baseline_that_is_ahead_is_said_first(capsys):
    ahead = baseline_of(0.7, model="linear SVM, C = 1", parts=["text"])
    show_search(summary(baseline=ahead, expected=expected(value=0.6)), "4 trials")
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[1].startswith("The baseline is ahead: val/uar 70.00 % by linear SVM, C = 1; of")
    show_search(summary(baseline=ahead, expected=expected(value=0.8)), "4")
    assert "ahead" not in capsys.readouterr().out


NEXT = [
    # folder and name of the study, the lines that are printed
    ("studies", "quick", "make final BEST=trial_2", "make ui"),
    ("studies", "berlin", "make final NAME=berlin BEST=trial_2", "make ui"),
    (
        "/data/my studies",
        "berlin",
        "make final NAME=berlin BEST=trial_2 ARGS=\"'study.directory=/data/my studies'\"",
        "make ui ARGS=\"'study.directory=/data/my studies'\"",
    ),
]


@pytest.mark.parametrize(("folder", "name", "final_line", "ui_line"), NEXT)
def test_the_next_lines_name_the_study(capsys, folder, name, final_line, ui_line):
    show_next_steps(StudyHome(Path(folder), name), "trial_2")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == ["", "Next:"]
    assert lines[2].startswith(f"{final_line}   ")
    assert lines[3].startswith(f"{ui_line}   ")
