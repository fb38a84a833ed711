"""Read video: exact timestamps, correct colours, upright and progressive pictures.

    clip = open_video("tape.mp4")
    clip.info, clip.times[:3], clip.notes
    clip[1000]                               # seeks, decodes, converts one frame

Times count from what a player calls 0, also if the file's clock begins elsewhere.
Frames are RGB in the file's own primaries and transfer curve, converted with its colour matrix and
range. Rotation is applied, and interlaced pictures are deinterlaced, along the motion or on request
quickly (bwdif). The frames of a film that was telecined for television are put together again on
request.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import VideoIndexError, VideoOpenError
from helpers.video.convert import Conversion
from helpers.video.decode import decode, decode_from
from helpers.video.deinterlace import AFTER, BEFORE, follow_motion
from helpers.video.index import Index, make_index
from helpers.video.mixed import Frames
from helpers.video.open import open_container, pick_stream
from helpers.video.orientation import Orientation
from helpers.video.probe import probe_pictures
from helpers.video.stretches import Stretch, describe_stretches, find_stretches, look_at
from helpers.video.telecine import (
    film_timeline,
    first_frame,
    has_rate_of_television,
    pictures_needed,
    undo_telecine,
)

if TYPE_CHECKING:
    import av

    from helpers.run import RunContext

log = logging.getLogger("helpers")

Scan = Literal["auto", "packets", "decode"]
Deinterlace = Literal["auto", "on", "bwdif", "off", "telecine"]


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
        deinterlace: "auto" deinterlaces if the pictures are interlaced, whatever the flags say,
            "on" in any case: missing lines are fetched along the motion from the fields around.
            "bwdif" deinterlaces in any case, quickly, and further from the truth.
            "telecine" gets the frames of a film back that was telecined, four of every five
            pictures. For this, every picture is looked at: parts that are interlaced video are
            deinterlaced along the motion, and progressive parts stay as they are.
        scan: how the timeline is found: "packets" reads the packets, "decode" decodes everything
            once and uses the decoder's timestamps, "auto" decodes if the film is small or the
            packets look wrong.

    Raises:
        VideoOpenError: the file is missing, a directory, unreadable, not a video, or has no frames.
    """
    if deinterlace not in get_args(Deinterlace):
        raise VideoOpenError(
            f"There is no way {deinterlace!r} to deinterlace. Choose one of "
            f"{', '.join(get_args(Deinterlace))}."
        )
    path = Path(path)
    index = make_index(path, stream, scan)
    pictures = probe_pictures(path, stream, index)
    info = pictures.info
    interlaced = info.field_order != "progressive"
    telecine = deinterlace == "telecine"
    if telecine and (not has_rate_of_television(info.fps) or pictures.sars or info.height % 2):
        raise VideoOpenError(
            f"{path.name} cannot be a film that was telecined: that has 29.97 pictures a second, "
            f"of one size and an even number of lines. This has {float(info.fps):.4g} "
            f"of {info.size}. Choose auto, on or off."
        )
    stretches: tuple[Stretch, ...] = ()
    if telecine:
        stretches, order = _find_stretches(path, stream, index, info.field_order)
        info = info.replace(field_order=order)
    bwdif = deinterlace in ("on", "bwdif") or (deinterlace == "auto" and interlaced)
    motion = bwdif and deinterlace != "bwdif"
    notes = [*index.notes, *pictures.notes, *_note_fields(info, bwdif, motion, telecine)]
    if telecine:
        notes += describe_stretches(stretches, index.times)
        info = info.replace(fps=_rate_of(stretches, info.fps, index), telecined=False)
    for note in notes:
        log.warning("%s: %s", path.name, note)
    return VideoClip(
        path=path,
        info=info,
        index=index,
        stream=stream,
        bwdif=bwdif,
        motion=motion,
        telecine=telecine,
        stretches=stretches,
        rotation=pictures.orientation.rotation,
        mirrored=pictures.orientation.mirrored,
        over_black=pictures.over_black,
        sars=pictures.sars,
        notes=tuple(notes),
    )


def _find_stretches(
    path: Path, stream: int | None, index: Index, order: str
) -> tuple[tuple[Stretch, ...], str]:
    """Look at every picture to find the telecined parts; return also which field comes first."""
    bare = VideoClip(path, ClipInfo(1, 1, Fraction(1)), index, stream)
    with closing(bare._decode(0, len(index.pts))) as pictures:
        traits, seen = look_at(pictures)
    return find_stretches(traits), seen if traits.mended.any() or order == "progressive" else order


def _rate_of(stretches: tuple[Stretch, ...], fps: Fraction, index: Index) -> Fraction:
    """Return the average frame rate after the repeated pictures of telecined parts are left out."""
    if all(stretch.kind == "film" for stretch in stretches):
        return fps * Fraction(4, 5)
    frames = len(Frames.of(stretches, index.times, index.end).times)
    return (frames / (index.end - index.times[0])).limit_denominator(100_000)


