"""A study on a PostgreSQL server: nothing is lost while it is away, and its URL stays unseen."""

import os
import threading
import time

import pytest
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from emotion_hpo.config.places import PostgresqlStorage
from emotion_hpo.errors import ConfigError, StudyError
from emotion_hpo.search.optuna import heartbeat, postgresql
from emotion_hpo.search.optuna.postgresql import read_url
from emotion_hpo.search.optuna.study import ClaimLost, Study
from emotion_hpo.study import TrialState
from tests.cluster.servers import PASSWORD, until
from tests.pipeline import WORDS_ALONE
from tests.search.processes import Command

#: How long the server is stopped; the promise is half a minute.
AWAY_S = float(os.environ.get("EMOTION_HPO_AWAY", "6"))


@pytest.fixture
def opened(make_study, storage):
    """Make a study with open slots: `opened("study.n_trials=3")`."""

    def make(*overrides):
        home, config = make_study("study", *storage, *overrides)
        study = Study(home, config)
        study.open_slots()
        return home, config, study

    return make


class TestUrl:
    CONFIG = PostgresqlStorage(name="postgresql", url_variable="HPO_URL", url_file=None)

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("", "the environment variable HPO_URL is empty; it must hold postgresql://USER"),
            ("no url, pass-w0rd", "HPO_URL holds no URL of the form postgresql://USER"),
            ("mysql://me:pass-w0rd@db/hpo", "HPO_URL holds no URL of the form postgresql://USER"),
            ("postgresql://me:pass-w0rd@db:port/hpo", "HPO_URL holds no URL of the form"),
            (
                "postgresql://me:x@pass-w0rd@db/hpo",
                "HPO_URL has an '@' too many; .*as %40",
            ),
        ],
        ids=["empty", "no URL", "another server", "no port", "an @ in the password"],
    )
    def test_what_is_none_is_refused_without_repeating_it(self, monkeypatch, value, said):
        monkeypatch.setenv("HPO_URL", value)
        with pytest.raises(StudyError, match=said) as caught:
            read_url(self.CONFIG)
        assert "pass-w0rd" not in str(caught.value)

    @pytest.mark.parametrize("place", ["me:pass-w0rd@db/hpo", "me@db/hpo?password=pass-w0rd"])
    def test_no_message_of_a_server_repeats_a_password(self, place):
        url = sqlalchemy.make_url(f"postgresql://{place}")
        assert postgresql.without_password("no pass-w0rd here", url) == "no *** here"

    def test_a_file_may_hold_it(self, tmp_path):
        file = tmp_path / "url"
        config = self.CONFIG.model_copy(update={"url_file": file})
        with pytest.raises(StudyError, match=r"storage.url_file: .*url cannot be read: No such"):
            read_url(config)
        file.write_text("postgresql://me:x@db/hpo\n")
        assert read_url(config).host == "db"

    def test_a_missing_library_is_told_with_its_extra(self, monkeypatch):
        monkeypatch.setattr(postgresql.importlib.util, "find_spec", lambda _name: None)
        with pytest.raises(ConfigError, match=r"pip install 'emotion_hpo\[postgres\]'"):
            postgresql.open_server(self.CONFIG)

    def test_no_server_and_a_wrong_password_are_told_at_once(
        self, make_study, postgres, monkeypatch
    ):
        wrong = postgres.url.replace(PASSWORD, "wr0ng-secret")
        away = postgres.url.replace(f":{postgres.port}/", ":1/")
        for url, said in ((wrong, "password authentication failed"), (away, "refused")):
            monkeypatch.setenv("EMOTION_HPO_STORAGE_URL", url)
            with pytest.raises(StudyError, match=said) as caught:
                Study(*make_study("other", "storage=postgresql")).trials()
            assert PASSWORD not in str(caught.value)
            assert "wr0ng-secret" not in str(caught.value)


class TestClaims:
    def test_a_trial_lives_as_on_a_file(self, opened):
        _, _, study = opened("study.n_trials=1")
        claim = study.claim("worker_0@here")
        study.report(claim, 1, 0.5)
        study.end(claim, TrialState.COMPLETE, 0.5, 1)
        (trial,) = study.trials()
        assert (trial.state, trial.value, trial.worker) == ("complete", 0.5, "worker_0@here")
        assert study.claim("worker_0@here") is None

    def test_many_claim_each_slot_once(self, opened, make_study, storage):
        home, config, _ = opened("study.n_trials=24", "sampler=random")
        claimed, faults = [], []

        def work():
            own = Study(home, config)
            try:
                while (claim := own.claim("worker")) is not None:
                    claimed.append(claim.number)
                    own.end(claim, TrialState.COMPLETE, 0.5, 1)
            except Exception as error:  # a thread's errors are seen by nobody
                faults.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert faults == []
        assert sorted(claimed) == list(range(24))

    def test_a_lock_that_the_server_lost_is_noticed(self, opened, postgres):
        _, _, study = opened("study.n_trials=1")
        study.trials()
        with study._connection.lock() as check:
            check()
            postgres.stop()
            postgres.start()
            with pytest.raises(SQLAlchemyError) as caught:
                check()
            assert postgresql.is_away(caught.value)
        assert study.claim("worker").number == 0, "and the lock is free again"

    def test_two_folders_do_not_mix_their_studies(self, opened, make_study, storage, tmp_path):
        home, config, _ = opened("study.n_trials=1")
        again = Study(home, config)
        assert len(again.trials()) == 1
        other = type(home)(tmp_path / "elsewhere", "study")
        with pytest.raises(StudyError, match=r"another study named 'study', which does not belong"):
            Study(other, config).trials()

    def test_a_folder_whose_trials_the_server_does_not_have_is_refused(self, opened, postgres):
        home, config, study = opened("study.n_trials=1")
        study.end(study.claim("worker"), TrialState.COMPLETE, 0.5, 1)
        postgres.drop()
        with pytest.raises(StudyError, match=r"the storage holds no trial_0 of study 'study'"):
            Study(home, config).trials()


