"""Encode frames to a file with one video stream, with exact timestamps and correct colours.

with Encoder(Path("silent.mp4"), clip, "h264") as encoder:
    for frame in clip.frames():
        encoder.write(frame)
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from helpers.clip import Clip, ClipInfo, ColourTags, Frame
from helpers.errors import VideoWriteError
from helpers.imaging.matrices import guess_matrix
from helpers.runtime.storage import storage_error, sync_file
from helpers.video.codecs import CODECS, CONTAINERS, NVENC, card_encoder
from helpers.video.colour import (
    MATRICES,
    PRIMARIES,
    TRANSFERS,
    code_point,
    from_full_scale,
)
from helpers.video.encoder_format import FormatConverter
from helpers.video.hdr import add_options, hdr_options, note_lost_hdr
from helpers.video.packets import count_packets
from helpers.video.timeline import exact_units

if TYPE_CHECKING:
    import av
    from av.packet import Packet

QUALITY = 17
"""The constant rate factor of H.264 and H.265 if none is given: it looks lossless."""

FASTEST_PART = 1000
"""Frames a second in a file that holds a part of a clip, at the most: Matroska keeps times in whole
milliseconds."""

LATE = 2
"""How many places later than it is stored a frame is shown at the most, by x264 and x265 as they
are set up here."""


@dataclass(frozen=True)
class Timestamps:
    """The times of a clip's frames as whole numbers.

    Attributes:
        time_base: seconds in a unit.
        pts: when each frame is shown, counted from the first; the last entry is when the last frame
            stops being shown.
    """

    time_base: Fraction
    pts: Sequence[int]

    @classmethod
    def of(cls, clip: Clip, first: int = 0, last: int | None = None) -> Timestamps:
        """Return those of the half-open range first..last-1 of a clip's frames."""
        end = clip.end if last is None or last >= len(clip) else clip.times[last]
        return cls(*timestamps([*clip.times[first:last], end]))

    @property
    def rate(self) -> Fraction:
        """The average number of frames in a second."""
        seconds = self.time_base * (self.pts[-1] - self.pts[0])
        return ((len(self.pts) - 1) / seconds).limit_denominator(100_000)

    def part(self, first: int, last: int) -> Timestamps:
        """Return those of the half-open range first..last-1 of the frames, in the same units."""
        return Timestamps(self.time_base, self.pts[first : last + 1])

    def duration(self, number: int) -> int:
        """Return how long a frame is shown. Only the timeline knows it if they are uneven."""
        return self.pts[number + 1] - self.pts[number]

    def decoding(self, number: int) -> int:
        """Return when the number-th stored packet is decoded: LATE frames before it is shown."""
        if number >= LATE:
            return self.pts[number - LATE]
        return self.pts[0] + (number - LATE) * (self.pts[1] - self.pts[0])


