"""An epoch of `tripathi/combined` against a straightforward port, side by side in one run.

    python benchmarks/training.py [--steps N] [--folder studies] [--threads 2] [--model NAME]
        [--scale 1]

On the twin's 3,000 training utterances in batches of 64. Ours and the port (`port.py`, texts padded
to 50 and to 500 words) take turns, so that whatever else the machine does slows all. With `--steps`
each turn is that many batches of random utterances, and an epoch is the same share of 47; without,
whole epochs. On a CUDA device the same runs there.

Ours computes as a trial does by default, in bfloat16 where the hardware multiplies it, and once
more in float32. The port is in float32 everywhere, as the reference is: what is a multiple of the
first holds what the precision gains, too; what is one of the second compares at equal precision.
Beside the seconds stands the processor's time: other work on the machine changes it less, least
with one thread.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))
from figures import Figure, compare, hand_over
from port import N_COLUMNS, N_FRAMES, N_PARTS, Port
from twin_sizes import sized

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.config import ExperimentConfig, build
from emotion_hpo.dataset import Dataset
from emotion_hpo.dataset.batch import Batch
from emotion_hpo.features.preparation import quiet
from emotion_hpo.models import build_network, keep_freed_memory
from emotion_hpo.models.cells import Lstm
from emotion_hpo.runtime.torch_internals import stay_eager
from emotion_hpo.splits.opening import open_development
from emotion_hpo.training.fold_run import DataModule, FoldData
from emotion_hpo.training.loop import fit

BATCH, N_ROUNDS = 64, 3  # rounds of short turns; the fastest counts
N_WORDS = {50: 6.0, 500: 11.0}  # of the port's texts → how many times as fast ours is to be
REFERENCE_S = 44 / 3838  # the reference's log: 44 s an epoch of 3,838 utterances on a GPU


class Times(NamedTuple):
    """Of a turn."""

    seconds: float
    processor_s: float

    @classmethod
    def now(cls) -> "Times":
        """Return what the clocks show."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, began: "Times") -> "Times":
        """Return what has passed."""
        return Times(self.seconds - began.seconds, self.processor_s - began.processor_s)


def data_module(folder: Path, model: str, scale: float) -> tuple[ExperimentConfig, DataModule]:
    """The twin's development part and the configuration of a preset."""
    groups = ("features=paper", f"model={model}", "training=paper")
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        plain = OmegaConf.to_container(compose("search", [*groups, *sized(scale)]), resolve=True)
    settings = {name: plain[name] for name in ExperimentConfig.model_fields}
    config = build(ExperimentConfig, settings)
    _, development = open_development(config, folder / "features", quiet)
    return config, DataModule(development)


def padded(data: Dataset, rows: np.ndarray, n_words: int) -> tuple[Tensor, ...]:
    """Some utterances as the port wants them."""
    batch = data.batch(rows)
    text, speech, mocap = (batch.modalities[name] for name in ("text", "speech", "mocap"))
    tokens_BT = F.pad(text.values, (n_words - text.values.shape[1], 0))
    frames_BTD = F.pad(speech.values, (0, 0, 0, N_FRAMES - speech.values.shape[1]))
    return tokens_BT, frames_BTD, mocap.values[:, :N_PARTS, :N_COLUMNS], batch.labels


