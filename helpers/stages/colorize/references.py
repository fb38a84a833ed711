"""Frames that a person coloured: which frame of a film each picture is of, and its colours.

    references = located(clip, ["000120.png", ("red_car.png", "12.5")])
    references[0].time, references[0].begin, references[0].end

A picture belongs to a frame by what is said with it, by its name (000120.png and frame_000120.png
are frame 120, as exported; 12.5s.png is at 12.5 seconds), or else by its likeness.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.imaging.color_matrix import luma_of
from helpers.stage import exact, prefetch
from helpers.stages.colorize.reference_files import read_picture

_ALIKE = 0.6
"""Correlation of brightness below which a picture is not of the frame that it is said to be of.
This number and the next were chosen by trial; the films were not noted."""

_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Endings of pictures that are looked for in a folder."""

_THUMB = (64, 48)
"""Width and height at which pictures are compared."""

_OTHER_SHAPE = 0.03
"""Part by which the shape of a picture may differ from the film's."""

_ROUNDED = Fraction(1, 1000)
"""Seconds by which a time may be less than a frame's: it was rounded when it was written down."""

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


def parse_entry(entry: Any) -> Any:
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
    return locate_references(clip, _list_pictures(Path(folder)))


def _list_pictures(folder: Path) -> list[Path]:
    """Return the pictures in a folder, in order of their names.

    Raises:
        StageError: there is no such folder, or no picture in it.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in _PICTURES)
    if not paths:
        raise StageError(
            f"There are no pictures in {folder}; put coloured frames there, as PNG, JPEG or TIFF."
        )
    return paths


def _expand_folder(entry: Any) -> list[Any]:
    """Return an entry as it is; for one without a picture's ending, a folder, what is in it."""
    if isinstance(entry, Reference) or len(entry) > 1 or Path(entry[0]).suffix:
        return [entry]
    return [(str(path),) for path in _list_pictures(Path(entry[0]))]


def locate_references(clip: Clip, references: Iterable[Any]) -> tuple[Reference, ...]:
    """Find the frame that each picture belongs to.

    Args:
        clip: a film that knows its shots.
        references: paths; or (path, when), when being a frame's number (int) or seconds (float,
            Fraction or str); or what was located before.

    Raises:
        StageError: a picture cannot be read, has no colours, another shape, is of no frame of this
            film, or of the same frame as another.
    """
    entries = [part for entry in references for part in _expand_folder(parse_entry(entry))]
    found = [_locate(clip, entry) for entry in entries]
    found.sort(key=lambda reference: reference.time)
    for one, other in pairwise(found):
        if one.time == other.time:
            raise StageError(
                f"{one.path} and {other.path} both belong to the frame at {float(one.time):.3f} s; "
                "give one of them."
            )
    return tuple(found)


def _locate(clip: Clip, entry: Any) -> Reference:
    if isinstance(entry, Reference):
        return entry
    path, when = str(entry[0]), entry[1] if len(entry) > 1 else None
    picture = read_picture(path)[0]
    _check_shape(clip, path, picture)
    thumb = _make_thumbnail(picture)
    when = _parse_name(path) if when is None else when
    number = (
        _find_most_similar(clip, path, thumb) if when is None else _find_number(clip, path, when)
    )
    alike = _correlate(thumb, _make_thumbnail(clip[number].image))
    if alike < _ALIKE:
        raise StageError(
            f"{path} does not look like the frame at {float(clip.times[number]):.3f} s (number "
            f"{number}): their brightness correlates by {alike:.2f}, and {_ALIKE} is the least. Say "
            "which frame it is of, or leave that out to have it found."
        )
    time = clip.times[number]
    shot = bisect_right(clip.cuts, time)
    end = clip.cuts[shot] if shot < len(clip.cuts) else clip.end
    return Reference(path, time, clip.cuts[shot - 1], end)


def _parse_name(path: str) -> When:
    """Return what a picture's name says of its frame."""
    stem = Path(path).stem
    if match := re.fullmatch(r"(?:frame[_-]?)?(\d{4,})", stem, re.IGNORECASE):
        return int(match[1])
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s", stem, re.IGNORECASE)
    return match[1] if match else None


def _find_number(clip: Clip, path: str, when: int | Fraction | float | str) -> int:
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
    return clip.number_at(time + _ROUNDED)


def _find_most_similar(clip: Clip, path: str, thumb: np.ndarray) -> int:
    """Return the number of the frame that looks most like a picture; all are looked at."""
    best, likest = 0, -1.0
    with closing(prefetch(clip.frames())) as frames:
        for number, frame in enumerate(frames):
            alike = _correlate(thumb, _make_thumbnail(frame.image))
            if alike > likest:
                best, likest = number, alike
    if likest < _ALIKE:
        raise StageError(
            f"{path} looks like no frame of the film: the nearest is number {best}, whose "
            f"brightness correlates by {likest:.2f}, and {_ALIKE} is the least. It must be one of "
            "the film's own frames, coloured."
        )
    return best


def _make_thumbnail(image: np.ndarray) -> np.ndarray:
    """Return a little grey picture, float32, of mean 0 and length 1."""
    luma = luma_of(cv2.resize(image, _THUMB, interpolation=cv2.INTER_AREA), "smpte170m")
    luma = luma - luma.mean()
    return luma / max(float(np.linalg.norm(luma)), 1e-6)


def _correlate(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum())


def _check_shape(clip: Clip, path: str, picture: np.ndarray) -> None:
    """Raise StageError unless a picture has the film's shape, in its own or in square pixels."""
    height, width = picture.shape[:2]
    info = clip.info
    shape = Fraction(info.width, info.height)
    if not any(
        abs(Fraction(width, height) / wanted - 1) <= _OTHER_SHAPE
        for wanted in (shape, shape * info.sar)
    ):
        raise StageError(
            f"{path} is {width}x{height}, and the film {info.size}: another shape. Give the whole "
            "frame, in any size."
        )


def describe_unreached(clip: Clip, references: Sequence[Reference], reach: Fraction) -> str:
    """Say in a sentence which part of a film no reference can be followed to; "" if there is none.

    Args:
        clip: a film that knows its shots.
        references: located ones.
        reach: seconds.
    """
    times = list(clip.times)
    near, shots = np.zeros(len(times), bool), np.zeros(len(times), bool)
    for one in references:
        first, stop = bisect_left(times, one.begin), bisect_left(times, one.end)
        shots[first:stop] = True
        first = max(first, bisect_left(times, one.time - reach))
        near[first : min(stop, bisect_right(times, one.time + reach))] = True
    if near.all():
        return ""
    return (
        f"{1 - near.mean():.0%} of the frames are more than {float(reach):g} s from a reference of "
        f"their shot, and {1 - shots.mean():.0%} are in shots that have none; colour a frame of "
        "these too if it shows."
    )
