"""Samples for small compressed video: seven aligned frames, and the truth at four times the size.

    maker = SmallVideoMaker(pictures, films)
    pool = SmallVideoPool(folder, count=3000, size=96)
    pool.fill(maker)                                 # continues an earlier run
    window, truth = pool.draw_pairs(rng, batch=8, crop=64, held_out=64)

The frames are brought into place as the engine does it, once, and kept. Four samples are taken of
each scene. The held-out samples, for validation, are made from pictures and films that no other
sample uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.errors import ModelError
from helpers.stages.upscale.small_video import calm_luma, gather_window
from helpers.stages.upscale.small_video_network import FRAMES, RADIUS, SCALE
from helpers.training.cleaner.pool import SERIES, Pool
from helpers.training.interpolation.samples import read_colour_pictures
from helpers.training.small_video.codecs import degrade
from helpers.training.small_video.scenes import FILM_ENDINGS, FilmPieces, choose_scene

_SCENE = 12
"""Frames of a scene."""

_MIDDLES = (3, 8)
"""The frames of a scene that samples are taken of, with RADIUS others on either side."""

_TAKES = 2
"""How many times a scene is made small and compressed, each time in another way. Drawing a scene
takes much longer than that."""

PER_SCENE = _TAKES * len(_MIDDLES)

_HELD_EVERY = 8
"""Every eighth picture and film is for the held-out samples."""

_CUTS = 0.06
"""The share of scenes in the middle of which another begins: a cut that nobody has found."""

PLANES = 3 * FRAMES + 3 * SCALE**2
"""Planes of a sample at the size of the small film: the window, and the truth's pixels."""


_Scene = tuple[list[np.ndarray], list[list[np.ndarray]]]
"""The large frames, and the small ones of every take."""


def read_films(folder: Path | str | None) -> list[FilmPieces]:
    """Return the films of a folder and its subfolders; none if there is no folder.

    Raises:
        ModelError: there is no film in it.
    """
    if folder is None:
        return []
    paths = [p for p in sorted(Path(folder).rglob("*")) if p.suffix.lower() in FILM_ENDINGS]
    if not paths:
        raise ModelError(
            f"No film ({', '.join(FILM_ENDINGS)}) was found in {folder}. Give another folder, or "
            "none to draw all scenes from pictures."
        )
    return [FilmPieces(path) for path in paths]


