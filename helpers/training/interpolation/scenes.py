"""Synthetic colour scenes in motion, drawn at any time, to train interpolation with.

    scene = MotionScene(pictures, np.random.default_rng(1), size=224)
    first, middle, last = (scene.draw(t) for t in (0, 0.5, 1))  # float32 (224, 224, 3), 0..255

A camera moves over a picture that bends and stretches as if it had depth. Shapes like people, thin
things and plain surfaces move in front of it. Motion is distributed as in films: mostly small,
sometimes very large; the camera may follow the subject or stand still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.training.interpolation.shapes import draw_pattern, draw_shape

_SLOWEST, _FASTEST = 0.3, 52.0
"""The range of motion from the first picture to the last in pixels; its logarithm is uniform."""

_BLUR_MOMENTS = 5
"""Pictures that are averaged for motion blur."""


@dataclass
class _Path:
    """The motion of a layer from time 0 to time 1, about a pivot.

    Attributes:
        place: the pivot at time 0, in pixels (x, y).
        move: its displacement until time 1, in pixels.
        rush: unevenness: the share of `move` by which it is ahead at time 0.5.
        angle: the angle at time 0, in degrees.
        turn: the rotation until time 1, in degrees.
        growth: the factor of its size until time 1.
        tilt: the perspective at time 1, per pixel.
    """

    place: np.ndarray
    move: np.ndarray
    rush: float
    angle: float
    turn: float
    growth: float
    tilt: np.ndarray

    def matrix(self, time: float, centre: np.ndarray) -> np.ndarray:
        """Return the 3x3 matrix from points of the picture at `time` to points of the layer."""
        gone = time + 4 * self.rush * time * (1 - time)
        x, y = self.place + self.move * gone
        angle = np.deg2rad(self.angle + self.turn * gone)
        scale = self.growth ** (-gone)
        c, s = np.cos(angle) * scale, np.sin(angle) * scale
        back = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
        turned = np.array([[c, s, 0], [-s, c, 0], [*(self.tilt * gone), 1]])
        return np.array([[1, 0, centre[0]], [0, 1, centre[1]], [0, 0, 1]]) @ turned @ back


@dataclass
class _Layer:
    """A picture with an outline that moves and bends.

    Attributes:
        texture: (H, W, 3) float32, 0..255.
        alpha: (H, W) float32, 0..1; None covers everything.
        path: its motion.
        centre: the pivot, in pixels (x, y) of the texture.
        bend: (size, size, 2) float32, the displacement at time 1 for each pixel of the frame; or
            None.
    """

    texture: np.ndarray
    alpha: np.ndarray | None
    path: _Path
    centre: np.ndarray
    bend: np.ndarray | None = None

    def composite(self, frame: np.ndarray, time: float, grid: np.ndarray) -> np.ndarray:
        """Composite it over a frame.

        Args:
            grid: homogeneous coordinates of the pixels, (size, size, 3) float32.
        """
        matrix = self.path.matrix(time, self.centre)
        box = (slice(None), slice(None)) if self.alpha is None else self._find_box(matrix, grid)
        if not grid[box].size:
            return frame
        found = cv2.transform(grid[box], matrix.astype(np.float32))
        places = cv2.merge([cv2.divide(found[..., at], found[..., 2]) for at in (0, 1)])
        if self.bend is not None:
            places = cv2.scaleAdd(self.bend[box], time, places)
        seen = cv2.remap(
            self.texture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
        if self.alpha is None:
            return seen
        alpha = cv2.remap(self.alpha, places, None, cv2.INTER_LINEAR)[..., None]
        frame[box] += alpha * (seen - frame[box])
        return frame

    def _find_box(self, matrix: np.ndarray, grid: np.ndarray) -> tuple[slice, slice]:
        """Return the part of the frame that it may cover."""
        height, width = self.texture.shape[:2]
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        seen = corners @ np.linalg.inv(matrix).T
        seen = seen[:, :2] / seen[:, 2:]
        # A bend displaces points of the layer, which may be 1.5 times as far in the frame.
        margin = 2 if self.bend is None else 2 + 1.5 * float(np.abs(self.bend).max())
        low, high = (seen.min(0) - margin).astype(int), (seen.max(0) + margin).astype(int)
        side = grid.shape[0]
        left, top = low.clip(0, side)
        right, bottom = high.clip(0, side)
        return slice(int(top), int(bottom)), slice(int(left), int(right))


class MotionScene:
    """The scene between two frames of a synthetic film.

    Args:
        pictures: RGB uint8 (H, W, 3), of any sizes from 64 pixels a side.
        rng: the random numbers.
        size: pixels a side of the frames.
    """

    def __init__(self, pictures: Sequence[np.ndarray], rng: np.random.Generator, size: int) -> None:
        self.pictures, self.rng, self.size = pictures, rng, size
        column, row = np.meshgrid(np.arange(size), np.arange(size))
        self.grid = np.dstack([column, row, np.ones_like(row)]).astype(np.float32)
        kind = rng.choice(["travel", "follow", "still"], p=[0.5, 0.25, 0.25])
        camera = np.zeros(2) if kind == "still" else self._move()
        self.layers = [self._ground(camera, str(kind))]
        self.layers += [self._thing(camera, str(kind)) for _ in range(rng.integers(0, 9))]
        if rng.random() < 0.25:
            self.layers.append(self._caption())
        self.light = self._light() if rng.random() < 0.2 else None
        # In units of the time from first to last, which are two frames apart: the shutter is open
        # for at most half a frame.
        self.shutter = rng.uniform(0.05, 0.25) if rng.random() < 0.4 else 0.0

    def draw(self, time: float) -> np.ndarray:
        """Draw the scene at a time from 0 to 1: float32 (size, size, 3) in 0..255."""
        if not self.shutter:
            return self._draw_sharp(time)
        moments = np.linspace(-self.shutter / 2, self.shutter / 2, _BLUR_MOMENTS)
        return np.stack([self._draw_sharp(time + moment) for moment in moments]).mean(0)

    def _draw_sharp(self, time: float) -> np.ndarray:
        frame = np.zeros((self.size, self.size, 3), np.float32)
        for layer in self.layers:
            frame = layer.composite(frame, time, self.grid)
        if self.light is not None:
            frame = frame * (1 + np.float32(time) * self.light)
        return frame.clip(0, 255)

    def _move(self, fastest: float = _FASTEST) -> np.ndarray:
        """Choose a displacement, more often horizontal than vertical."""
        rng = self.rng
        heading = rng.choice([0, np.pi]) + rng.normal(0, 0.7)
        distance = np.exp(rng.uniform(np.log(_SLOWEST), np.log(fastest)))
        return distance * np.array([np.cos(heading), np.sin(heading)])

    def _ground(self, camera: np.ndarray, kind: str) -> _Layer:
        rng, size = self.rng, self.size
        texture = self._texture(1.15 * size, plain=0.04, largest=1.4)
        shakes = kind != "still"
        path = _Path(
            place=np.full(2, size / 2.0),
            move=camera,
            rush=float(rng.normal(0, 0.03)) * shakes,
            angle=float(rng.uniform(-15, 15)),
            turn=float(rng.normal(0, rng.choice([0.0, 0.5, 2.5]))) * shakes,
            growth=float(np.exp(rng.normal(0, rng.choice([0.0, 0.01, 0.06])) * shakes)),
            tilt=rng.normal(0, rng.choice([0.0, 1e-4]), 2) * shakes,
        )
        bends = rng.random() < (0.5 if shakes else 0.35)
        # Parallax: with a moving camera, near things move farther in its direction.
        along = camera if rng.random() < 0.5 else None
        bend = _draw_bend(rng, size, 5.0, along) if bends else None
        height, width = texture.shape[:2]
        return _Layer(texture, None, path, np.array([width, height]) * rng.uniform(0.35, 0.65, 2),
                     bend)  # fmt: skip

    def _thing(self, camera: np.ndarray, kind: str) -> _Layer:
        """Make a thing in front: it is still, it moves, or the camera follows it."""
        rng, size = self.rng, self.size
        alpha = draw_shape(rng, size)
        texture = self._texture(max(alpha.shape), plain=0.3)[: alpha.shape[0], : alpha.shape[1]]
        height, width = texture.shape[:2]
        own = self._move(_FASTEST if rng.random() < 0.6 else 8.0) * (rng.random() < 0.8)
        along = 0.0 if kind == "follow" else rng.uniform(0.7, 1.6)
        path = _Path(
            place=rng.uniform(0, size, 2),
            move=camera * along + (own * 0.3 if kind == "follow" else own),
            rush=float(rng.normal(0, 0.06)),
            angle=float(rng.uniform(-180, 180)),
            turn=float(rng.normal(0, rng.choice([0.5, 4.0, 14.0]))),
            growth=float(np.exp(rng.normal(0, rng.choice([0.0, 0.02, 0.08])))),
            tilt=np.zeros(2),
        )
        pivot = np.array([width, height]) * rng.uniform(0.0, 1.0, 2)
        bend = _draw_bend(rng, size, 3.0, None) if rng.random() < 0.3 else None
        return _Layer(texture, alpha[:height, :width], path, pivot, bend)

    def _caption(self) -> _Layer:
        """Make a caption that stands still or moves."""
        rng, size = self.rng, self.size
        drawn = np.zeros((size, size), np.uint8)
        text = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVW aeinorst0123"), 14))
        place = (int(rng.integers(0, size // 3)), int(rng.integers(size // 4, size)))
        height, thick = float(rng.uniform(0.4, 1.2)), int(rng.integers(1, 3))
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_DUPLEX, height, (255,), thick, cv2.LINE_AA)
        alpha = drawn.astype(np.float32) / 255
        texture = np.full((size, size, 3), rng.choice([10.0, 245.0]), np.float32)
        move = self._move(20.0) if rng.random() < 0.4 else np.zeros(2)
        path = _Path(np.zeros(2), move, 0.0, 0.0, 0.0, 1.0, np.zeros(2))
        return _Layer(texture, alpha, path, np.zeros(2))

    def _texture(self, least: float, plain: float, largest: float = 1.0) -> np.ndarray:
        """Crop a piece out of a random picture, at a random scale and tone.

        Pictures are reduced before they are warped, so that frames are as sharp as film and have no
        jagged edges.

        Args:
            least: the least pixels a side.
            plain: the probability of a piece with hardly any texture, like clothes.
            largest: the most pixels a side, as a multiple of `least`.
        """
        rng = self.rng
        picture = self.pictures[int(rng.integers(len(self.pictures)))]
        if rng.random() < 0.07:
            picture = draw_pattern(rng, 2 * self.size)
        scale = max(rng.uniform(0.35, 1.1), least / min(picture.shape[:2]))
        most = int(largest * least / scale) + 1
        top, left = (int(rng.integers(0, max(side - most, 0) + 1)) for side in picture.shape[:2])
        piece = picture[top : top + most, left : left + most]
        sides = [int(np.ceil(side * scale)) for side in piece.shape[1::-1]]
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        piece = cv2.resize(piece, sides, interpolation=how).astype(np.float32)
        if rng.random() < 0.5:
            piece = piece[:, ::-1]
        if rng.random() < plain:
            soft = cv2.GaussianBlur(piece, (0, 0), rng.uniform(4, 20))
            piece = soft + np.float32(rng.uniform(0, 0.25)) * (piece - soft)
        return np.ascontiguousarray(_change_tone(piece, rng))

    def _light(self) -> np.ndarray:
        """Return the relative change of brightness until time 1: uniform, or like a shadow."""
        change = np.float32(self.rng.normal(0, 0.08))
        if self.rng.random() < 0.5:
            return np.full((self.size, self.size, 1), change)
        coarse = self.rng.normal(0, 1, (4, 4)).astype(np.float32)
        field = cv2.resize(coarse, (self.size, self.size), interpolation=cv2.INTER_CUBIC)
        return change * field.clip(-2, 2)[..., None]


def _draw_bend(
    rng: np.random.Generator, size: int, most: float, along: np.ndarray | None
) -> np.ndarray:
    """Draw a smooth displacement field, (size, size, 2) float32.

    Its slope is below half a pixel per pixel, so that nothing folds over.

    Args:
        most: the greatest spread of the displacement in pixels, if `along` is None.
        along: a direction, (2,), for displacement as by depth; any direction if None.
    """
    cells = int(rng.integers(2, 7))
    if along is None:
        coarse = rng.normal(0, most * rng.uniform(0.1, 0.6), (cells, cells, 2))
    else:
        coarse = rng.normal(0, 0.25, (cells, cells, 1)) * along[None, None]
    limit = 0.2 * size / cells
    coarse = coarse.clip(-limit, limit).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def _change_tone(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change contrast, brightness and tint, like another camera in another place."""
    contrast, black = rng.uniform(0.6, 1.05), rng.uniform(-10, 35)
    tint = rng.uniform(0.85, 1.15, 3) if rng.random() < 0.5 else np.ones(3)
    curve = 255 * (picture / 255).clip(0, 1) ** np.float32(rng.uniform(0.75, 1.35))
    if rng.random() < 0.3:
        curve = curve[..., rng.permutation(3)]
    return (curve * (contrast * tint).astype(np.float32) + np.float32(black)).clip(0, 255)