def port_turn(fold_data: FoldData, rows: np.ndarray, n_words: int, rate: float) -> Times:
    """Time of the port's training on some utterances, which lie in memory before."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    port = Port(fold_data.preprocessor.shapes()["text"].n_tokens or 0, rate).to(device)
    optimizer = torch.optim.Adam(port.parameters())
    every = [tensor.to(device) for tensor in padded(fold_data.train, rows, n_words)]
    began = Times.now()
    for start in range(0, len(rows), BATCH):
        *inputs, labels = (tensor[start : start + BATCH] for tensor in every)
        optimizer.zero_grad()
        loss = F.cross_entropy(port(*inputs), labels)
        loss.backward()
        optimizer.step()
    loss.item()  # waits for a device
    return Times.now().since(began)


def our_turn(fold_data: FoldData, config: ExperimentConfig, part: Dataset) -> Times:
    """Time of an epoch of `fit`, batch assembly included."""
    network = build_network(config.model, fold_data.preprocessor.shapes(), 4, seed=0)
    began = Times.now()
    fit(network, part, None, config.training, 0, lambda *_: True)
    return Times.now().since(began)


def matrix_rate(kind: torch.dtype) -> float:
    """Operations a second of a large matrix product: what the hardware can do."""
    a_NN, b_NN = (torch.randn(1536, 1536).to(kind) for _ in range(2))
    return 2 * 1536**3 / fastest(lambda: a_NN @ b_NN, 8)


def fastest(work: Callable[[], object], n: int = 3) -> float:
    """Seconds of the fastest of a few runs."""
    seconds = []
    for _ in range(n):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def operations(encoder: nn.Module, batch: Batch, modality: str) -> float:
    """Operations of a forward and backward pass; PyTorch's counter knows no LSTM, so we add them.

    A pass forward is two operations a weight and step; the backward pass is twice that.
    """
    lstm = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], _output: object) -> None:
        nonlocal lstm
        assert isinstance(layer, Lstm)
        n, steps, _ = inputs[0].shape
        lstm += 3 * 2 * n * steps * 4 * layer.hidden_size * (layer.input_size + layer.hidden_size)

    hooks = [
        module.register_forward_hook(count)
        for module in encoder.modules()
        if isinstance(module, Lstm)
    ]
    with FlopCounterMode(display=False) as counter:
        encoder(batch.modalities[modality]).sum().backward()
    for hook in hooks:
        hook.remove()
    return counter.get_total_flops() + lstm


def by_encoder(fold_data: FoldData, config: ExperimentConfig) -> None:
    """Time of each encoder over a few batches, and its share of the hardware's floor."""
    network = build_network(config.model, fold_data.preprocessor.shapes(), 4, seed=0)
    batches = [
        batch for batch, _ in zip(fold_data.train.epoch(BATCH, 8, [0, 1]), range(8), strict=False)
    ]
    rates = {kind: matrix_rate(kind) for kind in (torch.bfloat16, torch.float32)}
    for kind, rate in rates.items():
        name = str(kind).removeprefix("torch.")
        print(f"{name}: a matrix product runs at {rate / 1e9:.0f} G operations a second")
        for modality, encoder in network.encoders.items():

            def work(encoder: nn.Module = encoder, modality: str = modality) -> None:
                for batch in batches:
                    with torch.autocast("cpu", torch.bfloat16, enabled=kind is torch.bfloat16):  # noqa: B023
                        encoded = encoder(batch.modalities[modality])
                    encoded.float().sum().backward()

            seconds = fastest(work)
            floor = sum(operations(encoder, batch, modality) for batch in batches) / rate
            print(
                f"  {modality:<8} {1e3 * seconds / len(batches):7.1f} ms a step, "
                f"{100 * floor / seconds:3.0f} % of the floor's speed"
            )


