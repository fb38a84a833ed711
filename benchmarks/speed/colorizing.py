"""Seconds a frame of every network that colours, on the device that is here.

With generated weights: the time is the same. How far coarser numbers bring the colours away is told
for those, which are louder than a picture's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np

from benchmarks.common import half_precision, psnr, timed
from helpers.runtime.machine import runtime
from helpers.stages.colorize.ddcolor import DDColor
from helpers.stages.colorize.deoldify import Deoldify
from helpers.stages.colorize.square import SquareColorizer
from helpers.stages.colorize.zhang import Zhang
from tests.support.ddcolor_states import LARGE, TINY, generated_ddcolor
from tests.support.deoldify_states import generated_deoldify, grey
from tests.support.zhang_states import generated_zhang


def engines() -> Iterator[Callable[[str], SquareColorizer]]:
    """Give what makes each engine in a precision; its weights live as long as it does."""
    device = runtime().device
    for wide in (True, False):
        yield partial(Deoldify, generated_deoldify(wide), device)
    for size in (TINY, LARGE):
        yield partial(DDColor, generated_ddcolor(*size), device)
    for name in ("eccv16", "siggraph17"):
        yield partial(Zhang, generated_zhang(name), device)


def chroma(picture: np.ndarray) -> np.ndarray:
    """Return Cr and Cb of an RGB picture in [0, 1]."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)[..., 1:]


def rows(build: Callable[[str], SquareColorizer]) -> Iterator[str]:
    """Give a row a precision: seconds a frame, and how far the colours are from exact ones."""
    luma, exact = [grey(240, 320)], None
    for precision in ("fp32", half_precision()):
        engine = build(precision)
        factor = engine.render_factor
        made = chroma(engine.colours(luma, factor)[0])
        seconds = timed(partial(engine.colours, luma, factor))
        apart = "" if exact is None else f"{psnr(255 * exact, 255 * made):.1f}"
        exact = made
        yield f"| {engine.title} | {16 * factor} | {precision} | {seconds:.3g} | {apart} |"
        del engine  # some of them take gigabytes


def main() -> str:
    """Return the table."""
    heads = ["| network | side | numbers | seconds a frame | chroma beside fp32, dB |"]
    heads += ["|---|---|---|---|---|"]
    return "\n".join([*heads, *(row for build in engines() for row in rows(build))])
