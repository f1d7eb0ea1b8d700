"""Motion capture: each file read once, against reading it again for every utterance.

    python benchmarks/motion.py [MINUTES]

Writes one dialogue's face markers as the release does (3 minutes at 120 Hz unless told otherwise),
and reads the frames of its turns: in one pass, as the corpus does; and the file again for every
turn, as the reference does (an array of lines, each split) or by `numpy.loadtxt`. All on one core
in one process, taking turns, in processor time; then two processes on a file each, by the clock. At
last, what follows for a whole release.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from figures import compare, hand_over

from emotion_hpo.corpus import MOTION_PARTS
from emotion_hpo.corpus.iemocap.motion import read_frames

WIDTH = MOTION_PARTS["face"]
FRAMES_PER_S = 120
TURNS_PER_DIALOGUE = 66  # 10,039 labelled turns in 151 dialogues
N_DIALOGUES = 151
DIALOGUE_MB = 55  # face markers (30 to 60 MB), hands and head
N_ROUNDS = 3  # the fastest counts


def write(path: Path, minutes: float) -> None:
    """Write a file of motion, in which one frame of five has lost markers."""
    rng = np.random.default_rng(0)
    row = "%d %.5f" + " %.5f" * WIDTH + "\r\n"
    with path.open("w", newline="") as file:
        file.write("Frame# Time markers\r\nX Y Z\r\n")
        for second in range(round(60 * minutes)):
            values = 50 * rng.standard_normal((FRAMES_PER_S, WIDTH))
            values[::5, :6] = np.nan
            first = second * FRAMES_PER_S
            lines = [
                row % (first + i + 1, (first + i) / FRAMES_PER_S, *line)
                for i, line in enumerate(values.tolist())
            ]
            file.write("".join(lines).replace("nan", "NaN"))


def by_lines(path: Path, start_s: float, end_s: float) -> np.ndarray:
    """The frames of one turn, the way of the reference: an array of lines, each taken apart."""
    rows = []
    for line in np.array(path.read_text().split("\n"))[2:]:
        fields = line.split(" ")
        if len(fields) > 1 and start_s <= float(fields[1]) < end_s:
            rows.append(np.array(fields[2:]).astype(np.float32))
    return np.array(rows)


def by_numpy(path: Path, start_s: float, end_s: float) -> np.ndarray:
    """The frames of one turn, by NumPy's reader of text."""
    rows = np.loadtxt(path, dtype=np.float32, skiprows=2)
    return rows[(rows[:, 1] >= start_s) & (rows[:, 1] < end_s), 2:]


def once(path: Path, spans: np.ndarray) -> list[np.ndarray]:
    """The frames of all turns in one pass."""
    return read_frames(path, WIDTH, spans)


def busy(work: Callable[..., Any], *arguments: object) -> float:
    """Seconds of processor time."""
    began = time.process_time()
    work(*arguments)
    return time.process_time() - began


def count(path: Path, spans: np.ndarray) -> int:
    """Read, and keep nothing: what comes back from another process costs time too."""
    return sum(map(len, once(path, spans)))


def main() -> None:
    """Write, read in all ways, compare, extrapolate."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    edges = np.linspace(0, 60 * minutes, TURNS_PER_DIALOGUE + 1)  # turns without pauses
    spans = np.stack([edges[:-1], edges[1:]], axis=1)
    again = {"as the reference": by_lines, "numpy.loadtxt": by_numpy}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.txt" for name in ("one", "two")]
        for path in paths:
            write(path, minutes)
        megabytes = paths[0].stat().st_size / 1e6
        turn = TURNS_PER_DIALOGUE // 2
        for read in again.values():
            np.testing.assert_array_equal(read(paths[0], *spans[turn]), once(paths[0], spans)[turn])
        once_s, turn_s = np.inf, dict.fromkeys(again, np.inf)
        for _ in range(N_ROUNDS):
            once_s = min(once_s, busy(once, paths[0], spans))
            for name, read in again.items():
                turn_s[name] = min(turn_s[name], busy(read, paths[0], *spans[turn]))
        both_s = np.inf
        with ProcessPoolExecutor(2) as pool:
            for _ in range(N_ROUNDS + 1):  # the first starts the processes
                began = time.perf_counter()
                list(pool.map(count, paths, [spans] * 2))
                both_s = min(both_s, time.perf_counter() - began)
    print(f"{megabytes:.0f} MB of face markers, {TURNS_PER_DIALOGUE} turns")
    print(f"  in one pass                 {once_s:8.2f} s  ({megabytes / once_s:.0f} MB/s)")
    for name, seconds in turn_s.items():
        total_s = TURNS_PER_DIALOGUE * seconds
        print(f"  a turn, {name:16}    {seconds:8.2f} s")
        print(
            f"    all turns                 {total_s:8.2f} s  ({total_s / once_s:.0f} × one pass)"
        )
    print(f"  two files, two processes    {both_s:8.2f} s  ({2 * megabytes / both_s:.0f} MB/s)")
    gigabytes = N_DIALOGUES * DIALOGUE_MB / 1e3
    print(
        f"a whole release, {N_DIALOGUES} dialogues of {DIALOGUE_MB} MB, {gigabytes:.1f} GB: "
        f"{1e3 * gigabytes / (2 * megabytes / both_s) / 60:.1f} minutes on two cores"
    )
    for name, seconds in turn_s.items():
        again_s = TURNS_PER_DIALOGUE * seconds
        hand_over(
            compare("motion of a dialogue", once_s, again_s, "s", f"{name}, a turn at a time")
        )


if __name__ == "__main__":
    main()
