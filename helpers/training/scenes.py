"""Clean pictures in motion, made of still ones: what a cleaner learns from.

    scene = Scene(pictures, np.random.default_rng(1), size=160)
    before, here, after = scene.at(-1), scene.at(0), scene.at(1)     # float32 (160, 160), 0..255

A camera moves over one picture; in front of it others pass, cut out in random shapes, and now and
then small bright or dark things fly by. These are no damage, and are there to be left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from helpers.errors import ModelError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")

SKIMAGE = (
    "astronaut", "camera", "cat", "coffee", "rocket", "coins", "grass", "gravel", "brick", "moon",
    "retina", "immunohistochemistry",
)  # fmt: skip
"""Pictures that come with scikit-image itself and may be used freely."""


def read_pictures(folder: Path | str | None = None, most: int = 400) -> list[np.ndarray]:
    """Return pictures to make scenes of, as grey uint8 (H, W).

    Args:
        folder: where to look for picture files, below it too; scikit-image's own if None.
        most: how many are kept at most, so that memory stays bounded.

    Raises:
        ModelError: there are none, or scikit-image is not installed.
    """
    if folder is None:
        return [_grey(picture) for picture in skimage_pictures(SKIMAGE)]
    found = picture_files(folder, most, cv2.IMREAD_GRAYSCALE)
    if not found:
        raise ModelError(
            f"{folder} holds no picture of at least 64 pixels a side that can be read; allowed "
            f"are {', '.join(ENDINGS)}. Give another folder, or none for scikit-image's own."
        )
    return found


def picture_files(folder: Path | str, most: int, mode: int) -> list[np.ndarray]:
    """Read the pictures of at least 64 pixels a side among the first files of a folder.

    Args:
        folder: where to look, below it too.
        most: how many files are read.
        mode: one of OpenCV's IMREAD_ modes.
    """
    paths = [p for p in sorted(Path(folder).rglob("*")) if p.suffix.lower() in ENDINGS]
    found = [cv2.imread(str(path), mode) for path in paths[:most]]
    return [one for one in found if one is not None and min(one.shape[:2]) >= 64]


def skimage_pictures(names: Sequence[str]) -> list[np.ndarray]:
    """Return pictures of scikit-image by their names, grey or RGB(A), uint8.

    Raises:
        ModelError: it is not installed.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise ModelError(
            "Without a folder of pictures those of scikit-image are used, which is not installed; "
            "give `pictures`, or install it with `pip install scikit-image`."
        ) from error
    return [getattr(data, name)() for name in names]


def _grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture


