"""Drawn films without damage, whose things look like damage: towers, tracers, rain, lights.

    frames = SCENES["towers"]()          # 24 frames, (144, 256, 3) uint8

The camera pans over a drawn landscape in most of them. A little noise is laid on every frame, as
every camera has it; each scene is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

HEIGHT, WIDTH, FRAMES = 144, 256, 24

NOISE = 0.7
"""The standard deviation of the noise in grey levels: what a webcam film has after its codec."""

Images = list[np.ndarray]


def landscape(seed: int, width: int = 2 * WIDTH, contrast: float = 30.0) -> np.ndarray:
    """Draw a coloured texture with detail at all scales, float32 (HEIGHT, width, 3)."""
    dice = np.random.default_rng(seed)
    grey = np.zeros((HEIGHT, width), np.float32)
    for scale in (2, 4, 8, 16, 32, 64):
        small = dice.normal(size=(HEIGHT // scale + 2, width // scale + 2)).astype(np.float32)
        grey += scale**0.6 * cv2.resize(small, (width, HEIGHT), interpolation=cv2.INTER_CUBIC)
    grey = 115 + contrast * grey / grey.std()
    tint = np.array([1.05, 1.0, 0.9], np.float32)
    return (grey[..., None] * tint).clip(20, 235)


def shifted(picture: np.ndarray, x: float, y: float = 0.0) -> np.ndarray:
    """Return what a camera that has moved by x and y pixels sees of a picture."""
    matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    return cv2.warpAffine(
        picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


def panned(picture: np.ndarray, speed: float) -> Iterator[np.ndarray]:
    """Yield the frames of a pan over a picture, at so many pixels a frame."""
    for number in range(FRAMES):
        yield shifted(picture, 20 + speed * number)


def exposed(frame: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Add the camera's noise, and round to uint8."""
    return np.rint(frame + dice.normal(0, NOISE, frame.shape)).clip(0, 255).astype(np.uint8)


def streak(
    frame: np.ndarray, start: np.ndarray, way: np.ndarray, level: float, opacity: float, wide: float
) -> None:
    """Draw a soft streak into a float32 frame.

    Args:
        start, way: where it begins, and from there to its end, in pixels, x and y.
        level: its brightness in grey levels.
        wide: its breadth in pixels.
    """
    low = np.floor(np.minimum(start, start + way) - wide - 1).clip(0).astype(int)
    high = np.ceil(np.maximum(start, start + way) + wide + 2).clip(0).astype(int)
    part = frame[low[1] : high[1], low[0] : high[0]]
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
    from_start = np.stack([columns, rows], 2) + (low - start)
    along = ((from_start @ way) / max(way @ way, 1e-9)).clip(0, 1)
    distance = np.linalg.norm(from_start - along[..., None] * way, axis=2)
    alpha = opacity * (wide / 2 + 0.5 - distance).clip(0, 1)[..., None]
    part += alpha.astype(np.float32) * (level - part)


def towers() -> Images:
    """Towers and lamp posts, of which the near ones pass faster than the far ones."""
    dice = np.random.default_rng(1)
    layers = [
        [(x, dice.uniform(1.5, 6), dice.uniform(20, 90), dice.choice([30.0, 70.0, 215.0]))
         for x in dice.uniform(0, 900, 16)]
        for _ in range(3)
    ]  # fmt: skip
    frames = []
    for number, far in enumerate(panned(landscape(2, contrast=15), 1.5)):
        for posts, speed in zip(layers, (1.5, 3.5, 8.0), strict=True):
            for x, wide, top, level in posts:
                at = np.array([x - 20 - speed * number, top])
                if -10 < at[0] < WIDTH + 10:
                    streak(far, at, np.array([0, HEIGHT - top]), level, 1.0, wide)
        frames.append(exposed(far, dice))
    return frames


