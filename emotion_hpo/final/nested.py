"""The nested protocol: the whole search repeated with each session as the test.

One session tells what two speakers' voices are worth; five tell more, and their spread. For each
session a study of its own (`NAME-test1` …) is searched, confirmed and scored, with a ledger line
each, and no setting of one looks at another's test. What is finished is kept; the same command goes
on. Since the folds' training parts overlap, the interval of a difference is Nadeau and Bengio's.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from emotion_hpo.config import (
    GivenSplit,
    RowsSplit,
    SearchConfig,
    SplitConfig,
    build,
    dump,
    with_value,
)
from emotion_hpo.errors import ConfigError, EmotionHpoError, StudyError
from emotion_hpo.metrics import fold_interval
from emotion_hpo.runtime.contents import Content
from emotion_hpo.runtime.naming import ASCII_LETTERS, escaped
from emotion_hpo.splits.parts import check_sessions
from emotion_hpo.study import StudyHome, study_file
from emotion_hpo.study.finals import find_finals
from emotion_hpo.study.ledger import Ledger
from emotion_hpo.study.records.base import read_record, write_record
from emotion_hpo.study.records.final_result import (
    BaselineComparison,
    DefaultComparison,
    FinalResult,
)
from emotion_hpo.study.records.nested import NestedGains, NestedResult, OverSessions, SessionResult

#: Searches, confirms and scores one study; returns its result, or None if it was stopped.
Study = Callable[[SearchConfig], FinalResult | None]

#: Gives a study's configuration plain values, as its search will.
Adapt = Callable[[SearchConfig], SearchConfig]


def nested(
    config: SearchConfig,
    contents: Mapping[str, Content],
    score: Study,
    adapt: Adapt = lambda study: study,
    *,
    rescore: bool = False,
    n_beside: int = 1,
) -> NestedResult | None:
    """Run the protocol, or what is left of it.

    Args:
        config: The study; its test session is replaced by each in turn.
        contents: Each session of the corpus → what it holds (`splits.read_content`).
        score: Makes one session's result where there is none yet.
        adapt: What a search does to its configuration before it stores it.
        rescore: Score sessions again that another study has scored.
        n_beside: How many sessions are under way at a time, each on a thread of its own.

    Returns:
        None if a session was stopped.

    Raises:
        ConfigError: The split is impossible with one of the sessions as the test.
        HoldoutError: A session was scored by another study, and `rescore` was not asked for.
        StudyError: A session was searched with another configuration, or several failed.
    """
    studies = [with_test(config, session) for session in contents]
    unscored = {}
    for study in studies:  # all of them, before any session is scored
        check_sessions(study.split, tuple(contents))
        home = StudyHome(study.study.directory, study.study.name)
        if study_file.exists(home):
            study_file.check_same(home, adapt(study))
        if not find_finals(home):
            unscored[home.name] = contents[study.split.test_session]
    ledger = Ledger(StudyHome(config.study.directory, config.study.name).ledger)
    if not rescore:
        ledger.check_studies(unscored)

    def read_or_score(study: SearchConfig) -> FinalResult | None:
        stored = _stored(StudyHome(study.study.directory, study.study.name))
        if stored is None:
            return score(study)
        # If it was killed then, the ledger lacks what the result says
        facts = stored.opening, stored.model, stored.accuracy
        ledger.complete(ledger.name_of(contents[study.split.test_session]), *facts)
        return stored

    with ThreadPoolExecutor(n_beside) as threads:
        sessions = [threads.submit(read_or_score, study) for study in studies]
    names = [study.study.name for study in studies]
    failures = {
        name: error
        for name, session in zip(names, sessions, strict=True)
        if (error := session.exception()) is not None
    }
    if failures:
        raise _join(failures)
    scored = [session.result() for session in sessions]
    results = [result for result in scored if result is not None]
    if len(results) < len(scored):
        return None
    result = NestedResult(
        study=config.study.name,
        synthetic=any(result.synthetic for result in results),
        sessions=tuple(map(_summarise, results)),
        accuracy=_over_sessions([result.accuracy for result in results], results),
        uar=_over_sessions([result.uar for result in results], results),
        gain=NestedGains(
            baseline=_average_gain([result.baseline for result in results], results),
            default=_average_gain([result.default for result in results], results),
        ),
    )
    write_record(StudyHome(config.study.directory, config.study.name).nested, result)
    return result


def check_nestable(split: SplitConfig) -> None:
    """Refuse a split whose test part is given, by a column or as some rows.

    Raises:
        ConfigError: There is but one.
    """
    if isinstance(split, GivenSplit | RowsSplit):
        rows = "the rows of split.test"
        if isinstance(split, GivenSplit):
            rows = f"the rows with {split.test!r} in the column {split.column!r}"
        raise ConfigError(
            f"split={split.name} has one test part, {rows}, so that nothing can be nested; run "
            "`make search` and `make final`"
        )


def with_test(config: SearchConfig, session: str) -> SearchConfig:
    """Return the study's configuration with this session as the sealed one."""
    plain = with_value(dump(config), "split.test_session", session)
    of_session = escaped(session, ASCII_LETTERS, 50)
    plain = with_value(plain, "study.name", f"{config.study.name}-test{of_session}")
    return build(SearchConfig, plain)


def _join(failures: Mapping[str, BaseException]) -> BaseException:
    """Return what failed as one error: name of a study → its own."""
    errors = list(failures.values())
    if len(errors) == 1:
        return errors[0]
    if all(isinstance(error, EmotionHpoError) for error in errors):
        return StudyError("\n".join(f"{name}: {error}" for name, error in failures.items()))
    return BaseExceptionGroup(f"{' and '.join(failures)} failed", errors)


def _stored(home: StudyHome) -> FinalResult | None:
    """Read the result of a study that has been scored: the first, if there are several."""
    finals = find_finals(home)
    return read_record(finals[0].result, FinalResult) if finals else None


def _summarise(result: FinalResult) -> SessionResult:
    names = SessionResult.model_fields
    return SessionResult(**{name: getattr(result, name) for name in names})


def _over_sessions(
    values: Sequence[float], results: Sequence[FinalResult], *, least: float = 0.0
) -> OverSessions:
    """Return mean, spread and interval of a value of each session; `least` is its lowest bound."""
    n_train = round(statistics.fmean(result.n_train for result in results))
    n_test = round(statistics.fmean(result.n_test for result in results))
    return OverSessions(
        mean=statistics.fmean(values),
        spread=statistics.stdev(values) if len(values) > 1 else None,
        interval=fold_interval(values, n_train, n_test, least=least),
    )


def _average_gain(
    others: Sequence[BaselineComparison | DefaultComparison | None], results: Sequence[FinalResult]
) -> OverSessions | None:
    """Return the gain in accuracy over another model; None where no session has such a one.

    A session whose winner is that very model gains nothing: 0.
    """
    if all(other is None for other in others):
        return None
    gains = [0.0 if other is None else other.gain.accuracy.difference for other in others]
    return _over_sessions(gains, results, least=-1.0)
