"""The reproducibility checklist of the *ACL conferences, filled in from the study's files.

The items are those of EMNLP 2020 and ACL 2021, which grew out of Dodge et al., "Show Your Work",
EMNLP 2019, arXiv 1909.03004. Where the files cannot answer, the answer says what an author adds.
"""

from emotion_hpo.config import ClassicalModel, NetworkModel
from emotion_hpo.config.turns_read import READINGS, find_turns_read
from emotion_hpo.metrics.formatting import format_score
from emotion_hpo.report.document import Table
from emotion_hpo.report.final_tables import latency_sentence
from emotion_hpo.report.findings import Findings
from emotion_hpo.report.formatting import format_hours
from emotion_hpo.report.progress import random_values
from emotion_hpo.runtime.formatting import format_count, format_share

_YOURS = "For the author to add"


def checklist_table(findings: Findings) -> Table:
    """Return the reproducibility checklist: each item, and this study's answer."""
    rows = [(item, answer(findings)) for item, answer in _ITEMS.items()]
    return Table("checklist", "Reproducibility checklist of the ACL", ("item", "answer"), rows)


def _model(findings: Findings) -> str:
    model = findings.config.model
    if not isinstance(model, NetworkModel):
        parts = [_describe_classical(model)]
    else:
        encoders = model.encoders.items()
        parts = [", ".join(f"{name} by {encoder.name}" for name, encoder in encoders)]
        parts.append(f"fusion {model.fusion.name}")
        if model.has_context:
            parts.append(f"context {model.context.name}")
    if turns_read := find_turns_read([model]):
        parts.append(READINGS[turns_read])
    return f"{model.name}: {'; '.join(parts)}; whole configuration in study.yaml"


def _describe_classical(model: ClassicalModel) -> str:
    """Return which classical model it is, and what it reads."""
    kind = {
        "linear": "logistic regression",
        "svm": "support vector machine",
        "boosting": "gradient-boosted trees",
    }[model.learner]
    return f"{kind} on {', '.join(model.modalities or ('all modalities of the corpus',))}"


def _source_code(findings: Findings) -> str:
    return (
        f"commit {findings.facts.commit or 'not recorded'}; versions under “Versions”; "
        "constraints.txt pins every package"
    )


def _infrastructure(findings: Findings) -> str:
    machine = findings.facts.hardware
    gpus = ", ".join(machine.gpus) or "none"
    return f"{machine.processor}, {machine.cores} cores, GPUs: {gpus}"


def _runtime(findings: Findings) -> str:
    trained = [trial.seconds for trial in findings.trials if trial.curve]
    average = format_hours(sum(trained) / len(trained)) if trained else "–"
    latency = latency_sentence(findings.final) if findings.final else ""
    return f"{average} of training a trial, {format_hours(sum(trained))} in all.{latency}"


def _parameters(findings: Findings) -> str:
    costs, best = findings.costs, findings.winner
    sizes = sorted(cost.n_parameters for cost in costs.values())
    if not sizes:
        return f"{_YOURS}: `emotion-hpo models` counts them"
    many = f"{sizes[0]:,} to {sizes[-1]:,}" if sizes[0] < sizes[-1] else f"{sizes[0]:,}"
    if best is None or best.number not in costs:
        return many
    return f"{many}; {best.name} {costs[best.number].n_parameters:,}"


def _validation_of_tests(findings: Findings) -> str:
    results = [final.result for final in findings.finals]
    lines = (
        f"{result.trial}: validation "
        f"{format_score(findings.objective, result.validation.value)}, test accuracy "
        f"{format_share(result.accuracy)}"
        for result in results
    )
    return "; ".join(lines) or "No test result was made"


def _metrics(_: Findings) -> str:
    return (
        "accuracy; UAR, the mean of the classes' recalls; macro F1; as in scikit-learn "
        "(emotion_hpo/metrics/)"
    )


def _bounds(findings: Findings) -> str:
    return f"{len(findings.config.space)} ranges, under “Search space”"


def _best_configuration(findings: Findings) -> str:
    best = findings.winner
    return f"{best.name}, under “Best configuration”" if best else "No trial is complete"


def _n_trials(findings: Findings) -> str:
    n_finished = sum(trial.state.is_finished for trial in findings.trials)
    return f"{n_finished} finished of {findings.config.study.n_trials} asked for"


def _choice(findings: Findings) -> str:
    config = findings.config
    return (
        f"sampler {config.sampler.name}, pruner {config.pruner.name}; "
        f"{findings.objective} ({config.study.value} epoch) on the validation part"
    )


def _expected_validation(findings: Findings) -> str:
    if len(random_values(findings)) < 3:
        return "Not estimable: it needs random search without pruning"
    return "Figure “Expected best of k random trials” (Tang et al. 2020, unbiased)"


def _examples(findings: Findings) -> str:
    counts = {
        "training": findings.summary.n_train if findings.summary else None,
        "validation": findings.n_validation,
        "test": findings.final.result.n_test if findings.final else None,
    }
    parts = (f"{n:,} {part}" for part, n in counts.items() if n is not None)
    return ", ".join(parts) or "No trial has been judged yet"


def _parts(findings: Findings) -> str:
    split = findings.config.split
    return (
        f"split {split.name}; session {split.test_session} sealed, opened "
        f"{format_count(len(findings.openings), 'time')} by any study (ledger)"
    )


def _preprocessing(findings: Findings) -> str:
    model, normalisation = findings.config.model, findings.config.features.normalisation
    if isinstance(model, NetworkModel):
        names = tuple(model.encoders)
    else:
        names = model.modalities or tuple(normalisation)
    by_speaker = [name for name in names if normalisation.get(name) == "speaker"]
    if findings.final is not None:
        by_speaker += findings.final.result.normalised_by_speaker
    scaled = ""
    if by_speaker:
        scaled = (
            f"; {', '.join(sorted(set(by_speaker)))} scaled by each speaker's own utterances, "
            "which for a test speaker are the test's, read without their labels"
        )
    counted = "`emotion-hpo prepare` counts what a corpus lacks or breaks"
    words = "" if findings.words is None else f"; {findings.words}"
    return f"features in study.yaml{words}{scaled}; {counted}"


def _where(findings: Findings) -> str:
    if findings.synthetic:
        return "synthetic: made by this program from corpus.seed"
    return f"{_YOURS}: the licence and source of corpus {findings.config.corpus.name}"


_ITEMS = {
    "Description of the model": _model,
    "Source code and dependencies": _source_code,
    "Computing infrastructure": _infrastructure,
    "Average runtime": _runtime,
    "Number of parameters": _parameters,
    "Validation performance of each reported test result": _validation_of_tests,
    "Evaluation metrics": _metrics,
    "Bounds of each hyperparameter": _bounds,
    "Configuration of the best model": _best_configuration,
    "Number of search trials": _n_trials,
    "How values were chosen, and by which criterion": _choice,
    "Expected validation performance": _expected_validation,
    "Number of examples": _examples,
    "Train, validation and test split": _parts,
    "Excluded data and preprocessing": _preprocessing,
    "Where the data can be had": _where,
}
