"""What another study has learnt, for this one's sampler (`warm_start=OTHER_STUDY`).

In: the finished trials of the other study and this one's space. Out: `PriorTrial`s, points of this
space with a value, which the sampler learns from and nobody else sees: they count towards no budget
and stand in no report. A parameter that this space does not have, or whose value lies outside its
range here, is left out of its prior trial; how many were is said. Values of another objective are
refused: no order of theirs says anything about ours.
"""

from collections import Counter
from collections.abc import Sequence

from emotion_hpo.config import SearchConfig, dump, flatten
from emotion_hpo.errors import StudyError
from emotion_hpo.search.prior_trial import PriorTrial
from emotion_hpo.search.space import Params, applies
from emotion_hpo.study import StudyHome, Trial, TrialState, study_file
from emotion_hpo.study.records.search_summary import WarmStart
from emotion_hpo.study.trials import read_trials


def read_prior_trials(config: SearchConfig) -> tuple[list[PriorTrial], list[str]]:
    """Read the trials of the study that `warm_start` names, and what a user should know of them.

    Raises:
        StudyError: There is no such study, it has another objective, or nothing of it fits.
    """
    name = config.warm_start
    if name is None:
        return [], []
    home = StudyHome(config.study.directory, name)
    stored = study_file.read(home)
    if stored.config.study.objective != config.study.objective:
        raise StudyError(
            f"warm_start: study {name!r} was judged by {stored.config.study.objective}, this one "
            f"is by {config.study.objective}; their values cannot be compared"
        )
    scored = [trial for trial in read_trials(home) if _is_scored(trial)]
    misfits: Counter[str] = Counter()
    prior_trials = []
    for trial in scored:
        params = _select_fitting(config, trial, misfits)
        if params and trial.value is not None:
            n_epochs = len(trial.curve) if trial.state is TrialState.PRUNED else None
            prior_trials.append(PriorTrial(f"{name}/{trial.name}", params, trial.value, n_epochs))
    if not prior_trials:
        raise StudyError(
            f"warm_start: no finished trial of study {name!r} has a parameter that fits this space"
        )
    notes = [
        f"warm start: {len(prior_trials)} of {len(scored)} scored trials of study {name!r} taken up"
    ]
    if misfits:
        listed = ", ".join(f"{path} ({n} trials)" for path, n in misfits.items())
        notes.append(f"warm start: left out, as they do not fit this space: {listed}")
    theirs, ours = stored.config.without_places(), config.without_places()
    if any(theirs[part] != ours[part] for part in ("corpus", "split")):
        notes.append(
            f"warm start: study {name!r} has another corpus or split; its values may lie higher or "
            "lower than this one's"
        )
    return prior_trials, notes


def describe_warm_start(
    config: SearchConfig, prior_trials: Sequence[PriorTrial]
) -> WarmStart | None:
    """Return what `search.json` says of a warm start."""
    if config.warm_start is None:
        return None
    return WarmStart(study=config.warm_start, n_prior_trials=len(prior_trials))


def _is_scored(trial: Trial) -> bool:
    return trial.state in {TrialState.COMPLETE, TrialState.PRUNED} and trial.value is not None


def _select_fitting(config: SearchConfig, trial: Trial, misfits: Counter[str]) -> Params:
    """Return the parameters of a trial that can be drawn here; count the others."""
    base = flatten(dump(config.experiment()))
    fitting = {
        path: value
        for path, value in trial.params.items()
        if path in config.space and config.space[path].contains(value)
    }
    fitting = {
        path: value
        for path, value in fitting.items()
        if applies(config.space[path], {**base, **fitting})
    }
    misfits.update(path for path in trial.params if path not in fitting)
    return fitting
