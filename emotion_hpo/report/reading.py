"""All that a report knows of a study: its files, read once, with nothing that trains or searches.

A part that is not there yet, or never will be, is None or empty, and the page leaves its section
out or says that there is nothing: a study is worth a page from its first minute on. A part that is
damaged is left out as well, with a remark (`parts`); what each must hold, `study.records` says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config import SearchConfig, dump, flatten
from emotion_hpo.errors import StudyError
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.report.parts import Parts
from emotion_hpo.study import (
    Epoch,
    FinalHome,
    StudyHome,
    Trial,
    TrialHome,
    TrialState,
    study_file,
)
from emotion_hpo.study.curves import read_curve
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.base import Record, read_record
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.cost import Cost
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Selection
from emotion_hpo.study.records.study_facts import StudyFacts
from emotion_hpo.study.records.trial import TrialRecord
from emotion_hpo.study.trials import best_of, records_of


@dataclass(frozen=True)
class StoredPredictions:
    """What a model said of each of some utterances.

    Attributes:
        utterance_ids: Which ones `(n,)`.
        dialogues: The dialogue of each `(n,)`; the utterance itself where a study of an older
            version did not store them.
        knows_dialogues: Whether `dialogues` are dialogues.
        labels: True classes `(n,)`.
        predicted: Predicted classes `(n,)`.
        probabilities: Of the classes `(n, n_classes)`; None where only answers were stored.
        n_classes: Number of classes.
    """

    utterance_ids: NDArray[np.str_]
    dialogues: NDArray[np.str_]
    knows_dialogues: bool
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.floating] | None
    n_classes: int


def scored_value(trial: Trial) -> float:
    """Return the value of a trial that has one."""
    assert trial.value is not None
    return trial.value


@dataclass(frozen=True)
class Final:
    """A model that was scored on the holdout."""

    home: FinalHome
    result: Mapping[str, Any]
    predictions: pd.DataFrame | None


@dataclass(frozen=True)
class Findings:
    """A study, read.

    Attributes:
        home: Its files.
        config: What was searched.
        facts: Versions, commit, hardware, time of creation.
        shards: Session → content key of the features.
        trials: All that have ended, by number.
        best: The best complete trial, or None.
        answers: What the best trial said of the validation part, or None.
        n_validation: Utterances that every trial is judged on, or None while nobody knows.
        summary: What `search.json` holds, or nothing.
        baseline: What `baseline.json` holds, or None.
        costs: Trial number → what its network costs to use: `n_parameters`, `latency_ms` …
        selection: What `selection.json` holds, or None.
        finals: Models that were scored on the holdout, the first scored first.
        openings: Every opening of the holdouts that this study has opened.
        looks: Every other look at them: by the reference's protocol, or to replay a model.
        remarks: What could not be read.
    """

    home: StudyHome
    config: SearchConfig
    facts: Mapping[str, Any]
    shards: Mapping[str, str]
    trials: tuple[Trial, ...]
    best: Trial | None
    answers: StoredPredictions | None
    n_validation: int | None
    summary: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    costs: Mapping[int, Mapping[str, Any]]
    selection: Mapping[str, Any] | None
    finals: tuple[Final, ...]
    openings: tuple[Mapping[str, Any], ...]
    looks: tuple[Mapping[str, Any], ...]
    remarks: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The study's name."""
        return self.home.name

    @property
    def synthetic(self) -> bool:
        """Whether its corpus is invented."""
        return bool(self.facts.get("synthetic"))

    @property
    def objective(self) -> str:
        """The metric that the search looked at."""
        return self.config.study.objective

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return find_metric(self.objective).sign

    @property
    def sizes(self) -> dict[int, int]:
        """Trial number → trained weights."""
        return {number: int(cost["n_parameters"]) for number, cost in self.costs.items()}

    @property
    def scored(self) -> tuple[Trial, ...]:
        """Trials with a value: complete and pruned ones."""
        return tuple(
            trial
            for trial in self.trials
            if trial.state in {TrialState.COMPLETE, TrialState.PRUNED} and trial.value is not None
        )

    @property
    def winner(self) -> Trial | None:
        """The confirmed winner, which `final` scores; the best of the search if none is there."""
        name = (self.selection or {}).get("winner")
        return next((trial for trial in self.trials if trial.name == name), self.best)

    @property
    def final(self) -> Final | None:
        """The final model to show first: the first that was scored, which no later look spoils."""
        return self.finals[0] if self.finals else None

    def known_params(self) -> list[dict[str, Any]]:
        """Return the configurations that a person chose: the default and `enqueue`."""
        leaves = flatten(dump(self.config.experiment()))
        default = {path: leaves.get(path) for path in self.config.space}
        return [default, *({**default, **params} for params in self.config.study.enqueue)]

    def is_known(self, trial: Trial) -> bool:
        """Return whether a trial's configuration was chosen by a person."""
        return any(
            all(known.get(path) == value for path, value in trial.params.items())
            for known in self.known_params()
        )


