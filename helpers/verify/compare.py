"""Compare small pictures of a result with those of its film.

Both are (N, side, side, 3) uint8 RGB; picture n of one belongs to picture n of the other. A fault
is named where what it does to the film's pictures explains the result better than the film itself
does: a mirrored result is nearer to the mirrored film. This needs no threshold for how much a
cleaner may change a picture, since its change is the same on both sides of the comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Tolerance:
    """How far the result of some steps may be from its film.

    Attributes:
        structure: the least median of `measure_structure`.
        worst: its least value in a single picture.
        light: the most that the mean of a picture may differ, in levels of 255.
        colour: the most that the mean colour may differ from grey, compared with the film.
        levels, chroma: whether the steps leave grey levels and colours as they are.
        exact: whether every picture is that of its own moment alone.
        edges: whether the edges of the picture are kept.
    """

    structure: float
    worst: float
    light: float
    colour: float
    levels: bool = True
    chroma: bool = True
    exact: bool = True
    edges: bool = True

    def __or__(self, other: Tolerance) -> Tolerance:
        """Return what two steps together may do."""
        return Tolerance(
            min(self.structure, other.structure), min(self.worst, other.worst),
            max(self.light, other.light), max(self.colour, other.colour),
            self.levels and other.levels, self.chroma and other.chroma, self.exact and other.exact,
            self.edges and other.edges,
        )  # fmt: skip


def to_grey(pictures: np.ndarray) -> np.ndarray:
    """Return (..., 3) RGB pictures as (...) float32 grey, 0 to 255."""
    return pictures.astype(np.float32) @ GREY


QUIET = 9.0
"""Levels squared. What varies less than that is taken for flat: it is mostly compression noise."""


def measure_structure(made: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return how alike pairs of grey pictures, (N, H, W), are: (N,) from -1 to 1.

    It is the contrast and structure term of SSIM (Wang et al., 2004) over the whole picture:
    brightness does not count.
    """
    a, b = (x - x.mean((1, 2), keepdims=True) for x in (made, seen))
    both = (a * a).mean((1, 2)) + (b * b).mean((1, 2))
    return (2 * (a * b).mean((1, 2)) + QUIET) / (both + QUIET)


TURNS = {
    (False, 1): "turned left",
    (False, 2): "turned by 180 degrees",
    (False, 3): "turned right",
    (True, 0): "mirrored left to right",
    (True, 1): "mirrored and turned left",
    (True, 2): "mirrored top to bottom",
    (True, 3): "mirrored and turned right",
}
"""The seven ways in which a picture may lie wrong: mirrored or not, and turned by quarters."""


