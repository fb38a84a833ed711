"""Clean pictures in motion, made of still ones: what a cleaner learns from.

    scene = Scene(pictures, np.random.default_rng(1), size=160)
    before, here, after = scene.at(-1), scene.at(0), scene.at(1)     # float32 (160, 160), 0..255

A camera moves over one picture; in front of it others pass, cut out in random shapes; now and then
small bright or dark things fly by, posts rush past, another scene is seen through a window, or
something comes or goes and stays so. These are no damage, and are there to be left alone.
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


@dataclass
class Layer:
    """A picture that moves: its texture, its opacity (None: everywhere) and its course."""

    texture: np.ndarray
    shape: np.ndarray | None
    course: Course

    def over(self, frame: np.ndarray, time: float, matte: np.ndarray | None = None) -> np.ndarray:
        """Lay it over a frame, where a matte (0..1) lets it."""
        box = frame.shape[::-1]
        matrix = self.course.matrix(time, np.array(self.texture.shape[::-1]) / 2)
        border = cv2.BORDER_REFLECT_101 if self.shape is None else cv2.BORDER_CONSTANT
        colour = cv2.warpAffine(
            self.texture, matrix, box, flags=cv2.INTER_LINEAR, borderMode=border
        )
        alpha = np.float32(1) if matte is None else matte
        if self.shape is not None:
            alpha = alpha * cv2.warpAffine(self.shape, matrix, box, flags=cv2.INTER_LINEAR)
        return frame + alpha * (colour - frame)


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
        ground = pictures[int(dice.integers(len(pictures)))]
        if dice.random() < 0.5:
            ground = ground[:, ::-1]
        zoom = max(dice.uniform(0.45, 1.2), 1.1 * size / min(ground.shape))
        course = Course.random(dice, size, 10.0, zoom)
        course.place = np.full(2, size / 2.0)
        self.centre = np.array(ground.shape[::-1]) * dice.uniform(0.3, 0.7, 2)
        self.ground, self.course = _toned(ground, dice), course
        self.changed, self.changes = self.ground, 0
        if dice.random() < 0.15:
            self._change(pictures, dice)
        self.window = self._window(pictures, dice) if dice.random() < 0.12 else ([], None)
        self.layers = [self._passer(pictures, dice) for _ in range(dice.integers(0, 4))]
        self.layers += self._posts(pictures, dice) if dice.random() < 0.1 else []
        self.sparks = self._sparks(dice) if dice.random() < 0.3 else []
        self.shutter = dice.uniform(0.3, 0.9) if dice.random() < 0.3 else 0.0
        self.bend = _bend(dice, size) if dice.random() < 0.4 else None

    def _cut(
        self, pictures: Sequence[np.ndarray], dice: np.random.Generator, tall: int, wide: int
    ) -> np.ndarray:
        """Cut a piece out of some picture, no larger than that; float32."""
        picture = pictures[int(dice.integers(len(pictures)))]
        tall, wide = min(tall, picture.shape[0]), min(wide, picture.shape[1])
        top, left = (
            dice.integers(0, n - m + 1) for n, m in zip(picture.shape, (tall, wide), strict=True)
        )
        return _toned(picture[top : top + tall, left : left + wide], dice)

    def _passer(self, pictures: Sequence[np.ndarray], dice: np.random.Generator) -> Layer:
        side = int(self.size * dice.uniform(0.08, 0.7))
        texture = self._cut(pictures, dice, side, side)
        course = Course.random(dice, self.size, 25.0, 1.0)
        side = min(texture.shape)
        return Layer(texture[:side, :side], blob(dice, side), course)

    def _posts(self, pictures: Sequence[np.ndarray], dice: np.random.Generator) -> list[Layer]:
        """Posts, trunks and wires that rush past, faster than motion is followed.

        At any angle, for a network would learn that what stands upright is no damage; and not so
        fast that the frames around one never show them.
        """
        pace, angle = dice.uniform(4, 24) * dice.choice([-1, 1]), dice.normal(0, 8)
        if dice.random() < 0.5:
            angle = dice.uniform(-90, 90)
        return [self._post(pictures, dice, pace, angle) for _ in range(dice.integers(1, 4))]

    def _post(
        self, pictures: Sequence[np.ndarray], dice: np.random.Generator, pace: float, angle: float
    ) -> Layer:
        """A bar that may taper, as it is or of one grey, moving across its own direction."""
        tall, wide = int(self.size * dice.choice([0.3, 0.8, 2.0])), int(dice.integers(4, 26))
        texture = self._cut(pictures, dice, tall, wide)
        tall, wide = texture.shape
        if dice.random() < 0.6:
            texture = np.full_like(texture, dice.uniform(0, 255))
        above, below = dice.uniform(0.15, 1, 2) * wide / 2
        rows = np.linspace(above, below, tall, dtype=np.float32)[:, None]
        across = np.abs(np.arange(wide, dtype=np.float32) - wide / 2 + 0.5)
        shape = np.clip(rows + 0.5 - across, 0, 1) * np.float32(dice.uniform(0.5, 1))
        course = Course.random(dice, self.size, 1.0, 1.0)
        turned = np.deg2rad(-angle)
        course.speed = pace * np.array([np.cos(turned), np.sin(turned)])
        course.angle = angle + dice.normal(0, 3)
        return Layer(np.pad(texture, 1, mode="edge"), np.pad(shape, 1), course)

    def _window(
        self, pictures: Sequence[np.ndarray], dice: np.random.Generator
    ) -> tuple[list[Layer], np.ndarray]:
        """Something that rushes by behind a window, as seen from a car; and the window."""
        view = self._cut(pictures, dice, 2 * self.size, 2 * self.size)
        fits = max(1.0, 1.1 * self.size / min(view.shape))
        course = Course.random(dice, self.size, 25.0, dice.uniform(1, 1.5) * fits)
        layers = [Layer(view, None, course)]
        if dice.random() < 0.5:
            layers += self._posts(pictures, dice)
        matte = np.zeros((self.size, self.size), np.float32)
        points = dice.uniform(0, self.size, (2, 2)).astype(int)
        (left, top), (right, bottom) = points.min(0), points.max(0) + self.size // 4
        matte[top:bottom, left:right] = 1
        return layers, cv2.GaussianBlur(matte, (0, 0), dice.uniform(0.4, 2))

    def _change(self, pictures: Sequence[np.ndarray], dice: np.random.Generator) -> None:
        """Put things on the ground that come, or go, and stay so; and choose when they do."""
        changed = self.ground.copy()
        for _ in range(dice.integers(1, 5)):
            texture = self._cut(pictures, dice, *([int(dice.integers(6, 90))] * 2))
            tall, wide = texture.shape
            shape = blob(dice, max(tall, wide))[:tall, :wide]
            near = self.centre[::-1] + dice.uniform(-0.5, 0.5, 2) * self.size
            top, left = (near - (tall / 2, wide / 2)).clip(0, None).astype(int)
            place = changed[top : top + tall, left : left + wide]
            shape, texture = (x[: place.shape[0], : place.shape[1]] for x in (shape, texture))
            place += shape * (texture - place)
        pair = [self.ground, changed]
        if dice.random() < 0.5:
            pair.reverse()
        self.ground, self.changed = pair
        self.changes = int(dice.integers(-1, 3))

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
        frame = cv2.warpAffine(
            self.ground if time < self.changes else self.changed,
            self.course.matrix(time, self.centre), box,
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101,
        )  # fmt: skip
        behind, matte = self.window
        for layer in behind:
            frame = layer.over(frame, time, matte)
        for layer in self.layers:
            frame = layer.over(frame, time)
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