def _note_fields(info: ClipInfo, bwdif: bool, motion: bool, telecine: bool) -> list[str]:
    """Note what is done with interlaced pictures."""
    if telecine:
        notes = ["the frames of a telecined film were put together from the fields of its pictures"]
        return (
            notes if info.telecined else [*notes, "they do not look telecined, so check the result"]
        )
    if info.field_order == "progressive":
        return [f"some pictures are combed: {TELECINED}"] if info.telecined else []
    order = {"tff": "top", "bff": "bottom"}[info.field_order]
    way = "along the motion" if motion else "with bwdif"
    done = f"deinterlaced {way}" if bwdif else "left as they are, as requested"
    notes = [f"the pictures are interlaced, {order} field first; {done}"]
    return [*notes, TELECINED] if info.telecined else notes


TELECINED = (
    "they are those of a film of 24 frames a second, telecined for television, at least in parts: "
    "two of every five mix two frames; --deinterlace telecine gets the film's own frames back "
    "exactly"
)
"""What is said of such a film."""


@dataclass(frozen=True, eq=False, repr=False)
class VideoClip(Clip):
    """A video stream of a file.

    Attributes:
        bwdif: whether the pictures are deinterlaced.
        motion: whether the lines that bwdif guesses are fetched along the motion, too.
        telecine: whether the film's own frames are put together from telecined pictures.
        stretches: which parts of it are telecined and which are not; none in projects that were
            begun before these were told apart.
        rotation, mirrored: what makes a picture upright; see `orientation.Orientation`.
        over_black: whether transparent pictures are laid over black.
        sars: if the pictures change midway, the sample aspect ratio of the stored pictures from a
            frame number on, for each run of pictures of one look; see `changes`.
        notes: what is unusual about the file, and what was done about it, in words.
    """

    path: Path
    info: ClipInfo
    index: Index = field(repr=False)
    stream: int | None = None
    bwdif: bool = False
    motion: bool = False
    telecine: bool = False
    stretches: tuple[Stretch, ...] = ()
    rotation: int = 0
    mirrored: bool = False
    over_black: bool = False
    sars: tuple[tuple[int, Fraction], ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def times(self) -> Sequence[Fraction]:  # type: ignore[override]
        """The start of every frame in exact seconds, strictly rising."""
        index = self.index
        if self.stretches:
            return self._mixed.times
        return film_timeline(index.times, index.end) if self.telecine else index.times

    @property
    def end(self) -> Fraction:  # type: ignore[override]
        """When the last frame stops being shown, in exact seconds."""
        return self.index.end

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
        if self.stretches:
            yield from self._mixed_frames(start, stop)
            return
        before, after = self._around
        first, last = start - before, stop + after
        if self.telecine:
            first, last = pictures_needed(start, stop)
        first, last = max(first, 0), min(last, len(self.index.pts))
        number = first_frame(first) if self.telecine else first
        with closing(self._decode(first, last)) as decoded:
            pictures = decoded
            if self.telecine:
                pictures = undo_telecine(decoded, self.parity)
            elif self.motion:
                wanted = range(start - first, stop - first)
                pictures = follow_motion(decoded, self.parity, wanted)
            for image in self.conversion.images(pictures, first):
                if start <= number < stop:
                    time = self.times[number]
                    yield Frame(image, time, cut=number == 0)
                number += 1

    @cached_property
    def _mixed(self) -> Frames:
        return Frames.of(self.stretches, self.index.times, self.index.end)

    def _mixed_frames(self, start: int, stop: int) -> Generator[Frame, None, None]:
        """Yield a range of frames of a film that is telecined in parts."""
        first, last = self._mixed.pictures_needed(start, stop)
        with closing(self._decode(first, min(last, len(self.index.pts)))) as decoded:
            made = self._mixed.make(decoded, first, start, stop, self.parity)
            images = self.conversion.images(made)
            for number, image in enumerate(images, start):
                yield Frame(image, self.times[number], cut=number == 0)

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
        row |= {"motion": True} if self.motion else {}
        row |= {"telecine": True} if self.telecine else {}
        if self.stretches:
            row |= {"stretches": [[s.first, s.kind, s.phase] for s in self.stretches]}
        row |= {"mirrored": True} if self.mirrored else {}
        row |= {"over_black": True} if self.over_black else {}
        row |= {"sars": [[n, str(sar)] for n, sar in self.sars]} if self.sars else {}
        return [row]

    @property
    def parity(self) -> str:
        """Which field comes first; the top one if the pictures are not known to be interlaced."""
        return "bff" if self.info.field_order == "bff" else "tff"

    @property
    def _around(self) -> tuple[int, int]:
        """How many pictures before and after one are needed to deinterlace it."""
        if self.motion:
            return BEFORE, AFTER
        return (1, 1) if self.bwdif else (0, 0)

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
            parity=self.parity if self.bwdif and not self.motion else None,
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
        time = float(self.index.times[expected])
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
