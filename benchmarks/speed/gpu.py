"""Frames a second on a graphics card, at 480p, 720p and 1080p; needs CUDA.

Where a clone of ai-forever/Real-ESRGAN is among the authors' code, its predict() is measured with
the same weights on the same card. Models whose weights are not here run with generated ones: the
time is the same.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module

import numpy as np

from benchmarks.authors import unpacked
from benchmarks.common import UnavailableError, left_out, timed
from helpers.catalog.table import get, get_files
from helpers.nn.tensors import DTYPES, to_tensor
from helpers.nn.weight_files import read_state
from helpers.runtime.machine import GIB, runtime
from helpers.stages.upscale.spandrel_network import Upscaler

SIZES = {"480p": (480, 640), "720p": (720, 1280), "1080p": (1080, 1920)}
UPSCALERS = ("animevideov3", "general-x4v3", "x4plus")
RIFE = ("4.6", "4.25")
BATCHES = (1, 4, 8)

PEERS = (
    ("animevideov3, network alone", "V100, PyTorch", "65.9 at 480p, 22.6 at 720p, 10.0 at 1080p",
     "Real-ESRGAN's docs/anime_comparisons.md"),
    ("x2plus at 720p", "RTX 4060, TensorRT", "2.8", "vs-realesrgan"),
    ("RIFE 4.6 in ncnn at 1080p", "RTX 3080", "81", "REAL-Video-Enhancer's README"),
    ("RIFE 4.6, 720p and 1080p", "RTX 4090, TensorRT", "1022.8 and 426.8", "VSGAN's README"),
    ("RIFE 4.15 at 1080p", "RTX 3090, PyTorch", "about 77", "Practical-RIFE, issue 55"),
)  # fmt: skip
"""What others publish: the network, the card, frames a second, and where it is said."""


def require_cuda() -> None:
    """Raise UnavailableError where networks do not run on a graphics card."""
    if runtime().device != "cuda":
        raise UnavailableError(f"It needs CUDA, and networks run on {runtime().device} here.")


def state_of(name: str) -> dict:
    """Return a model's weights; generated ones of the same shapes where they are not here."""
    model = get(name, "upscale")
    if model.present:
        return read_state(get_files(model)[:1] if name == "general-x4v3" else get_files(model))
    # spandrel keeps the networks themselves in a private folder.
    if name == "x4plus":
        module = import_module("spandrel.architectures.ESRGAN.__arch.RRDB")
        return module.RRDBNet(num_blocks=23).state_dict()
    module = import_module("spandrel.architectures.Compact.__arch.SRVGG")
    return module.SRVGGNetCompact(num_feat=64, num_conv=32, upscale=4).state_dict()


def wait(work: Callable[[], object]) -> Callable[[], None]:
    """Make work that is over only when the card has done it."""
    import torch

    def done() -> None:
        work()
        torch.cuda.synchronize()

    return done


def rate(work: Callable[[], object], frames: int) -> str:
    """Return frames a second, or that the memory does not suffice."""
    import torch

    try:
        return f"{frames / timed(wait(work)):.1f}"
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return "out of memory"


def upscaling() -> list[str]:
    """Return one row a network and size, by how many frames are given at once."""
    rows = [f"| network | size | {' | '.join(f'batch {batch}' for batch in BATCHES)} |"]
    rows.append("|---" * (2 + len(BATCHES)) + "|")
    for name in UPSCALERS:
        network = Upscaler(state_of(name), "cuda", "fp16", runtime().free_memory, name)
        for title, size in SIZES.items():
            images = [np.full((*size, 3), 99, np.uint8)] * max(BATCHES)
            cells = [rate(partial(network.upscale, images[:batch]), batch) for batch in BATCHES]
            rows.append(shown(f"| {name} | {title} | {' | '.join(cells)} |"))
    return rows


