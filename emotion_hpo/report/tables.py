"""The tables of a study's page, cell by cell."""

from collections import Counter
from typing import Any

from emotion_hpo.config import fingerprint
from emotion_hpo.records import Trial, TrialState
from emotion_hpo.report.document import Table
from emotion_hpo.report.final_plots import breakdown
from emotion_hpo.report.reading import Final, Findings
from emotion_hpo.report.statistics import scaled
from emotion_hpo.report.style import objective_words
from emotion_hpo.trials import describe_end

#: A best value nearer to an end of its range than this share of it suggests a tight range.
_AT_EDGE = 0.05


def percent(value: float | None) -> str:
    """A share as a reader compares it.

    >>> percent(0.71037), percent(None)
    ('71.04 %', '–')
    """
    return "–" if value is None else f"{100 * value:.2f} %"


def interval(ends: Any) -> str:  # noqa: ANN401 (as read from JSON)
    """An interval of shares.

    >>> interval([0.7, 0.75]), interval([None, None])
    ('70.00 to 75.00 %', '–')
    """
    if not ends or any(one is None for one in ends):
        return "–"
    return f"{100 * ends[0]:.2f} to {100 * ends[1]:.2f} %"


def value_words(objective: str, value: float | None) -> str:
    """A trial's value: a share, or a loss."""
    if value is None:
        return "–"
    return f"{value:.4f}" if objective.endswith("loss") else percent(value)


def short(value: object) -> str:
    """A parameter's value."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def hours(seconds: float) -> str:
    """A time as a budget counts it.

    >>> hours(90), hours(5400)
    ('1.5 min', '1.50 h')
    """
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.2f} h"


def budget_table(findings: Findings) -> Table:
    """What the study was given and what it used."""
    trials, config = findings.trials, findings.config
    states = Counter(one.state for one in trials)
    n_finished = sum(1 for one in trials if one.state.is_finished)
    begun = [one.started_at for one in trials if one.started_at]
    over = [one.finished_at for one in trials if one.finished_at]
    elapsed = hours(max(over) - min(begun)) if begun and over else "–"
    workers = {one.worker for one in trials if one.worker}
    threads = sorted({str(one.n_threads) for one in trials if one.n_threads})
    n_retries = sum(1 for one in trials if one.continues is not None)
    rows = [
        ("Trials asked for", config.study.n_trials),
        ("Trials finished", n_finished),
        *((f"– {state.value}", states[state]) for state in (
            TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)),
        ("Trials interrupted, and continued by another", states[TrialState.INTERRUPTED]),
        ("Trials that took up another's checkpoint", n_retries),
        ("Epochs trained", f"{sum(len(one.curve) for one in trials):,}"),
        ("Epochs of a whole trial", config.training.epochs),
        ("Time of training, all workers", hours(sum(one.seconds for one in trials))),
        ("From the first trial's beginning to the last one's end", elapsed),
        ("Workers that trained", len(workers) or "–"),
        ("Threads of a worker", ", ".join(threads) or "–"),
        *hardware_rows(findings),
    ]  # fmt: skip
    return Table("budget", "Budget: what was asked for and what it took", ("", "study"), rows)


def hardware_rows(findings: Findings) -> list[tuple[str, str]]:
    """The machine, where the study's file names it."""
    machine = findings.facts.get("hardware") or {}
    if not machine:
        return [("Machine", "not recorded by the version that began this study")]
    gpus = ", ".join(machine.get("gpus") or []) or "none"
    return [
        ("Processor", f"{machine.get('processor')}, {machine.get('cores')} cores"),
        ("Memory", f"{machine['memory_gb']} GB" if machine.get("memory_gb") else "–"),
        ("GPUs", gpus),
        ("Device asked for", findings.config.training.device),
    ]


def failures_table(findings: Findings) -> Table | None:
    """Failures by reason."""
    failed = [one for one in findings.trials if one.state is TrialState.FAILED]
    if not failed:
        return None
    reasons: dict[str, list[str]] = {}
    for one in failed:
        reasons.setdefault(one.reason or "no reason stored", []).append(one.name)
    rows = [
        (reason, len(names), ", ".join(names[:10]) + (" …" if len(names) > 10 else ""))
        for reason, names in sorted(reasons.items(), key=lambda item: -len(item[1]))
    ]
    return Table("failures", "Failed trials by reason", ("reason", "trials", "which"), rows)