@dataclass
class SmallVideoMaker:
    """Makes samples; the same number makes the same sample.

    Attributes:
        pictures: RGB uint8 (H, W, 3), at least two.
        films: free films to take pieces of.
        size: pixels a side of the small film; a multiple of 16.
        held_out: the first so many samples, a multiple of PER_SCENE, are made from every
            `_HELD_EVERY`th picture and film, the others from the rest.
    """

    pictures: Sequence[np.ndarray]
    films: Sequence[FilmPieces] = ()
    size: int = 96
    held_out: int = 64
    _kept: dict[tuple[int, int], _Scene] = field(default_factory=dict, repr=False)

    def sample(self, seed: int) -> np.ndarray:
        """Make one sample, uint8 (PLANES, size, size)."""
        series, number = divmod(seed, SERIES)
        scene = (series, number // PER_SCENE)
        if scene not in self._kept:
            self._kept.clear()
            self._kept[scene] = self._make_scene(scene)
        large, takes = self._kept[scene]
        take, place = divmod(number % PER_SCENE, len(_MIDDLES))
        small, middle = takes[take], _MIDDLES[place]
        near = [one.astype(np.float32) for one in small[middle - RADIUS : middle + RADIUS + 1]]
        window = gather_window(near, [calm_luma(one) for one in near], RADIUS)
        truth = np.rint(large[middle]).astype(np.uint8)
        blocks = truth.reshape(self.size, SCALE, self.size, SCALE, 3).transpose(4, 1, 3, 0, 2)
        seen = np.rint(window.clip(0, 255)).astype(np.uint8).transpose(2, 0, 1)
        return np.concatenate([seen, blocks.reshape(-1, self.size, self.size)])

    def _make_scene(self, scene: tuple[int, int]) -> _Scene:
        """Draw the frames of a scene, large, and make them small several times."""
        held = scene[1] * PER_SCENE < self.held_out
        pictures, films = _part(self.pictures, held), _part(self.films, held)
        rng = np.random.default_rng([*scene, 19])
        side = SCALE * self.size
        large = choose_scene(pictures, films, rng, side)(_SCENE)
        if rng.random() < _CUTS:
            cut = int(rng.integers(2, _SCENE - 1))
            large[cut:] = choose_scene(pictures, films, rng, side)(_SCENE - cut)
        return large, [degrade(large, rng) for _ in range(_TAKES)]


def _part(every: Sequence, held: bool) -> list:
    """Return those that are held out, or the others; all if there are too few to divide."""
    last = min(_HELD_EVERY, len(every)) - 1
    found = [one for n, one in enumerate(every) if (n % _HELD_EVERY == last) == held]
    return found or list(every)


class SmallVideoPool(Pool):
    """Samples in one file; see `Pool`."""

    planes = PLANES
    together = PER_SCENE

    def draw_pairs(
        self, rng: np.random.Generator, batch: int, crop: int, held_out: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw samples, never the first `held_out`, with random crops, flips and tones.

        Returns:
            (batch, 3 * FRAMES, crop, crop) and (batch, 3, 4 * crop, 4 * crop), float32 in 0..1.
        """
        numbers = rng.integers(held_out, self.filled, batch)
        pieces = (self._crop(self.samples[number], rng, crop) for number in numbers)
        pairs = [_vary(piece.astype(np.float32) / 255, rng) for piece in pieces]
        return np.stack([one for one, _ in pairs]), np.stack([one for _, one in pairs])

    def held_pairs(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the first samples unchanged; see `draw_pairs`."""
        pairs = [split(planes.astype(np.float32) / 255) for planes in self.samples[:count]]
        return np.stack([one for one, _ in pairs]), np.stack([one for _, one in pairs])


def split(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split a sample, float32 (PLANES, H, W), into window, (3 * FRAMES, H, W), and truth.

    The truth, (3, 4 * H, 4 * W), gets the mean colour of the frame, for the network leaves that to
    the film; a codec and its conversions shift it by a level or two.
    """
    height, width = planes.shape[1:]
    blocks = planes[3 * FRAMES :].reshape(3, SCALE, SCALE, height, width)
    truth = blocks.transpose(0, 3, 1, 4, 2).reshape(3, SCALE * height, SCALE * width)
    window = planes[: 3 * FRAMES]
    means = window[3 * RADIUS : 3 * RADIUS + 3].mean((1, 2)) - truth.mean((1, 2))
    return window, truth + means[:, None, None]


def _vary(planes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Flip, transpose, tone and recolour a sample, or take some of its neighbours away."""
    window, truth = split(planes)
    window = window.reshape(FRAMES, 3, *window.shape[1:])
    for axis in (-1, -2):
        if rng.random() < 0.5:
            window, truth = np.flip(window, axis), np.flip(truth, axis)
    if rng.random() < 0.5:
        window, truth = window.swapaxes(-1, -2), truth.swapaxes(-1, -2)
    if rng.random() < 0.3:
        order = rng.permutation(3)
        window, truth = window[:, order], truth[order]
    if rng.random() < 0.3:
        contrast, black = np.float32(rng.uniform(0.6, 1.0)), np.float32(rng.uniform(0, 0.1))
        window, truth = window * contrast + black, truth * contrast + black
    window = window.copy()
    taken = rng.random()
    if taken < 0.12:  # the ends of a shot
        missing = int(rng.integers(1, RADIUS + 1))
        gone = slice(0, missing) if taken < 0.06 else slice(FRAMES - missing, FRAMES)
        window[gone] = window[RADIUS]
    elif taken < 0.15:
        window[:] = window[RADIUS]
    return window.reshape(-1, *window.shape[2:]), np.ascontiguousarray(truth)


def make_maker(
    pictures: Path | str | None, films: Path | str | None, size: int, held_out: int
) -> SmallVideoMaker:
    """Make a sample maker from folders of pictures and of films."""
    return SmallVideoMaker(read_colour_pictures(pictures), read_films(films), size, held_out)