def pylons() -> Images:
    """Thin masts in a picture that stands still, while clouds move behind them."""
    dice, frames = np.random.default_rng(3), []
    for clouds in panned(landscape(4, contrast=12), 1.2):
        for x, top, level in ((40, 10, 40.0), (90, 40, 225.0), (150, 4, 60.0), (210, 60, 210.0)):
            streak(clouds, np.array([x, top]), np.array([0, HEIGHT - top]), level, 0.9, 2)
        frames.append(exposed(clouds, dice))
    return frames


def curtain() -> Images:
    """The folds of a curtain that sways, with a bright seam here and there."""
    dice, frames = np.random.default_rng(5), []
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    cloth = shifted(landscape(6, contrast=6), 30)
    for number in range(FRAMES):
        sway = 6 * np.sin(number / 5 + x / 90) * y / HEIGHT
        folds = np.sin((x + sway) / 3.1) + 0.6 * np.sin((x + sway) / 7.7 + 1)
        seams = np.exp(-(((x + sway) % 53 - 20) ** 2) / 2)
        frames.append(exposed(cloth + (25 * folds + 60 * seams)[..., None], dice))
    return frames


def fence() -> Images:
    """A picket fence under a pan, before a landscape that passes more slowly."""
    dice, frames = np.random.default_rng(7), []
    x = np.arange(WIDTH, dtype=np.float32)
    for number, far in enumerate(panned(landscape(8, contrast=20), 1.0)):
        picket = np.clip(3 - np.abs((x + 5.3 * number) % 22 - 11), 0, 1)[None, :, None]
        rows = np.zeros((HEIGHT, 1, 1), np.float32)
        rows[60:] = 1
        frames.append(exposed(far + rows * picket * (225 - far), dice))
    return frames


def tracers() -> Images:
    """Bright streaks that fly on along their own direction, up to 26 pixels a frame."""
    dice, frames = np.random.default_rng(9), []
    shots = [
        (dice.uniform((0, 40), (WIDTH, HEIGHT)), dice.uniform(0, 2 * np.pi), dice.uniform(10, 26),
         int(dice.integers(-4, FRAMES - 4)))
        for _ in range(16)
    ]  # fmt: skip
    for number, far in enumerate(panned(landscape(10, contrast=20) * 0.5, 1.0)):
        for start, angle, speed, first in shots:
            way = speed * np.array([np.cos(angle), np.sin(angle)])
            if 0 <= number - first < 9:
                streak(far, start + way * (number - first), 0.7 * way, 250.0, 0.95, 1.6)
        frames.append(exposed(far, dice))
    return frames


def falling(seed: int, count: int, speed: float, length: float, opacity: float) -> Images:
    """Rain or snow: what falls through a picture that pans slowly, each drop for many frames."""
    dice, frames = np.random.default_rng(seed), []
    drops = dice.uniform((0, 0), (WIDTH, 3 * HEIGHT), (count, 2))
    slant = np.array([0.15, 1.0])
    for number, far in enumerate(panned(landscape(seed + 1, contrast=20), 0.8)):
        for drop in drops:
            at = drop + speed * number * slant
            at = np.array([at[0] % WIDTH, at[1] % (3 * HEIGHT) - HEIGHT])
            streak(far, at, length * slant, 235.0, opacity, 1.4)
        frames.append(exposed(far, dice))
    return frames


def rain() -> Images:
    """Rain: slanted streaks of 20 pixels that fall 28 pixels a frame."""
    return falling(11, 150, 28.0, 20.0, 0.45)


def snow() -> Images:
    """Snow: flakes that fall 4 pixels a frame."""
    return falling(13, 150, 4.3, 1.5, 0.85)