def space_table(findings: Findings) -> Table:
    """Ranges, and where the best lies in them."""
    best = findings.best
    rows = []
    for path, one in findings.config.space.items():
        if one.choices is not None:
            extent, scale = ", ".join(map(str, one.choices)), "choices"
        else:
            step = f", step {one.step:g}" if one.step is not None else ""
            extent = f"{one.low:g} to {one.high:g}{step}"
            scale = "logarithmic" if one.log else "whole numbers" if one.is_integer else "linear"
        when = " and ".join(f"{key} = {value}" for key, value in one.when.items()) or "–"
        found = "–" if best is None or path not in best.params else short(best.params[path])
        rows.append((path, extent, scale, when, found, edge(findings, path)))
    columns = ("parameter", "range", "scale", "only if", "best trial", "place")
    note = (
        f"“at the low end” and “at the high end”: the best lies within {100 * _AT_EDGE:.0f} % of "
        "its range from that end; a wider range may hold better values."
    )
    return Table("space", "Search space, and where the best trial lies in it", columns, rows, note)


def edge(findings: Findings, path: str) -> str:
    """Whether the best value lies at an end of its range."""
    best, one = findings.best, findings.config.space[path]
    if best is None or path not in best.params or one.choices is not None:
        return "–"
    place = scaled(one, best.params[path])
    if place <= _AT_EDGE:
        return "at the low end"
    return "at the high end" if place >= 1 - _AT_EDGE else "inside"


def best_table(findings: Findings, best: Trial) -> Table:
    """The best trial and where it is from."""
    objective = findings.objective
    rows = [
        ("trial", best.name),
        (objective_words(objective), value_words(objective, best.value)),
        ("at epoch", str(best.best_epoch)),
        ("epochs trained", len(best.curve)),
        ("trainings, over folds and seeds", max(len(best.trainings), 1)),
        *((path, short(value)) for path, value in best.params.items()),
        ("proposed by", proposer(findings, best)),
        ("lineage", lineage(findings, best)),
        ("seed of its training", best.seed if best.seed is not None else "–"),
        ("trained weights", f"{findings.sizes[best.number]:,}" if best.number in findings.sizes
         else "not recorded"),
        ("time of training", hours(best.seconds)),
        ("worker, threads", f"{best.worker or '–'}, {best.n_threads or '–'}"),
    ]  # fmt: skip
    return Table("best", "Best trial", ("", "value"), rows)


def proposer(findings: Findings, trial: Trial) -> str:
    """Who chose a trial's configuration."""
    if findings.is_known(trial):
        known = findings.known_params()
        is_default = all(known[0].get(path) == value for path, value in trial.params.items())
        return "the default configuration" if is_default else "study.enqueue, a person's choice"
    return f"sampler {findings.config.sampler.name}"


def lineage(findings: Findings, trial: Trial) -> str:
    """The lives of a trial that was interrupted."""
    by_number = {one.number: one for one in findings.trials}
    words, one = trial.name, trial
    while one.continues is not None:
        words += f", continues trial_{one.continues}"
        if one.continues not in by_number:
            break
        one = by_number[one.continues]
    return words if trial.continues is not None else f"{trial.name}, trained in one go"


def trials_table(findings: Findings) -> Table:
    """Every trial."""
    paths = list(findings.config.space)
    rows = [
        (
            one.number,
            describe_end(one),
            value_words(findings.objective, one.value),
            one.best_epoch if one.best_epoch is not None else "–",
            len(one.curve),
            f"{one.seconds / 60:.1f}",
            *(short(one.params[path]) if path in one.params else "–" for path in paths),
        )
        for one in findings.trials
    ]
    columns = (
        "trial", "state", objective_words(findings.objective), "best epoch", "epochs", "minutes",
        *(path.replace("model.encoders.", "").removeprefix("model.").removeprefix("training.")
          for path in paths),
    )  # fmt: skip
    return Table("trials", f"All {len(rows)} trials that have ended", columns, rows)


