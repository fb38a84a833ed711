"""The whole chain's wall time against the time its networks take alone on the same frames."""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from helpers import sample
from helpers.catalog.load import load_interpolator, load_upscaler
from helpers.plan import Plan, restore
from helpers.video.reader import open_video


def alone(model: str, frames: int, factor: int) -> float:
    """Return the seconds that enlarging and interpolating take, and nothing else."""
    images = [frame.image for frame in open_video(sample()).frames(0, frames)]
    network, engine = load_upscaler(model), load_interpolator("flow")
    network.upscale(images[:1])
    parts = [k / factor for k in range(1, factor)]
    begun = time.perf_counter()
    large = [network.upscale([image])[0] for image in images]
    for one, two in pairwise(large):
        engine.between(one, two, parts)
    return time.perf_counter() - begun


def main() -> str:
    """Return one row a network."""
    rows = [
        "The sample talk, 160x120 at 8 to 640x480 at 24 frames a second, sound and all.",
        "",
        "| network | networks alone, s | whole chain, s | ratio |",
        "|---|---|---|---|",
    ]
    for model, frames in (("x4plus", 16), ("animevideov3", 40)):
        with tempfile.TemporaryDirectory() as scratch:
            ratios, singles, wholes = [], [], []
            for turn in range(3):
                seconds = alone(model, frames, 3)
                begun = time.perf_counter()
                plan = Plan.of(upscale=model, factor=3, stop=Fraction(frames, 8))
                restore(sample(), Path(scratch) / f"{turn}.mp4", plan=plan, progress=False)
                whole = time.perf_counter() - begun
                singles.append(seconds)
                wholes.append(whole)
                ratios.append(whole / seconds)
        middle = sorted(range(3), key=ratios.__getitem__)[1]
        rows.append(
            f"| {model} + flow | {singles[middle]:.1f} | {wholes[middle]:.1f} "
            f"| {ratios[middle]:.2f} |"
        )
    return "\n".join(rows)
