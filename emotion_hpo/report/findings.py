"""What a report knows of a study, whole: the trials, the models that were scored, every record.

A part that is not there yet, or never will be, is None or empty, and the page leaves its section
out or says that there is nothing: a study is worth a page from its first minute on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emotion_hpo.config import SearchConfig, dump, flatten
from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.metrics.registry import find_metric
from emotion_hpo.study import FinalHome, StudyHome, Trial, TrialState, study_file
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
from emotion_hpo.study.records.study_facts import StudyFacts
from emotion_hpo.study.records.transcription import describe_words


@dataclass(frozen=True)
class StoredPredictions:
    """What a model said of each of some utterances.

    Attributes:
        utterance_ids: Which ones `(n,)`.
        dialogues: The dialogue of each `(n,)`.
        labels: True classes `(n,)`.
        predicted: Predicted classes `(n,)`.
        probabilities: Of the classes `(n, n_classes)`; None where only answers were stored.
        n_classes: Number of classes.
    """

    utterance_ids: NDArray[np.str_]
    dialogues: NDArray[np.str_]
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
    result: FinalResult
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
        summary: What `search.json` holds, or None.
        baseline: What `baseline.json` holds, or None.
        costs: Trial number → what its network costs to use.
        selection: What `selection.json` holds, or None.
        finals: Models that were scored on the holdout, the first scored first.
        openings: Every opening of the holdouts that this study has opened.
        looks: Every other look at them: by the reference's protocol, or to replay a model.
        remarks: What could not be read.
    """

    home: StudyHome
    config: SearchConfig
    facts: StudyFacts
    shards: Mapping[str, str]
    trials: tuple[Trial, ...]
    best: Trial | None
    answers: StoredPredictions | None
    n_validation: int | None
    summary: SearchSummary | None
    baseline: Baseline | None
    costs: Mapping[int, Cost]
    selection: Selection | None
    finals: tuple[Final, ...]
    openings: tuple[ScoredOpening, ...]
    looks: tuple[PaperProtocolLine | ReplayedLine | ProtocolLine, ...]
    remarks: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The study's name."""
        return self.home.name

    @property
    def synthetic(self) -> bool:
        """Whether its corpus is invented."""
        return self.facts.synthetic

    @property
    def words(self) -> str | None:
        """Whose words the corpus is read with; None of its own."""
        return describe_words(self.config.corpus.transcripts, self.facts.words)

    @property
    def objective(self) -> str:
        """The metric that the search looked at."""
        return self.config.study.objective

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return find_metric(self.objective).sign

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
        name = self.selection and self.selection.winner
        return next((trial for trial in self.trials if trial.name == name), self.best)

    @property
    def final(self) -> Final | None:
        """The final model to show first: the first that was scored, which no later look spoils."""
        return self.finals[0] if self.finals else None

    def describe_turns_read_by(self, trial: Trial) -> str:
        """Return what a trial's model reads of a dialogue beside an utterance; "" where nothing."""
        return describe_turns_read(study_file.find_turns_read_by(self.home, trial.number))

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


def describe_validation(findings: Findings) -> str:
    """Describe on how many utterances a trial's value rests, for a caption."""
    n = findings.n_validation
    return "the validation utterances" if n is None else f"{n:,} validation utterances"