def read_findings(home: StudyHome) -> Findings:
    """Read all that is there.

    Raises:
        StudyError: There is no such study, or its record is broken.
    """
    stored = study_file.read(home)
    _check_facts(home, stored.facts)
    parts, config = Parts(), stored.config
    trials = _trials(home, config, parts)
    best = best_of(trials, config.study.objective)
    summary = parts.read(home.summary, _as(SearchSummary)) or {}
    answers = parts.read(home.trial(best.number).probabilities, _answers) if best else None
    n_validation = summary.get("n_validation")
    if n_validation is None:
        n_validation = len(answers.labels) if answers else _n_judged(home, trials)
    costs = {trial.number: parts.read(home.trial(trial.number).cost, _as(Cost)) for trial in trials}
    openings, looks = parts.read(home.ledger, lambda _: _ledger(home)) or ((), ())
    return Findings(
        home=home,
        config=config,
        facts=stored.facts,
        shards=stored.shards,
        trials=trials,
        best=best,
        answers=answers,
        n_validation=n_validation,
        summary=summary,
        baseline=parts.read(home.baseline, _as(Baseline)),
        costs={number: cost for number, cost in costs.items() if cost is not None},
        selection=parts.read(home.selection, _as(Selection)),
        finals=_finals(home, openings, parts),
        openings=openings,
        looks=looks,
        remarks=tuple(parts.remarks),
    )


def _as(kind: type[Record]) -> Callable[[Path], Mapping[str, Any]]:
    """Return how to read a file as this record's plain values."""
    return lambda path: read_record(path, kind).to_json()


def _check_facts(home: StudyHome, facts: Mapping[str, Any]) -> None:
    """Refuse a study file without facts: nobody knows whether its speech is invented.

    Raises:
        StudyError: They are damaged.
    """
    parts = Parts()
    parts.read(home.study, lambda _: StudyFacts.from_json(facts))
    if parts.remarks:
        raise StudyError(parts.remarks[0].partition(": ")[2])


def _trials(home: StudyHome, config: SearchConfig, parts: Parts) -> tuple[Trial, ...]:
    """Return all trials whose record is readable, by number; a damaged curve is left empty."""
    read = (parts.read(path, lambda path: _trial(path, config)) for path in records_of(home))

    def whole(trial: Trial) -> Trial:
        files = home.trial(trial.number)
        curve = parts.read(files.curve, lambda _: _curve(files, config.study.objective))
        return replace(trial, curve=curve or ())

    readable = [whole(stored) for stored in read if stored is not None]
    return tuple(sorted(readable, key=lambda trial: trial.number))


def _trial(path: Path, config: SearchConfig) -> Trial:
    trial = read_record(path, TrialRecord).trial()
    for name, value in trial.params.items():
        range_ = config.space.get(name)
        if range_ is None or range_.choices is not None:
            continue
        if not isinstance(value, int | float) or (range_.log and value <= 0):
            raise ValueError(f"{name} is {value!r}, which cannot lie in its range")
    return trial


