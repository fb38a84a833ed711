"""A film with an exact timeline.

A clip is lazy: its timeline is known at once, its pixels are made when somebody reads them.

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
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.errors import StageError

if TYPE_CHECKING:
    from helpers.run import RunContext


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a film.

    Attributes:
        image: (H, W, 3) RGB, uint8 (0..255) or uint16 (0..65535), read-only by agreement.
        time: when it is first shown, exact, in seconds.
        cut: true on the first frame of a shot.
    """

    image: np.ndarray
    time: Fraction
    cut: bool = False

    def __post_init__(self) -> None:
        check_image(self.image)

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        cut = ", cut" if self.cut else ""
        return f"Frame({width}x{height} {self.image.dtype}, {float(self.time):.3f} s{cut})"


def check_image(image: np.ndarray) -> None:
    """Raise StageError unless `image` is (H, W, 3), uint8 or uint16, and not empty."""
    if (
        image.ndim != 3
        or image.shape[2] != 3
        or image.dtype not in (np.uint8, np.uint16)
        or not image.size
    ):
        raise StageError(
            f"A frame was given as an array of shape {image.shape} and type {image.dtype}; "
            "frames are (height, width, 3) RGB in uint8 or uint16."
        )


@dataclass(frozen=True)
class ColourTags:
    """How numbers in the file stand for colours, in ffmpeg's names; None where the file is silent.

    Attributes:
        matrix: the luma/chroma matrix ("bt709", "smpte170m", "bt2020nc", "gbr").
        range: "tv" (16..235) or "pc" (0..255).
    """

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    range: str | None = None


@dataclass(frozen=True)
class ClipInfo:
    """What is true of every frame of a clip.

    Attributes:
        width, height: pixels, after rotation.
        fps: average frames a second; the exact truth is `Clip.times`.
        sar: sample aspect ratio, the width of a pixel divided by its height.
        depth: bits a channel in the source; above 8, frames are uint16 over the full 0..65535.
        grey: whether the picture has no colour.
        field_order: "progressive", "tff" (top field first) or "bff", as the source was shot.
    """

    width: int
    height: int
    fps: Fraction
    sar: Fraction = Fraction(1)
    colour: ColourTags = field(default_factory=ColourTags)
    depth: int = 8
    grey: bool = False
    field_order: str = "progressive"

    @property
    def size(self) -> str:
        """Width and height, for reading: "640x480"."""
        return f"{self.width}x{self.height}"

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """The type of the frames' pixels."""
        return np.uint16 if self.depth > 8 else np.uint8

    def replace(self, **changes: Any) -> ClipInfo:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-able values, exactly."""
        return {**asdict(self), "fps": str(self.fps), "sar": str(self.sar)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ClipInfo:
        """Return what `to_json` was made from."""
        exact = {"fps": Fraction(values["fps"]), "sar": Fraction(values["sar"])}
        return cls(**{**values, **exact, "colour": ColourTags(**values["colour"])})


class Clip(ABC):
    """A lazy film. Everything but the pixels is known before a frame is read.

    Attributes:
        info: what is true of every frame.
        times: the start of every frame in exact seconds, strictly rising, any spacing.
        end: when the last frame stops being shown.
        cuts: the times at which shots begin; the first is the first frame's.
    """

    info: ClipInfo
    times: Sequence[Fraction]
    end: Fraction
    cuts: Sequence[Fraction]

    @abstractmethod
    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Give the frames numbered start..stop-1, in order. May be called again and again.

        Args:
            run: what the reading belongs to; one of its own if not given.
        """

    @abstractmethod
    def recipe(self) -> list[dict[str, Any]]:
        """Say in JSON-able words what this clip is made of, from the source on."""

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, number: int) -> Frame:
        """Return one frame; negative numbers count from the end."""
        index = number + len(self) if number < 0 else number
        if not 0 <= index < len(self):
            raise IndexError(f"frame {number} of a clip of {len(self)} frames")
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
        """Check a half-open range of frame numbers and fill in its end."""
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"frames {start} to {stop} of a clip of {len(self)} frames")
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
        cuts: times at which shots begin, each one of `times`.
    """

    images: Sequence[np.ndarray]
    times: Sequence[Fraction]
    end: Fraction
    cuts: Sequence[Fraction] = ()
    sar: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if len(self.images) != len(self.times) or not self.images:
            raise StageError(f"{len(self.images)} images were given with {len(self.times)} times.")
        kinds = {f"{image.shape} {image.dtype}" for image in self.images}
        if len(kinds) > 1:
            raise StageError(f"The images of one clip are of several kinds: {sorted(kinds)}.")
        check_image(self.images[0])
        # Plain numbers become exact ones, and the first frame always begins a shot.
        times = tuple(map(Fraction, self.times))
        cuts = {times[0], *map(Fraction, self.cuts)}
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "end", Fraction(self.end))
        object.__setattr__(self, "cuts", tuple(sorted(cuts)))
        check_timeline(self.times, self.end)
        if strange := cuts.difference(times):
            raise StageError(f"No frame begins at {min(strange)} s, where a shot was said to.")

    @property
    def info(self) -> ClipInfo:  # type: ignore[override]
        """What is true of every frame."""
        height, width = self.images[0].shape[:2]
        depth = 16 if self.images[0].dtype == np.uint16 else 8
        return ClipInfo(width, height, len(self) / self.duration, self.sar, depth=depth)

    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Give a half-open range of frames."""
        cuts = set(self.cuts)
        for number in range(*self.span(start, stop)):
            time = self.times[number]
            yield Frame(self.images[number], time, time in cuts)

    def recipe(self) -> list[dict[str, Any]]:
        """Name the pictures by their content."""
        import hashlib

        # The cuts and the end decide what a stage makes of the pictures, so they belong to it.
        digest = hashlib.sha256(f"{self.end} {self.sar} {[*map(str, self.cuts)]}".encode())
        for image, time in zip(self.images, self.times, strict=True):
            digest.update(f"{image.shape} {image.dtype} {time}".encode())
            digest.update(np.ascontiguousarray(image).tobytes())
        return [{"source": "memory", "sha256": digest.hexdigest()}]


def check_timeline(times: Sequence[Fraction], end: Fraction) -> None:
    """Raise StageError unless `times` rise strictly and `end` lies after the last."""
    for earlier, later in zip(times, [*times[1:], end], strict=True):
        if not earlier < later:
            raise StageError(
                f"A timeline must rise strictly, but {earlier} s is followed by {later} s."
            )
