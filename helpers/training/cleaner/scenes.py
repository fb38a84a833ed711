"""Synthetic clean scenes in motion, made from still pictures, to train the cleaner with.

    scene = Scene(pictures, np.random.default_rng(1), size=160)
    before, here, after = (scene.draw(time) for time in (-1, 0, 1))  # float32 (160, 160), 0..255

A camera moves over one picture, and parts of others, cut out in random shapes, move in front of it.
Sometimes small bright or dark things fly by, posts rush past, another scene is seen through a
window, or something appears or disappears for good. None of this is damage, so the network learns
to leave it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from helpers.errors import ModelError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")

_SKIMAGE = (
    "astronaut", "camera", "cat", "coffee", "rocket", "coins", "grass", "gravel", "brick", "moon",
    "retina", "immunohistochemistry",
)  # fmt: skip
"""Pictures that come with scikit-image and are free to use."""


def read_pictures(folder: Path | str | None = None, most: int = 400) -> list[np.ndarray]:
    """Return pictures to make scenes from, as grey uint8 (H, W).

    Args:
        folder: a folder to search for pictures, with its subfolders; if None, scikit-image's own
            pictures are used.
        most: the most pictures to read, so that memory is limited.

    Raises:
        ModelError: there are no pictures, or scikit-image is not installed.
    """
    if folder is None:
        return [_to_grey(picture) for picture in read_skimage_pictures(_SKIMAGE)]
    found = read_picture_files(folder, most, cv2.IMREAD_GRAYSCALE)
    if not found:
        raise ModelError(
            f"No picture of at least 64x64 pixels ({', '.join(ENDINGS)}) was found in {folder}. "
            "Give another folder, or none to use the pictures of scikit-image."
        )
    return found


def read_picture_files(folder: Path | str, most: int, mode: int) -> list[np.ndarray]:
    """Read the pictures of at least 64x64 pixels among the first files of a folder.

    Args:
        folder: the folder to search, with its subfolders.
        most: the most files to read.
        mode: one of OpenCV's IMREAD_ modes.
    """
    paths = [p for p in sorted(Path(folder).rglob("*")) if p.suffix.lower() in ENDINGS]
    found = [cv2.imread(str(path), mode) for path in paths[:most]]
    return [one for one in found if one is not None and min(one.shape[:2]) >= 64]


def read_skimage_pictures(names: Sequence[str]) -> list[np.ndarray]:
    """Return pictures of scikit-image by their names, grey or RGB(A), uint8.

    Raises:
        ModelError: scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise ModelError(
            "Without a folder of pictures, those of scikit-image are used, but it is not "
            "installed. Give `pictures`, or run `pip install scikit-image`."
        ) from error
    return [getattr(data, name)() for name in names]


def _to_grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture


