"""Frames that a person coloured: which frame of a film each picture is of, and its colours.

    references = located(clip, ["000120.png", ("red_car.png", "12.5")])
    references[0].time, references[0].begin, references[0].end

A picture belongs to a frame by what is said with it, by its name (000120.png and frame_000120.png
are frame 120, as exported; 12.5s.png is at 12.5 seconds), or else by its likeness.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import closing
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from helpers.clip import Clip
from helpers.engines.chroma import chroma_of, luma_of, shrunk
from helpers.errors import StageError
from helpers.stage import exact, prefetch

ALIKE = 0.6
"""Correlation of brightness below which a picture is not of the frame that it is said to be of."""

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Endings of pictures that are looked for in a folder."""

THUMB = (64, 48)
"""Width and height at which pictures are compared."""

OTHER_SHAPE = 0.03
"""Part by which the shape of a picture may differ from the film's."""

COLOURLESS = 2.0
"""Levels of 255 of colour, in its most coloured hundredth, below which a picture has none."""

When = int | Fraction | float | str | None


class Reference(NamedTuple):
    """A coloured picture and its place in a film.

    Attributes:
        path: of the picture.
        time: the start of its frame, in seconds.
        begin, end: of the shot that the frame is in; its colours go no further.
    """

    path: str
    time: Fraction
    begin: Fraction
    end: Fraction

    def __repr__(self) -> str:
        time, begin, end = map(float, self[1:])
        shot = f"for the shot from {begin:.3f} to {end:.3f} s"
        return f"{Path(self.path).name}: the frame at {time:.3f} s, {shot}"


def as_entry(entry: Any) -> Any:
    """Return a reference as a field holds it: (path,), (path, when), or located.

    Raises:
        StageError: it is none of these.
    """
    if isinstance(entry, str | Path):
        return (str(entry),)
    if isinstance(entry, Reference):
        return entry
    path, *when = entry
    if len(when) == 3:
        return Reference(str(path), *map(Fraction, when))
    if len(when) > 1:
        raise StageError(
            f"{entry} was given as a reference; allowed is the path of a picture, or (path, when)."
        )
    return (str(path), *when)


def find_references(clip: Clip, folder: str | Path) -> tuple[Reference, ...]:
    """Find the frames that the pictures in a folder belong to; see `located`.

    Args:
        clip: a film that knows its shots.
        folder: of PNG, JPEG or TIFF files.

    Raises:
        StageError: there is no such folder or no picture in it; and see `located`.
    """
    folder = Path(folder)
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
    if not paths:
        raise StageError(
            f"There are no pictures in {folder}; put coloured frames there, as PNG, JPEG or TIFF."
        )
    return located(clip, paths)


def located(clip: Clip, references: Iterable[Any]) -> tuple[Reference, ...]:
    """Find the frame that each picture belongs to.

    Args:
        clip: a film that knows its shots.
        references: paths; or (path, when), when being a frame's number (int) or seconds (float,
            Fraction or str); or what was located before.

    Raises:
        StageError: a picture cannot be read, has no colours, another shape, is of no frame of this
            film, or of the same frame as another.
    """
    found = [_located(clip, as_entry(entry)) for entry in references]
    found.sort(key=lambda reference: reference.time)
    for one, other in pairwise(found):
        if one.time == other.time:
            raise StageError(
                f"{one.path} and {other.path} both belong to the frame at {float(one.time):.3f} s; "
                "give one of them."
            )
    return tuple(found)


def _located(clip: Clip, entry: Any) -> Reference:
    if isinstance(entry, Reference):
        return entry
    path, when = str(entry[0]), entry[1] if len(entry) > 1 else None
    picture = read(path)[0]
    _check_shape(clip, path, picture)
    thumb = _thumb(picture)
    when = _by_name(path) if when is None else when
    number = _most_alike(clip, path, thumb) if when is None else _number(clip, path, when)
    alike = _correlation(thumb, _thumb(clip[number].image))
    if alike < ALIKE:
        raise StageError(
            f"{path} does not look like the frame at {float(clip.times[number]):.3f} s (number "
            f"{number}): their brightness correlates by {alike:.2f}, and {ALIKE} is the least. Say "
            "which frame it is of, or leave that out to have it found."
        )
    time = clip.times[number]
    shot = bisect_right(clip.cuts, time)
    end = clip.cuts[shot] if shot < len(clip.cuts) else clip.end
    return Reference(path, time, clip.cuts[shot - 1], end)


