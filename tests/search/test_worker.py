"""A worker trains what it claims, and every ending leaves the study as it should be."""

import json
import shutil

import numpy as np
import pytest
import torch

from emotion_hpo.errors import StudyError, TrialFailed
from emotion_hpo.models import build_network
from emotion_hpo.search.optuna.study import Study
from emotion_hpo.search.purposes import trial as module
from emotion_hpo.search.worker import Worker
from emotion_hpo.study import TrialState
from emotion_hpo.training.loop import evaluate


@pytest.fixture
def start(make_study, data_module):
    """Make a worker on a study with open slots: `start("study.n_trials=1", …)`."""

    def make(*overrides):
        home, config = make_study("study", *overrides)
        home.path.mkdir(exist_ok=True)
        study = Study(home, config)
        study.open_slots()
        return home, study, Worker(home, config, data_module, "worker_0")

    return make


def test_every_trial_leaves_its_files(start):
    home, study, worker = start("study.n_trials=2", "pruner=none")
    worker.work()
    for trial in study.trials():
        assert trial.state is TrialState.COMPLETE
        files = {path.name for path in home.trial(trial.number).path.iterdir()}
        assert files >= {"config.yaml", "curve.json", "trial.json", "validation.npz"}
        assert "checkpoint.pt" not in files
        assert len(trial.curve) == 3
        assert trial.value == max(one.metrics["val/accuracy"] for one in trial.curve)


def test_stored_probabilities_give_the_stored_value(start, data_module):
    home, study, worker = start("study.n_trials=1")
    worker.work()
    (trial,) = study.trials()
    with np.load(home.trial(0).probabilities) as stored:
        accuracy = (stored["probabilities"].argmax(1) == stored["label"]).mean()
        assert accuracy == pytest.approx(trial.value)
        assert list(stored["utterance_id"]) == data_module.development.validation.ids
        dialogues = data_module.development.validation.table["dialogue"]
        assert list(stored["dialogue"]) == list(dialogues)
    network = build_network(
        worker._config.model, data_module.fold(worker._config).preprocessor.shapes(), 4, seed=1
    )
    n_parameters = sum(one.numel() for one in network.parameters() if one.requires_grad)
    cost = json.loads(home.trial(0).cost.read_text())
    assert cost["n_parameters"] == n_parameters
    assert 0 < cost["latency_ms"] < 1000
    assert (cost["n_threads"], cost["device"]) == (torch.get_num_threads(), "cpu")


def test_kept_weights_are_the_network_that_gave_the_stored_answers(start, make_study, data_module):
    home, _, worker = start("study.n_trials=1", "study.keep_weights=true", "pruner=none")
    worker.work()
    config, file = worker._config, home.trial(0).weights
    fold_data = data_module.fold(config)
    network = build_network(config.model, fold_data.preprocessor.shapes(), 4, seed=1)
    network.load_state_dict(torch.load(file, weights_only=True))
    answers = evaluate(network, fold_data.validation, config.training).probabilities
    with np.load(home.trial(0).probabilities) as stored:
        np.testing.assert_allclose(answers, stored["probabilities"], atol=1e-6)
    modality = next(iter(config.model.encoders))
    path = f"+model.encoders.{modality}"
    _, other = make_study("frozen", f"{path}.weights={file}", f"{path}.frozen=true")
    frozen = build_network(other.model, fold_data.preprocessor.shapes(), 4, seed=2).encoders[
        modality
    ]
    for name, weight in frozen.state_dict().items():
        assert torch.equal(weight, network.encoders[modality].state_dict()[name])


def test_no_weights_are_kept_unless_asked_for(start):
    home, _, worker = start("study.n_trials=1")
    worker.work()
    assert not home.trial(0).weights.exists()


def stop_after(worker, n_epochs, monkeypatch):
    """Ask the worker to stop while its n-th epoch runs."""
    true_report, seen = worker._study.report, []

    def report(claim, epoch, value):
        seen.append(epoch)
        worker.stopping = worker.stopping or len(seen) == n_epochs
        return true_report(claim, epoch, value)

    monkeypatch.setattr(worker._study, "report", report)


