"""What every benchmark needs: the helpers on the path, and a clock for noisy machines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SHARED = ROOT.parent / "shared" / "data"
"""Where the films and pictures for measuring are, if they are."""


def timed(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the median seconds of some rounds, after one that is not counted."""
    work()
    spans = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begun)
    return median(spans)


def machine() -> str:
    """Say in a line what is measured on."""
    import torch

    from helpers.runtime.machine import machine_name, runtime

    return (
        f"{machine_name()}, {os.cpu_count()} cores, networks on {runtime().device} in "
        f"{runtime().precision}, torch {torch.__version__}"
    )
