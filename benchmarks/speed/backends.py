"""How much faster is a network on this CPU in another way, and how much does the result differ?

    OMP_NUM_THREADS=1 python -m benchmarks.run backends

The ways take turns with the usual one, and the least CPU time of a call counts, so that other
programs matter little.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import torch

from benchmarks.common import left_out
from helpers import sample
from helpers.catalog.load import load_upscaler
from helpers.nn.backends import BACKENDS, EAGER, Runner
from helpers.nn.tensors import to_tensor
from helpers.video.reader import open_video

CASES = (
    ("animevideov3", (160, 120), tuple(BACKENDS)),
    ("animevideov3", (320, 240), tuple(BACKENDS)),
    ("x4plus", (160, 120), ("winograd",)),
)

ROUNDS = 6
"""How often each way is run after the first call, which compiles."""


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the seconds of CPU time, of all threads, that work takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def compare(runner: Runner, batch: torch.Tensor, name: str) -> str:
    """Return the cells of a backend: first call, CPU seconds, ratio, difference."""
    usual, begun = runner.prepare(EAGER), time.perf_counter()
    way = runner.prepare(name)
    made = way(batch)
    first = time.perf_counter() - begun
    apart = 255 * float((made - usual(batch)).abs().max())
    least = {usual: float("inf"), way: float("inf")}
    for _ in range(ROUNDS):
        for run in least:
            least[run] = min(least[run], cpu_seconds(lambda: run(batch)))  # noqa: B023
    ratio = least[usual] / least[way]
    return f"{first:.1f} | {least[usual]:.3f} | {least[way]:.3f} | {ratio:.2f} | {apart:.4f}"


def main() -> str:
    """Return a row for each backend and network."""
    warnings.simplefilter("ignore")
    image, missing = open_video(sample())[20].image, set()
    rows = [
        f"A frame, in {torch.get_num_threads()} threads; CPU seconds of all of them together. The "
        "difference is the largest, in grey levels.",
        "",
        "| network | frame | way | first call, s | as usual, s | so, s | ratio | difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model, size, names in CASES:
        engine: Any = load_upscaler(model)
        batch = to_tensor([cv2.resize(image, size)], "cpu", engine.dtype)
        for name in names:
            if obstacle := engine.runner.find_obstacle(name):
                missing.add(f"{name} ({obstacle})")
                continue
            with torch.inference_mode():
                cells = compare(engine.runner, batch, name)
            rows.append(f"| {model} | {size[0]}x{size[1]} | {name} | {cells} |")
            print(rows[-1], flush=True)
    return "\n".join([*rows, *(left_out(", ".join(sorted(missing)), missing) if missing else [])])
