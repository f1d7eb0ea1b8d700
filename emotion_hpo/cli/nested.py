"""`emotion-hpo nested`: search, confirm and score once for each session as the test.

Several sessions are under way: their trainings share the workers, so that the last trials of one
session leave no core idle.
"""

from emotion_hpo.cli.final import FinalCommand, UnpublishedError, score
from emotion_hpo.cli.search import SearchCommand, search_study
from emotion_hpo.config import SearchConfig, build, dump
from emotion_hpo.console.nested import show_nested
from emotion_hpo.console.output import as_a_block, echo, note
from emotion_hpo.console.progress import preparing
from emotion_hpo.errors import StudyError
from emotion_hpo.runtime.blas import one_blas_thread
from emotion_hpo.study import StudyHome, check_writable, make_folder
from emotion_hpo.study.records.base import write_record
from emotion_hpo.study.records.final_result import FinalResult


class NestedCommand(SearchCommand):
    """`emotion-hpo nested`."""

    rescore: bool


def run(command: NestedCommand) -> None:
    """Run a study for each session as the test, and print the mean and spread.

    Raises:
        StudyError: A session failed, or what it came to could not be shown or logged as well.
    """
    from emotion_hpo.features.preparation import prepare_features
    from emotion_hpo.final.nested import check_nestable, nested
    from emotion_hpo.search.adaptation import adapt
    from emotion_hpo.search.batch import BatchStopped
    from emotion_hpo.search.places import shared_places
    from emotion_hpo.search.stop import stop_signals
    from emotion_hpo.splits.parts import read_content, split

    check_writable(command.output)
    config = command.search()
    check_nestable(config.split)
    home = StudyHome(config.study.directory, config.study.name)
    make_folder(home.features)
    with preparing(f"Preparing {config.corpus.name}") as on_progress:
        store = prepare_features(config, home.features, on_progress)
    contents = {session: read_content(store.open(session)) for session in store.sessions}

    unpublished: list[str] = []

    def search_and_score(study: SearchConfig) -> FinalResult | None:
        plain = {**dump(study), "output": None, "best": None, "rescore": command.rescore}
        try:
            if not search_study(study, shows_next_steps=False).was_stopped:
                return score(build(FinalCommand, plain), {})
        except BatchStopped:
            pass
        except UnpublishedError as error:  # it is scored: no reason to stop the others
            note(str(error))
            unpublished.append(study.study.name)
            return error.result
        echo("Stopped; its test part stays sealed.")
        return None

    def score_session(study: SearchConfig) -> FinalResult | None:
        if stop.politely:
            return None
        title = f"Session {study.split.test_session} as the test: study {study.study.name}"
        try:
            with as_a_block(study.study.name):
                note(title)
                echo(f"\n{title}", "bold")
                return search_and_score(study)
        except BaseException:  # the other sessions' trainings go on by the same command
            stop.n_requests = max(1, stop.n_requests)
            raise

    def adapt_session(study: SearchConfig) -> SearchConfig:
        return adapt(study, store, split(store, study.split)[0])[0]

    n_workers = config.launcher.n_workers
    n_beside = 1 if config.launcher.name == "ray" else n_workers  # Ray is open once in a process
    # Else what is computed beside a session that needs the limit would depend on the moment
    with stop_signals() as stop, shared_places(n_workers), one_blas_thread():
        result = nested(
            config, contents, score_session, adapt_session,
            rescore=command.rescore, n_beside=n_beside,
        )  # fmt: skip
    if result is None:
        echo("Stopped; the same command goes on where this one ended.")
    else:
        show_nested(result)
        echo(f"\nResults: {home.nested}")
        if command.output is not None:
            write_record(command.output, result)
    if unpublished:
        raise StudyError(
            f"what failed after {' and '.join(sorted(unpublished))} had been scored is noted above"
        )
