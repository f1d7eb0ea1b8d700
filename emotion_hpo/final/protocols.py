"""Fixed configurations under the field's protocols: trained as jobs, scored once all are stored.

Each fold and seed of each configuration is a job; those of several configurations are one batch,
and shared where they are the same. A job chooses its epoch on its validation part. With
`test_picked` there is a second job a fold and seed, whose validation part is the test part: what a
paper prints that looks there, and never more than a figure beside ours. The ledger says so before
it is trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emotion_hpo.config import ExperimentConfig, SplitConfig, dump, fingerprint
from emotion_hpo.features.store import FeatureStore
from emotion_hpo.final.protocol_answers import Answers, answer
from emotion_hpo.predict.saved_model import SavedModel, is_model
from emotion_hpo.runtime.seeds import derive
from emotion_hpo.splits.parts import split
from emotion_hpo.splits.protocols import ProtocolFold
from emotion_hpo.study import StudyHome, TrialHome, make_folder, write_bytes
from emotion_hpo.study.facts import commit
from emotion_hpo.study.ledger import Ledger, user
from emotion_hpo.study.records.ledger import Looker
from emotion_hpo.training.job import Job, Purpose, Train, TrainedBatch


@dataclass(frozen=True)
class Candidate:
    """A fixed configuration under a protocol.

    Attributes:
        name: Of the configuration, as tables show it.
        config: In plain values; its split is replaced by each fold's.
        protocol: Name of the protocol.
        folds: Of the protocol.
        seeds: Of its trainings.
        test_picked: Whether it is also trained with the test part as validation.
        chosen_by: How validation chooses an epoch of its trainings.
        keeps_models: Whether its models stay, for others' encoders to start from.
    """

    name: str
    config: ExperimentConfig
    protocol: str
    folds: tuple[ProtocolFold, ...]
    seeds: tuple[int, ...]
    test_picked: bool
    chosen_by: str
    keeps_models: bool = False

    @property
    def identity(self) -> str:
        """Changes whenever what comes out would."""
        splits = [dump(fold.split) for fold in self.folds]
        return fingerprint({
            "config": self.config.identity, "folds": splits, "seeds": list(self.seeds),
            "test_picked": self.test_picked, "chosen_by": self.chosen_by,
        })  # fmt: skip


@dataclass(frozen=True)
class Answered:
    """A candidate, and what it answered.

    Attributes:
        candidate: The configuration.
        by_fold: Fold → the answers of each seed.
        on_test: The same of the trainings that chose on the test part; empty if there are none.
        other_looks: Lines of the ledger on its test parts, for other configurations.
    """

    candidate: Candidate
    by_fold: Mapping[str, tuple[Answers, ...]]
    on_test: Mapping[str, tuple[Answers, ...]]
    other_looks: int


@dataclass
class _Part:
    """A test part, and the jobs that are scored on it."""

    fold: ProtocolFold
    protocol: str
    jobs: dict[str, Job] = field(default_factory=dict)
    lookers: dict[str, Looker] = field(default_factory=dict)
    with_models: set[str] = field(default_factory=set)

    @property
    def is_on_test(self) -> bool:
        """Whether its trainings choose their epoch on it."""
        return any(job.config.split == self.fold.on_test for job in self.jobs.values())


def answer_protocols(
    home: StudyHome, store: FeatureStore, candidates: Sequence[Candidate], train: Train
) -> list[Answered]:
    """Train what is not stored of some configurations, and let them answer their test parts.

    Args:
        home: Where answers are stored, and whose batch it is.
        store: Of all sessions.
        candidates: All of one corpus and the same features.
        train: Trains jobs.

    Raises:
        StudyError: A training failed or was stopped.
        ConfigError: A fold does not fit the corpus.
    """
    parts = _parts(home, store, candidates)
    for part in parts.values():
        split(store, part.fold.split)  # what does not fit is refused before any is trained
    open_parts = [
        part for part in parts.values()
        if any(not home.protocol_answers(name).exists() for name in part.jobs)
    ]  # fmt: skip
    jobs = {name: job for part in open_parts for name, job in part.jobs.items()}
    ledger = Ledger(home.ledger)
    for part in open_parts:
        if part.is_on_test:
            _note(part, store, ledger)
    if jobs:

        def is_stored(job: Job, files: TrialHome | None) -> bool:
            is_trained = files is not None and is_model(files.weights)
            return is_trained or home.protocol_answers(job.name).exists()

        trained = train(tuple(jobs.values()), is_stored)
        for part in open_parts:
            if not part.is_on_test:
                _note(part, store, ledger)
            _answer(home, store, part, trained)
    looks = {
        key: ledger.looks(split(store, part.fold.split)[1].content) for key, part in parts.items()
    }
    return [_gather(home, store, candidate, looks) for candidate in candidates]


def _parts(
    home: StudyHome, store: FeatureStore, candidates: Sequence[Candidate]
) -> dict[str, _Part]:
    """Return the parts that are scored, in the order in which they are first asked for."""
    parts: dict[str, _Part] = {}
    for candidate in candidates:
        for fold in candidate.folds:
            for is_on_test in (False, True)[: 1 + candidate.test_picked]:
                key = _part_key(candidate, fold, is_on_test=is_on_test)
                part = parts.setdefault(key, _Part(fold, candidate.protocol))
                for seed in candidate.seeds:
                    job = _job(store, candidate, fold, seed, is_on_test=is_on_test)
                    part.jobs.setdefault(job.name, job)
                    if candidate.keeps_models and not is_on_test:
                        part.with_models.add(job.name)
                config = candidate.config.identity
                part.lookers.setdefault(candidate.name, Looker(
                    study=home.name, trial=candidate.name, config=config, commit=commit(), by=user()
                ))  # fmt: skip
    return parts


def _part_key(candidate: Candidate, fold: ProtocolFold, *, is_on_test: bool) -> str:
    chosen = fold.on_test if is_on_test else fold.split
    return f"{candidate.protocol}/{fold.name}/{fingerprint(chosen)}"


def _job(
    store: FeatureStore, candidate: Candidate, fold: ProtocolFold, seed: int, *, is_on_test: bool
) -> Job:
    """Return a training; the same for any candidate that trains the same."""
    chosen: SplitConfig = fold.on_test if is_on_test else fold.split
    config = candidate.config.model_copy(update={"split": chosen})
    drawn = derive(seed, "protocol")
    facts = {
        "config": config.identity,
        "seed": drawn,
        "store": dict(store.keys),
        "chosen_by": candidate.chosen_by,
    }
    return Job(Purpose.PROTOCOL, f"{config.model.name}_{fingerprint(facts)}".replace("/", "_"),
               config, drawn)  # fmt: skip


def _note(part: _Part, store: FeatureStore, ledger: Ledger) -> None:
    """Write into the ledger that a test part is opened."""
    _, holdout = split(store, part.fold.split)
    ledger.note_protocol(
        holdout.content, [*part.lookers.values()], part.protocol, part.fold.name,
        on_test=part.is_on_test,
    )  # fmt: skip


def _answer(home: StudyHome, store: FeatureStore, part: _Part, trained: TrainedBatch) -> None:
    """Score a part's trainings, and drop their weights."""
    development, holdout = split(store, part.fold.split)
    if part.is_on_test:
        development, _ = split(store, part.fold.on_test)
    test, n_train = holdout.unseal(), len(development.folds[0].train)
    for name in part.jobs:
        path = home.protocol_answers(name)
        if not path.exists():
            files = trained.files(name)
            model = SavedModel.load(files.weights)
            answers = answer(model, trained.trials[name], files.probabilities, test, n_train)
            if name in part.with_models:
                make_folder(home.protocol_model(name).parent)
                write_bytes(home.protocol_model(name), files.weights.read_bytes())
            answers.save(path)
            files.weights.unlink(missing_ok=True)


