"""What a person sees when a search has ended."""

from pathlib import Path

import pytest

from emotion_hpo.console.search_result import (
    show_baseline,
    show_front,
    show_next_steps,
    show_search,
)
from emotion_hpo.study import StudyHome

SUMMARY = {
    "study": "berlin",
    "objective": "val/uar",
    "synthetic": True,
    "n_folds": 3,
    "n_complete": 4,
    "n_pruned": 1,
    "n_failed": 0,
    "n_train": 30,
    "n_validation": 9,
    "best_trial": "trial_2",
    "best_value": 0.5,
    "best_epoch": 3,
    "best_params": {"model.dropout": 0.123456, "model.fusion.name": "concat"},
    "expected": None,
    "second_objective": None,
    "front": [],
    "baseline": {
        "model": "logistic regression",
        "parts": ["text", "speech"],
        "validation": {"uar": 0.45},
    },
}


def test_counts_best_trial_and_its_parameters(capsys):
    show_search(SUMMARY, "5 of 5 trials")
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Study berlin: 5 of 5 trials finished (4 complete, 1 pruned, 0 failed) on 30 training and "
        "9 validation utterances over 3 folds (training: the mean of one).",
        "Best: trial_2, val/uar 50.00 % after epoch 3 (synthetic data)",
        "  model.dropout                    0.1235",
        "  model.fusion.name                concat",
    ]


def test_a_search_without_a_complete_trial_has_no_best(capsys):
    show_search({**SUMMARY, "best_trial": None}, "5 of 5 trials")
    assert "Best" not in capsys.readouterr().out


def test_the_baseline_is_shown_in_the_metric_of_the_search(capsys):
    show_baseline(SUMMARY)
    line = "Baseline: val/uar 45.00 % (logistic regression on text and speech)\n"
    assert capsys.readouterr().out == line


def test_only_two_objectives_have_a_front(capsys):
    show_front(SUMMARY)
    assert capsys.readouterr().out == ""
    front = [{"trial": "trial_1", "value": 0.4, "cost": 5684.0}]
    show_front({**SUMMARY, "second_objective": "parameters", "front": front})
    assert capsys.readouterr().out.splitlines() == [
        "Pareto front of val/uar and parameters:",
        "  trial_1       40.00 %         5,684 parameters",
    ]


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
