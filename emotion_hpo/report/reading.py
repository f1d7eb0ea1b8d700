"""All that a report knows of a study: its files, read once, with nothing that trains or searches.

A part that is not there yet, or never will be, is None or empty, and the page leaves its section
out or says that there is nothing: a study is worth a page from its first minute on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo import study_file
from emotion_hpo.config import SearchConfig, dump, flatten
from emotion_hpo.errors import HoldoutError, StudyError
from emotion_hpo.ledger import Ledger
from emotion_hpo.records import FinalHome, StudyHome, Trial, TrialState, read_json, sign_of
from emotion_hpo.trials import best_of, read_trials


@dataclass(frozen=True)
class Answers:
    """What a model said of each of some utterances.

    Attributes:
        utterance_ids: Which ones `(n,)`.
        dialogues: The dialogue of each `(n,)`; the utterance itself where a study of an older
            version did not store them.
        knows_dialogues: Whether `dialogues` are dialogues.
        labels: True classes `(n,)`.
        predicted: Predicted classes `(n,)`.
        n_classes: Number of classes.
    """

    utterance_ids: NDArray[np.str_]
    dialogues: NDArray[np.str_]
    knows_dialogues: bool
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    n_classes: int


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
        summary: What `search.json` holds, or nothing.
        baseline: What `baseline.json` holds, or None.
        costs: Trial number → what its network costs to use: `n_parameters`, `latency_ms` …
        selection: What `selection.json` holds, or None.
        finals: Models that were scored on the holdout, the latest opening last.
        openings: Every opening of the holdouts that this study has opened.
        remarks: What could not be read.
    """

    home: StudyHome
    config: SearchConfig
    facts: Mapping[str, Any]
    shards: Mapping[str, str]
    trials: tuple[Trial, ...]
    best: Trial | None
    summary: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    costs: Mapping[int, Mapping[str, Any]]
    selection: Mapping[str, Any] | None
    finals: tuple[Final, ...]
    openings: tuple[Mapping[str, Any], ...]
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
        return sign_of(self.objective)

    @property
    def sizes(self) -> dict[int, int]:
        """Trial number → trained weights."""
        return {number: int(one["n_parameters"]) for number, one in self.costs.items()}

    @property
    def scored(self) -> tuple[Trial, ...]:
        """Trials with a value: complete and pruned ones."""
        return tuple(
            one
            for one in self.trials
            if one.state in {TrialState.COMPLETE, TrialState.PRUNED} and one.value is not None
        )

    @property
    def n_validation(self) -> int | None:
        """Utterances that every trial is judged on."""
        known = self.summary.get("n_validation")
        if known is None:
            for trial in self.trials:
                answers = self.validation(trial)
                if answers is not None:
                    return len(answers.labels)
        return known

    def validation(self, trial: Trial) -> Answers | None:
        """A trial's answers on the validation part, or None where there are none."""
        path = self.home.trial(trial.number).probabilities
        try:
            with np.load(path, allow_pickle=False) as stored:
                ids = stored["utterance_id"].astype(str)
                probabilities = stored["probabilities"]
                known = "dialogue" in stored.files
                return Answers(
                    utterance_ids=ids,
                    dialogues=stored["dialogue"].astype(str) if known else ids,
                    knows_dialogues=known,
                    labels=stored["label"].astype(np.int64),
                    predicted=probabilities.argmax(1).astype(np.int64),
                    n_classes=probabilities.shape[1],
                )
        except (OSError, ValueError, KeyError):
            return None

    @property
    def final(self) -> Final | None:
        """The final model to show first: the first that was scored, which no later look spoils."""
        return self.finals[0] if self.finals else None

    def known_params(self) -> list[dict[str, Any]]:
        """Configurations that somebody chose, which no sampler drew: the default and `enqueue`."""
        leaves = flatten(dump(self.config.experiment()))
        default = {path: leaves.get(path) for path in self.config.space}
        return [default, *({**default, **one} for one in self.config.study.enqueue)]

    def is_known(self, trial: Trial) -> bool:
        """Whether a trial's configuration was chosen by a person."""
        return any(
            all(known.get(path) == value for path, value in trial.params.items())
            for known in self.known_params()
        )


def read_findings(home: StudyHome) -> Findings:
    """Read all that is there.

    Raises:
        StudyError: There is no such study, or its record or trials are broken.
    """
    stored = study_file.read(home)
    trials = tuple(read_trials(home))
    remarks: list[str] = []
    try:
        openings = _openings(home)
    except HoldoutError as error:
        openings = ()
        remarks.append(str(error))
    order = {str(line.get("trial")): place for place, line in reversed([*enumerate(openings)])}
    finals = sorted(_finals(home, remarks), key=lambda one: order.get(one.result["trial"], 0))
    return Findings(
        home=home,
        config=stored.config,
        facts=stored.facts,
        shards=stored.shards,
        trials=trials,
        best=best_of(trials, stored.config.study.objective),
        summary=read_json(home.summary) if home.summary.exists() else {},
        baseline=read_json(home.baseline) if home.baseline.exists() else None,
        costs=_costs(home, trials),
        selection=read_json(home.selection) if home.selection.exists() else None,
        finals=tuple(finals),
        openings=openings,
        remarks=tuple(remarks),
    )


def _costs(home: StudyHome, trials: tuple[Trial, ...]) -> dict[int, Mapping[str, Any]]:
    paths = {trial.number: home.trial(trial.number).cost for trial in trials}
    return {number: read_json(path) for number, path in paths.items() if path.exists()}


def _finals(home: StudyHome, remarks: list[str]) -> list[Final]:
    found = []
    for path in sorted(home.path.glob("final/*/result.json")):
        folder = FinalHome(path.parent)
        try:
            result = read_json(path)
            table = pd.read_csv(folder.predictions) if folder.predictions.exists() else None
        except (StudyError, ValueError) as error:
            remarks.append(str(error).splitlines()[0])
            continue
        found.append(Final(folder, result, table))
    return found


def _openings(home: StudyHome) -> tuple[Mapping[str, Any], ...]:
    ledger = Ledger(home.ledger)
    by_holdout = [ledger.openings(holdout) for holdout in ledger.holdouts()]
    return tuple(
        line
        for lines in by_holdout
        if any(one["study"] == home.name for one in lines)
        for line in lines
    )
