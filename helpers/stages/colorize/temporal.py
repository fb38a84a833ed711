"""Colour the frames of a shot with a model, then average the colours over time, for `Colorize`.

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
"""A frame of a grey shot with a higher score of `measure_cast` is in colour and is left unchanged.
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
"""The choices for "auto", the best first: the first whose weights are on this machine is used. If
there is none, the second is downloaded. The pair is the best that was published for film."""


def choose_model() -> str | tuple[str, ...]:
    """Return the model or models that "auto" uses on this machine."""
    for choice in _BEST:
        names = (choice,) if isinstance(choice, str) else choice
        if all(catalog.get(name, "colorize").present for name in names):
            return choice
    return _BEST[1]


@dataclass(frozen=True)
class Palette:
    """The models that colour frames, and their settings; see `Colorize`."""

    models: tuple[str, ...]
    mix: float
    render_factor: int
    tone: str
    matrix: str
    machine: Runtime

    def colours(self, luma: np.ndarray) -> np.ndarray:
        """Colour a grey picture, in its working size.

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
    """A frame while it is being coloured.

    Attributes:
        image: its picture; a grey one is (H, W), since many may be kept in memory.
        time: its time in seconds.
        wanted: whether the stage returns it; other frames are only needed for these.
        luma: its small luma, uint8 (h, w), for measuring motion.
        chroma: its small colours, float32 (h, w, 2), Cb and Cr; None if it has none yet.
        kept: it is in colour already and is not changed; its neighbours still use its colours.
        carried: the colours that references propagated to it, if any did.
        witnesses: the colours of its neighbours, aligned with it.
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
    """Prepare frames for colouring, and mark those that are in colour already.

    Args:
        frames: the frames of one shot, in order.
        wanted: the times of the frames that the stage returns.
        matrix: the matrix of luma.
        force: do not mark frames in colour, so that they are coloured too.
    """
    for frame in frames:
        image = frame.image
        size = working_size(image.shape[1], image.shape[0])
        luma = small_luma(image, matrix, size)
        grey = is_grey(image)
        held = image[..., 0].copy() if grey else image
        painted = Painted(held, frame.time, frame.time in wanted, luma)
        if not force and not grey and measure_cast(image, matrix)[1] > _CERTAIN:
            painted.kept, painted.chroma = True, resize_planes(chroma_of(image, matrix), size)
        yield painted


def keep_neighbours(frames: Iterable[Painted], around: int) -> Iterator[Painted]:
    """Pass on the wanted frames and up to `around` frames before and after them.

    `windowed` is not used because it would delay each frame until the frames after it are read.
    """
    before: deque[Painted] = deque(maxlen=around)
    left = 0
    for painted in frames:
        if painted.wanted:
            yield from before
            before.clear()
            left = around
            yield painted
        elif left:
            left -= 1
            yield painted
        else:
            before.append(painted)


def paint_frames(frames: Iterable[Painted], palette: Palette) -> Iterator[Painted]:
    """Colour frames with a model, each by itself; a repeated picture is coloured only once.

    There are no batches, since in a batch the rounding of a network depends on the position in it.
    """
    last: Painted | None = None
    for painted in frames:
        if painted.chroma is None:
            if last is not None and np.array_equal(last.image, painted.image):
                painted.chroma = last.chroma
            else:
                painted.chroma = palette.colours(luma_of(painted.image, palette.matrix))
        last = painted
        yield painted


def steady_frames(frames: Iterable[Painted], around: int) -> Iterator[Painted]:
    """Average the colours of the wanted frames of one shot over `around` frames on each side."""
    for (painted, *later), _ in windowed(frames, 0, around):
        for distance, other in enumerate(later, 1):
            if painted.wanted or other.wanted:
                _compare(painted, other, 1 - 0.5 * distance / (around + 1))
        if painted.wanted:
            assert painted.chroma is not None
            yield replace(
                painted, chroma=steady_colors(painted.chroma, painted.witnesses), witnesses=[]
            )


def _compare(earlier: Painted, later: Painted, weight: float) -> None:
    """Align the colours of two frames with each other, and add them to their witnesses."""
    assert earlier.chroma is not None and later.chroma is not None
    forward, backward = measure_both_flows(earlier.luma, later.luma, FAST)
    trust = measure_trust(earlier.luma, later.luma, forward, backward)
    earlier.witnesses.append(Witness(warp(later.chroma, forward), trust, weight))
    trust = measure_trust(later.luma, earlier.luma, backward, forward)
    later.witnesses.append(Witness(warp(earlier.chroma, backward), trust, weight))


def merge_colors(
    painted: Painted, matrix: str, saturation: float, strength: float, neutralise: bool
) -> np.ndarray:
    """Make the picture of a frame from its own luma and its new colours; see `Colorize`."""
    assert painted.chroma is not None
    height, width = painted.image.shape[:2]
    chroma = painted.chroma * np.float32(saturation)
    if painted.image.ndim == 2:
        chroma *= np.float32(strength)
    elif strength < 1 or not neutralise:
        own = resize_planes(chroma_of(painted.image, matrix), working_size(width, height))
        chroma = chroma if neutralise else chroma + own
        chroma = own + np.float32(strength) * (chroma - own)
    luma = luma_of(painted.image, matrix)
    return join(luma, enlarge_chroma(chroma, width, height), matrix, painted.image.dtype)
