"""The networks that a graphics card is measured with: each alone, and in its stage.

Weights that are not here are generated: the time is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from importlib import import_module
from typing import Any

import cv2
import numpy as np

from helpers.catalog.table import get, get_files
from helpers.clip import Clip, MemoryClip
from helpers.nn.weight_files import read_state
from helpers.runtime.machine import runtime
from helpers.stage import Stage


@dataclass(frozen=True)
class Network:
    """A network to be measured.

    Attributes:
        name: its name.
        build: makes its engine, given the device and the precision.
        alone: given the engine, height and width, returns what runs the network once, and for how
            many frames of the film that is.
        stage: the stage that uses it.
        loader: the function by which that stage loads its engine, "module:name".
        light: whether it is measured compiled at every size; others take long to compile.
    """

    name: str
    build: Callable[[str, str], Any]
    alone: Callable[[Any, int, int], tuple[Callable[[], object], int]]
    stage: Stage
    loader: str
    light: bool = False


def networks(tiny: bool = False) -> list[Network]:
    """Return the networks, the light ones first.

    Args:
        tiny: fewer layers and weights, to try the script itself.
    """
    return [
        _upscaler("animevideov3", tiny),
        _upscaler("general-x4v3", tiny),
        *(_rife(version) for version in ("4.6", "4.25")),
        _upscaler("x4plus", tiny),
        _cleaner(),
        _ddcolor(tiny),
    ]


def film(count: int, height: int, width: int) -> Clip:
    """Return a film at 24 frames a second in which everything moves; no picture repeats at once."""
    noise = np.random.default_rng(1).normal(size=(height // 8 + 2, width // 8 + 2, 3))
    soft = cv2.resize((128 + 40 * noise).astype(np.float32), (width, height))
    ground = soft.clip(0, 255).astype(np.uint8)
    pictures = [np.roll(ground, 3 * number, 1) for number in range(8)]
    times = [Fraction(number, 24) for number in range(count + 1)]
    return MemoryClip([pictures[n % 8] for n in range(count)], times[:-1], times[-1])


def state_of(name: str, tiny: bool = False) -> dict[str, Any]:
    """Return a model's weights; generated ones of the same shapes where they are not here.

    Args:
        tiny: generated ones of a few layers.
    """
    model = get(name, "upscale")
    if model.present and not tiny:
        return read_state(get_files(model)[:1] if name == "general-x4v3" else get_files(model))
    # spandrel keeps the networks themselves in a private folder.
    if name == "x4plus":
        module = import_module("spandrel.architectures.ESRGAN.__arch.RRDB")
        return module.RRDBNet(num_blocks=1 if tiny else 23).state_dict()
    module = import_module("spandrel.architectures.Compact.__arch.SRVGG")
    layers = 2 if tiny else 16 if name == "animevideov3" else 32
    return module.SRVGGNetCompact(num_feat=64, num_conv=layers, upscale=4).state_dict()


def _upscaler(name: str, tiny: bool) -> Network:
    from helpers.nn.tensors import to_tensor
    from helpers.stages.upscale.spandrel_network import Upscaler
    from helpers.stages.upscale.stage import Upscale

    def build(device: str, precision: str) -> Upscaler:
        return Upscaler(state_of(name, tiny), device, precision, runtime().free_memory, name)

    def alone(engine: Upscaler, height: int, width: int) -> tuple[Callable[[], object], int]:
        count = engine.choose_batch((height, width, 3), runtime().batch)
        images = [film(1, height, width)[0].image] * count
        return partial(engine.runner, to_tensor(images, engine.device, engine.dtype)), count

    loader = "helpers.stages.upscale.stage:load_upscaler"
    stage = Upscale("animevideov3", scale=Fraction(2))
    return Network(name, build, alone, stage, loader, light=name != "x4plus")


def _rife(version: str) -> Network:
    from torch.nn import functional

    from helpers.nn.tensors import to_tensor
    from helpers.stages.interpolate.rife import RifeInterpolator, choose_scale
    from helpers.stages.interpolate.rife_network import VERSIONS, IFNet
    from helpers.stages.interpolate.stage import Interpolate

    def build(device: str, precision: str) -> RifeInterpolator:
        return RifeInterpolator(IFNet(VERSIONS[version]).state_dict(), version, device, precision)

    def alone(
        engine: RifeInterpolator, height: int, width: int
    ) -> tuple[Callable[[], object], int]:
        import torch

        images = [frame.image for frame in film(2, height, width)]
        scale = choose_scale(height, width)
        multiple = int(VERSIONS[version].multiple / scale)
        pair = to_tensor(images, engine.device, torch.float32).contiguous()
        pair = functional.pad(pair, (0, -width % multiple, 0, -height % multiple))

        def draw() -> object:
            return engine.network(engine.network.append_features(pair), 0.5, scale)

        return draw, 1

    loader = "helpers.stages.interpolate.stage:load_interpolator"
    stage = Interpolate(f"rife-{version}", factor=2)
    return Network(f"RIFE {version}", build, alone, stage, loader)


def _cleaner() -> Network:
    from helpers.catalog.load import load_cleaner
    from helpers.runtime.machine import Runtime
    from helpers.stages.damage.network import OVERLAP, TILE, features
    from helpers.stages.damage.network_input import EVIDENCE
    from helpers.stages.damage.stage import RemoveDamage

    def build(device: str, precision: str) -> Any:
        machine = Runtime(forced_device=device, forced_precision=precision)
        return load_cleaner("learned", machine=machine)

    def alone(engine: Any, height: int, width: int) -> tuple[Callable[[], object], int]:
        import torch

        sides = [min(TILE + 2 * OVERLAP, side) // 8 * 8 for side in (height, width)]
        count = math.ceil(height / TILE) * math.ceil(width / TILE)
        planes = torch.rand(1, EVIDENCE, *sides, device=engine.device)
        dtype = next(engine.network.parameters()).dtype
        seen = features(planes).to(dtype).contiguous(memory_format=torch.channels_last)
        return lambda: [engine.runner(seen) for _ in range(count)], 1

    stage = RemoveDamage("learned")
    return Network("cleaner", build, alone, stage, "helpers.stages.damage.stage:load_cleaner")


def _ddcolor(tiny: bool) -> Network:
    from helpers.stages.colorize.ddcolor import DDColor
    from helpers.stages.colorize.stage import Colorize
    from tests.support.ddcolor_states import TINY, generated_ddcolor

    def build(device: str, precision: str) -> DDColor:
        shape = ((8, 16, 32, 64), (1, 1, 1, 1)) if tiny else TINY
        engine = DDColor(generated_ddcolor(*shape), device, precision)
        engine.render_factor = 8 if tiny else engine.render_factor
        return engine

    def alone(engine: DDColor, height: int, width: int) -> tuple[Callable[[], object], int]:
        import torch

        side = 16 * engine.render_factor  # whatever the size of the picture
        return partial(engine.runner, torch.rand(1, 3, side, side, device=engine.device)), 1

    loader = "helpers.stages.colorize.temporal:load_colorizer"
    return Network("DDColor tiny", build, alone, Colorize("ddcolor-tiny", force=True), loader)
