"""Denoising with the filters that FFmpeg brings along, through PyAV. Arrays only.

    clean = bm3d(image, sigma=6.0, alike=1.0)
    clean = nlmeans(image, sigma=6.0)
    clean = atadenoise(window, at=4, sigma=6.0)
    clean = deblock(image)

Every call has a graph of its own and one thread: no filter remembers what came before, and none
cuts the picture at places that depend on the machine. hqdn3d is not here: PyAV's FFmpeg is built
without GPL parts, and its memory has no end, so that no range by itself could be that of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np

from helpers.imaging.luma import scale_of

OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Light and two colour differences of R, G, B, each of length 1: white noise stays white."""

STEPS = 64.0
"""Sixteen-bit steps a grey level has in an opponent plane: light reaches 442 levels."""

_ZERO = np.array([0.0, 32768.0, 32768.0])
"""Where the planes' zeros lie."""


def bm3d(image: np.ndarray, sigma: float, alike: float = 1.0) -> np.ndarray:
    """Shrink what lies within the noise in overlapping 8x8 cosine transforms (FFmpeg's bm3d).

    bm3d without grouping, that is: FFmpeg's grouping gains less than a decibel over its input, and
    the plain overlapped transform (Yu and Sapiro, "DCT image denoising", IPOL 2011) six to ten.

    Args:
        image: (H, W, 3) float, uint8 or uint16; floats in 0..255.
        sigma: standard deviation of the noise in each channel, in grey levels of 255.
        alike: how alike it is in the three channels: 1 is noise of the light alone, as in film
            grain and in black and white; 0 is noise that each channel has for itself.

    Returns:
        (H, W, 3) float32 in 0..255.
    """
    height, width = image.shape[:2]
    levels = image.astype(np.float64) / scale_of(image.dtype)
    planes = np.rint((levels @ OPPONENT.T) * STEPS + _ZERO).clip(0, 65535).astype(np.uint16)
    light, colour = np.sqrt(1 + 2 * alike) * sigma, np.sqrt(1 - alike) * sigma

    def clean(number: int) -> np.ndarray:
        plane = np.ascontiguousarray(planes[..., number])
        noise = light if number == 0 else colour
        if noise < 0.05:
            return plane
        # FFmpeg's sigma is for 8 bits and its transform is not normed; 8 is measured.
        options = f"sigma={8 * noise * STEPS / 256:.4f}:block=8:bstep=2"
        if min(height, width) < 16:
            plane = np.pad(plane, ((0, 16), (0, 16)), mode="symmetric")
        return run_filter("bm3d", options, [plane], "gray16le")[0][:height, :width]

    with ThreadPoolExecutor(3) as pool:
        made = np.stack(list(pool.map(clean, range(3))), axis=-1)
    return (((made - _ZERO) / STEPS) @ OPPONENT).clip(0, 255).astype(np.float32)


def nlmeans(image: np.ndarray, sigma: float) -> np.ndarray:
    """Average each place with places that look like it (Buades, Coll and Morel, CVPR 2005).

    FFmpeg's works on 8 bits. Of a uint16 picture what is finer than a grey level stays as it is.

    Args:
        image: (H, W, 3), uint8 or uint16.
        sigma: as in `bm3d`.
    """
    options = f"s={min(max(0.65 * sigma, 1.0), 30.0):.4f}:p=5:r=11"
    if image.dtype == np.uint8:
        return run_filter("nlmeans", options, [image], "gbrp")[0]
    coarse = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    change = run_filter("nlmeans", options, [coarse], "gbrp")[0].astype(np.int32) - coarse
    return np.clip(image + 257 * change, 0, 65535).astype(np.uint16)


def atadenoise(images: Sequence[np.ndarray], at: int, sigma: float) -> np.ndarray:
    """Average each pixel with the same pixel before and after for as long as it hardly changes.

    FFmpeg's adaptive temporal averaging knows no motion: it is for pictures that stand still.

    Args:
        images: (H, W, 3) of one size and type, an odd number of at least 5.
        at: the middle one.
        sigma: as in `bm3d`.
    """
    each = min(3 * np.sqrt(2) * sigma / 255, 0.3)
    limits = ":".join(f"{n}a={each:.5f}:{n}b={min(2 * each, 5):.5f}" for n in range(3))
    return run_filter("atadenoise", f"{limits}:s={len(images)}", images, _rgb_format(images[0]))[at]


def deblock(image: np.ndarray) -> np.ndarray:
    """Smooth the edges of 8x8 compression blocks; the picture must not have been resized since."""
    if min(image.shape[:2]) < 16:
        return image
    options = "filter=weak:block=8:alpha=0.12:beta=0.07:gamma=0.06:delta=0.05"
    return run_filter("deblock", options, [image], _rgb_format(image))[0]


def _rgb_format(image: np.ndarray) -> str:
    return "gbrp16le" if image.dtype == np.uint16 else "gbrp"


def run_filter(
    name: str, options: str, images: Sequence[np.ndarray], layout: str
) -> list[np.ndarray]:
    """Put pictures through a filter and return as many.

    Args:
        name, options: the filter and what it is told, in FFmpeg's words.
        images: one size and type, as PyAV wants them for the layout.
        layout: FFmpeg's pixel format.
    """
    import av
    import av.filter

    height, width = images[0].shape[:2]
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=width,
        height=height,
        format=av.VideoFormat(layout, width, height),
        time_base=Fraction(1, 1000),
    )
    step, sink = graph.add(name, options), graph.add("buffersink")
    source.link_to(step)
    step.link_to(sink)
    graph.configure()
    made: list[np.ndarray] = []
    for number, image in enumerate([*images, None]):
        if image is None:
            graph.push(None)
        else:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=layout)
            frame.pts = number
            graph.push(frame)
        while True:
            try:
                made.append(graph.pull().to_ndarray())  # type: ignore[union-attr]
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    return made
