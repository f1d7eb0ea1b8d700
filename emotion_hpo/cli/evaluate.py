"""`emotion-hpo evaluate`: a fixed configuration under one of the field's protocols."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from emotion_hpo.cli.jobs import job_trainer, with_launcher
from emotion_hpo.cli.stored_study import read_study
from emotion_hpo.config import GivenSplit, SearchConfig, dump
from emotion_hpo.console.evaluate import show_protocol
from emotion_hpo.console.output import echo
from emotion_hpo.console.progress import preparing
from emotion_hpo.errors import ConfigError
from emotion_hpo.study import StudyHome, check_writable, make_folder, study_file
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.trials import find, read_trials


class EvaluateCommand(SearchConfig):
    """`emotion-hpo evaluate`."""

    output: Path | None = Field(description="also write the result there, as JSON")
    protocol: str = Field(
        description="session5, loso5, loso10, tail20, improvised, given or emobox"
    )
    trial: str | None = Field(description="STUDY/trial_42; null: the configuration composed")
    seeds: int = Field(ge=1, description="trainings of each fold, from seeds 0, 1 …")
    folds: Path | None = Field(description="of protocol=emobox: the folder of its folds")
    test_picked: bool = Field(
        description="also the figure of the best epoch on the test part, as some papers print it"
    )

    def search(self) -> SearchConfig:
        """Return the configuration alone."""
        return SearchConfig(**{name: getattr(self, name) for name in SearchConfig.model_fields})


def run(command: EvaluateCommand, requested: Mapping[str, Any]) -> None:
    """Train and score a fixed configuration under a protocol, and print what it reaches."""
    from emotion_hpo.features.preparation import prepare_features
    from emotion_hpo.final.candidates import make_candidate
    from emotion_hpo.final.protocol_scores import score_protocol
    from emotion_hpo.final.protocols import answer_protocols, result_path
    from emotion_hpo.search.batch import BatchStopped
    from emotion_hpo.splits.protocols import check_folds, find_protocol, parts_of

    check_writable(command.output)
    protocol = find_protocol(command.protocol)
    check_folds(protocol, command.folds)
    config, name = command.search(), command.model.name
    if command.trial is not None:
        config, name = _of_trial(command, command.trial, requested)
    if isinstance(config.split, GivenSplit) and protocol.name != "given":
        raise ConfigError(
            "split=given has the column's values for sessions; leave it out, or take protocol=given"
        )
    home = StudyHome(config.study.directory, config.study.name)
    make_folder(home.features)
    with preparing(f"Preparing {config.corpus.name}") as on_progress:
        store = prepare_features(config, home.features, on_progress)
    folds = protocol.folds(parts_of(store, config.split, command.folds))
    for fold in folds:
        if fold.remark:
            echo(fold.remark)
    seeds = tuple(range(command.seeds))
    candidate = make_candidate(
        store, config, folds, name=name, protocol=protocol.name, seeds=seeds,
        test_picked=command.test_picked,
    )  # fmt: skip
    config = config.model_copy(update={"split": folds[0].split})  # which workers open first
    trainer = job_trainer(home, config, f"Protocol {protocol.name}")
    try:
        (answered,) = answer_protocols(home, store, [candidate], trainer)
    except BatchStopped as stopped:
        echo(str(stopped))
        return
    result = score_protocol(answered, store.corpus_name, synthetic=store.synthetic)
    path = result_path(home, candidate)
    make_folder(path.parent)
    write_record(path, result)
    if command.output is not None:
        write_record(command.output, result)
    show_protocol(result)
    echo(f"Results: {path}")


def _of_trial(
    command: EvaluateCommand, name: str, requested: Mapping[str, Any]
) -> tuple[SearchConfig, str]:
    """Return the configuration of a study's trial, and its name.

    Raises:
        ConfigError: The name is not one of a trial.
        StudyError: There is no such study or trial, or the command line contradicts it.
    """
    study, slash, trial = name.partition("/")
    if not slash or not study or "/" in trial:
        raise ConfigError(f"trial: a study and its trial, such as quick/trial_42, but got {name!r}")
    home = StudyHome(command.study.directory, study)
    stored = read_study(home, requested)
    number = find(read_trials(home), trial, stored.config.study.objective).number
    config = with_launcher(stored.config, dump(command), requested)
    of_trial = study_file.trial_config(home, number)
    fields = {field: getattr(of_trial, field) for field in type(of_trial).model_fields}
    places = stored.config.corpus
    return config.model_copy(update={**fields, "corpus": places, "space": {}}), f"{study}/{trial}"
