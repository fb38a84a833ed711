"""What a whole run of a program takes: time by the clock, time of all cores, and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.common import UnavailableError

HEAD = (
    "| run | wall of the other, s | ours, s | ratio | CPU of the other, s | ours, s | ratio "
    "| memory of the other, GB | ours, GB |"
)
"""The head of a table of `compare`."""

ROUNDS = 2


@dataclass(frozen=True)
class Spent:
    """What a run took: seconds by the clock, those of all cores, and the most bytes of memory."""

    wall: float
    cpu: float
    memory: int


def spend(command: Sequence[str], output: Path, folder: Path, **settings: str) -> Spent:
    """Run a program that writes a file, and delete the file.

    Args:
        output: the file.
        folder: where the program runs.
        settings: variables of its environment.

    Raises:
        UnavailableError: it failed, or wrote nothing.
    """
    begun = time.perf_counter()
    environment: Mapping[str, str] = {**os.environ, **settings}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            list(command), cwd=folder, env=environment, stdout=said, stderr=said
        )
        _, process.returncode, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        said.seek(0)
        if process.returncode or not output.exists():
            raise UnavailableError(f"{command[2]}: {said.read().decode()[-500:]}")
    output.unlink()
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def compare(title: str, theirs: Callable[[], Spent], ours: Callable[[], Spent]) -> str:
    """Run two programs in turn, and return a row of a table; the ratios are medians."""
    pairs = []
    for _ in range(ROUNDS):
        pairs.append((theirs(), ours()))
        print(title, *pairs[-1], file=sys.stderr, flush=True)
    cells = []
    for kind in ("wall", "cpu"):
        sides = [[getattr(pair[side], kind) for pair in pairs] for side in (0, 1)]
        ratio = median(one / other for one, other in zip(*sides, strict=True))
        cells += [*(f"{median(side):.1f}" for side in sides), f"{ratio:.2f}"]
    cells += [f"{max(pair[side].memory for pair in pairs) / 1e9:.2f}" for side in (0, 1)]
    return f"| {title} | {' | '.join(cells)} |"
