"""A film with an exact timeline.

A clip is lazy: its timeline is known at once, its pixels are computed when they are read.

    clip = open_video("talk.mp4")
    clip.times[10], clip[10].image.shape     # Fraction(5, 4), (120, 160, 3)
    for frame in clip.frames(10, 20): ...    # a half-open range, readable again and again
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from helpers.errors import StageError

if TYPE_CHECKING:
    from helpers.run import RunContext


class Pixels(Protocol):
    """The pixels of a picture: an array, or what lies on a graphics card and can become one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and the three channels."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """The type of a pixel, uint8 or uint16."""
        ...

    def __array__(self) -> np.ndarray:
        """Return the pixels as an array, (H, W, 3) RGB."""
        ...


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a film.

    Attributes:
        pixels: (H, W, 3) RGB, uint8 (0..255) or uint16 (0..65535): an array, or on a graphics
            card (`nn.card`). They must not be modified.
        time: when it is first shown, exact, in seconds.
        cut: true on the first frame of a shot.
    """

    pixels: Pixels
    time: Fraction
    cut: bool = False

    def __post_init__(self) -> None:
        check_image(self.pixels)

    @property
    def image(self) -> np.ndarray:
        """The pixels as an array, (H, W, 3); waits for them if they lie on a graphics card."""
        return np.asarray(self.pixels)

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        cut = ", cut" if self.cut else ""
        return f"Frame({width}x{height} {self.pixels.dtype}, {float(self.time):.3f} s{cut})"


def same_pixels(one: Pixels, other: Pixels) -> bool:
    """Tell whether two pictures are known to be equal, without waiting for a graphics card.

    Arrays, and what was brought to a card, are compared. What was made on a card is only known to
    be equal to itself; the stages there use one object for a picture that is repeated.
    """
    if one is other:
        return True
    one, other = (getattr(pixels, "origin", pixels) for pixels in (one, other))
    known = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return known and np.array_equal(one, other)


def check_image(image: Pixels) -> None:
    """Raise StageError unless `image` is (H, W, 3), uint8 or uint16, and not empty."""
    shape = image.shape
    if len(shape) != 3 or shape[2] != 3 or image.dtype not in (np.uint8, np.uint16) or 0 in shape:
        raise StageError(
            f"An array of shape {image.shape} and type {image.dtype} cannot be a frame. "
            "A frame must be (height, width, 3) RGB in uint8 or uint16."
        )


@dataclass(frozen=True)
class ColourTags:
    """The meaning of the file's pixel values as colours, in ffmpeg's names; None if not tagged.

    Attributes:
        primaries: the colour primaries ("bt709", "smpte170m", "bt2020").
        transfer: the transfer curve ("bt709", "iec61966-2-1").
        matrix: the luma/chroma matrix ("bt709", "smpte170m", "bt2020nc", "gbr").
        range: "tv" (16..235) or "pc" (0..255).
    """

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    range: str | None = None


@dataclass(frozen=True)
class HdrMetadata:
    """What a film of high dynamic range states about its light; None where it does not.

    Attributes:
        display: the mastering display (SMPTE ST 2086): x and y of green, blue, red and white, in
            units of 0.00002; then its highest and lowest luminance, in units of 0.0001 cd/m2.
        light: the brightest pixel and the brightest average of a frame, in cd/m2 (MaxCLL, MaxFALL).
    """

    display: tuple[int, ...] | None = None
    light: tuple[int, int] | None = None


