"""Rates on a graphics card, or on the CPU in its place: of a network, a stage, the whole chain."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.speed.networks import Network, film, networks
from helpers.clip import Frame
from helpers.imaging.resample import resize
from helpers.runtime.machine import runtime
from helpers.stages.upscale.consistency import hold_to_source


def synchronize() -> None:
    """Wait until the card has done everything that it was given."""
    import torch

    if runtime().device == "cuda":
        torch.cuda.synchronize()


def seconds_of_first(work: Callable[[], object]) -> float:
    """Return the seconds that work takes the first time, when it may be compiled."""
    import torch

    begun = time.perf_counter()
    with torch.inference_mode():
        work()
    synchronize()
    return time.perf_counter() - begun


def seconds_of(work: Callable[[], object], least: float) -> float:
    """Return the seconds that work takes, on the average of some rounds after the first."""
    import torch

    with torch.inference_mode():
        work()
        synchronize()
        rounds, begun = 0, time.perf_counter()
        while not rounds or time.perf_counter() - begun < least:
            work()
            rounds += 1
            if rounds % 4 == 0:  # so that the clock is that of the card
                synchronize()
        synchronize()
        return (time.perf_counter() - begun) / rounds


def product_rate(size: int) -> float:
    """Return the millions of millions of operations a second of a large product of matrices."""
    import torch

    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(runtime().precision, torch.float32)
    one, two = (torch.randn(size, size, device=runtime().device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / seconds_of(lambda: one @ two, 0.5) / 1e12


def stage_rate(
    network: Network, engine: object, height: int, width: int, least: float, short: int = 8
) -> float:
    """Return the frames a second that a network makes in its stage, from arrays to arrays.

    A long film is compared with a short one, which takes the time of beginning and ending out.

    Args:
        least: about how many seconds the long one shall take.
        short: the frames of the short one.
    """
    run_stage(network, engine, short, height, width)
    begin = run_stage(network, engine, short, height, width)
    more = 4 * min(max(round(least / (begin / short) / 4), 1), 50)
    spent = run_stage(network, engine, short + more, height, width) - begin
    return more / max(spent, 1e-9)


def run_stage(network: Network, engine: object, frames: int, height: int, width: int) -> float:
    """Return the seconds that a stage takes for a film."""
    place, name = network.loader.split(":")
    clip = network.stage(film(frames, height, width))
    with mock.patch(f"{place}.{name}", lambda *_, **__: engine):
        begun = time.perf_counter()
        for frame in clip.frames():
            _ = frame.image
        return time.perf_counter() - begun


def largest_difference(network: Network, engine: Any, height: int, width: int) -> int:
    """Return by how many grey levels pictures that stay on the card differ from single ones.

    The single ones are brought to the card and back one after the other, and resized here.

    Args:
        network: one that enlarges by four; its stage by two.
    """
    place, name = network.loader.split(":")
    source, largest = film(32, height, width), 0
    with mock.patch(f"{place}.{name}", lambda *_, **__: engine):
        for frame, given in zip(network.stage(source).frames(), source.frames(), strict=True):
            (single,) = engine.upscale([given.image])
            expected = hold_to_source(resize(single, 2 * width, 2 * height), given.image)
            largest = max(largest, int(np.abs(np.subtract(frame.image, expected, dtype=int)).max()))
    return largest


def synchronizations(network: Network, engine: object, height: int, width: int) -> str:
    """Return how often a stage waits for the card where it should not, for one frame."""
    import torch

    if runtime().device != "cuda":
        return "-"
    frames = 16
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            run_stage(network, engine, frames, height, width)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    found = [one for one in caught if "synchroniz" in str(one.message)]
    return f"{len(found) / frames:.1f}"


def restore_seconds(
    network: Network, engine: object, frames: int, scale: int, height: int, width: int
) -> float:
    """Return the seconds that `restore` takes for a film, enlarged by `scale`, to H.264."""
    from helpers.plan import Plan, restore
    from helpers.video.writer import write_video

    place, name = network.loader.split(":")
    plan = Plan.of(upscale="animevideov3", scale=scale, interpolate="none")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "film.mp4"
        write_video(film(frames, height, width), source, check=False)
        begun = time.perf_counter()
        with mock.patch(f"{place}.{name}", lambda *_, **__: engine):
            restore(source, Path(folder) / "large.mp4", plan=plan, progress=False)
        return time.perf_counter() - begun


def part_seconds(tiny: bool, height: int, width: int) -> Iterator[tuple[str, float]]:
    """Give the parts of a frame's way through enlarging by two, each by itself, in seconds."""
    import torch

    from helpers.nn.card import PixelsOnCard, upload
    from helpers.nn.resample import resize_on_card
    from helpers.nn.tensors import UnroundedPixels, to_tensor
    from helpers.stage import fetch_ahead

    light = networks(tiny)[0]
    engine = light.build(runtime().device, runtime().precision)
    image = film(1, height, width)[0].image
    there = upload(image, engine.device)
    batch = to_tensor([there], engine.device, engine.dtype)
    least = 0.05 if tiny else 0.5
    yield "to the card", seconds_of(lambda: upload(image, engine.device), least)
    yield (
        "levels to numbers",
        seconds_of(lambda: to_tensor([there], engine.device, engine.dtype), least),
    )
    yield "network", seconds_of(partial(engine.runner, batch), least)
    with torch.inference_mode():
        made = engine.runner(batch)
    left = UnroundedPixels(made[0], there.bits.dtype)

    def shrink() -> torch.Tensor:
        return resize_on_card(left, 2 * width, 2 * height).bits

    yield "to the size", seconds_of(shrink, least)
    small = shrink()

    def back() -> list[Frame]:
        return list(fetch_ahead(Frame(PixelsOnCard(small), Fraction(n)) for n in range(8)))

    yield "back", seconds_of(back, least) / 8
    yield from encode_seconds(2 * height, 2 * width, 4 if tiny else 48)


def encode_seconds(height: int, width: int, frames: int) -> Iterator[tuple[str, float]]:
    """Give the seconds that writing a frame of H.264 takes, in all and of all cores."""
    from helpers.video.writer import write_video

    clip = film(frames, height, width)
    with tempfile.TemporaryDirectory() as folder:
        begun, busy = time.perf_counter(), time.process_time()
        write_video(clip, Path(folder) / "film.mp4", check=False)
        yield "encode", (time.perf_counter() - begun) / frames
        yield "encode, seconds of all cores", (time.process_time() - busy) / frames
