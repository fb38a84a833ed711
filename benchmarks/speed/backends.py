"""How much faster is a network on this CPU in another way, and how much does it differ?

    python -m benchmarks.speed.backends animevideov3 160x120
    OMP_NUM_THREADS=1 python -m benchmarks.speed.backends x4plus 80x60 winograd openvino

The ways take turns with the usual one, and the least CPU time of a call counts, so that other
programs matter little. The difference is the largest of all pixels, in grey levels.
"""

from __future__ import annotations

import sys
import time
import warnings

import torch

from helpers import sample
from helpers.catalog.load import load_upscaler
from helpers.nn.backends import BACKENDS, EAGER
from helpers.nn.tensors import to_tensor
from helpers.runtime.machine import machine_name
from helpers.video.reader import open_video

ROUNDS = 6
"""How often each way is run after the first call."""


def measure(model: str, width: int, height: int, names: list[str]) -> None:
    """Print a row for each backend."""
    import cv2

    image = open_video(sample())[20].image
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    runner = load_upscaler(model).runner  # type: ignore[attr-defined]
    batch = to_tensor([image], "cpu", runner.dtype).contiguous(memory_format=torch.channels_last)
    print(f"{model}, {width}x{height}, {torch.get_num_threads()} threads of {machine_name()}")
    print("| way | first call | CPU seconds a frame | times as fast | difference |")
    print("| --- | --- | --- | --- | --- |")
    with torch.inference_mode():
        usual, known = runner.prepare(EAGER), runner.prepare(EAGER)(batch)
        for name in names:
            if obstacle := runner.find_obstacle(name):
                print(f"| {name} | {obstacle} |")
                continue
            begun = time.perf_counter()
            way = runner.prepare(name)
            apart = 255 * float((way(batch) - known).abs().max())
            first = time.perf_counter() - begun
            least = {usual: float("inf"), way: float("inf")}
            for _ in range(ROUNDS):
                for run in least:
                    started = time.process_time()
                    run(batch)
                    least[run] = min(least[run], time.process_time() - started)
            ratio = least[usual] / least[way]
            print(f"| {name} | {first:.1f} s | {least[way]:.3f} | {ratio:.2f} | {apart:.4f} |")


def main() -> None:
    """Measure what the command's arguments name: a model, a size, and backends; all if none."""
    warnings.simplefilter("ignore")
    model, size, *names = sys.argv[1:] or ["animevideov3", "160x120"]
    width, _, height = size.partition("x")
    measure(model, int(width), int(height), names or list(BACKENDS))


if __name__ == "__main__":
    main()
