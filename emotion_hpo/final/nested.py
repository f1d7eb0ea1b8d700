"""The nested protocol: the whole search repeated with each session as the test.

One session tells what two speakers' voices are worth; five tell more, and their spread. For each
session a study of its own (`NAME-test1` …) is searched, confirmed and scored, with a ledger line
each, and no setting of one looks at another's test. What is finished is kept; the same command goes
on. Since the folds' training parts overlap, the interval of a difference is Nadeau and Bengio's.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emotion_hpo.config import SearchConfig, build, dump, with_value
from emotion_hpo.metrics import fold_interval
from emotion_hpo.runtime.contents import Content
from emotion_hpo.runtime.naming import ASCII_LETTERS, escaped
from emotion_hpo.splits.parts import check_sessions
from emotion_hpo.study import StudyHome, read_json, study_file, write_json
from emotion_hpo.study.ledger import Ledger

#: Searches, confirms and scores one study; returns its `result.json`, or None if it was stopped.
Study = Callable[[SearchConfig], Mapping[str, Any] | None]


def nested(
    config: SearchConfig, contents: Mapping[str, Content], score: Study, *, rescore: bool = False
) -> dict[str, Any] | None:
    """Run the protocol, or what is left of it.

    Args:
        config: The study; its test session is replaced by each in turn.
        contents: Each session of the corpus → what it holds (`splits.content_of`).
        score: Makes one session's result where there is none yet.
        rescore: Score sessions again that another study has scored.

    Returns:
        What `nested.json` holds: each session's scores, `accuracy` and `uar` with mean, spread
        between sessions and interval, and the `gain` over baseline and default configuration; None
        if a session was stopped.

    Raises:
        ConfigError: The split is impossible with one of the sessions as the test.
        HoldoutError: A session was scored by another study, and `rescore` was not asked for.
        StudyError: A session was searched with another configuration.
    """
    studies = [with_test(config, session) for session in contents]
    unscored = {}
    for study in studies:  # all of them, before any session is scored
        check_sessions(study.split, tuple(contents))
        home = StudyHome(study.study.directory, study.study.name)
        if study_file.exists(home):
            study_file.check_same(home, study)
        if not home.finals():
            unscored[home.name] = contents[study.split.test_session]
    ledger = Ledger(StudyHome(config.study.directory, config.study.name).ledger)
    if not rescore:
        ledger.check_studies(unscored)
    results = []
    for study in studies:
        home = StudyHome(study.study.directory, study.study.name)
        stored = _stored(home)
        if stored is not None:  # if it was killed then, the ledger lacks what the result says
            facts = stored["opening"], stored["model"], stored["accuracy"]
            ledger.complete(ledger.name_of(contents[study.split.test_session]), *facts)
        result = stored if stored is not None else score(study)
        if result is None:
            return None
        results.append(result)
    summary = {
        "study": config.study.name,
        "synthetic": any(result["synthetic"] for result in results),
        "sessions": [_session(result) for result in results],
        "accuracy": _over_sessions([result["accuracy"] for result in results], results),
        "uar": _over_sessions([result["uar"] for result in results], results),
        "gain": {name: _gain(name, results) for name in ("baseline", "default")},
    }
    write_json(StudyHome(config.study.directory, config.study.name).nested, summary)
    return summary


def with_test(config: SearchConfig, session: str) -> SearchConfig:
    """Return the study's configuration with this session as the sealed one."""
    plain = with_value(dump(config), "split.test_session", session)
    of_session = escaped(session, ASCII_LETTERS, 50)
    plain = with_value(plain, "study.name", f"{config.study.name}-test{of_session}")
    return build(SearchConfig, plain)


def _stored(home: StudyHome) -> Mapping[str, Any] | None:
    """Read the result of a study that has been scored: the first, if there are several."""
    finals = home.finals()
    return read_json(finals[0].result) if finals else None


def _session(result: Mapping[str, Any]) -> dict[str, Any]:
    names = ("test_session", "study", "trial", "accuracy", "accuracy_interval", "uar", "n_test")
    return {name: result[name] for name in names} | {
        "expected": result["expected"],
        "test_speakers": result["test_speakers"],
    }


def _over_sessions(
    values: Sequence[float], results: Sequence[Mapping[str, Any]], *, least: float = 0.0
) -> dict[str, Any]:
    n_train = round(statistics.fmean(result["n_train"] for result in results))
    n_test = round(statistics.fmean(result["n_test"] for result in results))
    interval = fold_interval(values, n_train, n_test, least=least)
    spread = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "spread": spread, "interval": interval.as_json()}


def _gain(name: str, results: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the gain over another model; a session whose winner is that very model gains 0."""
    if all(result[name] is None for result in results):
        return None
    differences = [
        0.0 if result[name] is None else result[name]["gain"]["accuracy"]["difference"]
        for result in results
    ]
    return _over_sessions(differences, results, least=-1.0)
