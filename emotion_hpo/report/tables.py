"""The tables of a search, cell by cell: budget, space, best trial, all trials, versions."""

from collections import Counter

from emotion_hpo.config import fingerprint
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.document import Table
from emotion_hpo.report.findings import Findings
from emotion_hpo.report.formatting import format_hours, format_value
from emotion_hpo.report.statistics import scaled
from emotion_hpo.report.style import format_objective
from emotion_hpo.study import Trial, TrialState
from emotion_hpo.study.trials import describe_end

#: A best value nearer to an end of its range than this share of it suggests a tight range.
_AT_EDGE = 0.05


def budget_table(findings: Findings) -> Table:
    """Return what the study was allowed and what it used."""
    trials, config = findings.trials, findings.config
    states = Counter(trial.state for trial in trials)
    n_finished = sum(1 for trial in trials if trial.state.is_finished)
    begun = [trial.started_at for trial in trials if trial.started_at]
    over = [trial.finished_at for trial in trials if trial.finished_at]
    elapsed = format_hours(max(over) - min(begun)) if begun and over else "–"
    workers = {trial.worker for trial in trials if trial.worker}
    threads = sorted({str(trial.n_threads) for trial in trials if trial.n_threads})
    n_retries = sum(1 for trial in trials if trial.continues is not None)
    rows = [
        ("Trials asked for", config.study.n_trials),
        ("Trials finished", n_finished),
        *((f"– {state.value}", states[state]) for state in (
            TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)),
        ("Trials interrupted, and continued by another", states[TrialState.INTERRUPTED]),
        ("Trials that took up another's checkpoint", n_retries),
        ("Epochs trained", f"{sum(len(trial.curve) for trial in trials):,}"),
        ("Epochs of a whole trial", config.training.epochs),
        ("Time of training, all workers", format_hours(sum(trial.seconds for trial in trials))),
        ("From the first trial's beginning to the last one's end", elapsed),
        ("Workers that trained", len(workers) or "–"),
        ("Threads of a worker", ", ".join(threads) or "–"),
        *hardware_rows(findings),
    ]  # fmt: skip
    return Table("budget", "Budget: what was asked for and what it took", ("", "study"), rows)


def hardware_rows(findings: Findings) -> list[tuple[str, str]]:
    """Return the machine that began the study."""
    machine = findings.facts.hardware
    return [
        ("Processor", f"{machine.processor}, {machine.cores} cores"),
        ("Memory", f"{machine.memory_gb} GB" if machine.memory_gb else "–"),
        ("GPUs", ", ".join(machine.gpus) or "none"),
        ("Device asked for", findings.config.training.device),
    ]


def failures_table(findings: Findings) -> Table | None:
    """Return failures by reason."""
    failed = [trial for trial in findings.trials if trial.state is TrialState.FAILED]
    if not failed:
        return None
    reasons: dict[str, list[str]] = {}
    for trial in failed:
        reasons.setdefault(trial.reason or "no reason stored", []).append(trial.name)
    rows = [
        (reason, len(names), ", ".join(names[:10]) + (" …" if len(names) > 10 else ""))
        for reason, names in sorted(reasons.items(), key=lambda item: -len(item[1]))
    ]
    return Table("failures", "Failed trials by reason", ("reason", "trials", "which"), rows)


def space_table(findings: Findings) -> Table:
    """Return the ranges, and where the best value lies in each."""
    best = findings.best
    rows = []
    for path, range_ in findings.config.space.items():
        if range_.choices is not None:
            extent, scale = ", ".join(map(str, range_.choices)), "choices"
        else:
            step = f", step {range_.step:g}" if range_.step is not None else ""
            extent = f"{range_.low:g} to {range_.high:g}{step}"
            scale = (
                "logarithmic" if range_.log else "whole numbers" if range_.is_integer else "linear"
            )
        conditions = range_.conditions().items()
        when = " and ".join(f"{key} = {' or '.join(map(str, v))}" for key, v in conditions) or "–"
        best_value = (
            "–" if best is None or path not in best.params else format_value(best.params[path])
        )
        rows.append((path, extent, scale, when, best_value, edge(findings, path)))
    columns = ("parameter", "range", "scale", "only if", "best trial", "place")
    note = (
        f"“at the low end” and “at the high end”: the best lies within {100 * _AT_EDGE:.0f} % of "
        "its range from that end; a wider range may hold better values."
        + (f" The best of the search is {best.name}." if best is not None else "")
    )
    return Table("space", "Search space, and where the best trial lies in it", columns, rows, note)


