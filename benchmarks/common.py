"""What benchmarks share: a clock for noisy machines, PSNR, pictures as clips, a plain warp."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from helpers.clip import MemoryClip

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""


class UnavailableError(Exception):
    """What a benchmark cannot do without is not here: data, a package, a card, authors' code."""


def left_out(what: str, reason: object) -> list[str]:
    """Say to the person at the screen why something was left out; return the lines for the page."""
    print(reason, file=sys.stderr, flush=True)
    return ["", f"Left out, because it was not to be had: {what}."]


def ffmpeg(*arguments: object) -> bytes:
    """Run ffmpeg, and return what it writes to stdout."""
    from helpers.runtime.machine import runtime

    command = [runtime().ffmpeg, "-nostdin", "-y", "-loglevel", "error", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


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
    """Return one line about the machine that measures."""
    import torch

    from helpers.runtime.machine import machine_name, runtime

    return (
        f"{machine_name()}, {os.cpu_count()} cores, networks on {runtime().device} in "
        f"{runtime().precision}, torch {torch.__version__}"
    )


def half_precision() -> str:
    """Return the 16-bit format that suits the device: "fp16" on CUDA, "bf16" elsewhere."""
    from helpers.runtime.machine import runtime

    return "fp16" if runtime().device == "cuda" else "bf16"


def psnr(truth: np.ndarray, made: np.ndarray, where: np.ndarray | None = None) -> float:
    """Return the PSNR of 8-bit pictures in dB, at most 99; of some pixels where a mask is given."""
    error = np.square(made.astype(np.float64) - truth)
    mean = (error if where is None else error[where]).mean()
    return float(10 * np.log10(255**2 / max(mean, 8e-6)))


def read_picture(path: Path) -> np.ndarray:
    """Read a picture, (H, W, 3) uint8 RGB."""
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def as_clip(images: Sequence[np.ndarray], fps: int = 25, cuts: Iterable[int] = ()) -> MemoryClip:
    """Return pictures as a clip; `cuts` are the numbers of frames at which shots begin."""
    times = [Fraction(number, fps) for number in range(len(images) + 1)]
    return MemoryClip(images, times[:-1], times[-1], [times[cut] for cut in cuts])


def dis_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return OpenCV's DIS flow from one (H, W) uint8 picture to another, (H, W, 2) float32."""
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(first, second, None)  # type: ignore[call-overload]


def warped(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return what lies in a picture where the flow leads, resampled linearly."""
    height, width = flow.shape[:2]
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    return cv2.remap(image, grid + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
