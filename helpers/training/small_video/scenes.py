"""Draw scenes as talks and home video have them, from still pictures and from free films.

    draw = choose_scene(pictures, films, np.random.default_rng(1), size=384)
    frames = draw(12)                        # 12 times (384, 384, 3) float32 RGB, 0..255

In a talk most of the picture stands still: a head sways and nods, a mouth and hands move a little,
and a caption lies over it. In home video the camera trembles, pans and zooms, and things cross the
picture (`interpolation.scenes`). Pieces of real films have what no scene that is drawn has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from helpers.clip import Clip
from helpers.training.interpolation.scenes import MotionScene

Draw = Callable[[int], list[np.ndarray]]
"""Draws so many frames of a scene, (size, size, 3) float32 RGB in 0..255."""

FILM_ENDINGS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")

_KINDS = {"talk": 0.5, "motion": 0.3, "film": 0.2}
"""How often each kind of scene is drawn."""


def choose_scene(
    pictures: Sequence[np.ndarray],
    films: Sequence[FilmPieces],
    rng: np.random.Generator,
    size: int,
) -> Draw:
    """Choose a scene.

    Args:
        pictures: RGB uint8 (H, W, 3).
        films: films to take pieces of; without any, all scenes are drawn.
        size: pixels a side of the frames.
    """
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    if kind == "film" and films:
        film = films[int(rng.integers(len(films)))]
        return lambda count: film.draw(rng, size, count)
    if kind == "motion":
        return lambda count: _draw_motion(pictures, rng, size, count)
    scene = TalkScene(pictures, rng, size)
    return lambda count: [scene.draw(number) for number in range(count)]


def _draw_motion(
    pictures: Sequence[np.ndarray], rng: np.random.Generator, size: int, count: int
) -> list[np.ndarray]:
    """Draw a scene of moving layers, in slow or fast motion, there or there and back."""
    scene = MotionScene(pictures, rng, size)
    if rng.random() < 0.8:  # drawing motion blur takes five times as long
        scene.shutter = 0.0
    far = np.exp(rng.uniform(np.log(0.3), np.log(1.6)))
    moments = np.linspace(-far, far, count)
    if rng.random() < 0.3:
        moments = far * np.sin(np.linspace(0, rng.uniform(2, 9), count) + rng.uniform(0, 6))
    return [scene.draw(float(moment)) for moment in moments]


@dataclass
class _Part:
    """A part of a picture that moves about its centre: a head, a mouth, a hand.

    Attributes:
        fields: (4, size, size, 2) float32: the displacement of a shift to the right, one down, a
            turn by a radian, and growth by the whole size.
        sway: (4, 2, 3): amplitude, radians a frame and phase of two waves for each of them.
    """

    fields: np.ndarray
    sway: np.ndarray

    def add_to(self, places: np.ndarray, number: int) -> np.ndarray:
        """Displace the places of a frame, (size, size, 2) float32."""
        height, speed, phase = np.moveaxis(self.sway, 2, 0)
        amounts = (height * np.sin(speed * number + phase)).sum(1)
        for amount, field_ in zip(amounts, self.fields, strict=True):
            places = cv2.scaleAdd(field_, float(amount), places)
        return places


class TalkScene:
    """A picture of which some parts move a little, mostly before a camera that stands still.

    Args:
        pictures: RGB uint8 (H, W, 3).
        rng: the random numbers.
        size: pixels a side of the frames.
    """

    def __init__(self, pictures: Sequence[np.ndarray], rng: np.random.Generator, size: int) -> None:
        self.rng, self.size = rng, size
        picture = pictures[int(rng.integers(len(pictures)))]
        least = 1.02 * size / min(picture.shape[:2])
        scale = max(min(rng.uniform(1.0, 1.7) * least, 1.15), least)
        sides = [int(np.ceil(side * scale)) for side in picture.shape[1::-1]]
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        whole = cv2.resize(picture, sides, interpolation=how)
        if rng.random() < 0.5:
            whole = whole[:, ::-1]
        self.texture = change_tone(whole.astype(np.float32), rng)
        spare = np.array(whole.shape[1::-1]) - size
        column, row = np.meshgrid(np.arange(size), np.arange(size))
        self.grid = np.dstack([column, row]).astype(np.float32)
        self.corner = rng.uniform(0, 1, 2) * spare
        self.parts = [self._part(*one) for one in self._choose_parts()]
        self.camera = _Camera.choose(rng)
        self.caption = draw_caption(rng, size) if rng.random() < 0.3 else None

    def draw(self, number: int) -> np.ndarray:
        """Draw a frame by its number: float32 (size, size, 3) in 0..255."""
        places = self.grid.copy()
        for part in self.parts:
            places = part.add_to(places, number)
        places = self.camera.apply(places, number, self.size) + self.corner.astype(np.float32)
        frame = cv2.remap(
            self.texture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
        if self.caption is not None:
            alpha, ink = self.caption
            frame = frame + alpha * (ink - frame)
        return frame.clip(0, 255)

    def _choose_parts(self) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """Choose centre, radii in pixels and liveliness of a head, and of smaller parts in it."""
        rng, size = self.rng, self.size
        head = rng.uniform([0.35, 0.3], [0.65, 0.6]) * size
        radii = rng.uniform(0.18, 0.45, 2) * size
        parts = [(head, radii, 1.0)]
        for _ in range(int(rng.integers(0, 5))):
            spot = head + rng.uniform(-0.8, 0.8, 2) * radii
            parts.append((spot, rng.uniform(0.03, 0.12, 2) * size, 1.5))
        if rng.random() < 0.4:  # a hand
            parts.append((rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.06, 0.2, 2) * size, 3.0))
        return parts

    def _part(self, centre: np.ndarray, radii: np.ndarray, lively: float) -> _Part:
        rng = self.rng
        away = self.grid - centre.astype(np.float32)
        near = np.square(away / radii.astype(np.float32)).sum(2)
        mask = np.exp(-np.square(near))[..., None].astype(np.float32)
        turn = np.dstack([away[..., 1], -away[..., 0]])
        fields = np.stack([mask * [1, 0], mask * [0, 1], mask * turn, mask * away])
        reach = float(radii.mean())
        lively *= np.exp(rng.normal(-0.6, 0.9))
        # A shift of a sixth of the radius folds nothing over.
        most = np.array([0.17 * reach, 0.17 * reach, 0.15, 0.12])
        usual = np.array([2.5, 2.0, 0.02, 0.015]) * lively
        height = np.minimum(usual[:, None] * rng.uniform(0.2, 1.0, (4, 2)), most[:, None] / 2)
        speed = np.exp(rng.uniform(np.log(0.08), np.log(1.6), (4, 2)))
        sway = np.stack([height, speed, rng.uniform(0, 2 * np.pi, (4, 2))], 2)
        return _Part(fields.astype(np.float32), sway)


@dataclass
class _Camera:
    """How a camera moves: pixels a frame, growth a frame, and how it trembles.

    Attributes:
        pan: (2,) pixels a frame.
        zoom: growth a frame.
        tremble: (64, 2) pixels, the shake of each frame.
    """

    pan: np.ndarray
    zoom: float
    tremble: np.ndarray

    @classmethod
    def choose(cls, rng: np.random.Generator) -> _Camera:
        """Choose a camera: most stand still."""
        kind = str(rng.choice(["still", "hand", "pan", "zoom"], p=[0.6, 0.2, 0.12, 0.08]))
        pan, zoom, tremble = np.zeros(2), 0.0, np.zeros((64, 2))
        if kind != "still":
            steps = rng.normal(0, np.exp(rng.uniform(np.log(0.15), np.log(2.5))), (64, 2))
            tremble = np.stack([np.convolve(one, [0.3, 0.4, 0.3], "same") for one in steps.T], 1)
        if kind == "pan":
            heading = rng.uniform(0, 2 * np.pi)
            pan = np.exp(rng.uniform(np.log(0.3), np.log(8))) * np.array(
                [np.cos(heading), 0.4 * np.sin(heading)]
            )
        if kind == "zoom":
            zoom = float(rng.normal(0, 0.008))
        return cls(pan, zoom, tremble)

    def apply(self, places: np.ndarray, number: int, size: int) -> np.ndarray:
        """Move the places of a frame, (size, size, 2) float32."""
        if not self.zoom and not self.pan.any() and not self.tremble.any():
            return places
        centre = np.float32(size / 2)
        shift = self.pan * number + self.tremble[number % len(self.tremble)]
        return (
            (places - centre) * np.float32(1 + self.zoom * number)
            + centre
            + shift.astype(np.float32)
        )


@dataclass(frozen=True)
class FilmPieces:
    """A film to take pieces of. It is opened when it is first used.

    Attributes:
        path: its file.
    """

    path: Path

    @cached_property
    def clip(self) -> Clip:
        """The film."""
        from helpers.video.reader import open_video

        return open_video(self.path)

    def draw(self, rng: np.random.Generator, size: int, count: int) -> list[np.ndarray]:
        """Return consecutive frames at 8 to 15 frames a second, reduced a little and cut to size.

        A film that is shorter is shown there and back.
        """
        rate = float(self.clip.info.fps)
        step = max(round(rate / rng.uniform(8, 15)), 1)
        length = len(self.clip)
        span = min(step * (count - 1) + 1, length)
        start = int(rng.integers(0, length - span + 1))
        seen = [frame.image for frame in self.clip.frames(start, start + span)][::step]
        while len(seen) < count:
            seen += seen[-2::-1] or seen
        least = size / min(seen[0].shape[:2])
        scale = max(float(rng.uniform(0.7, 1.0)), least)
        sides = [max(round(side * scale), size) for side in seen[0].shape[1::-1]]
        left, top = (int(rng.integers(0, side - size + 1)) for side in sides)
        mirrored, tone = rng.random() < 0.5, rng.integers(1 << 30)
        frames = []
        for image in seen[:count]:
            whole = cv2.resize(image, sides, interpolation=cv2.INTER_AREA)
            piece = whole[top : top + size, left : left + size].astype(np.float32)
            piece = np.ascontiguousarray(piece[:, ::-1]) if mirrored else piece
            frames.append(change_tone(piece, np.random.default_rng(tone)))
        return frames


def change_tone(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change contrast, brightness and tint, like another camera in another room.

    Args:
        picture: (H, W, 3) float32 in 0..255.
    """
    contrast, black = rng.uniform(0.6, 1.05), rng.uniform(-10, 30)
    tint = rng.uniform(0.88, 1.12, 3) if rng.random() < 0.5 else np.ones(3)
    power = np.float32(rng.uniform(0.75, 1.35))
    curve = 255 * (picture / 255).clip(0, 1) ** power
    if rng.random() < 0.08:
        curve = cv2.cvtColor(cv2.cvtColor(curve, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return (curve * (contrast * tint).astype(np.float32) + np.float32(black)).clip(0, 255)


def draw_caption(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw lines of text, as titles and subtitles: alpha (size, size, 1) in 0..1, and ink (3,)."""
    drawn = np.zeros((size, size), np.uint8)
    letters = list("ABCDEFGHIKLMNOPRSTUVWXYZ  abcdefghiklmnoprstuvw 0123456789.,:-")
    height, thick = float(rng.uniform(0.5, 1.6)), int(rng.integers(1, 4))
    fonts = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)
    font = fonts[int(rng.integers(len(fonts)))]
    top = int(rng.integers(20, size))
    for line in range(int(rng.integers(1, 4))):
        text = "".join(rng.choice(letters, int(rng.integers(4, 28))))
        place = (int(rng.integers(-20, size // 2)), top + int(34 * height * line))
        cv2.putText(drawn, text, place, font, height, (255,), thick, cv2.LINE_AA)
    ink = np.full(3, 245.0) if rng.random() < 0.6 else rng.uniform(0, 255, 3)
    return drawn[..., None].astype(np.float32) / 255, ink.astype(np.float32)
