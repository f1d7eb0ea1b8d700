"""The rows of published tables: trained in groups of the same features, combined and compared.

Rows of one group are jobs of one batch, the first table's first; what two rows train alike is
trained once. What is stored is not trained again, so that the same command goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from emotion_hpo.config import SearchConfig
from emotion_hpo.errors import ConfigError, TrainingsFailed
from emotion_hpo.features.preparation import OnProgress, prepare_features
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.final.candidates import make_candidate
from emotion_hpo.final.protocol_scores import combine, score_protocol
from emotion_hpo.final.protocols import Answered, Candidate, answer_protocols, model_path
from emotion_hpo.splits.protocols import find_protocol, parts_of
from emotion_hpo.study import StudyHome, make_folder
from emotion_hpo.study.records.protocol import ProtocolResult
from emotion_hpo.training.job import Train


@dataclass(frozen=True)
class PaperRow:
    """A row that is trained.

    Attributes:
        key: Of it alone.
        config: As composed.
        protocol: Its name.
        test_picked: Whether it is also trained as papers do that choose on the test part.
        keeps_models: Whether its model stays, for others' encoders to start from.
    """

    key: str
    config: SearchConfig
    protocol: str
    test_picked: bool = True
    keeps_models: bool = False


@dataclass(frozen=True)
class Combination:
    """A row that combines others' answers.

    Attributes:
        key: Of it alone.
        members: Keys of rows.
        rule: How.
    """

    key: str
    members: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class TrainedGroup:
    """What a group of rows has come to.

    Attributes:
        home: Where its answers and models are.
        store: Of all sessions.
        answered: Key → what the row answered.
        left_out: Key → why the row cannot be trained here.
    """

    home: StudyHome
    store: FeatureStore
    answered: Mapping[str, Answered]
    left_out: Mapping[str, str]

    def score(self, key: str) -> ProtocolResult:
        """Return what a row reaches."""
        answered = self.answered[key]
        return score_protocol(answered, self.store.corpus_name, synthetic=self.store.synthetic)

    def model_of(self, key: str) -> str:
        """Return the file of a row's model."""
        return str(model_path(self.home, self.store, self.answered[key].candidate))


#: Makes what trains a group's jobs.
OpenTrainer = Callable[[StudyHome, SearchConfig], Train]


def train_group(
    home: StudyHome,
    rows: Sequence[PaperRow],
    seeds: tuple[int, ...],
    on_features: OnProgress,
    open_trainer: OpenTrainer,
) -> TrainedGroup:
    """Train rows of one corpus and the same features, and let them answer.

    Args:
        home: Of the group.
        rows: In the order in which they are trained.
        seeds: Of their trainings.
        on_features: Shows the preparation of features.
        open_trainer: Makes what trains its jobs.

    Raises:
        StudyError: Every training failed, one was stopped, or none can begin here.
        FeatureError: The features cannot be extracted here.
    """
    first = rows[0].config
    make_folder(home.features)
    store = prepare_features(first, home.features, on_features)
    parts = parts_of(store, first.split)
    candidates, left_out = [], {}
    for row in rows:
        try:
            folds = find_protocol(row.protocol).folds(parts)
            candidate = make_candidate(
                store, row.config, folds, name=row.key, protocol=row.protocol, seeds=seeds,
                test_picked=row.test_picked,
            )  # fmt: skip
        except ConfigError as error:  # as of a corpus without motion
            left_out[row.key] = str(error)
        else:
            candidates.append(replace(candidate, keeps_models=row.keeps_models))
    if not candidates:
        return TrainedGroup(home, store, {}, left_out)
    config = first.model_copy(update={"split": candidates[0].folds[0].split})
    answered, failed = _answer(home, store, candidates, open_trainer(home, config))
    return TrainedGroup(home, store, answered, left_out | failed)


def _answer(
    home: StudyHome, store: FeatureStore, candidates: Sequence[Candidate], train: Train
) -> tuple[dict[str, Answered], dict[str, str]]:
    """Return what each row answered, and why others could not: as where a training diverges.

    Raises:
        TrainingsFailed: None could.
        StudyError: The user stopped it, or nothing can be trained here at all.
    """
    try:
        answered = answer_protocols(home, store, candidates, train)
        return {each.candidate.name: each for each in answered}, {}
    except TrainingsFailed as error:
        if len(candidates) == 1:
            return {}, {candidates[0].name: str(error)}
        first = error
    by_name: dict[str, Answered] = {}
    failed: dict[str, str] = {}
    for candidate in candidates:  # what is trained is stored, so that only what failed is tried
        answered_alone, failed_alone = _answer(home, store, [candidate], train)
        by_name |= answered_alone
        failed |= failed_alone
    if not by_name:
        raise first
    return by_name, failed


def combine_rows(answered: Mapping[str, Answered], combination: Combination) -> Answered:
    """Return the answers of a row that combines others' answers."""
    members = [answered[key] for key in combination.members]
    first = members[0]
    on_test = [member.on_test for member in members]
    return Answered(
        replace(first.candidate, name=combination.key),
        combine([member.by_fold for member in members], combination.rule),
        combine(on_test, combination.rule) if all(on_test) else {},
        first.other_looks,
    )
