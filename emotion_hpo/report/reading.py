"""Reads a study for its page: its files, each once, with nothing that trains or searches.

What is damaged is left out, with a remark (`parts`); what each must hold, `study.records` says.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emotion_hpo.config import SearchConfig
from emotion_hpo.report.findings import Final, Findings, StoredPredictions
from emotion_hpo.report.parts import Parts
from emotion_hpo.study import Epoch, FinalHome, StudyHome, Trial, TrialHome, study_file
from emotion_hpo.study.curves import read_curve
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.base import Kind, read_record
from emotion_hpo.study.records.baseline import Baseline
from emotion_hpo.study.records.cost import Cost
from emotion_hpo.study.records.final_result import FinalResult
from emotion_hpo.study.records.ledger import (
    PaperProtocolLine,
    ProtocolLine,
    ReplayedLine,
    ScoredOpening,
)
from emotion_hpo.study.records.search_summary import SearchSummary
from emotion_hpo.study.records.selection import Selection
from emotion_hpo.study.records.trial import TrialRecord
from emotion_hpo.study.trials import best_of, records_of


def read_findings(home: StudyHome) -> Findings:
    """Read all that is there.

    Raises:
        StudyError: There is no such study, or its record is broken.
    """
    stored = study_file.read(home)
    parts, config = Parts(), stored.config
    trials = _trials(home, config, parts)
    best = best_of(trials, config.study.objective)
    summary = parts.read(home.summary, _as(SearchSummary))
    answers = parts.read(home.trial(best.number).probabilities, _answers) if best else None
    if summary is not None:
        n_validation: int | None = summary.n_validation
    else:
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


def _as(kind: type[Kind]) -> Callable[[Path], Kind]:
    """Return how to read a file as this record."""
    return lambda path: read_record(path, kind)


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
        dialogues = stored["dialogue"].astype(str)
    n = len(ids)
    if probabilities.ndim != 2 or not n == len(probabilities) == len(labels) == len(dialogues):
        raise ValueError("its arrays are not of one length")
    predicted = probabilities.argmax(1).astype(np.int64)
    n_classes = probabilities.shape[1]
    return StoredPredictions(ids, dialogues, labels, predicted, probabilities, n_classes)


def _n_judged(home: StudyHome, trials: tuple[Trial, ...]) -> int | None:
    """Return the number of validation utterances, by any trial that stored its answers."""
    silent = Parts()
    for trial in trials:
        answers = silent.read(home.trial(trial.number).probabilities, _answers)
        if answers is not None:
            return len(answers.labels)
    return None


def _finals(
    home: StudyHome, openings: tuple[ScoredOpening, ...], parts: Parts
) -> tuple[Final, ...]:
    """Return the models that were scored, the first scored first: by the ledger, else by files."""
    places = {
        (line.study, line.opening, line.model): (line.at, place)
        for place, line in enumerate(openings)
    }
    dated = []
    for path in sorted(home.path.glob("final/*/result.json")):
        folder = FinalHome(path.parent)
        result = parts.read(path, _as(FinalResult))
        if result is None:
            continue
        table = parts.read(folder.predictions, partial(_predictions, result.confusion.classes))
        key = (result.study, result.opening, result.model)
        when = places.get(key, (result.scored_at, len(openings)))
        dated.append((when, Final(folder, result, table)))
    return tuple(final for _, final in sorted(dated, key=lambda pair: pair[0]))


def _predictions(classes: Sequence[str], path: Path) -> pd.DataFrame:
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
) -> tuple[tuple[ScoredOpening, ...], tuple[PaperProtocolLine | ReplayedLine | ProtocolLine, ...]]:
    """Return openings of the holdouts that this study has opened, by any study; and other looks."""
    ledger = Ledger(home.ledger)
    openings: list[ScoredOpening] = []
    looks: list[PaperProtocolLine | ReplayedLine | ProtocolLine] = []
    for holdout in ledger.holdouts():
        lines = ledger.openings(holdout)
        if any(line.study == home.name for line in lines):
            openings += lines
            looks += ledger.other_looks(holdout)
    return tuple(openings), tuple(looks)
