"""What the search promised and what held: the winner's expected score, re-runs, shrinkage.

Everything here is read from what `search`, the confirmation of the leaders and `final` wrote; a
part that was not done has no block.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from emotion_hpo.metrics import Interval, find_metric
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.document import Table, Text
from emotion_hpo.report.formatting import (
    METHODS,
    format_difference_ends,
    format_ends,
    format_hours,
    interval_method,
)
from emotion_hpo.report.reading import Final, Findings
from emotion_hpo.report.style import BLUE, GREY, NARROW, Plot, draw_figure, share_axis
from emotion_hpo.report.training_curves import confirmation_plot
from emotion_hpo.runtime.formatting import format_share
from emotion_hpo.selection.suggestion import suggest


def expected_text(findings: Findings) -> Text | None:
    """Say what the best trial is expected to score on new utterances, corrected by `search`."""
    expected = findings.summary.get("expected")
    if not expected:
        return None
    objective = findings.objective
    ends = format_ends(expected["interval"], objective)
    best = expected.get("winner") or "the best trial"
    return Text(
        f"Expected of {best} on new utterances: {format_score(objective, expected['value'])} (90 % "
        f"interval {ends}, by {interval_method(expected['interval'])}), not the "
        f"{format_score(objective, expected['plain'])} that it reached as the best of "
        f"{expected['n_trials']}. {expected['sentence']}"
    )


def ensemble_text(findings: Findings) -> Text | None:
    """Say what the ensemble is expected to score, and whether it or the winner is better."""
    ensemble = findings.summary.get("ensemble")
    suggestion = suggest(findings.summary, findings.selection) if ensemble else None
    if not ensemble or suggestion is None:
        return None
    objective = findings.objective
    members = ", ".join(
        f"{member['trial']} ({100 * member['weight']:.0f} %)" for member in ensemble["members"]
    )
    better = ""
    if suggestion.winner in suggestion.expected:
        of_winner = format_score(objective, suggestion.expected[suggestion.winner])
        better = (
            f" Of {suggestion.winner} alone {of_winner} is expected: `make final "
            f"BEST={suggestion.best}` scores what is expected to be best, the baseline included."
        )
    return Text(
        f"Expected of the ensemble of {members} on new utterances: "
        f"{format_score(objective, ensemble['value'])} (90 % interval "
        f"{format_ends(ensemble['interval'], objective)}, by "
        f"{interval_method(ensemble['interval'])}), not the "
        f"{format_score(objective, ensemble['plain'])} that it reaches where it was chosen.{better}"
    )


def confirmed_text(findings: Findings) -> Text | None:
    """Say which trial won the confirmation and why, beside the search's best."""
    best, selection = findings.best, findings.selection
    if best is None or not selection:
        return None
    objective, name = findings.objective, selection["winner"]
    candidates = {candidate["trial"]: candidate for candidate in selection["candidates"]}
    means = {trial: candidate["mean"] for trial, candidate in candidates.items()}
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
    size = _format_distance(objective, selection["standard_error"])
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
        f"{name} is the confirmed winner, and what `make final` scores unless told otherwise: "
        f"trained again from fresh seeds it reaches {format_score(objective, means[name])} on "
        f"average, {why}. The best of the search itself, {best.name} with "
        f"{format_score(objective, best.value)}, {again}."
        f"{_expected_of_confirmed(objective, selection)}"
    )


def _expected_of_confirmed(objective: str, selection: Mapping[str, Any]) -> str:
    """Say what the confirmation expects of its winner, as a sentence to follow another."""
    expected = selection.get("expected")
    if not expected:
        return ""
    ends = format_ends(expected["interval"], objective)
    return (
        f" Expected of {selection['winner']} on new utterances: "
        f"{format_score(objective, expected['value'])} (90 % interval {ends}, by "
        f"{interval_method(expected['interval'])}), its mean less what this choice added."
    )