@pytest.mark.parametrize("context", ["none", "recurrent"])
def test_a_stopped_trial_continues_to_the_same_end(
    start, make_study, data_module, monkeypatch, context
):
    own = ("study.n_trials=1", "pruner=none", f"+model.context={{name: {context}}}")
    home, study, worker = start(*own)
    stop_after(worker, 2, monkeypatch)
    worker.work()
    assert [one.state for one in study.trials()] == [TrialState.INTERRUPTED, TrialState.WAITING]
    assert home.trial(0).checkpoint.exists()
    _, config = make_study("study", *own)
    Worker(home, config, data_module, "worker_0").work()
    old, new = study.trials()
    assert (old.state, new.state) == (TrialState.INTERRUPTED, TrialState.COMPLETE)
    assert new.continues == 0
    assert new.curve[:2] == old.curve, "no epoch is trained twice"
    assert not home.trial(0).checkpoint.exists()

    whole_home, whole_config = make_study("whole", *own)
    whole_home.path.mkdir()
    Study(whole_home, whole_config).open_slots()
    Worker(whole_home, whole_config, data_module, "worker_0").work()
    (whole,) = Study(whole_home, whole_config).trials()
    assert [one.metrics for one in new.curve] == [one.metrics for one in whole.curve]
    assert new.value == whole.value


def test_a_broken_checkpoint_costs_its_epochs_not_the_trial(
    start, make_study, data_module, monkeypatch, capsys
):
    home, study, worker = start("study.n_trials=1", "pruner=none")
    stop_after(worker, 2, monkeypatch)
    worker.work()
    home.trial(0).checkpoint.write_bytes(b"\x80\x02}q\x00.")
    _, config = make_study("study", "study.n_trials=1", "pruner=none")
    Worker(home, config, data_module, "worker_0").work()
    assert [one.state for one in study.trials()] == [TrialState.INTERRUPTED, TrialState.COMPLETE]
    assert len(study.trials()[1].curve) == 3
    assert "checkpoint.pt is broken" in capsys.readouterr().err


def test_a_stop_before_the_last_report_ends_the_trial(start, monkeypatch):
    _, study, worker = start("study.n_trials=2", "pruner=none")
    stop_after(worker, 3, monkeypatch)
    worker.work()
    assert [one.state for one in study.trials()] == [TrialState.COMPLETE]