def sparks() -> Images:
    """Sparks that burst from a wheel, fall in curves, and last three to eight frames."""
    dice, frames = np.random.default_rng(15), []
    source = np.array([WIDTH / 2, HEIGHT / 2])
    lives = [
        (int(dice.integers(-6, FRAMES)), int(dice.integers(3, 9)), dice.normal((4, -4), 4, 2))
        for _ in range(90)
    ]
    for number, far in enumerate(panned(landscape(16, contrast=20) * 0.5, 0.0)):
        for first, life, speed in lives:
            age = number - first
            if 0 <= age < life:
                at = source + speed * age + np.array([0, 0.5 * age**2])
                streak(far, at, 0.5 * (speed + np.array([0, age])), 252.0, 0.95, 1.5)
        frames.append(exposed(far, dice))
    return frames


def lights() -> Images:
    """Lights that blink: some for three frames in six, some for one frame in four."""
    dice, frames = np.random.default_rng(17), []
    lamps = [(dice.uniform((30, 20), (500, 130)), *pair) for pair in [(3, 6), (1, 4)] * 9]
    for number, far in enumerate(panned(landscape(18, contrast=20) * 0.5, 1.5)):
        for n, (place, lit, period) in enumerate(lamps):
            if (number + n) % period < lit:
                at = place - np.array([20 + 1.5 * number, 0])
                streak(far, at, np.array([0.1, 0]), 250.0, 0.95, 4)
        frames.append(exposed(far, dice))
    return frames


def subtitles() -> Images:
    """Two subtitles, one after the other, over a pan; a second line comes and goes with the one."""
    dice, frames = np.random.default_rng(19), []
    for number, far in enumerate(panned(landscape(20, contrast=30), 2.0)):
        words = [("But you said so!", 110)] if 4 <= number < 11 else []
        words += [("I never did.", 110), ("Not I.", 132)] if 14 <= number < 21 else []
        for text, y in words:
            alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
            cv2.putText(alpha, text, (40, y), 0, 0.6, 255, 1, cv2.LINE_AA)
            outline = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
            for level, shape in ((5.0, outline), (250.0, alpha)):
                far += (shape[..., None] / np.float32(255)) * (level - far)
        frames.append(exposed(far, dice))
    return frames


def birds() -> Images:
    """Small dark birds that cross the sky at up to 12 pixels a frame and beat their wings."""
    dice, frames = np.random.default_rng(21), []
    flock = [
        (dice.uniform((0, 10), (WIDTH, 120)), dice.normal(0, 6, 2) * (1, 0.4), dice.uniform(0, 6))
        for _ in range(14)
    ]
    for number, far in enumerate(panned(landscape(22, contrast=8) + 50, 1.0)):
        for start, speed, phase in flock:
            at, beat = start + speed * number, 3 * np.sin(phase + 1.3 * number)
            for side in (-4, 4):
                streak(far, at, np.array([side, beat]), 25.0, 0.95, 1.8)
        frames.append(exposed(far, dice))
    return frames


def wheel() -> Images:
    """A wheel with six spokes that turns by 13 degrees a frame, before a picture that stands."""
    dice, frames = np.random.default_rng(23), []
    for number, far in enumerate(panned(landscape(24, contrast=20), 0.0)):
        for spoke in range(6):
            angle = np.deg2rad(60 * spoke + 13 * number)
            way = 70 * np.array([np.cos(angle), np.sin(angle)])
            streak(far, np.array([128.0, 72.0]), way, 30.0, 0.9, 3)
        frames.append(exposed(far, dice))
    return frames


def flashes() -> Images:
    """Flash-bulbs: two single frames in which one side of the picture is far brighter."""
    dice, frames = np.random.default_rng(25), []
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    glow = np.exp(-((x - 80) ** 2 + (y - 60) ** 2) / 5000)[..., None]
    for number, far in enumerate(panned(landscape(26, contrast=25) * 0.6, 1.0)):
        frames.append(exposed(far * (1 + (1.2 * glow if number in (7, 16) else 0)), dice))
    return frames


SCENES: dict[str, Callable[[], Images]] = {
    scene.__name__: scene
    for scene in (
        towers, pylons, curtain, fence, tracers, rain, snow, sparks, lights, subtitles, birds,
        wheel, flashes,
    )
}  # fmt: skip
"""The scenes, by name."""