def draw_blob(rng: np.random.Generator, size: int, roughness: float = 4.0) -> np.ndarray:
    """Draw a random smooth shape with soft edges, float32 (size, size) in 0..1."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = np.ones(64)
    for wave in range(2, 9):
        radius += rng.normal(0, roughness / 10 / wave) * np.cos(wave * angles + rng.uniform(0, 7))
    radius = np.clip(radius, 0.25, 2.0) * size / 2 / max(radius.max(), 1)
    stretch = rng.uniform(0.4, 1.0)
    points = np.stack([np.cos(angles) * radius, np.sin(angles) * radius * stretch], 1) + size / 2
    shape = np.zeros((size, size), np.float32)
    cv2.fillPoly(shape, [np.rint(points * 8).astype(np.int32)], 1.0, cv2.LINE_AA, 3)
    return cv2.GaussianBlur(shape, (0, 0), rng.uniform(0.6, 1.5))


@dataclass
class Trajectory:
    """A motion: place, angle and zoom, each with a constant speed, and a sway."""

    place: np.ndarray
    speed: np.ndarray
    sway: np.ndarray
    angle: float
    turn: float
    zoom: float
    growth: float

    @classmethod
    def random(cls, rng: np.random.Generator, size: int, fastest: float, zoom: float) -> Trajectory:
        """Choose a motion of up to `fastest` pixels per frame; slow ones are more frequent."""
        pace = 0.0 if rng.random() < 0.2 else fastest ** rng.uniform(-0.5, 1.0)
        heading = rng.uniform(0, 2 * np.pi)
        return cls(
            place=rng.uniform(0, size, 2),
            speed=pace * np.array([np.cos(heading), np.sin(heading)]),
            sway=rng.normal(0, rng.choice([0.0, 0.3, 1.0]), 2),
            angle=rng.uniform(-20, 20),
            turn=rng.normal(0, rng.choice([0.0, 0.3, 1.0])),
            zoom=zoom,
            growth=rng.normal(0, rng.choice([0.0, 0.004, 0.012])),
        )

    def matrix(self, time: float, centre: np.ndarray) -> np.ndarray:
        """Return the 2x3 matrix that moves `centre` of a picture to its place at `time`."""
        scale = self.zoom * (1 + self.growth) ** time
        matrix = cv2.getRotationMatrix2D((0, 0), self.angle + self.turn * time, scale)
        target = self.place + self.speed * time + self.sway * np.sin(2.1 * time)
        matrix[:, 2] = target - matrix[:, :2] @ centre
        return matrix


@dataclass
class _Layer:
    """A picture that moves: its texture, its opacity (None: opaque everywhere) and its motion."""

    texture: np.ndarray
    shape: np.ndarray | None
    motion: Trajectory

    def composite(
        self, frame: np.ndarray, time: float, matte: np.ndarray | None = None
    ) -> np.ndarray:
        """Composite it over a frame, within a matte (0..1) if there is one."""
        box = frame.shape[::-1]
        matrix = self.motion.matrix(time, np.array(self.texture.shape[::-1]) / 2)
        border = cv2.BORDER_REFLECT_101 if self.shape is None else cv2.BORDER_CONSTANT
        colour = cv2.warpAffine(
            self.texture, matrix, box, flags=cv2.INTER_LINEAR, borderMode=border
        )
        alpha = np.float32(1) if matte is None else matte
        if self.shape is not None:
            alpha = alpha * cv2.warpAffine(self.shape, matrix, box, flags=cv2.INTER_LINEAR)
        return frame + alpha * (colour - frame)


class Scene:
    """Some seconds of a synthetic film; `draw` draws it at any time, in frames.

    Args:
        pictures: grey uint8 (H, W), of any sizes.
        rng: the random numbers.
        size: pixels a side of the frames.
    """

    def __init__(self, pictures: Sequence[np.ndarray], rng: np.random.Generator, size: int) -> None:
        self.size = size
        ground = pictures[int(rng.integers(len(pictures)))]
        if rng.random() < 0.5:
            ground = ground[:, ::-1]
        zoom = max(rng.uniform(0.45, 1.2), 1.1 * size / min(ground.shape))
        motion = Trajectory.random(rng, size, 10.0, zoom)
        motion.place = np.full(2, size / 2.0)
        self.centre = np.array(ground.shape[::-1]) * rng.uniform(0.3, 0.7, 2)
        self.ground, self.motion = _change_tone(ground, rng), motion
        self.changed, self.changes = self.ground, 0
        if rng.random() < 0.15:
            self._change(pictures, rng)
        self.window = self._window(pictures, rng) if rng.random() < 0.12 else ([], None)
        self.layers = [self._passer(pictures, rng) for _ in range(rng.integers(0, 4))]
        self.layers += self._posts(pictures, rng) if rng.random() < 0.1 else []
        self.sparks = self._sparks(rng) if rng.random() < 0.3 else []
        self.shutter = rng.uniform(0.3, 0.9) if rng.random() < 0.3 else 0.0
        self.bend = _draw_bend(rng, size) if rng.random() < 0.4 else None

    def _crop(
        self, pictures: Sequence[np.ndarray], rng: np.random.Generator, tall: int, wide: int
    ) -> np.ndarray:
        """Crop a random picture to at most `tall` x `wide` pixels; float32."""
        picture = pictures[int(rng.integers(len(pictures)))]
        tall, wide = min(tall, picture.shape[0]), min(wide, picture.shape[1])
        top, left = (
            rng.integers(0, n - m + 1) for n, m in zip(picture.shape, (tall, wide), strict=True)
        )
        return _change_tone(picture[top : top + tall, left : left + wide], rng)

    def _passer(self, pictures: Sequence[np.ndarray], rng: np.random.Generator) -> _Layer:
        side = int(self.size * rng.uniform(0.08, 0.7))
        texture = self._crop(pictures, rng, side, side)
        motion = Trajectory.random(rng, self.size, 25.0, 1.0)
        side = min(texture.shape)
        return _Layer(texture[:side, :side], draw_blob(rng, side), motion)

    def _posts(self, pictures: Sequence[np.ndarray], rng: np.random.Generator) -> list[_Layer]:
        """Make posts, trunks and wires that rush past, too fast for optical flow.

        They have any angle, or a network would learn that upright things are not damage. They are
        slow enough to be in more than one frame.
        """
        pace, angle = rng.uniform(4, 24) * rng.choice([-1, 1]), rng.normal(0, 8)
        if rng.random() < 0.5:
            angle = rng.uniform(-90, 90)
        return [self._post(pictures, rng, pace, angle) for _ in range(rng.integers(1, 4))]

    def _post(
        self, pictures: Sequence[np.ndarray], rng: np.random.Generator, pace: float, angle: float
    ) -> _Layer:
        """Make a bar that may taper, textured or of one grey, which moves across its length."""
        tall, wide = int(self.size * rng.choice([0.3, 0.8, 2.0])), int(rng.integers(4, 26))
        texture = self._crop(pictures, rng, tall, wide)
        tall, wide = texture.shape
        if rng.random() < 0.6:
            texture = np.full_like(texture, rng.uniform(0, 255))
        above, below = rng.uniform(0.15, 1, 2) * wide / 2
        rows = np.linspace(above, below, tall, dtype=np.float32)[:, None]
        across = np.abs(np.arange(wide, dtype=np.float32) - wide / 2 + 0.5)
        shape = np.clip(rows + 0.5 - across, 0, 1) * np.float32(rng.uniform(0.5, 1))
        motion = Trajectory.random(rng, self.size, 1.0, 1.0)
        turned = np.deg2rad(-angle)
        motion.speed = pace * np.array([np.cos(turned), np.sin(turned)])
        motion.angle = angle + rng.normal(0, 3)
        return _Layer(np.pad(texture, 1, mode="edge"), np.pad(shape, 1), motion)

    def _window(
        self, pictures: Sequence[np.ndarray], rng: np.random.Generator
    ) -> tuple[list[_Layer], np.ndarray]:
        """Make a scene that rushes past a window, as seen from a car, and the window's matte."""
        view = self._crop(pictures, rng, 2 * self.size, 2 * self.size)
        fits = max(1.0, 1.1 * self.size / min(view.shape))
        motion = Trajectory.random(rng, self.size, 25.0, rng.uniform(1, 1.5) * fits)
        layers = [_Layer(view, None, motion)]
        if rng.random() < 0.5:
            layers += self._posts(pictures, rng)
        matte = np.zeros((self.size, self.size), np.float32)
        points = rng.uniform(0, self.size, (2, 2)).astype(int)
        (left, top), (right, bottom) = points.min(0), points.max(0) + self.size // 4
        matte[top:bottom, left:right] = 1
        return layers, cv2.GaussianBlur(matte, (0, 0), rng.uniform(0.4, 2))

    def _change(self, pictures: Sequence[np.ndarray], rng: np.random.Generator) -> None:
        """Make things that appear or disappear for good, and choose when."""
        changed = self.ground.copy()
        for _ in range(rng.integers(1, 5)):
            texture = self._crop(pictures, rng, *([int(rng.integers(6, 90))] * 2))
            tall, wide = texture.shape
            shape = draw_blob(rng, max(tall, wide))[:tall, :wide]
            near = self.centre[::-1] + rng.uniform(-0.5, 0.5, 2) * self.size
            top, left = (near - (tall / 2, wide / 2)).clip(0, None).astype(int)
            place = changed[top : top + tall, left : left + wide]
            shape, texture = (x[: place.shape[0], : place.shape[1]] for x in (shape, texture))
            place += shape * (texture - place)
        pair = [self.ground, changed]
        if rng.random() < 0.5:
            pair.reverse()
        self.ground, self.changed = pair
        self.changes = int(rng.integers(-1, 3))

    def _sparks(
        self, rng: np.random.Generator
    ) -> list[tuple[Trajectory, float, float, np.ndarray]]:
        """Make small things that fly (balls, birds, drops): motion, level, radius and tail."""
        return [
            (
                Trajectory.random(rng, self.size, 22.0, 1.0),
                float(rng.choice([rng.uniform(0, 60), rng.uniform(190, 255)])),
                float(rng.uniform(0.8, 5.0)),
                rng.uniform(0, 1) * np.ones(2),
            )
            for _ in range(rng.integers(1, 9))
        ]

    def draw(self, time: float) -> np.ndarray:
        """Draw the scene at a time: float32 (size, size) in 0..255."""
        if not self.shutter:
            return self._draw_sharp(time)
        moments = np.linspace(-self.shutter / 2, self.shutter / 2, 4)
        return np.stack([self._draw_sharp(time + moment) for moment in moments]).mean(0)

    def _draw_sharp(self, time: float) -> np.ndarray:
        box = (self.size, self.size)
        frame = cv2.warpAffine(
            self.ground if time < self.changes else self.changed,
            self.motion.matrix(time, self.centre), box,
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101,
        )  # fmt: skip
        behind, matte = self.window
        for layer in behind:
            frame = layer.composite(frame, time, matte)
        for layer in self.layers:
            frame = layer.composite(frame, time)
        for path, level, radius, tail in self.sparks:
            end = path.place + path.speed * time
            start = end - path.speed * tail
            drawn = [tuple(np.rint(point * 16).astype(int)) for point in (start, end)]
            alpha = np.zeros(box, np.float32)
            thickness = max(round(2 * radius), 1)
            cv2.line(alpha, drawn[0], drawn[1], 1.0, thickness, cv2.LINE_AA, 4)
            frame = frame + alpha * (np.float32(level) - frame)
        return frame if self.bend is None else self._warp(frame, time)

    def _warp(self, frame: np.ndarray, time: float) -> np.ndarray:
        """Warp the picture like cloth, water or a face."""
        assert self.bend is not None
        one, two, pace = self.bend
        field = one * np.float32(np.sin(pace * time)) + two * np.float32(np.cos(1.3 * pace * time))
        grid = np.dstack(np.meshgrid(np.arange(self.size), np.arange(self.size)))
        places = grid.astype(np.float32) + field
        return cv2.remap(frame, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def _draw_bend(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return two smooth displacement fields, (size, size, 2), and how fast they change."""
    cells, strength = int(rng.integers(3, 9)), rng.uniform(0.5, 5.0)
    coarse = rng.normal(0, strength, (2, cells, cells, 2)).astype(np.float32)
    one, two = (cv2.resize(one, (size, size), interpolation=cv2.INTER_CUBIC) for one in coarse)
    return one, two, float(rng.uniform(0.2, 0.9))


def _change_tone(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change a picture's contrast and brightness a little; float32."""
    contrast, black = rng.uniform(0.6, 1.0), rng.uniform(0, 40)
    curve = 255 * np.linspace(0, 1, 256) ** rng.uniform(0.7, 1.4)
    table = np.clip(curve * contrast + black, 0, 255).astype(np.float32)
    return table[picture]
