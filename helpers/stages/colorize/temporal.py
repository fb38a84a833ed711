"""How `Colorize` works: frames get a model's colours, one at a time, then each other's.

for painted in steady_frames(paint_frames(shot, palette), around=5): ...
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from helpers.catalog import table as catalog
from helpers.catalog.load import load_colorizer
from helpers.clip import Frame
from helpers.imaging.color_matrix import (
    blend_chroma,
    chroma_of,
    enlarge_chroma,
    is_grey,
    join,
    luma_of,
    measure_cast,
    resize_planes,
    small_luma,
    working_size,
)
from helpers.imaging.optical_flow import FAST, measure_both_flows, warp
from helpers.runtime.machine import Runtime
from helpers.stage import windowed
from helpers.stages.colorize.consistency import Witness, measure_trust, steady_colors
from helpers.stages.colorize.propagation import Carried

_CERTAIN = 2.0
"""How sure it must be that a single frame of a grey shot is in colour before it is left alone.
Chosen by trial; the films were not noted."""


_BEST = (
    ("deoldify-video", "ddcolor-artistic"),
    "deoldify-video",
    "ddcolor-artistic",
    "deoldify-stable",
    "deoldify-artistic",
    "ddcolor-modelscope",
    "ddcolor-tiny",
    "siggraph17",
    "eccv16",
)
"""What "auto" stands for: the first of these whose weights are here, else the second, which is then
fetched. The pair is the best that was published for film."""


def choose_model() -> str | tuple[str, ...]:
    """Return what "auto" stands for on this machine."""
    for choice in _BEST:
        names = (choice,) if isinstance(choice, str) else choice
        if all(catalog.get(name, "colorize").present for name in names):
            return choice
    return _BEST[1]


@dataclass(frozen=True)
class Palette:
    """Where a frame's colours come from; see `Colorize`."""

    models: tuple[str, ...]
    mix: float
    render_factor: int
    tone: str
    matrix: str
    machine: Runtime

    def colours(self, luma: np.ndarray) -> np.ndarray:
        """Return the colours of a grey picture, in its working size.

        Args:
            luma: float32 (H, W) in 0..1.

        Returns:
            float32 (h, w, 2), Cb and Cr.
        """
        size = working_size(luma.shape[1], luma.shape[0])
        found = []
        for name in self.models:
            engine = load_colorizer(name, self.tone, self.machine)
            (picture,) = engine.colours([luma], self.render_factor or engine.render_factor)
            found.append(resize_planes(chroma_of(picture, self.matrix), size))
        if len(found) == 1:
            return found[0]
        first, second = found
        return blend_chroma(first, second, self.mix, resize_planes(luma, size))


@dataclass(eq=False)
class Painted:
    """A frame on its way through the stage.

    Attributes:
        image: its picture; (H, W) alone where it is grey, for many may be held.
        time: when it is first shown.
        wanted: whether it is to be given in the end; others are there for those that are.
        luma: its small luma, uint8 (h, w), by which motion is measured.
        chroma: its small colours, float32 (h, w, 2), Cb and Cr; None as long as it has none.
        kept: whether it is in colour already and stays as it is. Its colours still count for its
            neighbours.
        carried: the colours that a reference carried to it, if one did.
        witnesses: what its neighbours say of its colours, as far as they have been asked.
    """

    image: np.ndarray
    time: Fraction
    wanted: bool
    luma: np.ndarray
    chroma: np.ndarray | None = None
    kept: bool = False
    carried: Carried | None = None
    witnesses: list[Witness] = field(default_factory=list)


def prepare_frames(
    frames: Iterable[Frame], wanted: set[Fraction], matrix: str, force: bool
) -> Iterator[Painted]:
    """Prepare frames; those that are in colour are marked, unless that is to be overlooked."""
    for frame in frames:
        image = frame.image
        size = working_size(image.shape[1], image.shape[0])
        luma = small_luma(image, matrix, size)
        grey = is_grey(image)
        held = image[..., 0].copy() if grey else image
        seen = Painted(held, frame.time, frame.time in wanted, luma)
        if not force and not grey and measure_cast(image, matrix)[1] > _CERTAIN:
            seen.kept, seen.chroma = True, resize_planes(chroma_of(image, matrix), size)
        yield seen


def keep_neighbours(frames: Iterable[Painted], around: int) -> Iterator[Painted]:
    """Give the wanted frames and up to `around` before and after them; others are done with.

    Not by `windowed`, which would wait for the frames after each: it is passed on at once.
    """
    before: deque[Painted] = deque(maxlen=around)
    left = 0
    for seen in frames:
        if seen.wanted:
            yield from before
            before.clear()
            left = around
            yield seen
        elif left:
            left -= 1
            yield seen
        else:
            before.append(seen)


def paint_frames(frames: Iterable[Painted], palette: Palette) -> Iterator[Painted]:
    """Give frames a model's colours, each by itself; a repeated picture is done once.

    There are no batches: in company a network rounds otherwise, at every place in another way.
    """
    last: Painted | None = None
    for seen in frames:
        if seen.chroma is None:
            if last is not None and np.array_equal(last.image, seen.image):
                seen.chroma = last.chroma
            else:
                seen.chroma = palette.colours(luma_of(seen.image, palette.matrix))
        last = seen
        yield seen


def steady_frames(frames: Iterable[Painted], around: int) -> Iterator[Painted]:
    """Steady the colours of the wanted frames of one shot, by `around` frames on either side."""
    for (seen, *later), _ in windowed(frames, 0, around):
        for distance, other in enumerate(later, 1):
            if seen.wanted or other.wanted:
                _compare(seen, other, 1 - 0.5 * distance / (around + 1))
        if seen.wanted:
            assert seen.chroma is not None
            yield replace(seen, chroma=steady_colors(seen.chroma, seen.witnesses), witnesses=[])


def _compare(earlier: Painted, later: Painted, weight: float) -> None:
    """Let two frames say to each other what they know of each other's colours."""
    assert earlier.chroma is not None and later.chroma is not None
    onward, back = measure_both_flows(earlier.luma, later.luma, FAST)
    believed = measure_trust(earlier.luma, later.luma, onward, back)
    earlier.witnesses.append(Witness(warp(later.chroma, onward), believed, weight))
    believed = measure_trust(later.luma, earlier.luma, back, onward)
    later.witnesses.append(Witness(warp(earlier.chroma, back), believed, weight))


def merge_colors(
    seen: Painted, matrix: str, saturation: float, strength: float, neutralise: bool
) -> np.ndarray:
    """Return a frame's picture, from its own luma and its new colours; see `Colorize`."""
    assert seen.chroma is not None
    height, width = seen.image.shape[:2]
    chroma = seen.chroma * np.float32(saturation)
    if seen.image.ndim == 2:
        chroma *= np.float32(strength)
    elif strength < 1 or not neutralise:
        own = resize_planes(chroma_of(seen.image, matrix), working_size(width, height))
        chroma = chroma if neutralise else chroma + own
        chroma = own + np.float32(strength) * (chroma - own)
    luma = luma_of(seen.image, matrix)
    return join(luma, enlarge_chroma(chroma, width, height), matrix, seen.image.dtype)