def baseline_table(findings: Findings) -> Table | None:
    """The baseline on validation, part by part."""
    if findings.baseline is None:
        return None
    parts = findings.baseline["by_part"]
    everything = {" and ".join(findings.baseline["parts"]): findings.baseline["validation"]}
    both = {**everything, **(parts if len(parts) > 1 else {})}
    rows = [
        (name, percent(one["accuracy"]), percent(one["uar"]), percent(one["macro_f1"]))
        for name, one in both.items()
    ]
    title = f"Baseline ({findings.baseline['model']}) on validation"
    return Table("baseline", title, ("reads", "accuracy", "UAR", "macro F1"), rows)


def final_table(final: Final) -> Table:
    """Test figures with intervals, the baseline beside them."""
    result, plain = final.result, final.result.get("baseline") or {}
    names = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro F1"}
    rows = [
        (
            label,
            percent(result.get(name)),
            interval(result.get(f"{name}_interval")),
            percent(plain.get(name)),
            interval(plain.get(f"{name}_interval")),
        )
        for name, label in names.items()
    ]
    columns = ("metric", result["trial"], "95 % interval", "baseline", "95 % interval ")
    note = (
        f"{result['n_test']:,} utterances of session {result['test_session']}, in "
        f"{result['n_dialogues']} dialogues of {len(result['test_speakers'])} speakers. Intervals "
        "resample whole dialogues; with so few speakers no interval says how others would fare."
    )
    return Table(f"final_{result['trial']}", "On the test session", columns, rows, note)


def recall_table(final: Final) -> Table:
    """Recall of each emotion."""
    rows = [
        (name, one["n"], percent(one["recall"]), interval(one["interval"]),
         "utterances, exact" if one.get("by_utterance") else "dialogues")
        for name, one in final.result["recall_by_class"].items()
    ]  # fmt: skip
    columns = ("emotion", "utterances", "recall", "95 % interval", "interval resamples")
    return Table("recall", "Recall of each emotion", columns, rows)


def breakdown_table(final: Final) -> Table | None:
    """Parts of the test set."""
    rows = [
        (f"{one['by']}: {one['value']}", one["n"], percent(one["accuracy"]),
         interval(one["interval"]), percent(one["uar"]))
        for one in breakdown(final)
    ]  # fmt: skip
    if not rows:
        return None
    columns = ("part", "utterances", "accuracy", "95 % interval", "UAR")
    return Table("breakdowns", "Parts of the test session", columns, rows)


def ledger_table(findings: Findings) -> Table | None:
    """Every opening of this study's holdouts, by any study."""
    if not findings.openings:
        return None
    rows = [
        (number, one["at"], one["study"], one["trial"],
         percent(one["accuracy"]) if one["accuracy"] is not None else "not finished",
         str(one.get("commit") or "–"), str(one["holdout"])[:40])
        for number, one in enumerate(findings.openings, 1)
    ]  # fmt: skip
    columns = ("opening", "at (UTC)", "study", "model", "accuracy", "commit", "holdout")
    return Table("ledger", "Openings of the test session", columns, rows)


def versions_table(findings: Findings) -> Table:
    """What a rerun needs to be the same."""
    facts = findings.facts
    prints = facts.get("fingerprint") or {}
    machine = facts.get("hardware") or {}
    rows = [
        ("begun", str(facts.get("created_at", "–"))),
        ("commit", str(facts.get("commit") or "not a checkout")),
        ("corpus", findings.config.corpus.name + (" (synthetic)" if findings.synthetic else "")),
        ("corpus fingerprint", fingerprint(dict(findings.shards))),
        ("experiment fingerprint", str(prints.get("experiment", "–"))),
        ("space fingerprint", str(prints.get("space", "–"))),
        *((f"{name}", str(one)) for name, one in (facts.get("versions") or {}).items()),
        *([("Python", str(machine["python"]))] if machine.get("python") else []),
        *([("system", str(machine["system"]))] if machine.get("system") else []),
    ]
    return Table("versions", "Versions and fingerprints", ("", "value"), rows)
