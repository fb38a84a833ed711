"""Small films to show, and what is in a view."""

import base64
import io
import re
from fractions import Fraction

import numpy as np
from PIL import Image

from helpers.clip import MemoryClip


def clip(width=32, height=24, count=8, fps=8, sar=1, dtype=np.uint8):
    """A clip whose frame number k is grey of level 20 + 20 k (of 255)."""
    top = np.iinfo(dtype).max // 255
    images = [np.full((height, width, 3), (20 + 20 * k) * top, dtype) for k in range(count)]
    times = [Fraction(k, fps) for k in range(count)]
    return MemoryClip(images, times, Fraction(count, fps), sar=Fraction(sar))


def noise(width, height):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def static(view):
    data = base64.b64decode(view.outputs[0]["image/jpeg"])
    return np.asarray(Image.open(io.BytesIO(data))), data


def markup(view):
    return view.outputs[-1]["text/html"]


def embedded(view, kind):
    found = re.findall(rf'src="data:{kind};base64,([^"]+)"', markup(view))
    return [base64.b64decode(data) for data in found]
