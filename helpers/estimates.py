"""Estimate the time and disk space of a run, measured on this machine with this film.

estimate(Upscale()(clip))      # makes a few frames and extrapolates
costs("upscale", clip)         # a table of all models
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
    """The estimated cost of a run.

    Attributes:
        frames: number of frames that will be made.
        each: seconds for one frame.
        bytes: disk space of the saved stage, in bytes.
        free: free bytes on the disk of the scratch folder.
        size: the frames' width and height, "640x480".
    """

    frames: int
    each: float
    bytes: int
    free: int
    size: str

    @property
    def seconds(self) -> float:
        """Seconds for all frames."""
        return self.frames * self.each

    def __repr__(self) -> str:
        return (
            f"{self.frames} frames of {self.size} at {self.each:.2f} s each: about "
            f"{format_duration(self.seconds)} on the {runtime().device}, and "
            f"{self.bytes / 1e9:.2f} GB of disk space ({self.free / 1e9:.0f} GB are free). "
            "If the run is interrupted, run it again to continue."
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>"


def format_duration(seconds: float) -> str:
    """Return a length of time in words: "45 seconds", "10 minutes", "2.5 hours"."""
    if seconds < 90:
        return "1 second" if seconds < 1.5 else f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def estimate(clip: Clip, codec: str = "ffv1", samples: int = 4) -> Estimate:
    """Make a few frames from the middle of a clip, and estimate the cost of all frames.

    The first of them is made once before, to load the network, which is not counted.
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
"""Networks are timed on a square with sides of this many pixels, and extrapolated to a frame."""


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
    # A colorizer scales every frame to a square of a fixed size, so all frames cost the same.
    "colorize": Probe(_color, whole=True),
}
"""How the engines of a role are timed, unless they register a probe of their own."""


@dataclass(frozen=True)
class Costs:
    """The estimated cost of every model of a role for a film, shown as a table."""

    rows: tuple[tuple[str, ...], ...]

    HEAD: ClassVar[tuple[str, ...]] = ("model", "per frame", "whole film", "good at")

    def __repr__(self) -> str:
        lines = [self.HEAD, *self.rows]
        wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(f"{cell:<{w}}" for cell, w in zip(line, wide, strict=True)) for line in lines
        )

    def _repr_html_(self) -> str:
        return html_table(self.HEAD, self.rows)


def costs(role: str, clip: Clip, frames: int | None = None) -> Costs:
    """Estimate the cost of every model for a clip on this machine, without downloading any.

    Args:
        role: "upscale", "interpolate" or "colorize".
        clip: the clip to process.
        frames: number of frames that would be made; as many as the clip has if not given.
    """
    count = frames or len(clip)
    image = clip[len(clip) // 2].image
    rows = []
    for model in models(role):
        if not model.present:
            size = f", {model.megabytes} MB" if model.bytes else ""
            cost = ("-", f"not downloaded{size}")
        else:
            each = time_model(model, image)
            cost = (f"{each:.3g} s", f"about {format_duration(each * count)}")
        rows.append((model.name, *cost, model.note))
    return Costs(tuple(rows))


def time_model(model: Model, image: np.ndarray) -> float:
    """Return the seconds that a model takes for one picture; a first run is not counted.

    Args:
        model: a model whose files are here.
        image: (H, W, 3) RGB, uint8 or uint16.
    """
    probe = registry.get(model.engine).probe or PROBES[model.role]
    side = min(SIDE, *image.shape[:2])
    part = image if probe.whole else np.ascontiguousarray(image[:side, :side])
    work = probe.prepare(load_engine(model), part)
    work()
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * probe.share * image.size / part.size