def edge(findings: Findings, path: str) -> str:
    """Return at which end of its range the best value lies, if at one."""
    best, range_ = findings.best, findings.config.space[path]
    if best is None or path not in best.params or range_.choices is not None:
        return "–"
    place = scaled(range_, best.params[path])
    if place <= _AT_EDGE:
        return "at the low end"
    return "at the high end" if place >= 1 - _AT_EDGE else "inside"


def best_table(findings: Findings, best: Trial) -> Table:
    """Return the best trial, or the confirmed winner, and where it is from."""
    objective = findings.objective
    candidates = () if findings.selection is None else findings.selection.candidates
    again = next((candidate for candidate in candidates if candidate.trial == best.name), None)
    weights, latency_ms = _cost_cells(findings, best)
    rows = [
        ("trial", best.name),
        (f"{format_objective(objective)} in the search", format_score(objective, best.value)),
        *([(f"trained again, mean of {len(again.values)}",
            format_score(objective, again.mean))] if again else []),
        ("at epoch", str(best.best_epoch)),
        ("epochs trained", len(best.curve)),
        ("trainings, over folds and seeds", max(len(best.trainings), 1)),
        *((path, format_value(value)) for path, value in best.params.items()),
        ("proposed by", proposer(findings, best)),
        ("lineage", lineage(findings, best)),
        ("seed of its training", best.seed if best.seed is not None else "–"),
        ("trained weights", weights),
        ("latency of one utterance", f"{latency_ms} ms"),
        ("time of training", format_hours(best.seconds)),
        ("worker, threads", f"{best.worker or '–'}, {best.n_threads or '–'}"),
    ]  # fmt: skip
    title = "Best trial" if best is findings.best else "Confirmed winner"
    return Table("best", title, ("", "value"), rows)


def proposer(findings: Findings, trial: Trial) -> str:
    """Return who chose a trial's configuration."""
    if findings.is_known(trial):
        known = findings.known_params()
        is_default = all(known[0].get(path) == value for path, value in trial.params.items())
        return "the default configuration" if is_default else "study.enqueue, a person's choice"
    return f"sampler {findings.config.sampler.name}"


def lineage(findings: Findings, trial: Trial) -> str:
    """Describe the lives of a trial that was interrupted."""
    by_number = {trial.number: trial for trial in findings.trials}
    words, ancestor = trial.name, trial
    while ancestor.continues is not None:
        words += f", continues trial_{ancestor.continues}"
        if ancestor.continues not in by_number:
            break
        ancestor = by_number[ancestor.continues]
    return words if trial.continues is not None else f"{trial.name}, trained in one go"


def trials_table(findings: Findings) -> Table:
    """Return every trial."""
    paths = list(findings.config.space)
    rows = [
        (
            trial.number,
            describe_end(trial),
            format_score(findings.objective, trial.value),
            trial.best_epoch if trial.best_epoch is not None else "–",
            len(trial.curve),
            f"{trial.seconds / 60:.2f}",
            *(_cost_cells(findings, trial) if findings.costs else ()),
            *(format_value(trial.params[path]) if path in trial.params else "–" for path in paths),
        )
        for trial in findings.trials
    ]
    columns = (
        "trial", "state", format_objective(findings.objective), "best epoch", "epochs", "minutes",
        *(("weights", "ms an utterance") if findings.costs else ()),
        *(path.replace("model.encoders.", "").removeprefix("model.").removeprefix("training.")
          for path in paths),
    )  # fmt: skip
    return Table("trials", f"All {len(rows)} trials that have ended", columns, rows)


def _cost_cells(findings: Findings, trial: Trial) -> tuple[str, str]:
    """Return a trial's trained weights and milliseconds an utterance."""
    cost = findings.costs.get(trial.number)
    return ("–", "–") if cost is None else (f"{cost.n_parameters:,}", f"{cost.latency_ms:.2f}")


def versions_table(findings: Findings) -> Table:
    """Return the versions that a rerun needs to be the same."""
    facts = findings.facts
    rows = [
        ("begun", facts.created_at),
        ("commit", facts.commit or "not a checkout"),
        ("corpus", findings.config.corpus.name + (" (synthetic)" if findings.synthetic else "")),
        ("corpus fingerprint", fingerprint(dict(findings.shards))),
        ("experiment fingerprint", facts.fingerprint.experiment),
        ("space fingerprint", facts.fingerprint.space),
        *((name, str(version)) for name, version in facts.versions.items()),
        ("Python", facts.hardware.python),
        ("system", facts.hardware.system),
    ]
    return Table("versions", "Versions and fingerprints", ("", "value"), rows)