def ways_of_running() -> list[str]:
    """Return the rates of animevideov3 at 720p without what is around it, run in three ways."""
    import torch

    name = UPSCALERS[0]
    network = Upscaler(state_of(name), "cuda", "fp16", runtime().free_memory, name).network
    image = np.full((*SIZES["720p"], 3), 99, np.uint8)
    batch = to_tensor([image], "cuda", DTYPES["fp16"])
    batch = batch.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        cells = [rate(partial(network, batch), 1), rate(graphed(network, batch), 1)]
        compiled = torch.compile(network)
        begun = time.perf_counter()
        wait(partial(compiled, batch))()
        spent = time.perf_counter() - begun
        cells += [rate(partial(compiled, batch), 1), f"{spent:.0f}"]
    return [
        "",
        f"| {name} alone, 720p | as it is | CUDA graph | torch.compile | seconds to compile |",
        "|---" * 5 + "|",
        shown(f"| frames a second | {' | '.join(cells)} |"),
    ]


def shown(row: str) -> str:
    """Show a row as soon as it is there."""
    print(row, file=sys.stderr, flush=True)
    return row


def graphed(network: Callable, batch: object) -> Callable[[], object]:
    """Record a network once as a CUDA graph and return what plays it."""
    import torch

    for _ in range(3):
        network(batch)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            network(batch)
    except torch.cuda.OutOfMemoryError:
        return lambda: network(batch)
    return graph.replay


def interpolation() -> list[str]:
    """Return one row a version of RIFE and size."""
    from helpers.stages.interpolate.rife import RifeInterpolator
    from helpers.stages.interpolate.rife_network import VERSIONS, IFNet

    rows = ["", "| RIFE | size | frames a second |", "|---|---|---|"]
    for version in RIFE:
        state = IFNet(VERSIONS[version]).state_dict()
        engine = RifeInterpolator(state, version, "cuda", "fp16")
        for title, (height, width) in SIZES.items():
            dice = np.random.default_rng(1)
            first = dice.integers(0, 256, (height, width, 3), np.uint8)
            last = np.roll(first, 3, 1)
            cell = rate(partial(engine.between, first, last, [1 / 3, 2 / 3]), 2)
            rows.append(shown(f"| {version} | {title} | {cell} |"))
    return rows


def theirs() -> list[str]:
    """Return the rates of the package that notebooks of this kind build on, made to import.

    Raises:
        UnavailableError: there is no clone of it.
    """
    import huggingface_hub
    import torch
    from PIL import Image

    huggingface_hub.cached_download = None  # type: ignore[attr-defined]  # what it fails for
    with tempfile.TemporaryDirectory() as folder:
        unpacked("ai-forever/Real-ESRGAN", folder, "RealESRGAN")
        from RealESRGAN import RealESRGAN  # type: ignore[import-not-found]

    model = RealESRGAN(torch.device("cuda"), scale=4)
    model.model.load_state_dict(state_of("x4plus"))
    model.model.eval().half().cuda()
    rows = ["", "| ai-forever/Real-ESRGAN, x4plus | frames a second |", "|---|---|"]
    for title, (height, width) in SIZES.items():
        image = Image.fromarray(np.full((height, width, 3), 99, np.uint8))
        rows.append(f"| {title} | {rate(partial(model.predict, image), 1)} |")
    return rows


def main() -> str:
    """Return the tables."""
    import torch

    require_cuda()
    card = torch.cuda.get_device_properties(0)
    rows = [f"{card.name}, {card.total_memory / GIB:.0f} GiB, fp16 channels-last.", ""]
    rows += upscaling() + ways_of_running() + interpolation()
    try:
        rows += theirs()
    except UnavailableError as error:
        rows += left_out("ai-forever/Real-ESRGAN", error)
    rows += ["", "| published by others | card | frames a second | where |", "|---" * 4 + "|"]
    rows += [f"| {' | '.join(line)} |" for line in PEERS]
    return "\n".join(rows)
