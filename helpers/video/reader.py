"""Read video: exact timestamps, correct colours, upright and progressive pictures.

    clip = open_video("tape.mp4")
    clip.info, clip.times[:3], clip.notes
    clip[1000]                               # seeks, decodes, converts one frame

Times count from what a player calls 0, also if the file's clock begins elsewhere.
Frames are RGB in the file's own primaries and transfer curve, converted with its colour matrix and
range. Rotation is applied, and interlaced pictures are deinterlaced (bwdif).
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import VideoIndexError
from helpers.video.convert import Conversion
from helpers.video.decode import decode, decode_from
from helpers.video.index import Index, make_index
from helpers.video.open import open_container, pick_stream
from helpers.video.orientation import Orientation
from helpers.video.probe import probe_pictures

if TYPE_CHECKING:
    import av

    from helpers.run import RunContext

log = logging.getLogger("helpers")

Scan = Literal["auto", "packets", "decode"]
Deinterlace = Literal["auto", "on", "off"]


def open_video(
    path: str | Path,
    *,
    stream: int | None = None,
    deinterlace: Deinterlace = "auto",
    scan: Scan = "auto",
) -> VideoClip:
    """Open a video file as a clip.

    Args:
        path: any file ffmpeg can read.
        stream: which video stream, counted from 0; the file's default stream if not given.
        deinterlace: "auto" deinterlaces if the pictures are interlaced, whatever the flags say.
        scan: how the timeline is found: "packets" reads the packets, "decode" decodes everything
            once and uses the decoder's timestamps, "auto" decodes if the film is small or the
            packets look wrong.

    Raises:
        VideoOpenError: the file is missing, a directory, unreadable, not a video, or has no frames.
    """
    path = Path(path)
    index = make_index(path, stream, scan)
    pictures = probe_pictures(path, stream, index)
    notes = [*index.notes, *pictures.notes]
    interlaced = pictures.info.field_order != "progressive"
    bwdif = deinterlace == "on" or (deinterlace == "auto" and interlaced)
    if interlaced:
        order = {"tff": "top", "bff": "bottom"}[pictures.info.field_order]
        done = "deinterlaced with bwdif" if bwdif else "left as they are, as requested"
        notes.append(f"the pictures are interlaced, {order} field first; {done}")
    for note in notes:
        log.warning("%s: %s", path.name, note)
    return VideoClip(
        path=path,
        info=pictures.info,
        times=index.times,
        end=index.end,
        index=index,
        stream=stream,
        bwdif=bwdif,
        rotation=pictures.orientation.rotation,
        mirrored=pictures.orientation.mirrored,
        over_black=pictures.over_black,
        sars=pictures.sars,
        notes=tuple(notes),
    )


@dataclass(frozen=True, eq=False, repr=False)
class VideoClip(Clip):
    """A video stream of a file.

    Attributes:
        rotation, mirrored: what makes a picture upright; see `orientation.Orientation`.
        over_black: whether transparent pictures are laid over black.
        sars: if the pictures change midway, the sample aspect ratio of the stored pictures from a
            frame number on, for each run of pictures of one look; see `changes`.
        notes: what is unusual about the file, and what was done about it, in words.
    """

    path: Path
    info: ClipInfo
    times: Sequence[Fraction]
    end: Fraction
    index: Index = field(repr=False)
    stream: int | None = None
    bwdif: bool = False
    rotation: int = 0
    mirrored: bool = False
    over_black: bool = False
    sars: tuple[tuple[int, Fraction], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def cuts(self) -> Sequence[Fraction]:  # type: ignore[override]
        """The time of the first frame alone: a file does not say where its shots begin."""
        return (self.times[0],)

    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Yield a half-open range of frames, seeking to the nearest key frame before it."""
        start, stop = self.span(start, stop)
        if start == stop:
            return
        around = int(self.bwdif)  # bwdif needs one neighbour on each side
        first, last = max(start - around, 0), min(stop + around, len(self))
        number = first
        with closing(self._decode(first, last)) as decoded:
            for image in self.conversion.images(decoded, first):
                if start <= number < stop:
                    time = self.times[number]
                    yield Frame(image, time, cut=number == 0)
                number += 1

    def recipe(self) -> list[dict[str, Any]]:
        """Identify the file by its content, and say how it is read."""
        from helpers.runtime.machine import file_sha256

        row = {
            "source": self.path.name,
            "sha256": file_sha256(self.path),
            "stream": self.stream,
            "bwdif": self.bwdif,
            "frames": len(self),
        }
        # Only where they matter, so that the projects of version 0.1.0 are continued.
        row |= {"mirrored": True} if self.mirrored else {}
        row |= {"over_black": True} if self.over_black else {}
        row |= {"sars": [[n, str(sar)] for n, sar in self.sars]} if self.sars else {}
        return [row]

    @property
    def conversion(self) -> Conversion:
        """How the decoder's pictures become frames."""
        info = self.info
        width, height, sar = info.width, info.height, info.sar
        if self.rotation % 180:
            width, height, sar = height, width, 1 / sar
        return Conversion(
            width=width,
            height=height,
            sar=sar,
            depth=info.depth,
            orientation=Orientation(self.rotation, self.mirrored),
            parity=("bff" if info.field_order == "bff" else "tff") if self.bwdif else None,
            over_black=self.over_black,
            sars=self.sars,
        )

    def _decode(self, first: int, last: int) -> Generator[av.VideoFrame, None, None]:
        """Yield the decoder's frames first..last-1, and no others."""
        expected = first
        for key in self.index.entries(first):
            with closing(self._decode_from(key)) as frames:
                for number, frame in frames:
                    if number < expected:
                        continue
                    if number > expected:
                        break  # the frame is not reached from this key frame; try an earlier one
                    yield frame
                    expected += 1
                    if expected == last:
                        return
        time = float(self.times[expected])
        raise VideoIndexError(
            f"{self.path.name} should have a frame at {time:.3f} s (frame {expected}), but it "
            "cannot be decoded. Open the file with scan='decode'."
        )

    def _decode_from(self, key: int | None) -> Generator[tuple[int, av.VideoFrame], None, None]:
        """Decode from a key frame (from the beginning if None), and number the frames."""
        with open_container(self.path) as container:
            stream = pick_stream(container, self.stream)
            changing = bool(self.sars)
            threads = not self.index.damaged and not changing
            if key is None:
                frames = decode(container, stream, threads=threads, changing=changing)
            else:
                pts = self.index.pts[key]
                frames = decode_from(container, stream, pts, threads=threads, changing=changing)
            with closing(frames), suppress(OSError):  # ffmpeg cannot seek in this file
                for count, frame in enumerate(frames):
                    number = self.index.number(frame.pts, count)
                    if number is not None:
                        yield number, frame
