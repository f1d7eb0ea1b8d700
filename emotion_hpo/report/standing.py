"""How good a final model is, and for what not, in sentences: what stands beside its answers.

They are Markdown, in which names stay as they are.
"""

from pathlib import Path

from emotion_hpo.errors import StudyError
from emotion_hpo.metrics.formatting import format_interval, format_score
from emotion_hpo.predict.demo.answers import Standing
from emotion_hpo.report.card import escape, list_limits
from emotion_hpo.report.reading import read_findings
from emotion_hpo.report.scorings import list_scorings
from emotion_hpo.study import StudyHome
from emotion_hpo.study.records.final_result import FinalResult


def describe_standing(model: Path) -> Standing:
    """Return what the study of a model file says of it; of a file elsewhere, that nobody knows."""
    folder = model.resolve().parent
    try:
        study = folder.parents[1]
        findings = read_findings(StudyHome(study.parent, study.name))
    except (IndexError, StudyError):  # a folder of the root is in none
        return _unknown(model)
    for final in findings.finals:
        if final.home.path.resolve() == folder:
            n_scorings = len(list_scorings(findings))
            limits = tuple(map(escape, list_limits(final.result, n_scorings)))
            name = escape(f"{final.result.study}: {final.result.trial}")
            return Standing(name, _score(final.result), limits)
    return _unknown(model)


def _unknown(model: Path) -> Standing:
    return Standing(
        escape(model),
        "**How good it is nobody knows here:** beside this file there is no score of a sealed "
        "session.",
        ("It names what annotators heard, not what a person feels.",),
    )


def _score(result: FinalResult) -> str:
    accuracy = format_score("accuracy", result.accuracy)
    interval = format_interval(result.accuracy_interval)
    is_baseline = result.trial == "baseline"
    baseline = format_score("accuracy", result.baseline.accuracy)
    speakers, session = escape(", ".join(result.test_speakers)), escape(result.test_session)
    return (
        f"It is right in **{accuracy}** of {result.n_test:,} utterances of {speakers} (session "
        f"{session}), which no trial had seen: 95 % interval **{interval}**."
        + ("" if is_baseline else f" A plain linear model is right in {baseline}.")
    )
