"""Films whose frames repeat: by a cadence, by chance, worn or clean."""

from fractions import Fraction
from functools import cache

import av
import cv2
import numpy as np

from helpers.clip import MemoryClip

COUNT = 48


@cache
def ground(seed: int, width: int, height: int) -> np.ndarray:
    """A texture in grey levels, float32."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), 3)
    return 110 + 60 * texture / texture.std()


def scene(number: float, seed: int = 0, width: int = 160, height: int = 120) -> np.ndarray:
    """A picture of a film in motion: a slow pan over texture, and a ball that moves by itself."""
    grey = ground(seed, width + 40, height + 40)
    across, down = 4 + 0.6 * number + 3 * np.sin(number / 5), 8 + 2 * np.cos(number / 7)
    shift = np.array([[1, 0, -across], [0, 1, -down]], np.float32)
    picture = cv2.warpAffine(grey, shift, (width, height), borderMode=cv2.BORDER_REFLECT)
    place = (
        int(width * (0.5 + 0.3 * np.sin(number / 6))),
        int(height * (0.5 + 0.3 * np.cos(number / 6))),
    )
    cv2.circle(picture, place, 9, 230.0, -1, lineType=cv2.LINE_AA)
    return np.repeat(picture.clip(0, 255)[..., None], 3, 2)


def film(
    order: list[int],
    before: float = 0,
    after: float = 0,
    light: float = 1,
    crf: int | None = None,
    fps: int = 24,
    cut: int | None = None,
    dtype: type = np.uint8,
) -> MemoryClip:
    """A film that shows the scene's moments in this order.

    Args:
        before, after: noise that repeats share, and that they do not.
        light: by which the picture is multiplied.
        crf: compress it with H.264.
        cut: the moment at which another shot begins.
    """
    dice = np.random.default_rng(1)
    moments = {
        n: scene(n, seed=int(cut is not None and n >= cut)) * light
        + before * dice.standard_normal((120, 160, 3))
        for n in sorted(set(order))
    }
    images = [moments[n] for n in order]
    if after:
        images = [image + after * dice.standard_normal((120, 160, 3)) for image in images]
    scale = 257 if dtype == np.uint16 else 1
    whole = [np.rint(image.clip(0, 255) * scale).astype(dtype) for image in images]
    whole = whole if crf is None else compressed(whole, crf)
    times = [Fraction(n, fps) for n in range(len(order) + 1)]
    cuts = [] if cut is None else [times[order.index(cut)]]
    return MemoryClip(whole, times[:-1], times[-1], cuts)


def compressed(images: list[np.ndarray], crf: int) -> list[np.ndarray]:
    """The pictures as H.264 gives them back."""
    coder = av.CodecContext.create("libx264", "w")
    coder.width, coder.height, coder.pix_fmt = images[0].shape[1], images[0].shape[0], "yuv420p"
    coder.time_base, coder.options = Fraction(1, 24), {"crf": str(crf), "preset": "veryfast"}
    packets = []
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
        frame.pts = number
        packets += coder.encode(frame)
    packets += coder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return [frame.to_ndarray(format="rgb24") for frame in frames]


def cadence(*shown: int) -> list[int]:
    """Moments in order, each shown so many times by turns."""
    return [n for n in range(COUNT) for _ in range(shown[n % len(shown)])]


def resampled(new: int, old: int) -> list[int]:
    """`new` moments in every `old` frames, as evenly as whole frames allow."""
    return [n * new // old for n in range(COUNT * old // new)]


def inserted(back: int, every: int = 9) -> list[int]:
    """Moments in order, now and then an earlier one again."""
    order: list[int] = []
    for n in range(COUNT):
        order.append(n)
        if n % every == every - 1:
            order.append(n - back)
    return order


def reversed_order() -> list[int]:
    """A B C B A D, now and then."""
    order: list[int] = []
    for n in range(COUNT):
        order += [n, n - 1, n - 2] if n % 12 == 11 else [n]
    return order


def repeats(order: list[int]) -> tuple[int, ...]:
    """The numbers of the frames that show what was shown before."""
    return tuple(n for n, moment in enumerate(order) if moment in order[max(n - 6, 0) : n])


ORDERS = {
    "none": list(range(COUNT)),
    "simple": inserted(0),
    "12 in 24": cadence(2),
    "8 in 24": cadence(3),
    "16 in 24": cadence(2, 1),
    "18 in 24": cadence(2, 1, 1),
    "18 in 25": resampled(18, 25),
    "24 in 30": cadence(2, 1, 1, 1),
    "3:2": cadence(3, 2),
    "through one": inserted(1),
    "through two": inserted(2),
    "reversed": reversed_order(),
}
WEAR = {
    "clean": {},
    "grainy, compressed": {"before": 4, "crf": 23},
    "noisy copies": {"after": 3},
    "noisy copies, compressed": {"after": 2, "crf": 20},
    "dark": {"light": 0.08},
}
