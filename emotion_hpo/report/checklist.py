"""The reproducibility checklist of the *ACL conferences, filled in from the study's files.

The items are those of EMNLP 2020 and ACL 2021, which grew out of Dodge et al., "Show Your Work",
EMNLP 2019, arXiv 1909.03004. Where the files cannot answer, the answer says what an author adds.
"""

from emotion_hpo.report.document import Table
from emotion_hpo.report.final_tables import latency_words
from emotion_hpo.report.progress import random_values
from emotion_hpo.report.reading import Findings
from emotion_hpo.report.words import hours, percent, value_words
from emotion_hpo.screen import counted

_YOURS = "For the author to add"


def checklist_table(findings: Findings) -> Table:
    """Item, and what this study answers."""
    config, facts, best = findings.config, findings.facts, findings.winner
    machine = facts.get("hardware") or {}
    trained = [one for one in findings.trials if one.curve]
    average = hours(sum(one.seconds for one in trained) / len(trained)) if trained else "–"
    sizes = sorted(findings.sizes.values())
    final = findings.final
    n_train, n_validation = findings.summary.get("n_train"), findings.n_validation
    counts = ", ".join(
        f"{n:,} {part}"
        for n, part in (
            (n_train, "training"),
            (n_validation, "validation"),
            (final.result["n_test"] if final else None, "test"),
        )
        if n is not None
    )
    encoders = ", ".join(f"{name} by {one.name}" for name, one in config.model.encoders.items())
    rows = [
        (
            "Description of the model",
            f"{config.model.name}: {encoders}; "
            f"fusion {config.model.fusion.name}; whole configuration in study.yaml",
        ),
        (
            "Source code and dependencies",
            f"commit {facts.get('commit') or 'not recorded'}; versions under “Versions”; "
            "constraints.txt pins every package",
        ),
        (
            "Computing infrastructure",
            f"{machine.get('processor')}, {machine.get('cores')} cores, GPUs: "
            f"{', '.join(machine.get('gpus') or []) or 'none'}"
            if machine
            else f"{_YOURS}: not recorded by the version that began this study",
        ),
        (
            "Average runtime",
            f"{average} of training a trial, {hours(sum(one.seconds for one in trained))} in all."
            + (latency_words(final) if final else ""),
        ),
        (
            "Number of parameters",
            (f"{sizes[0]:,} to {sizes[-1]:,}" if sizes[0] < sizes[-1] else f"{sizes[0]:,}")
            + (f"; {best.name} {findings.sizes[best.number]:,}"
               if best is not None and best.number in findings.sizes else "")
            if sizes
            else f"{_YOURS}: `emotion-hpo models` counts them",
        ),
        (
            "Validation performance of each reported test result",
            "; ".join(
                f"{one.result['trial']}: validation "
                f"{value_words(findings.objective, one.result['validation']['value'])}, test "
                f"accuracy {percent(one.result['accuracy'])}"
                for one in findings.finals
            )
            or "No test result was made",
        ),
        (
            "Evaluation metrics",
            "accuracy; UAR, the mean of the classes' recalls; macro F1; as in scikit-learn "
            "(emotion_hpo/metrics/)",
        ),
        (
            "Bounds of each hyperparameter",
            f"{len(config.space)} ranges, under “Search space”",
        ),
        (
            "Configuration of the best model",
            f"{best.name}, under “Best configuration”" if best else "No trial is complete",
        ),
        (
            "Number of search trials",
            f"{sum(one.state.is_finished for one in findings.trials)} finished of "
            f"{config.study.n_trials} asked for",
        ),
        (
            "How values were chosen, and by which criterion",
            f"sampler {config.sampler.name}, pruner {config.pruner.name}; "
            f"{findings.objective} ({config.study.value} epoch) on the validation part",
        ),
        (
            "Expected validation performance",
            "Figure “Expected best of k random trials” (Tang et al. 2020, unbiased)"
            if len(random_values(findings)) >= 3
            else "Not estimable: it needs random search without pruning",
        ),
        ("Number of examples", counts or "No trial has been judged yet"),
        (
            "Train, validation and test split",
            f"split {config.split.name}; session {config.split.test_session} sealed, opened "
            f"{counted(len(findings.openings), 'time')} by any study (ledger)",
        ),
        (
            "Excluded data and preprocessing",
            "features in study.yaml; `emotion-hpo prepare` counts what a corpus lacks or breaks",
        ),
        (
            "Where the data can be had",
            "synthetic: made by this program from corpus.seed" if findings.synthetic
            else f"{_YOURS}: the licence and source of corpus {config.corpus.name}",
        ),
    ]  # fmt: skip
    return Table("checklist", "Reproducibility checklist of the ACL", ("item", "answer"), rows)