class TestPulse:
    """Locks of another machine are not seen: what counts is whether the heartbeat still changes."""

    @pytest.fixture
    def elsewhere(self, opened, monkeypatch):
        """A trial that a worker of another machine has claimed, and a watch of one's own."""
        monkeypatch.setattr(heartbeat, "BEAT_S", 0.005)  # so that some beat is always under way
        _, _, study = opened("study.n_trials=1")
        with monkeypatch.context() as patch:
            patch.setattr("emotion_hpo.search.optuna.claim.machine", lambda: "another")
            claim = study.claim("worker_0@another")
        yield study, claim
        claim.drop()

    def test_a_beating_trial_is_left_alone(self, elsewhere, monkeypatch):
        study, claim = elsewhere
        monkeypatch.setattr(heartbeat, "SILENCE_S", 1.0)
        claim.lock.release()  # seen or not, a lock says nothing here
        for _ in range(12):
            study.requeue_orphans()
            time.sleep(0.15)
        assert [one.state for one in study.trials()] == [TrialState.RUNNING]

    def test_a_silent_one_is_continued_and_its_worker_lets_go(self, elsewhere, monkeypatch):
        study, claim = elsewhere
        monkeypatch.setattr(heartbeat, "SILENCE_S", 0.3)
        claim.heartbeat.stop()

        def is_cut():
            study.requeue_orphans()
            return study.trials()[0].state is TrialState.INTERRUPTED

        until(is_cut)
        assert [one.continues for one in study.trials()] == [None, 0]
        with pytest.raises(ClaimLost, match="trial_0 was taken over"):
            study.report(claim, 1, 0.5)
        with pytest.raises(ClaimLost, match="trial_0 was taken over"):
            study.end(claim, TrialState.COMPLETE, 0.5, 1)
        assert [one.state for one in study.trials()] == [TrialState.INTERRUPTED, TrialState.WAITING]

    def test_a_worker_known_to_have_ended_needs_no_silence(self, elsewhere):
        study, _ = elsewhere
        study.requeue_trials_of("worker_1")
        assert study.trials()[0].state is TrialState.RUNNING
        study.requeue_trials_of("worker_0")
        assert study.trials()[0].state is TrialState.INTERRUPTED

    def test_a_trial_that_is_gone_ends_no_thread_with_an_error(self, elsewhere, postgres):
        import psycopg

        _, claim = elsewhere
        beating = claim.heartbeat._beat
        beats = []

        def told(number):
            try:
                beating(number)
            except KeyError:
                beats.append(number)
                raise

        claim.heartbeat._beat = told
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("TRUNCATE trials CASCADE")
        until(lambda: len(beats) > 2, 30)  # one thread has met the error again and again

    def test_an_outage_begins_the_watching_anew(self):
        now = [0.0]
        watch = heartbeat.HeartbeatMonitor(lambda: now[0])
        assert not watch.is_silent(0, 5, n_outages=0)
        now[0] = heartbeat.SILENCE_S
        assert not watch.is_silent(0, 5, n_outages=1), "nobody could beat meanwhile"
        now[0] = 2 * heartbeat.SILENCE_S
        assert watch.is_silent(0, 5, n_outages=1)


def test_a_search_waits_for_a_server_that_is_away_and_loses_nothing(
    make_study, postgres, storage, emotion_hpo
):
    size = ("study.n_trials=3", "launcher.n_workers=2", "pruner=none", "training.epochs=60")
    overrides = (*storage, *size, *WORDS_ALONE, "tracking=mlflow")
    home, config = make_study("study", *overrides)
    command = Command(home, *overrides)
    until(lambda: len(list(home.path.glob("trials/*/curve.json"))) == 2, 120)
    postgres.stop()
    try:
        time.sleep(AWAY_S)
        assert command.process.poll() is None
    finally:
        postgres.start()
    status, out, err = command.wait()
    assert status == 0, err
    assert "The storage is away" in err
    assert "The storage is back after" in err
    trials = Study(home, config).trials()
    assert [one.state for one in trials] == [TrialState.COMPLETE] * 3, "no trial was even cut"
    assert all([epoch.epoch for epoch in one.curve] == list(range(1, 61)) for one in trials)
    ended = emotion_hpo("status", f"study.directory={home.directory}", "study.name=study")
    assert "3 of 3 trials finished" in ended.stdout
    files = [path for path in home.directory.rglob("*") if path.is_file()]
    assert len(files) > 10
    said = (out, err, ended.stdout, ended.stderr)
    told = [*(one.encode() for one in said), *(path.read_bytes() for path in files)]
    assert not any(PASSWORD.encode() in one for one in told)