def private_memory_mb() -> float:
    """Memory that this process shares with nobody: neither features nor libraries are in it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def worker(folder: Path, model: str, scale: float) -> None:
    """What a worker does, in a process of its own: an epoch with its evaluation."""
    stay_eager()
    pa.set_memory_pool(pa.system_memory_pool())
    config, module = data_module(folder, model, scale)
    keep_freed_memory()
    peak, is_over = [private_memory_mb()], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.002):
            peak[0] = max(peak[0], private_memory_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    fold_data = module.fold(config)
    network = build_network(config.model, fold_data.preprocessor.shapes(), 4, seed=0)
    fit(network, fold_data.train, fold_data.validation, config.training, 0, lambda *_: True)
    is_over.set()
    watcher.join()
    print(f"{peak[0]:.0f}")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=0, help="batches a turn; 0: whole epochs")
    parser.add_argument("--folder", type=Path, default=Path("studies"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default="tripathi/combined")
    parser.add_argument("--scale", type=float, default=1.0, help="of the twin")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1 if arguments.worker else arguments.threads)
    if arguments.worker:
        worker(arguments.folder, arguments.model, arguments.scale)
        return
    keep_freed_memory()
    config, module = data_module(arguments.folder, arguments.model, arguments.scale)
    fold_data = module.fold(config)
    n = len(fold_data.train)
    n_steps = arguments.steps or -(-n // BATCH)
    rows = np.random.default_rng(0).permutation(n)[: n_steps * BATCH]
    train = module.development.folds[0].train
    part = fold_data.preprocessor.transform(train.subset(np.sort(rows)))
    share = n / len(rows)
    extent = "whole epochs" if share == 1 else f"{n_steps} of {-(-n // BATCH)} steps, scaled"
    print(f"{arguments.model}, {n:,} utterances, {arguments.threads} threads, {extent}")
    exact = config.training.model_copy(update={"precision": "float32"})
    exactly = config.model_copy(update={"training": exact})
    turns: dict[str, Callable[[], Times]] = {
        "ours": lambda: our_turn(fold_data, config, part),
        "ours, float32": lambda: our_turn(fold_data, exactly, part),
    }
    if arguments.model == "tripathi/combined":
        for n_words in N_WORDS:
            turns[f"port, {n_words} words"] = lambda n_words=n_words: port_turn(  # type: ignore[misc]
                fold_data, rows, n_words, config.model.dropout
            )
    # Libraries load and compile at their first batches, once a process and not once an epoch
    few = fold_data.preprocessor.transform(train.subset(np.arange(2 * BATCH)))
    for settings in (config, exactly):
        our_turn(fold_data, settings, few)
    port_turn(fold_data, rows[:BATCH], 50, config.model.dropout)
    best = {name: Times(float("inf"), float("inf")) for name in turns}
    for _ in range(N_ROUNDS if arguments.steps else 1):
        for name, turn in turns.items():
            best[name] = Times(*(min(pair) for pair in zip(best[name], turn(), strict=True)))
            print(f"    {name}: {share * best[name].seconds:.1f} s", file=sys.stderr, flush=True)
    print(f"an epoch: seconds and the processor's; load of the machine: {os.getloadavg()[0]:.1f}")
    for name, times in best.items():
        print(f"  {name:<16} {share * times.seconds:7.1f} s {share * times.processor_s:7.1f} s")
    what = f"epoch of {arguments.model}, {n:,} utterances"
    for n_words, factor in N_WORDS.items() if "port, 50 words" in best else ():
        name = f"port, {n_words} words"
        for kind, ours in (("", "ours"), (" in float32", "ours, float32")):
            goal = None if kind else factor
            for place, clock in ((0, ""), (1, ", processor")):
                pair = share * best[ours][place], share * best[name][place]
                hand_over(compare(f"{what}{kind}{clock}", *pair, "s", name, at_least=goal))
    if torch.cuda.is_available():
        log_s = REFERENCE_S * n
        hand_over(
            compare(
                what, share * best["ours"].seconds, log_s, "s", "the reference's log", at_least=88
            )
        )
        return
    by_encoder(fold_data, config)
    again = [sys.executable, __file__, "--worker", "--folder", str(arguments.folder)]
    again += ["--model", arguments.model, "--scale", f"{arguments.scale:g}"]
    answer = subprocess.run(again, capture_output=True, text=True, check=True)
    what = "a worker's peak memory beside features and libraries"
    hand_over(Figure(what, float(answer.stdout.split()[-1]), "MB"))


if __name__ == "__main__":
    main()