def test_a_pruned_trial_keeps_its_value(start, monkeypatch):
    _, study, worker = start("study.n_trials=1")
    monkeypatch.setattr(worker._study, "report", lambda _claim, epoch, _value: epoch == 2)
    worker.work()
    (trial,) = study.trials()
    assert trial.state is TrialState.PRUNED
    assert trial.value is not None
    assert len(trial.curve) == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrialFailed("train/loss is nan after epoch 1"), "train/loss is nan after epoch 1"),
        (MemoryError("40 GB"), "out of memory: 40 GB"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory: CUDA out of memory"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate"),
            "out of memory: [enforce fail",
        ),
        (
            RuntimeError("CUDA error: out of memory\nCUDA kernel errors might"),
            "out of memory: CUDA",
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when"), "out of memory: CUDA error"),
        (MemoryError(), "out of memory"),
        (RuntimeError("mat1 and mat2 shapes\ncannot be"), "RuntimeError: mat1 and mat2 shapes"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
    ids=[
        "diverged",
        "memory",
        "device memory",
        "allocator",
        "device",
        "device's library",
        "wordless",
        "torch",
        "defect",
    ],
)
def test_a_failing_trial_leaves_the_worker_alive(start, monkeypatch, error, reason, capsys):
    home, study, worker = start("study.n_trials=2", "launcher.n_workers=1")
    true_run, calls = module.run_all, []

    def run(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise error
        return true_run(*arguments)

    monkeypatch.setattr(module, "run_all", run)
    worker.work()
    first, second = study.trials()
    assert first.state is TrialState.FAILED
    assert first.reason.startswith(reason)
    assert not first.reason.endswith(": ")
    assert second.state is TrialState.COMPLETE
    assert json.loads(home.trial(0).record.read_text())["state"] == "failed"
    assert "trial_0 failed" in capsys.readouterr().err


def test_values_that_cannot_be_together_fail_their_trial_and_no_other(start, capsys):
    home, study, worker = start(
        "study.n_trials=4",
        "training.epochs=1",
        "pruner=none",
        "+model.context.name=none",
        "++space={model.context.name: {choices: [none, recurrent]}, "
        "training.augmentation.mixup: {choices: [0.0, 0.2]}}",
    )
    worker.work()
    pair = {"model.context.name": "recurrent", "training.augmentation.mixup": 0.2}
    said, failed = capsys.readouterr().err, 0
    for trial in study.trials():
        if pair.items() <= trial.params.items():
            assert trial.state is TrialState.FAILED
            assert trial.reason.startswith("training.augmentation.mixup: turns that are read in")
            assert f"{trial.name} failed: {trial.reason}\n" in said
            assert json.loads(home.trial(trial.number).record.read_text())["state"] == "failed"
            failed += 1
        else:
            assert trial.state is TrialState.COMPLETE
    assert 0 < failed < len(study.trials()) == 4


def test_a_trial_that_lacks_memory_beside_others_is_tried_alone(start, monkeypatch, capsys):
    _, study, worker = start("study.n_trials=2", "launcher.n_workers=2")
    true_run, calls = module.run_all, []

    def run(*arguments):
        calls.append(arguments)
        if len(calls) in (1, 3):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return true_run(*arguments)

    monkeypatch.setattr(module, "run_all", run)
    worker.work()
    states = [trial.state for trial in study.trials()]
    assert states == [TrialState.INTERRUPTED, TrialState.WAITING, TrialState.COMPLETE]
    assert "out of memory: CUDA out of memory; it is tried again alone" in capsys.readouterr().err
    study.take_up_set_aside()
    worker.work()
    alone = study.trials()[1]
    assert (alone.state, alone.continues) == (TrialState.FAILED, 0)
    assert alone.reason == "out of memory: CUDA out of memory"


def test_a_full_disk_is_no_fault_of_the_trial(start, monkeypatch):
    _, study, worker = start("study.n_trials=1")

    def no_space(_self, path):
        raise StudyError(f"cannot write {path}: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("emotion_hpo.training.fold_run.Checkpoint.save", no_space)
        with pytest.raises(StudyError, match=r"cannot write .*No space left"):
            worker.work()
    assert [one.state for one in study.trials()] == [TrialState.INTERRUPTED, TrialState.WAITING]
    worker.work()
    assert [one.state for one in study.trials()] == [TrialState.INTERRUPTED, TrialState.COMPLETE]


def test_a_real_divergence_is_a_failure_with_its_epoch(start):
    _, study, worker = start(
        "study.n_trials=1",
        "training.learning_rate=10",
        "++training.optimizer={name: sgd, momentum: 0.99, weight_decay: 9e9}",
        "++space={training.learning_rate: {low: 9, high: 10}}",
    )
    worker.work()
    (trial,) = study.trials()
    assert trial.state is TrialState.FAILED
    assert "after epoch" in trial.reason


def test_the_same_seed_gives_the_same_study(start):
    """Parameters, values and every epoch of every trial, pruned ones too."""

    def searched():
        home, study, worker = start("study.n_trials=6", "sampler.n_startup_trials=2")
        worker.work()
        found = [
            (one.params, one.state, one.value, [epoch.metrics for epoch in one.curve])
            for one in study.trials()
        ]
        shutil.rmtree(home.path)
        return found

    assert searched() == searched()
