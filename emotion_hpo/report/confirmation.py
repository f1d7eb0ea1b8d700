"""The leaders, trained again over fresh seeds: which of them won, and how much was luck."""

from collections.abc import Sequence

from emotion_hpo.metrics import find_metric
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.document import Table, Text
from emotion_hpo.report.findings import Findings
from emotion_hpo.report.formatting import format_ends, format_hours
from emotion_hpo.report.style import Plot
from emotion_hpo.report.training_curves import confirmation_plot
from emotion_hpo.study.records.selection import Candidate, Selection


def confirmed_text(findings: Findings) -> Text | None:
    """Say which trial won the confirmation and why, beside the search's best."""
    best, selection = findings.best, findings.selection
    if best is None or selection is None:
        return None
    objective, name = findings.objective, selection.winner
    candidates = {candidate.trial: candidate for candidate in selection.candidates}
    means = {trial: candidate.mean for trial, candidate in candidates.items()}
    if findings.winner is None or findings.winner.name != name or name not in means:
        return Text(
            f"{name} was confirmed as the winner, but what it was is not there: this is "
            f"{best.name}, the best of the search.",
            is_remark=True,
        )
    if name == best.name:
        return Text(
            f"{name} is the best of the search and the confirmed winner: trained again from fresh "
            f"seeds it reaches {format_score(objective, means[name])} on average."
            + _expected_of_confirmed(objective, selection)
        )
    first = max(means, key=lambda name: findings.sign * means[name])
    size = _format_distance(objective, selection.standard_error)
    why = (
        "better than any other leader"
        if name == first
        else f"within one standard error ({size}) of {first}, which reaches "
        f"{format_score(objective, means[first])}, "
        f"but {_extra_cost(candidates[first], candidates[name])}"
    )
    again = (
        f"reaches {format_score(objective, means[best.name])} when trained again"
        if best.name in means
        else "could not be trained again"
    )
    return Text(
        f"{name} is the confirmed winner among the trials: "
        f"trained again from fresh seeds it reaches {format_score(objective, means[name])} on "
        f"average, {why}. The best of the search itself, {best.name} with "
        f"{format_score(objective, best.value)}, {again}."
        f"{_expected_of_confirmed(objective, selection)}"
    )


def _expected_of_confirmed(objective: str, selection: Selection) -> str:
    """Say what the confirmation expects of its winner, as a sentence to follow another."""
    expected = selection.expected
    if expected is None:
        return ""
    ends = format_ends(expected.interval, objective)
    return (
        f" Expected of {selection.winner} on new utterances: "
        f"{format_score(objective, expected.value)} (90 % interval {ends}, by "
        f"{expected.interval.origin}), its mean less what this choice added."
    )


def _extra_cost(candidate: Candidate, other: Candidate) -> str:
    """Say by what a candidate costs more than another one that is as good."""
    if candidate.n_parameters == other.n_parameters:
        return "takes longer to train"
    return f"with {candidate.n_parameters:,} weights to {other.n_parameters:,}"


def confirmation_blocks(findings: Findings) -> list[Text | Table | Plot]:
    """Return the confirmation of the leaders: table, loss against the search, figure."""
    selection = findings.selection
    if selection is None or not selection.candidates:
        return []
    values = {trial.name: trial.value for trial in findings.trials}
    candidates = selection.candidates
    objective = findings.objective
    rows = [
        (
            candidate.trial + (" (default)" if candidate.is_default else ""),
            format_score(objective, values.get(candidate.trial)),
            format_score(objective, candidate.mean),
            len(candidate.values),
            ", ".join(format_score(objective, value) for value in candidate.values),
            f"{candidate.n_parameters:,}",
            format_hours(candidate.seconds),
            "chosen" if candidate.trial == selection.winner else "–",
        )
        for candidate in candidates
    ]
    columns = (
        "trial", "in the search", "trained again, mean", "times", "each", "weights", "time",
        "choice",
    )  # fmt: skip
    error = _format_distance(objective, selection.standard_error)
    note = (
        f"Standard error of a mean: {error}. Of those within one standard error of the best mean "
        "the smallest network is chosen, of equal ones the faster."
        if max(len(candidate.values) for candidate in candidates) > 1
        else "One training each says nothing of the spread between seeds: the best one is chosen."
    )
    if (promised := selection.expected) is not None:
        ends = format_ends(promised.interval, objective)
        note += (
            f" Expected of the chosen one: {format_score(objective, promised.value)}, its mean "
            f"less what this choice added (90 % interval {ends}, by "
            f"{promised.interval.origin})."
        )
    known = [candidate for candidate in candidates if values.get(candidate.trial) is not None]
    pairs = [(candidate.trial, values[candidate.trial], candidate.values) for candidate in known]
    # The default configuration is among them for being the default, not for its value.
    led = [pair for pair, candidate in zip(pairs, known, strict=True) if not candidate.is_default]
    blocks: list[Text | Table | Plot] = [
        *([Text(_describe_shrinkage(findings, led))] if led else []),
        Table("reruns", "The leaders, trained again from fresh seeds", columns, rows, note),
    ]
    if pairs:
        points = [(name, float(value or 0.0), again) for name, value, again in pairs]
        blocks.append(confirmation_plot(findings, points))
    return blocks


def _describe_shrinkage(
    findings: Findings, pairs: Sequence[tuple[str, float | None, Sequence[float]]]
) -> str:
    """Say by how much the leaders' values fell."""
    lost = [findings.sign * ((first or 0.0) - sum(again) / len(again)) for _, first, again in pairs]
    mean = sum(lost) / len(lost)
    who = "the leader does" if len(pairs) == 1 else f"the {len(pairs)} leaders do"
    if mean <= 0:
        return f"Trained again from fresh seeds, {who} no worse on average than in the search."
    return (
        f"Trained again from fresh seeds, {who} {_format_distance(findings.objective, mean)} worse "
        "on average than in the search: so much of their lead was luck."
    )


def _format_distance(objective: str, difference: float) -> str:
    """Return a difference of two values: of shares in points, of losses as it is."""
    is_share = find_metric(objective).unit == "share"
    return f"{100 * difference:.2f} points" if is_share else f"{difference:.4f}"
