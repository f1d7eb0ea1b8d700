"""Optuna's migrations leave this package's loggers alone."""

import logging

from emotion_hpo.search.optuna.study import Study


def test_a_new_storage_disables_no_logger(make_study, caplog):
    home, config = make_study("study", "study.n_trials=1")
    home.path.mkdir(parents=True)
    logger = logging.getLogger("emotion_hpo.search.worker_pool")
    handlers = logging.root.handlers[:]
    Study(home, config).open_slots()
    assert home.database.exists()
    logger.warning("worker_0 died")
    assert "worker_0 died" in caplog.text
    assert logging.root.handlers == handlers
