"""Extraction that is killed at any change of any file loses nothing and repeats one dialogue."""

import multiprocessing
import os
import random
import signal

import pytest

from emotion_hpo.config import FeaturesConfig, build, dump
from tests.features.pretrained.kills import N_SESSIONS, prepare_until

#: No life of a process ends two sessions.
N_KILLS = N_SESSIONS

#: Of files; a session is some forty.
MOST_CHANGES = 45


@pytest.fixture
def run(paper, tmp_path):
    """Run a process: `(folder, changes until it is killed)` to status and dialogues begun."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"weights")
    speech = {"name": "pretrained", "normalise": "corpus", "model": str(model)}
    config = build(FeaturesConfig, dump(paper) | {"speech": speech, "functionals": None})
    context = multiprocessing.get_context("forkserver")  # it imports once, and has no threads
    context.set_forkserver_preload(["pytest", prepare_until.__module__])

    def start(directory, n_changes):
        log = tmp_path / "log"
        log.write_text("")
        process = context.Process(target=prepare_until, args=(n_changes, config, directory, log))
        process.start()
        process.join()
        return process.exitcode, log.read_text().split()

    return start


def files_of(directory):
    """Path → content of all that lies below, hidden or not; None of a folder."""
    return {
        path.relative_to(directory): path.read_bytes() if path.is_file() else None
        for path in directory.rglob("*")
    }


def test_kills_cost_the_dialogue_that_was_cut(run, tmp_path):
    dice = random.Random(int(os.environ["EMOTION_HPO_KILL_SEED"]))
    lives = []
    for _ in range(N_KILLS):
        status, begun = run(tmp_path / "cut", dice.randint(1, MOST_CHANGES))
        assert status == -signal.SIGKILL
        lives.append(begun)
    status, begun = run(tmp_path / "cut", 0)
    assert status == 0
    lives.append(begun)
    for life, begun in enumerate(lives):
        later = {dialogue for others in lives[life + 1 :] for dialogue in others}
        assert not later & set(begun[:-1]), "what was whole is extracted again"
    assert run(tmp_path / "whole", 0)[0] == 0
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "whole")
    assert run(tmp_path / "cut", 0) == (0, []), "all is stored"