def _extra_cost(candidate: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Say by what a candidate costs more than another one that is as good."""
    sizes = [each["n_parameters"] for each in (candidate, other)]
    if sizes[0] == sizes[1]:
        return "takes longer to train"
    return f"with {sizes[0]:,} weights to {sizes[1]:,}"


def confirmation_blocks(findings: Findings) -> list[Text | Table | Plot]:
    """Return the confirmation of the leaders: table, loss against the search, figure."""
    selection = findings.selection
    if not selection or not selection.get("candidates"):
        return []
    values = {trial.name: trial.value for trial in findings.trials}
    candidates: Sequence[Mapping[str, Any]] = selection["candidates"]
    objective = findings.objective
    rows = [
        (
            candidate["trial"] + (" (default)" if candidate["is_default"] else ""),
            format_score(objective, values.get(candidate["trial"])),
            format_score(objective, candidate["mean"]),
            len(candidate["values"]),
            ", ".join(format_score(objective, value) for value in candidate["values"]),
            f"{candidate['n_parameters']:,}",
            format_hours(candidate["seconds"]),
            "chosen" if candidate["trial"] == selection["winner"] else "–",
        )
        for candidate in candidates
    ]
    columns = (
        "trial", "in the search", "trained again, mean", "times", "each", "weights", "time",
        "choice",
    )  # fmt: skip
    error = _format_distance(objective, selection["standard_error"])
    note = (
        f"Standard error of a mean: {error}. Of those within one standard error of the best mean "
        "the smallest network is chosen, of equal ones the faster."
        if max(len(candidate["values"]) for candidate in candidates) > 1
        else "One training each says nothing of the spread between seeds: the best one is chosen."
    )
    if promised := selection.get("expected"):
        ends = format_ends(promised["interval"], objective)
        note += (
            f" Expected of the chosen one: {format_score(objective, promised['value'])}, its mean "
            f"less what this choice added (90 % interval {ends}, by "
            f"{interval_method(promised['interval'])})."
        )
    known = [candidate for candidate in candidates if values.get(candidate["trial"]) is not None]
    pairs = [
        (candidate["trial"], values[candidate["trial"]], candidate["values"]) for candidate in known
    ]
    # The default configuration is among them for being the default, not for its value.
    led = [
        pair for pair, candidate in zip(pairs, known, strict=True) if not candidate["is_default"]
    ]
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


def reference_table(final: Final) -> Table | None:
    """Compare with the default configuration and without each modality, on the same utterances."""
    result = final.result
    rows = []
    default = result.get("default")
    if default:
        rows.append(_reference(f"default configuration ({default['trial']})", default, "gain"))
    for modality, scores in (result.get("without") or {}).items():
        rows.append(_reference(f"without {modality}", scores, "loss_of_accuracy"))
    if not rows:
        return None
    columns = (
        "compared with", "accuracy", "UAR", "difference in accuracy", "95 % interval", "by",
    )  # fmt: skip
    note = f"Points by which the model is better, paired on the same utterances. {METHODS}"
    return Table(
        "references", "Against the default, and without each modality", columns, rows, note
    )


def _reference(name: str, scores: Mapping[str, Any], key: str) -> tuple[str, ...]:
    gain = scores[key]["accuracy"] if key == "gain" else scores[key]
    return (
        name,
        format_share(scores["accuracy"]),
        format_share(scores["uar"]),
        f"{100 * gain['difference']:+.2f}",
        format_difference_ends(Interval.read(gain["interval"])),
        interval_method(gain["interval"]),
    )


def expected_against_test_text(findings: Findings, final: Final) -> Text | None:
    """Say whether the test score lies within the expected interval."""
    held = final.result.get("expected")
    if not held:
        return None
    where = {True: ", inside of it", False: ", outside of it", None: ""}[held["is_inside"]]
    objective = findings.objective
    ends = format_ends(held["interval"], objective)
    return Text(
        f"The search promised {format_score(objective, held['value'])}, 90 % interval {ends} (by "
        f"{interval_method(held['interval'])}); the test session says "
        f"{format_score(objective, held['test'])}{where}.",
        is_remark=held["is_inside"] is False,
    )


def reliability_plot(final: Final) -> Plot | None:
    """Plot confidence against accuracy."""
    result = final.result
    calibration = result.get("calibration")
    if not calibration or not calibration.get("reliability"):
        return None
    bins = calibration["reliability"]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="perfectly calibrated")
        most = max(bin_["n"] for bin_ in bins)
        x, y = ([bin_[name] for bin_ in bins] for name in ("confidence", "accuracy"))
        axes.plot(x, y, color=BLUE, lw=1.2)
        axes.scatter(
            x,
            y,
            [12 + 90 * bin_["n"] / most for bin_ in bins],
            color=BLUE,
            label="answers about as sure",
        )
        share_axis(axes, "confidence of the answer", axis="x")
        share_axis(axes, "accuracy")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    caption = (
        f"Accuracy of answers that are about equally sure, on {result['n_test']:,} test "
        "utterances; a larger mark is a bin of more. Expected calibration error "
        f"{format_share(calibration['ece'])}, Brier score {calibration['brier']:.3f}."
    )
    figure = draw_figure(NARROW, 3.4, draw, synthetic=result["synthetic"])
    return Plot("reliability", "Reliability of its confidence", caption, figure)
