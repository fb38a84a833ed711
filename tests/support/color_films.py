"""Films in colour to take the colours from, and a model that knows them: for tests."""

import cv2
import numpy as np

from helpers.clip import MemoryClip
from helpers.imaging.color_matrix import chroma_of, luma_of

MATRIX = "smpte170m"


def street(width=200, height=140, seed=4):
    """A textured picture in soft colours, in 0..255."""
    dice = np.random.default_rng(seed)
    rough = dice.uniform(0, 1, (height // 5, width // 5)).astype(np.float32)
    luma = 50 + 150 * cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    colours = dice.uniform(-40, 40, (4, 5, 3)).astype(np.float32)
    return luma[..., None] + cv2.resize(colours, (width, height), interpolation=cv2.INTER_CUBIC)


def pan(count=16, width=96, height=64, dtype=np.uint8, step=2, seed=4):
    """The street, seen by a camera that moves on."""
    wide = street(width + step * count, height + 8, seed).clip(0, 255)
    unit = 257 if dtype == np.uint16 else 1
    pictures = [wide[4 : 4 + height, step * n : step * n + width] for n in range(count)]
    return [np.rint(picture * unit).astype(dtype) for picture in pictures]


def in_grey(clip, matrix=MATRIX):
    """The same film without its colours."""
    found = []
    for image in clip.images:
        top = np.iinfo(image.dtype).max
        luma = np.rint(luma_of(image, matrix) * top).astype(image.dtype)
        found.append(cv2.merge([luma] * 3))
    return MemoryClip(found, clip.times, clip.end, clip.cuts)


class Knowing:
    """A model that knows the colours of every frame, but for an error of each frame's own."""

    render_factor = 8

    def __init__(self, clip, sigma=0.0, jump=None, seed=1):
        dice = np.random.default_rng(seed)
        self.calls = 0
        self.known = {}
        for number, (image, grey) in enumerate(zip(clip.images, in_grey(clip).images, strict=True)):
            offset = dice.normal(0, sigma, 3) if sigma else np.zeros(3)
            offset += np.array([0.15, 0, -0.15]) * (number == jump)
            picture = image.astype(np.float32) / np.iinfo(image.dtype).max
            self.known[luma_of(grey[..., 0], MATRIX).tobytes()] = picture + offset.astype(
                np.float32
            )

    def colours(self, luma, render_factor):
        self.calls += len(luma)
        side = (16 * render_factor, 16 * render_factor)
        return [cv2.resize(self.known[plane.tobytes()], side) for plane in luma]


def error(clip, truth):
    """Mean distance of Cb and Cr from the truth, in levels of 255, frame by frame."""
    return np.array(
        [
            np.hypot(
                *np.moveaxis(chroma_of(a.image, MATRIX) - chroma_of(b.image, MATRIX), -1, 0)
            ).mean()
            * 255
            for a, b in zip(clip, truth, strict=True)
        ]
    )