def turn_pictures(pictures: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (N, S, S, ...) pictures as they lie in each of TURNS, with its words."""
    for (mirrored, quarters), words in TURNS.items():
        base = pictures[:, :, ::-1] if mirrored else pictures
        yield words, np.rot90(base, quarters, axes=(1, 2))


def find_turn(made: np.ndarray, seen: np.ndarray) -> str | None:
    """Return how the result lies if it does not lie as the film does, in words."""
    own = 1 - float(measure_structure(made, seen).mean())
    others = {
        words: 1 - float(measure_structure(made, turned).mean())
        for words, turned in turn_pictures(seen)
    }
    words, least = min(others.items(), key=lambda item: item[1])
    return words if own > CLEAR and least < BETTER * own else None


CLEAR = 0.003
"""A smaller difference in structure is what compression does to a picture of 48 pixels."""

BETTER = 0.4
"""A fault explains a result if it leaves less than this share of the difference."""

ZOOMS = (1.06, 1.12, 1.2)
"""How much larger the middle of the film is, where the edges of the result are cut off."""


def find_crop(made: np.ndarray, seen: np.ndarray) -> str | None:
    """Say that the edges of the picture are cut off, if they are."""
    own = 1 - float(measure_structure(made, seen).mean())
    side = seen.shape[1]
    for zoom in ZOOMS:
        middle = (side - 1) / 2 * (1 - 1 / zoom)
        matrix = np.array([[1 / zoom, 0, middle], [0, 1 / zoom, middle]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        larger = np.stack([cv2.warpAffine(one, matrix, (side, side), flags=flags) for one in seen])
        if own > CLEAR and 1 - float(measure_structure(made, larger).mean()) < BETTER * own:
            return f"the edges are cut off (about {1 - 1 / zoom:.0%} of the picture)"
    return None


def _ycbcr(red: float, blue: float) -> np.ndarray:
    """Return the matrix from RGB to luma and the two differences of colour."""
    green = 1 - red - blue
    luma = np.array([red, green, blue])
    return np.stack([
        luma,
        (np.array([0, 0, 1]) - luma) / (2 * (1 - blue)),
        (np.array([1, 0, 0]) - luma) / (2 * (1 - red)),
    ])  # fmt: skip


BT601, BT709 = _ycbcr(0.299, 0.114), _ycbcr(0.2126, 0.0722)
SWAP = np.eye(3)[[0, 2, 1]]


def _linear(matrix: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: pixels @ matrix.T.astype(np.float32)


WRONG_COLOURS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the colour matrix is that of BT.709 in place of BT.601": _linear(np.linalg.inv(BT709) @ BT601),
    "the colour matrix is that of BT.601 in place of BT.709": _linear(np.linalg.inv(BT601) @ BT709),
    "red and blue are swapped": lambda pixels: pixels[..., ::-1],
    "red and green are swapped": lambda pixels: pixels[..., [1, 0, 2]],
    "green and blue are swapped": lambda pixels: pixels[..., [0, 2, 1]],
    "the two differences of colour are swapped": _linear(np.linalg.inv(BT601) @ SWAP @ BT601),
    "the colours are gone": lambda pixels: np.repeat((pixels @ GREY)[..., None], 3, -1),
}
WRONG_LEVELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the range is wrong: black is dark grey and white is light grey": (
        lambda pixels: pixels * (219 / 255) + 16
    ),
    "the range is wrong: dark greys are black and light greys are white": (
        lambda pixels: (pixels - 16) * (255 / 219)
    ),
    "the picture is a negative": lambda pixels: 255 - pixels,
}

LESS = 0.65
"""The same for a fault of colour. What a step changes besides is on both sides; a wrong matrix
leaves 0.41 in the worst film at hand, and no fault is below 1 in a right result."""

VISIBLE = 1.0
"""Levels of 255 (root mean square) that a fault must change to be told from rounding."""


def find_colour_fault(made: np.ndarray, seen: np.ndarray, allowed: Tolerance) -> str | None:
    """Return the fault of colour that explains the result better than the film does, in words."""
    a, b = made.astype(np.float32), seen.astype(np.float32)
    faults = (WRONG_COLOURS if allowed.chroma else {}) | (WRONG_LEVELS if allowed.levels else {})
    own = _error(a, b)
    best, least = None, LESS * own
    for words, change in faults.items():
        changed = np.clip(change(b), 0, 255)
        if _error(changed, b) > VISIBLE and (error := _error(a, changed)) < least:
            best, least = words, error
    return best


def _error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.square(a - b).mean()))


def measure_light(made: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return how much the mean grey of each pair differs, (N,) levels of 255."""
    return np.abs(to_grey(made).mean((1, 2)) - to_grey(seen).mean((1, 2)))


def measure_colour(made: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return how much the mean colour of each pair differs, beside the grey, (N,) levels of 255."""
    means = made.astype(np.float32).mean((1, 2)) - seen.astype(np.float32).mean((1, 2))
    return np.abs(means - (means @ GREY)[:, None]).max(1)


def find_misplaced(made: np.ndarray, seen: np.ndarray, reach: int = 2) -> list[tuple[int, int]]:
    """Return the pictures that show another moment of the film, (number, by how many later).

    Args:
        made, seen: grey pictures, (N, H, W), of moments that follow each other.
    """
    found = []
    own = np.square(made - seen).mean((1, 2))
    for late in (step for step in range(-reach, reach + 1) if step):
        first, last = max(-late, 0), len(seen) - max(late, 0)
        if last <= first:
            continue
        other = np.square(made[first:last] - seen[first + late : last + late]).mean((1, 2))
        apart = np.square(seen[first:last] - seen[first + late : last + late]).mean((1, 2))
        nearer = (other < BETTER**2 * own[first:last]) & (apart > 2 * VISIBLE**2)
        found += [(first + int(number), late) for number in np.flatnonzero(nearer)]
    return sorted(found)


def find_frozen(made: np.ndarray, seen: np.ndarray, least: int) -> tuple[int, int] | None:
    """Return the longest run of pictures that stand still where the film moves, (first, last).

    Args:
        made, seen: grey pictures, (N, H, W), of moments that follow each other.
        least: how many pictures must stand still.
    """
    moved, moves = (np.sqrt(np.square(np.diff(x, axis=0)).mean((1, 2))) for x in (made, seen))
    still = np.concatenate([[False], (moved < 0.1) & (moves > 5 * moved) & (moves > 0.3), [False]])
    edges = np.flatnonzero(np.diff(still.astype(int)))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    longest = max(runs, key=lambda run: run[1] - run[0], default=(0, 0))
    return longest if longest[1] - longest[0] >= least else None
