"""What a run will cost, measured on this machine with this film.

estimate(Upscale()(clip))      # makes a few frames and does the sums
costs("upscale", clip)         # of every model there is
"""

from __future__ import annotations

import html
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from helpers.catalog import registry
from helpers.catalog.load import Colorizer, Enlarger, Interpolator, load_engine
from helpers.catalog.registry import Probe
from helpers.catalog.table import Model, html_table, models
from helpers.clip import Clip
from helpers.project.runner import frame_bytes
from helpers.runtime.machine import runtime


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Attributes:
        frames: how many will be made.
        each: seconds for one of them.
        bytes: of disk for the saved stage.
        free: bytes free where scratch files go.
    """

    frames: int
    each: float
    bytes: int
    free: int
    size: str

    @property
    def seconds(self) -> float:
        """Seconds for all of them."""
        return self.frames * self.each

    def __repr__(self) -> str:
        return (
            f"{self.frames} frames of {self.size} at {self.each:.2f} s each: about "
            f"{spoken(self.seconds)} on {runtime().device}, and {self.bytes / 1e9:.2f} GB of disk "
            f"({self.free / 1e9:.0f} GB free). It may be interrupted at any time and goes on."
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>"


def spoken(seconds: float) -> str:
    """Say a length of time as a person would."""
    if seconds < 90:
        return "a second" if seconds < 1.5 else f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def estimate(clip: Clip, codec: str = "ffv1", samples: int = 4) -> Estimate:
    """Make a few frames from the middle of a clip and work out what all of them cost.

    The first one is made twice, because it also loads the network.
    """
    middle = len(clip) // 2
    clip[middle]
    stop = min(middle + samples, len(clip))
    begun = time.perf_counter()
    count = sum(1 for _ in clip.frames(middle, stop))
    each = (time.perf_counter() - begun) / max(count, 1)
    free = shutil.disk_usage(runtime().scratch).free
    need = int(len(clip) * frame_bytes(clip, codec))
    return Estimate(len(clip), each, need, free, clip.info.size)


SIDE = 96
"""Pixels a side of the cut-out on which a network is timed; its whole frame is worked out."""


def _enlarge(engine: Enlarger, image: np.ndarray) -> Callable[[], object]:
    return lambda: engine.upscale([image])


def _draw_between(engine: Interpolator, image: np.ndarray) -> Callable[[], object]:
    moved = np.roll(image, 2, 1)
    return lambda: engine.between(image, moved, [0.5])


def _color(engine: Colorizer, image: np.ndarray) -> Callable[[], object]:
    luma = image.mean(2, dtype=np.float32) / np.iinfo(image.dtype).max
    return lambda: engine.colours([luma], engine.render_factor)


PROBES = {
    "upscale": Probe(_enlarge),
    "interpolate": Probe(_draw_between),
    # A colorizer looks at a square of its own size, whatever the frame's.
    "colorize": Probe(_color, whole=True),
}
"""How the engines of a role are timed, unless they say otherwise themselves."""


@dataclass(frozen=True)
class Costs:
    """What each model of a role would cost for a film; shows itself as a table."""

    rows: tuple[tuple[str, ...], ...]

    HEAD: ClassVar[tuple[str, ...]] = ("model", "a frame", "the film", "good at")

    def __repr__(self) -> str:
        lines = [self.HEAD, *self.rows]
        wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(f"{cell:<{w}}" for cell, w in zip(line, wide, strict=True)) for line in lines
        )

    def _repr_html_(self) -> str:
        return html_table(self.HEAD, self.rows)


def costs(role: str, clip: Clip, frames: int | None = None) -> Costs:
    """Say what every model would cost for a clip, here; those that are not here are not fetched.

    Args:
        role: "upscale", "interpolate" or "colorize".
        clip: what goes in.
        frames: how many would be made; as many as go in, if not given.
    """
    count = frames or len(clip)
    image = clip[len(clip) // 2].image
    rows = []
    for model in models(role):
        if not model.present:
            size = f", {model.megabytes} MB" if model.bytes else ""
            cost = ("-", f"to be fetched{size}")
        else:
            each = _seconds(model, image)
            cost = (f"{each:.3g} s", f"about {spoken(each * count)}")
        rows.append((model.name, *cost, model.note))
    return Costs(tuple(rows))


def _seconds(model: Model, image: np.ndarray) -> float:
    """Time a model for one picture; the first round, which loads it, does not count."""
    probe = registry.get(model.engine).probe or PROBES[model.role]
    side = min(SIDE, *image.shape[:2])
    part = image if probe.whole else np.ascontiguousarray(image[:side, :side])
    work = probe.prepare(load_engine(model), part)
    work()
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * probe.share * image.size / part.size
