"""Find the frame of a film that each picture, coloured by a person, belongs to.

    references = locate_references(clip, ["000120.png", ("red_car.png", "12.5")])
    references[0].time, references[0].begin, references[0].end

The frame is given with the picture, or by its name (000120.png and frame_000120.png are frame 120,
as exported; 12.5s.png is at 12.5 seconds); otherwise the most similar frame is found.
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
"""The least correlation of the brightness of a picture and its frame. This number and the next were
chosen by trial; the films were not noted."""

_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""The suffixes of pictures in a folder."""

_THUMB = (64, 48)
"""The width and height, in pixels, at which pictures are compared."""

_OTHER_SHAPE = 0.03
"""The share by which the aspect ratio of a picture may differ from that of the film."""

_ROUNDED = Fraction(1, 1000)
"""The seconds by which a given time may be earlier than that of its frame, due to rounding."""

When = int | Fraction | float | str | None


class Reference(NamedTuple):
    """A coloured picture and its frame in a film.

    Attributes:
        path: the path of the picture.
        time: the start of its frame, in seconds.
        begin, end: the begin and end of the shot of the frame, in which its colours are used.
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
    """Convert a reference to the form of a stage's field: (path,), (path, when), or a `Reference`.

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
            f"A reference must be the path of a picture, or (path, when); {entry} was given."
        )
    return (str(path), *when)


def find_references(clip: Clip, folder: str | Path) -> tuple[Reference, ...]:
    """Find the frames that the pictures in a folder belong to; see `locate_references`.

    Args:
        clip: a film whose shots are marked.
        folder: a folder of PNG, JPEG or TIFF files.

    Raises:
        StageError: there is no such folder, or no picture in it; see also `locate_references`.
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
            f"There are no pictures in {folder}. Save coloured frames there, as PNG, JPEG or TIFF."
        )
    return paths


def _expand_folder(entry: Any) -> list[Any]:
    """Return the entries for the pictures in a folder; any other entry is returned as it is."""
    if isinstance(entry, Reference) or len(entry) > 1 or Path(entry[0]).suffix:
        return [entry]
    return [(str(path),) for path in _list_pictures(Path(entry[0]))]


def locate_references(clip: Clip, references: Iterable[Any]) -> tuple[Reference, ...]:
    """Find the frame that each picture belongs to.

    Args:
        clip: a film whose shots are marked.
        references: paths of pictures or folders; or (path, when), where `when` is the number of a
            frame (int) or a time in seconds (float, Fraction or str); or located references.

    Returns:
        The references, in order of time.

    Raises:
        StageError: a picture cannot be read, has no colours, has another aspect ratio than the
            film, belongs to no frame of it, or belongs to the same frame as another.
    """
    entries = [part for entry in references for part in _expand_folder(parse_entry(entry))]
    found = [_locate(clip, entry) for entry in entries]
    found.sort(key=lambda reference: reference.time)
    for one, other in pairwise(found):
        if one.time == other.time:
            raise StageError(
                f"{one.path} and {other.path} both belong to the frame at {float(one.time):.3f} s; "
                "give only one of them."
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
            f"{number}): the correlation of their brightness is {alike:.2f}, but must be at least "
            f"{_ALIKE}. Give the right frame, or give none, and the frame will be found."
        )
    time = clip.times[number]
    shot = bisect_right(clip.cuts, time)
    end = clip.cuts[shot] if shot < len(clip.cuts) else clip.end
    return Reference(path, time, clip.cuts[shot - 1], end)


def _parse_name(path: str) -> When:
    """Return the frame that the name of a picture states; None if it states none."""
    stem = Path(path).stem
    if match := re.fullmatch(r"(?:frame[_-]?)?(\d{4,})", stem, re.IGNORECASE):
        return int(match[1])
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s", stem, re.IGNORECASE)
    return match[1] if match else None


def _find_number(clip: Clip, path: str, when: int | Fraction | float | str) -> int:
    """Return the number of the frame that was given by its number or time."""
    if isinstance(when, int):
        if not 0 <= when < len(clip):
            raise StageError(
                f"There is no frame {when} for {path}: the film has the frames 0 to "
                f"{len(clip) - 1}. Correct the number of the frame."
            )
        return when
    time = exact(when)
    if not clip.times[0] <= time < clip.end:
        raise StageError(
            f"There is no frame at {float(time):.3f} s for {path}: the film is from "
            f"{float(clip.times[0]):.3f} to {float(clip.end):.3f} s. Correct the time of the frame."
        )
    return clip.number_at(time + _ROUNDED)


def _find_most_similar(clip: Clip, path: str, thumb: np.ndarray) -> int:
    """Return the number of the frame that is most similar to a picture; all are compared."""
    best, likest = 0, -1.0
    with closing(prefetch(clip.frames())) as frames:
        for number, frame in enumerate(frames):
            alike = _correlate(thumb, _make_thumbnail(frame.image))
            if alike > likest:
                best, likest = number, alike
    if likest < _ALIKE:
        raise StageError(
            f"{path} does not look like any frame of the film: the most similar is number {best}, "
            f"with a correlation of brightness of {likest:.2f}, but it must be at least {_ALIKE}. "
            "Use coloured frames of this film."
        )
    return best


def _make_thumbnail(image: np.ndarray) -> np.ndarray:
    """Return a small grey picture, float32, with mean 0 and norm 1."""
    luma = luma_of(cv2.resize(image, _THUMB, interpolation=cv2.INTER_AREA), "smpte170m")
    luma = luma - luma.mean()
    return luma / max(float(np.linalg.norm(luma)), 1e-6)


def _correlate(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum())


def _check_shape(clip: Clip, path: str, picture: np.ndarray) -> None:
    """Raise StageError unless a picture has the film's aspect ratio, in pixels or as displayed."""
    height, width = picture.shape[:2]
    info = clip.info
    shape = Fraction(info.width, info.height)
    if not any(
        abs(Fraction(width, height) / wanted - 1) <= _OTHER_SHAPE
        for wanted in (shape, shape * info.sar)
    ):
        raise StageError(
            f"{path} is {width}x{height}, but the film is {info.size}, which is another aspect "
            "ratio. Give the whole frame, in any size."
        )


def describe_unreached(clip: Clip, references: Sequence[Reference], reach: Fraction) -> str:
    """Describe the part of a film that is out of reach of all references; "" if there is none.

    Args:
        clip: a film whose shots are marked.
        references: located references.
        reach: the reach of a reference, in seconds.
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
        f"{1 - near.mean():.0%} of the frames are more than {float(reach):g} s from a reference in "
        f"their shot, and {1 - shots.mean():.0%} are in shots without a reference. If their "
        "colours are wrong, colour a frame of these shots too."
    )
