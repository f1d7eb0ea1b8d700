"""What the search expects of its models, and whether the test session bears it out."""

from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.document import Text
from emotion_hpo.report.findings import Final, Findings
from emotion_hpo.report.formatting import format_ends
from emotion_hpo.selection.suggestion import suggest


def expected_text(findings: Findings) -> Text | None:
    """Say what the best trial is expected to score on new utterances, corrected by `search`."""
    expected = None if findings.summary is None else findings.summary.expected
    if expected is None:
        return None
    objective = findings.objective
    ends = format_ends(expected.interval, objective)
    return Text(
        f"Expected of {expected.winner} on new utterances: "
        f"{format_score(objective, expected.value)} (90 % interval {ends}, by "
        f"{expected.interval.origin}), not the {format_score(objective, expected.plain)} that it "
        f"reached as the best of {expected.n_trials}. {expected.sentence}"
    )


def ensemble_text(findings: Findings) -> Text | None:
    """Say what the ensemble is expected to score, and whether it or the winner is better."""
    summary = findings.summary
    if summary is None or (ensemble := summary.ensemble) is None:
        return None
    suggestion, objective = suggest(summary, findings.selection), findings.objective
    members = ", ".join(
        f"{member.trial} ({100 * member.weight:.0f} %)" for member in ensemble.members
    )
    better = ""
    if suggestion is not None and suggestion.is_choice:
        seeds = "the luck of its seed in it"
        if findings.selection is not None and findings.selection.expected is not None:
            seeds = "over fresh seeds"
        better = (
            f" Ahead is {suggestion.describe(suggestion.best)}, {suggestion.describe_expected()}, "
            f"which `make final` takes; behind it {suggestion.describe_others()}. They are not "
            f"measured alike: {suggestion.winner} {seeds}, the ensemble with the luck of its "
            "members' seeds, the baseline, which has no seed and was not chosen on validation, as "
            "it is."
        )
    return Text(
        f"Expected of the ensemble of {members} on new utterances: "
        f"{format_score(objective, ensemble.value)} (90 % interval "
        f"{format_ends(ensemble.interval, objective)}, by "
        f"{ensemble.interval.origin}), not the "
        f"{format_score(objective, ensemble.plain)} that it reaches where it was chosen.{better}"
    )


def expected_against_test_text(findings: Findings, final: Final) -> Text | None:
    """Say whether the test score lies within the expected interval."""
    held = final.result.expected
    if held is None:
        return None
    where = {True: ", inside of it", False: ", outside of it", None: ""}[held.is_inside]
    objective = findings.objective
    ends = format_ends(held.interval, objective)
    return Text(
        f"The search promised {format_score(objective, held.value)}, 90 % interval {ends} (by "
        f"{held.interval.origin}); the test session says "
        f"{format_score(objective, held.test)}{where}.",
        is_remark=held.is_inside is False,
    )