@dataclass(frozen=True)
class ClipInfo:
    """The properties that all frames of a clip share.

    Attributes:
        width, height: pixels, after rotation.
        fps: average frames per second; `Clip.times` has the exact times.
        sar: sample aspect ratio, the width of a pixel divided by its height.
        depth: bits per channel in the source; above 8, frames are uint16 with the full 0..65535.
        grey: whether the picture is black-and-white.
        field_order: "progressive", "tff" (top field first) or "bff", in the source.
        telecined: whether the pictures are those of a film of 24 frames a second, spread over 30
            for television.
        hdr: the static metadata of a film of high dynamic range.
        enlarged: how many times larger the sides have become by `Upscale`, at least 1: the larger,
            the less detail there is for the size.
    """

    width: int
    height: int
    fps: Fraction
    sar: Fraction = Fraction(1)
    colour: ColourTags = field(default_factory=ColourTags)
    depth: int = 8
    grey: bool = False
    field_order: str = "progressive"
    telecined: bool = False
    hdr: HdrMetadata | None = None
    enlarged: Fraction = Fraction(1)

    @property
    def size(self) -> str:
        """Width and height as text: "640x480"."""
        return f"{self.width}x{self.height}"

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """The type of the frames' pixels."""
        return np.uint16 if self.depth > 8 else np.uint8

    def replace(self, **changes: Any) -> ClipInfo:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-able values, without any loss."""
        exact = {name: str(getattr(self, name)) for name in ("fps", "sar", "enlarged")}
        return {**asdict(self), **exact}


class Clip(ABC):
    """A lazy film. Everything but the pixels is known before a frame is read.

    Attributes:
        info: the properties that all frames share.
        times: the start of every frame in exact seconds, strictly rising, with any spacing.
        end: when the last frame stops being shown, in exact seconds.
        cuts: the times at which shots begin; the first is that of the first frame.
    """

    info: ClipInfo
    times: Sequence[Fraction]
    end: Fraction
    cuts: Sequence[Fraction]

    @abstractmethod
    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Yield the frames numbered start..stop-1, in order. May be called any number of times.

        Args:
            run: the run that the reading belongs to; a new one if not given.
        """

    @abstractmethod
    def recipe(self) -> list[dict[str, Any]]:
        """Return how this clip is made, from the source on: JSON-able rows, one for each step."""

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, number: int) -> Frame:
        """Return one frame; negative numbers count from the end."""
        index = number + len(self) if number < 0 else number
        if not 0 <= index < len(self):
            raise IndexError(f"There is no frame {number} in a clip of {len(self)} frames.")
        with closing(self.frames(index, index + 1)) as frames:
            return next(frames)

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    @property
    def duration(self) -> Fraction:
        """Seconds from the start of the first frame to the end of the last."""
        return self.end - self.times[0]

    def number_at(self, time: Fraction | float) -> int:
        """Return the number of the frame that is shown at `time` seconds."""
        return max(bisect_right(self.times, time) - 1, 0)

    def at(self, time: Fraction | float) -> Frame:
        """Return the frame that is shown at `time` seconds."""
        return self[self.number_at(time)]

    def span(self, start: int, stop: int | None) -> tuple[int, int]:
        """Check a half-open range of frame numbers, and fill in its end if it is None."""
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise IndexError(
                f"There are no frames {start} to {stop} in a clip of {len(self)} frames."
            )
        return start, stop

    def __repr__(self) -> str:
        info = self.info
        return (
            f"{type(self).__name__}({info.size}, {len(self)} frames, {float(info.fps):.3f} fps, "
            f"{float(self.duration):.2f} s)"
        )


@dataclass(frozen=True, eq=False, repr=False)
class MemoryClip(Clip):
    """A clip of pictures that are already in memory: a folder of images, a test, an example.

    Args:
        images: (H, W, 3) RGB arrays of one size, uint8 or uint16.
        times: the start of each in seconds, strictly rising.
        end: when the last one stops being shown, in seconds.
        cuts: times at which shots begin; each must be one of `times`.
        sar: sample aspect ratio, the width of a pixel divided by its height.
    """

    images: Sequence[np.ndarray]
    times: Sequence[Fraction]
    end: Fraction
    cuts: Sequence[Fraction] = ()
    sar: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if len(self.images) != len(self.times) or not self.images:
            raise StageError(
                f"A clip needs one time for each image and at least one image; "
                f"{len(self.images)} images and {len(self.times)} times were given."
            )
        kinds = {f"{image.shape} {image.dtype}" for image in self.images}
        if len(kinds) > 1:
            raise StageError(
                f"The images of a clip must have one shape and type; these were given: "
                f"{', '.join(sorted(kinds))}."
            )
        check_image(self.images[0])
        # Times become exact fractions, and the first frame always begins a shot.
        times = tuple(map(Fraction, self.times))
        cuts = {times[0], *map(Fraction, self.cuts)}
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "end", Fraction(self.end))
        object.__setattr__(self, "cuts", tuple(sorted(cuts)))
        _check_timeline(self.times, self.end)
        if unknown := cuts.difference(times):
            raise StageError(
                f"No frame begins at {min(unknown)} s, so no shot can begin there. "
                "Every cut must be one of the times."
            )

    @property
    def info(self) -> ClipInfo:  # type: ignore[override]
        """The properties that all frames share."""
        height, width = self.images[0].shape[:2]
        depth = 16 if self.images[0].dtype == np.uint16 else 8
        return ClipInfo(width, height, len(self) / self.duration, self.sar, depth=depth)

    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Yield a half-open range of frames."""
        cuts = set(self.cuts)
        for number in range(*self.span(start, stop)):
            time = self.times[number]
            yield Frame(self.images[number], time, time in cuts)

    def recipe(self) -> list[dict[str, Any]]:
        """Identify the pictures by their content."""
        import hashlib

        # The cuts and the end affect the result of a stage, so they belong to the content.
        digest = hashlib.sha256(f"{self.end} {self.sar} {[*map(str, self.cuts)]}".encode())
        for image, time in zip(self.images, self.times, strict=True):
            digest.update(f"{image.shape} {image.dtype} {time}".encode())
            digest.update(np.ascontiguousarray(image).tobytes())
        return [{"source": "memory", "sha256": digest.hexdigest()}]


def _check_timeline(times: Sequence[Fraction], end: Fraction) -> None:
    """Raise StageError unless `times` rise strictly and `end` is after the last."""
    for earlier, later in zip(times, [*times[1:], end], strict=True):
        if not earlier < later:
            raise StageError(
                f"The times of a clip must rise strictly, but {earlier} s is followed by {later} s."
            )