def blob(dice: np.random.Generator, size: int, roughness: float = 4.0) -> np.ndarray:
    """Draw a random smooth shape, float32 (size, size) in 0..1 with soft edges."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = np.ones(64)
    for wave in range(2, 9):
        radius += dice.normal(0, roughness / 10 / wave) * np.cos(wave * angles + dice.uniform(0, 7))
    radius = np.clip(radius, 0.25, 2.0) * size / 2 / max(radius.max(), 1)
    stretch = dice.uniform(0.4, 1.0)
    points = np.stack([np.cos(angles) * radius, np.sin(angles) * radius * stretch], 1) + size / 2
    shape = np.zeros((size, size), np.float32)
    cv2.fillPoly(shape, [np.rint(points * 8).astype(np.int32)], 1.0, cv2.LINE_AA, 3)
    return cv2.GaussianBlur(shape, (0, 0), dice.uniform(0.6, 1.5))


@dataclass
class Course:
    """How something moves: place, angle and zoom, each with a steady speed; and a sway."""

    place: np.ndarray
    speed: np.ndarray
    sway: np.ndarray
    angle: float
    turn: float
    zoom: float
    growth: float

    @classmethod
    def random(cls, dice: np.random.Generator, size: int, fastest: float, zoom: float) -> Course:
        """Draw a motion of up to `fastest` pixels a frame; slow ones are the more frequent."""
        pace = 0.0 if dice.random() < 0.2 else fastest ** dice.uniform(-0.5, 1.0)
        heading = dice.uniform(0, 2 * np.pi)
        return cls(
            place=dice.uniform(0, size, 2),
            speed=pace * np.array([np.cos(heading), np.sin(heading)]),
            sway=dice.normal(0, dice.choice([0.0, 0.3, 1.0]), 2),
            angle=dice.uniform(-20, 20),
            turn=dice.normal(0, dice.choice([0.0, 0.3, 1.0])),
            zoom=zoom,
            growth=dice.normal(0, dice.choice([0.0, 0.004, 0.012])),
        )

    def matrix(self, time: float, centre: np.ndarray) -> np.ndarray:
        """Return the 2x3 matrix that puts `centre` of a picture to its place at `time`."""
        scale = self.zoom * (1 + self.growth) ** time
        matrix = cv2.getRotationMatrix2D((0, 0), self.angle + self.turn * time, scale)
        target = self.place + self.speed * time + self.sway * np.sin(2.1 * time)
        matrix[:, 2] = target - matrix[:, :2] @ centre
        return matrix


class Scene:
    """Some seconds of a film that never was; `at` draws it at any time, in frames.

    Args:
        pictures: grey uint8 (H, W), of any sizes.
        dice: decides everything.
        size: pixels a side of what is drawn.
    """

    def __init__(
        self, pictures: Sequence[np.ndarray], dice: np.random.Generator, size: int
    ) -> None:
        self.size = size
        self.layers: list[tuple[np.ndarray, np.ndarray | None, Course]] = []
        ground = pictures[int(dice.integers(len(pictures)))]
        if dice.random() < 0.5:
            ground = ground[:, ::-1]
        zoom = max(dice.uniform(0.45, 1.2), 1.1 * size / min(ground.shape))
        path = Course.random(dice, size, 10.0, zoom)
        path.place = np.full(2, size / 2.0)
        self.centre = np.array(ground.shape[::-1]) * dice.uniform(0.3, 0.7, 2)
        self.layers.append((_toned(ground, dice), None, path))
        for _ in range(dice.integers(0, 4)):
            self.layers.append(self._passer(pictures, dice))
        self.sparks = self._sparks(dice) if dice.random() < 0.4 else []
        self.shutter = dice.uniform(0.3, 0.9) if dice.random() < 0.3 else 0.0
        self.bend = _bend(dice, size) if dice.random() < 0.4 else None

    def _passer(
        self, pictures: Sequence[np.ndarray], dice: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, Course]:
        side = int(self.size * dice.uniform(0.08, 0.7))
        picture = pictures[int(dice.integers(len(pictures)))]
        side = min(side, *picture.shape)
        top, left = (dice.integers(0, length - side + 1) for length in picture.shape)
        texture = _toned(picture[top : top + side, left : left + side], dice)
        return texture, blob(dice, side), Course.random(dice, self.size, 25.0, 1.0)

    def _sparks(self, dice: np.random.Generator) -> list[tuple[Course, float, float, np.ndarray]]:
        """Small things that fly: balls, birds, drops; a level, a radius and a tail each."""
        return [
            (
                Course.random(dice, self.size, 22.0, 1.0),
                float(dice.choice([dice.uniform(0, 60), dice.uniform(190, 255)])),
                float(dice.uniform(0.8, 5.0)),
                dice.uniform(0, 1) * np.ones(2),
            )
            for _ in range(dice.integers(1, 9))
        ]

    def at(self, time: float) -> np.ndarray:
        """Draw the scene at a time: float32 (size, size) in 0..255."""
        if not self.shutter:
            return self._sharp(time)
        moments = np.linspace(-self.shutter / 2, self.shutter / 2, 4)
        return np.stack([self._sharp(time + moment) for moment in moments]).mean(0)

    def _sharp(self, time: float) -> np.ndarray:
        box = (self.size, self.size)
        ground, _, path = self.layers[0]
        matrix = path.matrix(time, self.centre)
        frame = cv2.warpAffine(
            ground, matrix, box, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        for texture, shape, path in self.layers[1:]:
            assert shape is not None
            matrix = path.matrix(time, np.array(texture.shape) / 2)
            alpha = cv2.warpAffine(shape, matrix, box, flags=cv2.INTER_LINEAR)
            colour = cv2.warpAffine(texture, matrix, box, flags=cv2.INTER_LINEAR)
            frame = frame + alpha * (colour - frame)
        for path, level, radius, tail in self.sparks:
            end = path.place + path.speed * time
            start = end - path.speed * tail
            drawn = [tuple(np.rint(point * 16).astype(int)) for point in (start, end)]
            alpha = np.zeros(box, np.float32)
            thickness = max(round(2 * radius), 1)
            cv2.line(alpha, drawn[0], drawn[1], 1.0, thickness, cv2.LINE_AA, 4)
            frame = frame + alpha * (np.float32(level) - frame)
        return frame if self.bend is None else self._bent(frame, time)

    def _bent(self, frame: np.ndarray, time: float) -> np.ndarray:
        """Bend the picture as cloth, water or a face does."""
        assert self.bend is not None
        one, two, pace = self.bend
        field = one * np.float32(np.sin(pace * time)) + two * np.float32(np.cos(1.3 * pace * time))
        grid = np.dstack(np.meshgrid(np.arange(self.size), np.arange(self.size)))
        places = grid.astype(np.float32) + field
        return cv2.remap(frame, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def _bend(dice: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw two smooth fields of displacement, (size, size, 2), and how fast they change."""
    cells, strength = int(dice.integers(3, 9)), dice.uniform(0.5, 5.0)
    coarse = dice.normal(0, strength, (2, cells, cells, 2)).astype(np.float32)
    one, two = (cv2.resize(one, (size, size), interpolation=cv2.INTER_CUBIC) for one in coarse)
    return one, two, float(dice.uniform(0.2, 0.9))


def _toned(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Change a picture's contrast and brightness a little; float32."""
    contrast, black = dice.uniform(0.6, 1.0), dice.uniform(0, 40)
    curve = 255 * np.linspace(0, 1, 256) ** dice.uniform(0.7, 1.4)
    table = np.clip(curve * contrast + black, 0, 255).astype(np.float32)
    return table[picture]