def _curve(files: TrialHome, objective: str) -> tuple[Epoch, ...]:
    curve = read_curve(files)
    for epoch in curve:
        if objective not in epoch.metrics:
            raise ValueError(f"epoch {epoch.epoch} has no {objective}, which the study is about")
    return curve


def _answers(path: Path) -> StoredPredictions:
    with np.load(path, allow_pickle=False) as stored:
        ids = stored["utterance_id"].astype(str)
        probabilities, labels = stored["probabilities"], stored["label"].astype(np.int64)
        knows_dialogues = "dialogue" in stored.files
        dialogues = stored["dialogue"].astype(str) if knows_dialogues else ids
    n = len(ids)
    if probabilities.ndim != 2 or not n == len(probabilities) == len(labels) == len(dialogues):
        raise ValueError("its arrays are not of one length")
    predicted = probabilities.argmax(1).astype(np.int64)
    n_classes = probabilities.shape[1]
    return StoredPredictions(
        ids, dialogues, knows_dialogues, labels, predicted, probabilities, n_classes
    )


def _n_judged(home: StudyHome, trials: tuple[Trial, ...]) -> int | None:
    """Return the number of validation utterances, by any trial that stored its answers."""
    silent = Parts()
    for trial in trials:
        answers = silent.read(home.trial(trial.number).probabilities, _answers)
        if answers is not None:
            return len(answers.labels)
    return None


def _finals(
    home: StudyHome, openings: tuple[Mapping[str, Any], ...], parts: Parts
) -> tuple[Final, ...]:
    """Return the models that were scored, the first scored first: by the ledger, else by files."""
    places = {
        (line["study"], line["opening"], line["model"]): (str(line["at"]), place)
        for place, line in enumerate(openings)
    }
    dated = []
    for path in sorted(home.path.glob("final/*/result.json")):
        folder = FinalHome(path.parent)
        result = parts.read(path, _as(FinalResult))
        if result is None:
            continue
        classes = result["confusion"]["classes"]
        table = parts.read(folder.predictions, partial(_predictions, classes))
        key = (result.get("study"), result.get("opening"), result.get("model"))
        when = places.get(key, (result.get("scored_at", ""), len(openings)))
        dated.append((when, Final(folder, result, table)))
    return tuple(final for _, final in sorted(dated, key=lambda pair: pair[0]))


def _predictions(classes: list[str], path: Path) -> pd.DataFrame:
    words = ("utterance_id", "dialogue", "speaker", "emotion", "predicted")
    types = dict.fromkeys(words, str)
    table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    if missing := [word for word in words if word not in table]:
        raise ValueError(f"it has no column {missing[0]}")
    if strange := {*table["emotion"], *table["predicted"]} - {*classes}:
        raise ValueError(f"{strange.pop()!r} is none of the classes {', '.join(classes)}")
    return table


def _ledger(
    home: StudyHome,
) -> tuple[tuple[Mapping[str, Any], ...], tuple[Mapping[str, Any], ...]]:
    """Return openings of the holdouts that this study has opened, by any study; and other looks."""
    ledger = Ledger(home.ledger)
    openings: list[Mapping[str, Any]] = []
    looks: list[Mapping[str, Any]] = []
    for holdout in ledger.holdouts():
        lines = [line.to_json() for line in ledger.openings(holdout)]
        if any(line["study"] == home.name for line in lines):
            openings += lines
            looks += [line.to_json() for line in ledger.other_looks(holdout)]
    return tuple(openings), tuple(looks)


def describe_validation(findings: Findings) -> str:
    """Describe on how many utterances a trial's value rests, for a caption."""
    n = findings.n_validation
    return "the validation utterances" if n is None else f"{n:,} validation utterances"
