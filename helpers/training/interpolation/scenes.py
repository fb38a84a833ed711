"""Colour scenes in motion with a true picture at every moment: what interpolation learns from.

    scene = MotionScene(pictures, np.random.default_rng(1), size=224)
    first, middle, last = scene.at(0), scene.at(0.5), scene.at(1)    # float32 (224, 224, 3), 0..255

A camera moves over a picture that bends and stretches as depth makes it; people-like shapes, thin
things and plain surfaces move in front of it. How fast things move follows film: mostly little,
sometimes very far, the camera after the subject or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.training.interpolation.shapes import draw_shape, pattern

SLOWEST, FASTEST = 0.3, 52.0
"""Pixels from the first picture to the last between which speeds are drawn, evenly by logarithm."""

BLUR_MOMENTS = 5
"""Pictures that are averaged for motion blur."""


@dataclass
class Path:
    """How a layer moves from time 0 to time 1, about a pivot.

    Attributes:
        place: of the pivot at time 0, in pixels (x, y).
        move: how far it goes, in pixels.
        rush: how unevenly: the share of `move` by which it is ahead half way.
        angle, turn: degrees at time 0, and until time 1.
        growth: by which its size is multiplied until time 1.
        tilt: perspective until time 1, in shares per pixel.
    """

    place: np.ndarray
    move: np.ndarray
    rush: float
    angle: float
    turn: float
    growth: float
    tilt: np.ndarray

    def matrix(self, time: float, centre: np.ndarray) -> np.ndarray:
        """Return the 3x3 matrix from places of the picture at `time` to places of the layer."""
        gone = time + 4 * self.rush * time * (1 - time)
        x, y = self.place + self.move * gone
        angle = np.deg2rad(self.angle + self.turn * gone)
        scale = self.growth ** (-gone)
        c, s = np.cos(angle) * scale, np.sin(angle) * scale
        back = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
        turned = np.array([[c, s, 0], [-s, c, 0], [*(self.tilt * gone), 1]])
        return np.array([[1, 0, centre[0]], [0, 1, centre[1]], [0, 0, 1]]) @ turned @ back


@dataclass
class Layer:
    """A picture with an outline that moves and bends; what it holds is at the size of the view.

    Attributes:
        texture: (H, W, 3) float32, 0..255.
        alpha: (H, W) float32, 0..1; None covers everything.
        path: how it moves.
        centre: the pivot, in pixels (x, y) of the texture.
        bend: (size, size, 2) float32, displacement of what is seen at time 1, or None.
    """

    texture: np.ndarray
    alpha: np.ndarray | None
    path: Path
    centre: np.ndarray
    bend: np.ndarray | None = None

    def over(self, frame: np.ndarray, time: float, grid: np.ndarray) -> np.ndarray:
        """Lay it over a frame; `grid` holds homogeneous places, (size, size, 3) float32."""
        matrix = self.path.matrix(time, self.centre)
        box = (slice(None), slice(None)) if self.alpha is None else self._box(matrix, grid)
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

    def _box(self, matrix: np.ndarray, grid: np.ndarray) -> tuple[slice, slice]:
        """Return the part of the view that it may cover."""
        height, width = self.texture.shape[:2]
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        seen = corners @ np.linalg.inv(matrix).T
        seen = seen[:, :2] / seen[:, 2:]
        # What is bent is displaced in the layer; the view is at most half as much larger.
        room = 2 if self.bend is None else 2 + 1.5 * float(np.abs(self.bend).max())
        low, high = (seen.min(0) - room).astype(int), (seen.max(0) + room).astype(int)
        side = grid.shape[0]
        left, top = low.clip(0, side)
        right, bottom = high.clip(0, side)
        return slice(int(top), int(bottom)), slice(int(left), int(right))


class MotionScene:
    """What happens between two frames of a film that never was.

    Args:
        pictures: RGB uint8 (H, W, 3), of any sizes from 64 pixels a side.
        dice: decides everything.
        size: pixels a side of what is drawn.
    """

    def __init__(
        self, pictures: Sequence[np.ndarray], dice: np.random.Generator, size: int
    ) -> None:
        self.pictures, self.dice, self.size = pictures, dice, size
        column, row = np.meshgrid(np.arange(size), np.arange(size))
        self.grid = np.dstack([column, row, np.ones_like(row)]).astype(np.float32)
        kind = dice.choice(["travel", "follow", "still"], p=[0.5, 0.25, 0.25])
        camera = np.zeros(2) if kind == "still" else self._move()
        self.layers = [self._ground(camera, str(kind))]
        self.layers += [self._thing(camera, str(kind)) for _ in range(dice.integers(0, 9))]
        if dice.random() < 0.25:
            self.layers.append(self._caption())
        self.light = self._light() if dice.random() < 0.2 else None
        # The shutter is open for up to half of the time from a frame to the next, half way to 1.
        self.shutter = dice.uniform(0.05, 0.25) if dice.random() < 0.4 else 0.0

    def at(self, time: float) -> np.ndarray:
        """Draw the scene at a time from 0 to 1: float32 (size, size, 3) in 0..255."""
        if not self.shutter:
            return self._sharp(time)
        moments = np.linspace(-self.shutter / 2, self.shutter / 2, BLUR_MOMENTS)
        return np.stack([self._sharp(time + moment) for moment in moments]).mean(0)

    def _sharp(self, time: float) -> np.ndarray:
        frame = np.zeros((self.size, self.size, 3), np.float32)
        for layer in self.layers:
            frame = layer.over(frame, time, self.grid)
        if self.light is not None:
            frame = frame * (1 + np.float32(time) * self.light)
        return frame.clip(0, 255)

    def _move(self, fastest: float = FASTEST) -> np.ndarray:
        """Draw a direction, more often level than steep, and a distance."""
        dice = self.dice
        heading = dice.choice([0, np.pi]) + dice.normal(0, 0.7)
        distance = np.exp(dice.uniform(np.log(SLOWEST), np.log(fastest)))
        return distance * np.array([np.cos(heading), np.sin(heading)])

    def _ground(self, camera: np.ndarray, kind: str) -> Layer:
        dice, size = self.dice, self.size
        texture = self._texture(1.15 * size, plain=0.04, room=1.4)
        shakes = kind != "still"
        path = Path(
            place=np.full(2, size / 2.0),
            move=camera,
            rush=float(dice.normal(0, 0.03)) * shakes,
            angle=float(dice.uniform(-15, 15)),
            turn=float(dice.normal(0, dice.choice([0.0, 0.5, 2.5]))) * shakes,
            growth=float(np.exp(dice.normal(0, dice.choice([0.0, 0.01, 0.06])) * shakes)),
            tilt=dice.normal(0, dice.choice([0.0, 1e-4]), 2) * shakes,
        )
        bends = dice.random() < (0.5 if shakes else 0.35)
        # What is nearer moves farther: parallax goes along with the camera.
        along = camera if dice.random() < 0.5 else None
        bend = _bend(dice, size, 5.0, along) if bends else None
        height, width = texture.shape[:2]
        return Layer(texture, None, path, np.array([width, height]) * dice.uniform(0.35, 0.65, 2),
                     bend)  # fmt: skip

    def _thing(self, camera: np.ndarray, kind: str) -> Layer:
        """A thing in front: it stands in the scene, moves in it, or the camera follows it."""
        dice, size = self.dice, self.size
        alpha = draw_shape(dice, size)
        texture = self._texture(max(alpha.shape), plain=0.3)[: alpha.shape[0], : alpha.shape[1]]
        height, width = texture.shape[:2]
        own = self._move(FASTEST if dice.random() < 0.6 else 8.0) * (dice.random() < 0.8)
        along = 0.0 if kind == "follow" else dice.uniform(0.7, 1.6)
        path = Path(
            place=dice.uniform(0, size, 2),
            move=camera * along + (own * 0.3 if kind == "follow" else own),
            rush=float(dice.normal(0, 0.06)),
            angle=float(dice.uniform(-180, 180)),
            turn=float(dice.normal(0, dice.choice([0.5, 4.0, 14.0]))),
            growth=float(np.exp(dice.normal(0, dice.choice([0.0, 0.02, 0.08])))),
            tilt=np.zeros(2),
        )
        pivot = np.array([width, height]) * dice.uniform(0.0, 1.0, 2)
        bend = _bend(dice, size, 3.0, None) if dice.random() < 0.3 else None
        return Layer(texture, alpha[:height, :width], path, pivot, bend)

    def _caption(self) -> Layer:
        """Words that stand still, or run."""
        dice, size = self.dice, self.size
        drawn = np.zeros((size, size), np.uint8)
        text = "".join(dice.choice(list("ABCDEFGHIKLMNOPRSTUVW aeinorst0123"), 14))
        place = (int(dice.integers(0, size // 3)), int(dice.integers(size // 4, size)))
        height, thick = float(dice.uniform(0.4, 1.2)), int(dice.integers(1, 3))
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_DUPLEX, height, (255,), thick, cv2.LINE_AA)
        alpha = drawn.astype(np.float32) / 255
        texture = np.full((size, size, 3), dice.choice([10.0, 245.0]), np.float32)
        move = self._move(20.0) if dice.random() < 0.4 else np.zeros(2)
        path = Path(np.zeros(2), move, 0.0, 0.0, 0.0, 1.0, np.zeros(2))
        return Layer(texture, alpha, path, np.zeros(2))

    def _texture(self, least: float, plain: float, room: float = 1.0) -> np.ndarray:
        """Cut a piece of `least` to `room` times `least` pixels a side out of a picture, at some
        size and tone.

        Pictures are made smaller before they are warped, so that what is drawn is as sharp as film
        and has no jagged edges. A share of `plain` is nearly without texture, as clothes are.
        """
        dice = self.dice
        picture = self.pictures[int(dice.integers(len(self.pictures)))]
        if dice.random() < 0.07:
            picture = pattern(dice, 2 * self.size)
        scale = max(dice.uniform(0.35, 1.1), least / min(picture.shape[:2]))
        most = int(room * least / scale) + 1
        top, left = (int(dice.integers(0, max(side - most, 0) + 1)) for side in picture.shape[:2])
        piece = picture[top : top + most, left : left + most]
        sides = [int(np.ceil(side * scale)) for side in piece.shape[1::-1]]
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        piece = cv2.resize(piece, sides, interpolation=how).astype(np.float32)
        if dice.random() < 0.5:
            piece = piece[:, ::-1]
        if dice.random() < plain:
            soft = cv2.GaussianBlur(piece, (0, 0), dice.uniform(4, 20))
            piece = soft + np.float32(dice.uniform(0, 0.25)) * (piece - soft)
        return np.ascontiguousarray(_toned(piece, dice))

    def _light(self) -> np.ndarray:
        """By what share the light changes until time 1: everywhere, or where a shadow falls."""
        change = np.float32(self.dice.normal(0, 0.08))
        if self.dice.random() < 0.5:
            return np.full((self.size, self.size, 1), change)
        coarse = self.dice.normal(0, 1, (4, 4)).astype(np.float32)
        field = cv2.resize(coarse, (self.size, self.size), interpolation=cv2.INTER_CUBIC)
        return change * field.clip(-2, 2)[..., None]


def _bend(
    dice: np.random.Generator, size: int, most: float, along: np.ndarray | None
) -> np.ndarray:
    """Draw a smooth displacement, (size, size, 2) float32: any, or along a direction as by depth.

    Coarse cells of different sizes; the steepest stay below half a pixel a pixel, so that nothing
    folds over.
    """
    cells = int(dice.integers(2, 7))
    if along is None:
        coarse = dice.normal(0, most * dice.uniform(0.1, 0.6), (cells, cells, 2))
    else:
        coarse = dice.normal(0, 0.25, (cells, cells, 1)) * along[None, None]
    limit = 0.2 * size / cells
    coarse = coarse.clip(-limit, limit).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def _toned(picture: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Change contrast, brightness, and the tint, as if another camera had seen it elsewhere."""
    contrast, black = dice.uniform(0.6, 1.05), dice.uniform(-10, 35)
    tint = dice.uniform(0.85, 1.15, 3) if dice.random() < 0.5 else np.ones(3)
    curve = 255 * (picture / 255).clip(0, 1) ** np.float32(dice.uniform(0.75, 1.35))
    if dice.random() < 0.3:
        curve = curve[..., dice.permutation(3)]
    return (curve * (contrast * tint).astype(np.float32) + np.float32(black)).clip(0, 255)