def _by_name(path: str) -> When:
    """Return what a picture's name says of its frame."""
    stem = Path(path).stem
    if match := re.fullmatch(r"(?:frame[_-]?)?(\d{4,})", stem, re.IGNORECASE):
        return int(match[1])
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s", stem, re.IGNORECASE)
    return match[1] if match else None


def _number(clip: Clip, path: str, when: int | Fraction | float | str) -> int:
    """Return the number of the frame that is meant."""
    if isinstance(when, int):
        if not 0 <= when < len(clip):
            raise StageError(
                f"{path} is said to be of frame {when}; the film has frames 0 to {len(clip) - 1}."
            )
        return when
    time = exact(when)
    if not clip.times[0] <= time < clip.end:
        raise StageError(
            f"{path} is said to be of {float(time):.3f} s; the film goes from "
            f"{float(clip.times[0]):.3f} to {float(clip.end):.3f} s."
        )
    return clip.number_at(time)


def _most_alike(clip: Clip, path: str, thumb: np.ndarray) -> int:
    """Return the number of the frame that looks most like a picture; all are looked at."""
    best, likest = 0, -1.0
    with closing(prefetch(clip.frames())) as frames:
        for number, frame in enumerate(frames):
            alike = _correlation(thumb, _thumb(frame.image))
            if alike > likest:
                best, likest = number, alike
    if likest < ALIKE:
        raise StageError(
            f"{path} looks like no frame of the film: the nearest is number {best}, whose "
            f"brightness correlates by {likest:.2f}, and {ALIKE} is the least. It must be one of "
            "the film's own frames, coloured."
        )
    return best


def _thumb(image: np.ndarray) -> np.ndarray:
    """Return a little grey picture, float32, of mean 0 and length 1."""
    luma = luma_of(cv2.resize(image, THUMB, interpolation=cv2.INTER_AREA), "smpte170m")
    luma = luma - luma.mean()
    return luma / max(float(np.linalg.norm(luma)), 1e-6)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum())


def _check_shape(clip: Clip, path: str, picture: np.ndarray) -> None:
    """Raise StageError unless a picture has the film's shape, in its own or in square pixels."""
    height, width = picture.shape[:2]
    info = clip.info
    shape = Fraction(info.width, info.height)
    if not any(
        abs(Fraction(width, height) / wanted - 1) <= OTHER_SHAPE
        for wanted in (shape, shape * info.sar)
    ):
        raise StageError(
            f"{path} is {width}x{height}, and the film {info.size}: another shape. Give the whole "
            "frame, in any size."
        )


def read(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a coloured picture.

    Returns:
        (H, W, 3) RGB, uint8 or uint16; and its opacity, float32 (H, W) in 0..1, if it has one:
        where it is transparent it says nothing.

    Raises:
        StageError: it is no picture, or has no colours.
    """
    file = Path(path)
    if not file.is_file():
        raise StageError(f"There is no picture {path}; correct the path of the reference.")
    data = np.frombuffer(file.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise StageError(f"{path} cannot be read as a picture; allowed are PNG, JPEG and TIFF.")
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    opacity = None
    if image.shape[2] == 4:
        opacity = image[..., 3].astype(np.float32) / np.iinfo(image.dtype).max
    image = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_BGR2RGB)
    strength = np.hypot(*np.moveaxis(chroma_of(image, "smpte170m"), -1, 0))
    if opacity is not None:
        strength = strength * opacity
    if float(np.percentile(strength, 99)) * 255 < COLOURLESS:
        raise StageError(f"{path} has no colours that could be used; colour it first.")
    return image, opacity


def planes(path: str, matrix: str, size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Return a coloured picture's luma, colours and where it has some, in working size.

    Args:
        path: of the picture.
        matrix: by which luma is counted.
        size: width and height.

    Returns:
        uint8 (h, w), float32 (h, w, 2), float32 (h, w) in 0..1.
    """
    return _planes(path, Path(path).stat().st_mtime_ns, matrix, size)


@lru_cache(maxsize=64)
def _planes(path: str, _changed: int, matrix: str, size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    image, opacity = read(path)
    luma = np.rint(shrunk(luma_of(image, matrix), size) * 255).astype(np.uint8)
    known = np.ones(luma.shape, np.float32) if opacity is None else shrunk(opacity, size)
    return luma, shrunk(chroma_of(image, matrix), size), known


def within(references: Sequence[Reference], begin: Fraction, end: Fraction) -> list[Reference]:
    """Return the references of one shot, or of the shots in a stretch of time."""
    return [one for one in references if one.begin < end and begin < one.end]
