"""The sections of a study's page: what each holds, and what it says where that is not there."""

from emotion_hpo.report.confirmation import confirmed_text
from emotion_hpo.report.context_plot import context_plot
from emotion_hpo.report.cost_plots import cost_plot, front_plot, front_table
from emotion_hpo.report.document import Listing, PageSection, Table, Text
from emotion_hpo.report.expected_scores import (
    ensemble_text,
    expected_against_test_text,
    expected_text,
)
from emotion_hpo.report.final_plots import (
    against_baseline_plot,
    breakdown_plot,
    confusion_plot,
    recall_plot,
    reliability_plot,
)
from emotion_hpo.report.final_tables import (
    baseline_table,
    breakdown_table,
    final_table,
    latency_sentence,
    recall_table,
    reference_table,
)
from emotion_hpo.report.findings import Final, Findings
from emotion_hpo.report.layer_plots import layer_plots
from emotion_hpo.report.progress import expected_plot, progress_plot
from emotion_hpo.report.scorings import scored_text
from emotion_hpo.report.space_plots import importance_plot, parallel_plot, slices_plot
from emotion_hpo.report.statistics import N_FOR_IMPORTANCE
from emotion_hpo.report.style import Plot
from emotion_hpo.report.tables import best_table, edge, space_table
from emotion_hpo.report.training_curves import learning_plot, seeds_plot, trainings_plot
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import RESTORE

Block = Text | Table | Plot | Listing


def present(*blocks: Block | None) -> list[Block]:
    """Return the blocks that are there."""
    return [block for block in blocks if block is not None]


def space_blocks(findings: Findings) -> list[Block]:
    """Return the space, first where a wider range may be worth it."""
    at_edge = [path for path in findings.config.space if edge(findings, path).startswith("at")]
    blocks: list[Block] = [space_table(findings)]
    if at_edge:
        paths = ", ".join(at_edge)
        words = f"The best trial lies at an end of the range of {paths}: try a wider one."
        blocks.insert(0, Text(words, is_remark=True))
    return [*present(_warm_start_text(findings)), *blocks]


def _warm_start_text(findings: Findings) -> Text | None:
    """Say from which study the sampler was warm-started, and by how many trials."""
    name = findings.config.warm_start
    if name is None:
        return None
    warm_start = None if findings.summary is None else findings.summary.warm_start
    if warm_start is None:
        return Text(f"The sampler was warm-started with the trials of study {name}.")
    prior_trials = format_count(warm_start.n_prior_trials, "trial")
    first = min((trial.number for trial in findings.trials), default=0)
    numbered = f" They are why its own trials are numbered from {first} on." if first else ""
    return Text(
        f"Before its first proposal the sampler was warm-started with {prior_trials} of study "
        f"{name}, as far as they fit this space. They count towards no budget and stand in no "
        f"figure here; to compare this study's cost with another's, add what they cost.{numbered}"
    )


def best_blocks(findings: Findings) -> list[Block]:
    """Return the configuration that won, and why."""
    winner = findings.winner
    if winner is None:
        return [Text("No trial is complete yet, so there is no best configuration.")]
    path = findings.home.trial(winner.number).config
    words = (
        path.read_text("utf-8", "replace")
        if path.is_file()
        else f"{path.name} is not there; {RESTORE}"
    )
    return [
        *present(
            confirmed_text(findings),
            expected_text(findings) if findings.finals else None,
            ensemble_text(findings) if findings.finals else None,
        ),
        best_table(findings, winner),
        Listing(f"The whole configuration of {winner.name}", words),
    ]


def progress_blocks(findings: Findings) -> list[Block]:
    """Return how values rose, trial by trial and epoch by epoch."""
    expected = expected_plot(findings)
    plots = (
        progress_plot(findings),
        learning_plot(findings),
        trainings_plot(findings),
        expected,
    )
    if not any(plots):
        return [Text("No trial has been trained for an epoch yet.")]
    blocks = present(*plots)
    if expected is None:
        blocks.append(Text(
            "The expected best of k random trials is not shown: it holds for at least three "
            "complete trials of random search without pruning (sampler=random pruner=none), and "
            f"this study ran sampler {findings.config.sampler.name} with pruner "
            f"{findings.config.pruner.name}."
        ))  # fmt: skip
    return blocks


def parameters_blocks(findings: Findings) -> list[Block]:
    """Return which parameters mattered, as far as that can be told."""
    if not findings.scored:
        return [Text("No trial has a value yet.")]
    plot = importance_plot(findings)
    missing = Text(
        f"Importance is not shown: it needs at least {N_FOR_IMPORTANCE} trials that were trained "
        "for as many epochs as most, and a forest over them that predicts trials which it has not "
        "seen better than their mean does."
    )
    return present(plot or missing, parallel_plot(findings), slices_plot(findings))


def cost_blocks(findings: Findings) -> list[Block]:
    """Return what accuracy costs, and the front where both were searched for."""
    return present(front_plot(findings), front_table(findings), cost_plot(findings))


def answer_section(findings: Findings) -> PageSection:
    """Return the test scores, or what to expect of them before `final`."""
    if findings.finals:
        return PageSection("final", "On the test session", _final(findings))
    unscored = Text(
        "The test session has not been scored by this study. `make final` does it, once; until "
        "then nothing here says what the best trial is worth on unseen people."
    )
    return PageSection(
        "expected",
        "Expected score",
        present(expected_text(findings), ensemble_text(findings), unscored),
    )


def _final(findings: Findings) -> list[Block]:
    """Return the test scores and what they rest on, for whom, and against what."""
    blocks: list[Block] = present(scored_text(findings))
    if len(findings.finals) > 1:
        words = (
            f"{len(findings.finals)} models of this study were scored on the test session: "
            "choosing among them by these figures makes the figure chosen optimistic."
        )
        blocks.append(Text(words, is_remark=True))
    blocks += [final_table(final) for final in findings.finals]
    first = findings.finals[0]
    blocks += present(
        confusion_plot(first.result),
        expected_against_test_text(findings, first),
        against_baseline_plot(findings, first),
        context_plot(first),
        reference_table(first),
        recall_table(first),
        recall_plot(first),
        breakdown_plot(first),
        breakdown_table(first),
        reliability_plot(first),
        *layer_plots(first),
        seeds_plot(findings),
    )
    return [*blocks, Text(_retrained(first))]


def _retrained(final: Final) -> str:
    result = final.result
    averaged = ", whose probabilities were averaged" if len(result.seeds) > 1 else ""
    epochs = f"for {format_count(result.members[0].epochs, 'epoch')}"
    if result.is_ensemble:
        own = ", ".join(
            f"{member.trial} for {member.epochs}, weight {100 * member.weight:.0f} %"
            for member in result.members
        )
        epochs = f"each member for epochs of its own ({own}),"
    return (
        f"{result.trial} was trained again on {result.n_train:,} utterances, training and "
        f"validation together, {epochs} from "
        f"{format_count(len(result.seeds), 'seed')}{averaged}.{latency_sentence(final)}"
    )


def baseline_blocks(findings: Findings) -> list[Block]:
    """Return the plain model that every trial is compared with."""
    table = baseline_table(findings)
    if table is None:
        return []
    n = findings.n_validation
    on = f" on {n:,} utterances" if n is not None else ""
    return [
        Text(f"A plain model that costs seconds, judged as every trial is{on}; a network that does "
             "not beat it is not worth its epochs."),
        table,
    ]  # fmt: skip
