"""Run the benchmarks of speed and memory one after the other; one table, and JSON beside it.

    python -m benchmarks [NAME …] [--quick] [--folder studies] [--output studies/bench.json]

Each runs in a process of its own, so that none finds what another has loaded. One that fails is
said, and the others go on; the exit status is then 1. What they print lies in `NAME.log` beside the
JSON. Without names all run that give figures of speed or memory. By name alone run `gpu` (on a
machine with CUDA: an epoch, the tests, a search of two workers), `budgets`, `parts`, `honesty` and
`twin_…`, which say how good something is and take up to hours. `record_curves.py` records the
curves that `time_to_result` reads, and measures nothing. `--quick` is for about five minutes of
two cores, with small sizes; only without it are figures worth quoting. A goal that is missed is no
failure: on a busy machine those in seconds are missed, and only the ratios say anything.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.catalogue import BENCHMARKS, Benchmark
from benchmarks.figures import (
    FIGURES_FILE,
    HEADS,
    Figure,
    cells,
    format_table,
    read_figures,
)
from emotion_hpo.study.facts import commit, describe_hardware, read_versions

SCRIPTS = Path(__file__).parent


@dataclass
class Run:
    """What became of a benchmark."""

    name: str
    arguments: tuple[str, ...]
    load: float
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    failure: str | None = None
    figures: list[Figure] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return {
            "name": self.name,
            "arguments": self.arguments,
            "load_at_start": self.load,
            "seconds": round(self.seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "failure": self.failure,
            "figures": [figure.to_json() for figure in self.figures],
        }

    def rows(self) -> list[tuple[str, ...]]:
        """Return its rows of the table."""
        rows = [(self.name, *cells(figure)) for figure in self.figures]
        if self.failure:
            rows.append((self.name, f"FAILED: {self.failure}", *[""] * (len(HEADS) - 1)))
        return rows


def run(name: str, arguments: Iterable[str], output: Path, scripts: Path) -> Run:
    """Run a script to its end, and return what it handed over, as far as it came.

    Args:
        name: Of the script.
        arguments: Its own.
        output: Where the JSON will lie; the script's words lie beside it.
        scripts: The folder of scripts.
    """
    handed_over, log = output.with_name(f"{name}.figures"), output.with_name(f"{name}.log")
    handed_over.unlink(missing_ok=True)
    result = Run(name, tuple(arguments), round(os.getloadavg()[0], 1))
    began, cpu_began = time.perf_counter(), _cpu_seconds()
    with log.open("wb") as words:
        status = subprocess.run(
            [sys.executable, str(scripts / f"{name}.py"), *result.arguments],
            stdout=words,
            stderr=subprocess.STDOUT,
            env={**os.environ, FIGURES_FILE: str(handed_over)},
            check=False,
        ).returncode
    result.seconds = time.perf_counter() - began
    result.cpu_seconds = _cpu_seconds() - cpu_began
    result.figures = read_figures(handed_over)
    handed_over.unlink(missing_ok=True)
    if status != 0:
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()
        last = lines[-1].strip() if lines else f"exit status {status}"
        result.failure = f"{last} ({log})"
    return result


def _cpu_seconds() -> float:
    """Return the processor time of all scripts that have ended, and of what they waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def select(names: Sequence[str], *, is_quick: bool) -> list[tuple[Benchmark, tuple[str, ...]]]:
    """Return the benchmarks to run, and the arguments of each."""
    chosen = [
        benchmark
        for benchmark in BENCHMARKS
        if benchmark.name in names
        or (not names and benchmark.is_default and not (is_quick and benchmark.quick is None))
    ]
    return [
        (benchmark, benchmark.quick if is_quick and benchmark.quick is not None else benchmark.full)
        for benchmark in chosen
    ]


def write_json(output: Path, runs: Sequence[Run], *, is_quick: bool) -> None:
    """Write what was measured, and on what."""
    content = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": is_quick,
        "commit": commit(),
        "machine": describe_hardware(),
        "versions": read_versions(),
        "benchmarks": [result.to_json() for result in runs],
    }
    output.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named; return the exit status."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.splitlines()[0])
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="about five minutes")
    parser.add_argument("--folder", type=Path, default=Path("studies"), help="holds features")
    parser.add_argument("--output", type=Path, help="FOLDER/bench.json")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in names]:
        parser.error(f"no benchmark {unknown[0]!r} (valid: {', '.join(names)})")
    output = options.output or options.folder / "bench.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    runs: list[Run] = []
    chosen = select(options.names, is_quick=options.quick)
    status = 0
    for number, (benchmark, template) in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {benchmark.name} …", file=sys.stderr, flush=True)
        given = tuple(argument.format(folder=options.folder) for argument in template)
        try:
            result = run(benchmark.name, given, output, SCRIPTS)
        except KeyboardInterrupt:
            status = 130
            break
        runs.append(result)
        words = result.failure or f"{len(result.figures)} figures"
        print(f"    {result.seconds:.0f} s, {words}", file=sys.stderr, flush=True)
        write_json(output, runs, is_quick=options.quick)
    rows = [row for result in runs for row in result.rows()]
    print(format_table(("benchmark", *HEADS), rows))
    if runs:
        print(f"written: {output}")
    return status or int(any(result.failure for result in runs))


if __name__ == "__main__":
    sys.exit(main())
