"""Denoise with FFmpeg's own filters, through PyAV. Arrays only.

    clean = bm3d(image, sigma=6.0, alike=1.0)
    clean = nlmeans(image, sigma=6.0)
    clean = atadenoise(window, at=4, sigma=6.0)
    clean = deblock(image)

Every call makes its own filter graph with one thread. So no filter keeps a state from earlier
calls, and none divides the picture into slices whose number depends on the machine. hqdn3d is not
offered: PyAV's FFmpeg is built without its GPL parts, and hqdn3d is recursive over all earlier
frames, so that a range would differ from the same range of the whole film.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np

from helpers.imaging.luma import scale_of, to_eight_bit

OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""The matrix from R, G, B to brightness and two colour differences; it is orthonormal, so that
white noise stays white."""

STEPS = 64.0
"""Steps of 16-bit values per grey level in an opponent plane; brightness reaches 442 levels."""

_ZERO = np.array([0.0, 32768.0, 32768.0])
"""The 16-bit values that stand for zero in the three planes."""


def bm3d(image: np.ndarray, sigma: float, alike: float = 1.0) -> np.ndarray:
    """Denoise with overlapping 8x8 cosine transforms: FFmpeg's bm3d without grouping.

    With grouping, FFmpeg's filter improves the picture by less than a decibel; the overlapping
    transform alone (Yu and Sapiro, "DCT image denoising", IPOL 2011) by six to ten.

    Args:
        image: (H, W, 3) float, uint8 or uint16; floats in 0..255.
        sigma: standard deviation of the noise in each channel, in grey levels of 255.
        alike: correlation of the noise between the channels: 1 is noise in brightness only, like
            film grain or noise in black and white; 0 is independent noise in each channel.

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
        # FFmpeg's sigma is for 8 bits and its transform is not normalised; 8 was measured.
        options = f"sigma={8 * noise * STEPS / 256:.4f}:block=8:bstep=2"
        if min(height, width) < 16:
            plane = np.pad(plane, ((0, 16), (0, 16)), mode="symmetric")
        return run_filter("bm3d", options, [plane], "gray16le")[0][:height, :width]

    with ThreadPoolExecutor(3) as pool:
        made = np.stack(list(pool.map(clean, range(3))), axis=-1)
    return (((made - _ZERO) / STEPS) @ OPPONENT).clip(0, 255).astype(np.float32)


def nlmeans(image: np.ndarray, sigma: float) -> np.ndarray:
    """Average each pixel with pixels in similar surroundings (Buades, Coll and Morel, CVPR 2005).

    FFmpeg's filter works on 8 bits. In a uint16 picture, the bits below a grey level are kept as
    they are.

    Args:
        image: (H, W, 3), uint8 or uint16.
        sigma: as in `bm3d`.
    """
    options = f"s={min(max(0.65 * sigma, 1.0), 30.0):.4f}:p=5:r=11"
    if image.dtype == np.uint8:
        return run_filter("nlmeans", options, [image], "gbrp")[0]
    coarse = to_eight_bit(image)
    change = run_filter("nlmeans", options, [coarse], "gbrp")[0].astype(np.int32) - coarse
    return np.clip(image + 257 * change, 0, 65535).astype(np.uint16)


def atadenoise(images: Sequence[np.ndarray], at: int, sigma: float) -> np.ndarray:
    """Average each pixel with the same pixel of the frames around, as long as it hardly changes.

    FFmpeg's adaptive temporal averaging does not follow motion; it is for still pictures.

    Args:
        images: (H, W, 3) of one size and type; an odd number, at least 5.
        at: the position of the middle one, which is denoised.
        sigma: as in `bm3d`.
    """
    each = min(3 * np.sqrt(2) * sigma / 255, 0.3)
    limits = ":".join(f"{n}a={each:.5f}:{n}b={min(2 * each, 5):.5f}" for n in range(3))
    return run_filter("atadenoise", f"{limits}:s={len(images)}", images, _rgb_format(images[0]))[at]


def deblock(image: np.ndarray) -> np.ndarray:
    """Smooth the edges of 8x8 compression blocks.

    The picture must have the size at which it was compressed. One with a side below 16 pixels is
    returned unchanged.
    """
    if min(image.shape[:2]) < 16:
        return image
    options = "filter=weak:block=8:alpha=0.12:beta=0.07:gamma=0.06:delta=0.05"
    return run_filter("deblock", options, [image], _rgb_format(image))[0]


def _rgb_format(image: np.ndarray) -> str:
    return "gbrp16le" if image.dtype == np.uint16 else "gbrp"


def run_filter(
    name: str, options: str, images: Sequence[np.ndarray], layout: str
) -> list[np.ndarray]:
    """Run pictures through a filter of FFmpeg, and return as many.

    Args:
        name, options: the name of the filter, and its options in FFmpeg's syntax.
        images: pictures of one size and type, in the shape that PyAV expects for the layout.
        layout: FFmpeg's name of the pixel format.
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