def _gather(
    home: StudyHome,
    store: FeatureStore,
    candidate: Candidate,
    looks: Mapping[str, Sequence[Looker]],
) -> Answered:
    """Return what a candidate has answered."""

    def load(fold: ProtocolFold, *, is_on_test: bool) -> tuple[Answers, ...]:
        jobs = [_job(store, candidate, fold, seed, is_on_test=is_on_test)
                for seed in candidate.seeds]  # fmt: skip
        return tuple(Answers.load(home.protocol_answers(job.name)) for job in jobs)

    on_test = candidate.folds if candidate.test_picked else ()
    keys = [_part_key(candidate, fold, is_on_test=False) for fold in candidate.folds]
    return Answered(
        candidate,
        {fold.name: load(fold, is_on_test=False) for fold in candidate.folds},
        {fold.name: load(fold, is_on_test=True) for fold in on_test},
        sum(look.config != candidate.config.identity for key in keys for look in looks[key]),
    )


def model_path(home: StudyHome, store: FeatureStore, candidate: Candidate) -> Path:
    """Return where the model of a candidate's first fold and seed stays."""
    fold, seed = candidate.folds[0], candidate.seeds[0]
    return home.protocol_model(_job(store, candidate, fold, seed, is_on_test=False).name)


def result_path(home: StudyHome, candidate: Candidate) -> Path:
    """Return where what a candidate reaches is written."""
    return home.protocol(f"{candidate.protocol}_{candidate.identity[:12]}")