class Encoder:
    """Writes frames to a file with one video stream; a context manager.

    Args:
        path: the file; written in place, so give it a temporary name.
        clip: the frames' timeline, size and colours. The frames are passed to `write` one by one.
        first, last: the half-open range of the clip's frames that will be written.
        whole: the timestamps of the whole clip, if the file is one of its parts; see `splice`. All
            parts are encoded alike, and the times in their files are only those of their numbers.
        name: ffmpeg's name of the encoder that the other parts were made with; used if it works
            here.

    Attributes:
        name: ffmpeg's name of the encoder.
        width, height: the size of the stored picture.
        colour: its colour tags.
        notes: how the file differs from the clip, in words.
    """

    def __init__(
        self,
        path: Path,
        clip: Clip,
        codec: str,
        quality: int = QUALITY,
        first: int = 0,
        last: int | None = None,
        whole: Timestamps | None = None,
        name: str | None = None,
    ) -> None:
        self.path, self.info = path, clip.info
        self.codec, self.quality = CODECS[codec], quality
        last = len(clip) if last is None else min(last, len(clip))
        self.is_part, self.is_end = whole is not None, last == len(clip)
        self.stamps = whole.part(first, last) if whole else Timestamps.of(clip, first, last)
        self.notes: list[str] = []
        self.count = self.packets = 0
        self.format = self.codec.formats[self.info.depth > 8]
        self.width, self.height = stored_size(self.info, codec)
        self.colour = output_colour(self.info, self.format)
        self.name = self._choose_encoder(name)
        if (self.width, self.height) != (self.info.width, self.info.height):
            self.notes.append(
                f"the picture of {self.info.size} has an odd side, but {self.format} needs even "
                f"sides; the last row or column is repeated, which gives {self.width}x{self.height}"
            )
        self.notes += note_lost_hdr(self.info.hdr, self.name)

    def __len__(self) -> int:
        """How many frames will be written."""
        return len(self.stamps.pts) - 1

    def __enter__(self) -> Encoder:
        import av

        self._numbers = {pts: number for number, pts in enumerate(self.stamps.pts)}
        self.container = av.open(
            f"file:{self.path}", "w", format=CONTAINERS[self.path.suffix[1:].lower()]
        )
        stream = self.container.add_stream(self.name, options=self._options())
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = self.width, self.height, self.format  # type: ignore[attr-defined]
        context.time_base = stream.time_base = self.stamps.time_base
        context.framerate = self.info.fps.limit_denominator(100_000)  # type: ignore[attr-defined]
        context.sample_aspect_ratio = self.info.sar.limit_denominator(10_000)  # type: ignore[attr-defined]
        context.thread_type = "AUTO"  # type: ignore[attr-defined]
        context.thread_count = _count_threads(self.width, self.height)  # type: ignore[attr-defined]
        context.colorspace = code_point(MATRICES, self.colour.matrix)  # type: ignore[attr-defined]
        context.color_primaries = code_point(PRIMARIES, self.colour.primaries)  # type: ignore[attr-defined]
        context.color_trc = code_point(TRANSFERS, self.colour.transfer)  # type: ignore[attr-defined]
        context.color_range = 1 if self.colour.range == "tv" else 2  # type: ignore[attr-defined]
        self.stream = stream
        self._open()
        self._converter = FormatConverter(
            *(self.width, self.height, "rgb48le" if self.info.depth > 8 else "rgb24"),
            *(self.format, self.colour.matrix, self.colour.range),
        )
        return self

    def _options(self) -> dict[str, str]:
        """Return the encoder's options."""
        fill = {"quality": self.quality, "slices": _count_slices(self.width, self.height)}
        options = {k: v.format(**fill) for k, v in self.codec.options.items()}
        if self.name in NVENC.values():
            options = {
                "rc": "vbr",
                "cq": str(self.quality),
                "preset": "p5",
                "b": "0",
                "forced-idr": "1",
            }
        return add_options(options, hdr_options(self.info.hdr, self.name))

    def _open(self) -> None:
        """Open the encoder; raise VideoWriteError if it does not take pictures of this size."""
        import av

        try:
            self.stream.codec_context.open()
        except av.error.FFmpegError as error:
            self.container.close()
            raise VideoWriteError(
                f"{self.name} cannot hold pictures of {self.width}x{self.height} "
                f"({error.strerror}). Choose another size, or another codec."
            ) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file, and check that it is complete."""
        try:
            if kind is None:
                for picture in self._converter.finish():
                    self._encode(picture)
                self._mux(None)
        finally:
            self._converter.close()
            with writing_to(self.path):
                self.container.close()
        if kind is None:
            self._check()

    def _check(self) -> None:
        """Count the frames in the finished file, as a full disk is not always reported in time."""
        found = count_packets(self.path)
        if not self.count == len(self) == found:
            raise VideoWriteError(
                f"{self.path.name} is incomplete: of {len(self)} frames, {self.count} were "
                f"encoded and {found} are in the file. Check that the disk of {self.path.parent} "
                "is not full, then run it again."
            )
        sync_file(self.path)

    def write(self, frame: Frame) -> None:
        """Encode the next frame."""
        image = frame.image
        if image.shape[:2] != (self.info.height, self.info.width):
            raise VideoWriteError(
                f"A frame of {image.shape[1]}x{image.shape[0]} cannot be written to a film of "
                f"{self.info.size}. All frames must have the same size."
            )
        image = self.fit(image)
        if image.dtype == np.uint16 and self.colour.matrix != "gbr":
            image = from_full_scale(image)
        for picture in self._converter.add(np.ascontiguousarray(image)):
            self._encode(picture)

    def _encode(self, made: av.VideoFrame) -> None:
        """Encode a picture in the encoder's format."""
        import av

        made.pts, made.time_base = self.stamps.pts[self.count], self.stamps.time_base
        self.count += 1
        # MP4 keeps the duration only of the frame that is stored last. A key frame at the end is
        # also stored last.
        kinds = av.video.frame.PictureType
        at_end = self.is_end and self.count == len(self)
        made.pict_type = kinds.I if at_end else kinds.NONE
        self._mux(made)

    def fit(self, image: np.ndarray) -> np.ndarray:
        """Repeat an image's last row or column where the codec needs an even side."""
        odd = (self.height - image.shape[0], self.width - image.shape[1])
        return np.pad(image, ((0, odd[0]), (0, odd[1]), (0, 0)), mode="edge") if any(odd) else image

    def _mux(self, picture: av.VideoFrame | None) -> None:
        for packet in self.stream.encode(picture):  # type: ignore[attr-defined]
            self._stamp(packet)
            self.packets += 1
            with writing_to(self.path):
                self.container.mux(packet)

    def _stamp(self, packet: Packet) -> None:
        """Correct the timestamps of a packet."""
        number = self._numbers[packet.pts]  # type: ignore[index]
        if self.is_part:
            packet.pts, packet.dts, packet.duration = number, self.packets - LATE, 1
            packet.time_base = 1 / min(self.info.fps, Fraction(FASTEST_PART))
            return
        packet.duration = self.stamps.duration(number)
        if self.name == "libx265":
            # In films of a few frames x265 sometimes leaves it unset, which the muxer refuses.
            packet.dts = self.stamps.decoding(self.packets)

    def _choose_encoder(self, wanted: str | None) -> str:
        """Return ffmpeg's name of the encoder: the card's, where that works."""
        from helpers.runtime.machine import runtime

        own = self.codec.encoder
        card = card_encoder(own, self.width, self.height)
        able = card and self.format == "yuv420p" and self.info.hdr is None
        if wanted == own or not card or not able or not runtime().encodes(card):
            return own
        return card


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn a failure to write a file into an error that says what to do."""
    import av

    try:
        yield
    except (av.error.FFmpegError, OSError) as error:
        raise storage_error(path.name, path.parent, error) from error  # type: ignore[arg-type]


def check_encoder(clip: Clip, codec: str) -> None:
    """Open the encoder for a clip's pictures and close it again; nothing is encoded.

    Raises:
        VideoWriteError: it does not take pictures of this size.
    """
    from helpers.runtime.machine import runtime

    with tempfile.TemporaryDirectory(dir=runtime().scratch) as scratch:
        path = Path(scratch) / "trial.mkv"
        Encoder(path, clip, codec, last=1).__enter__().container.close()


def stored_size(info: ClipInfo, codec: str) -> tuple[int, int]:
    """Return the width and height of the picture that a codec stores: even, where it must be."""
    pixels = CODECS[codec].formats[info.depth > 8]
    odd_width = "420" in pixels or "422" in pixels
    width = info.width + (info.width % 2 if odd_width else 0)
    return width, info.height + (info.height % 2 if "420" in pixels else 0)


def _count_slices(width: int, height: int) -> int:
    """Choose into how many slices FFV1 cuts a picture: it refuses too few of a large one."""
    if min(width, height) < 2:
        return 1
    return 4 if width * height <= 4096 * 2160 else 64


def _count_threads(width: int, height: int) -> int:
    """Choose how many threads encode.

    What x264 and x265 make depends on it, so it follows from the picture and not from the machine:
    one for each 640x360 pixels, from 2 to 16, which is the most that x265 takes.
    """
    return min(max(round(width * height / (640 * 360)), 2), 16)


def output_colour(info: ClipInfo, pixel_format: str) -> ColourTags:
    """Choose the colour tags of a file: the clip's own, completed according to the picture's size.

    Players that ignore tags expect high definition in BT.709 and smaller pictures in BT.601, so
    these are used.
    """
    own = info.colour
    if not pixel_format.startswith("yuv"):
        return ColourTags(own.primaries, own.transfer, "gbr", "pc")
    expected = guess_matrix(info.width, info.height)
    matrix = own.matrix
    if matrix in (None, "gbr") or (expected == "bt709" and matrix in ("smpte170m", "bt470bg")):
        matrix = expected
    usual = "bt709" if matrix == "bt709" else "smpte170m"
    return ColourTags(own.primaries or usual, own.transfer or usual, matrix, "tv")


def timestamps(times: Sequence[Fraction], finest: int = 10_000_000) -> tuple[Fraction, list[int]]:
    """Return a time base in which all times, counted from the first, are whole numbers, and them.

    If that needs more than ten million units a second, times are rounded to the microsecond.
    """
    units, pts = exact_units(times)
    if units > finest:
        units, pts = 1_000_000, [round(Fraction(one * 1_000_000, units)) for one in pts]
    for number in range(1, len(pts)):
        pts[number] = max(pts[number], pts[number - 1] + 1)
    return Fraction(1, units), pts
