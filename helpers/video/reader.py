"""Read video: exact timestamps, correct colours, upright and progressive pictures.

    clip = open_video("tape.mp4")
    clip.info, clip.times[:3], clip.notes
    clip[1000]                               # seeks, decodes, converts one frame

Frames are RGB in the file's own primaries and transfer curve, converted with its colour matrix and
range. Rotation is applied, and interlaced pictures are deinterlaced (bwdif).
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import VideoIndexError
from helpers.video.index import Index, decode, make_index, open_container, pick_stream
from helpers.video.probe import has_rgb, probe_pictures

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
        times=tuple(pts * index.time_base for pts in index.pts),
        end=index.end,
        index=index,
        stream=stream,
        bwdif=bwdif,
        rotation=pictures.rotation,
        notes=tuple(notes),
    )


@dataclass(frozen=True, eq=False, repr=False)
class VideoClip(Clip):
    """A video stream of a file.

    Attributes:
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
            for image in self._convert(decoded):
                if start <= number < stop:
                    time = self.times[number]
                    yield Frame(image, time, cut=number == 0)
                number += 1

    def recipe(self) -> list[dict[str, Any]]:
        """Identify the file by its content, and say how it is read."""
        from helpers.runtime.machine import file_sha256

        return [
            {
                "source": self.path.name,
                "sha256": file_sha256(self.path),
                "stream": self.stream,
                "bwdif": self.bwdif,
                "frames": len(self),
            }
        ]

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
            if key is not None:
                try:
                    container.seek(self.index.pts[key], stream=stream, backward=True)
                except OSError:  # ffmpeg cannot seek in this file
                    return
            with closing(decode(container, stream, threads=not self.index.damaged)) as frames:
                for count, frame in enumerate(frames):
                    number = self.index.number(frame.pts, count)
                    if number is not None:
                        yield number, frame

    def _convert(self, decoded: Iterator[av.VideoFrame]) -> Iterator[np.ndarray]:
        """Deinterlace, convert to RGB and turn upright."""
        graph, kind = None, None
        for frame in decoded:
            found = frame.width, frame.height, frame.format.name
            if graph is None or found != kind:
                # The first frame, or the first in another size or pixel format.
                yield from self._flush(graph)
                graph, kind = self._make_graph(frame), found
            graph.push(frame)
            yield from self._pull(graph)
        yield from self._flush(graph)

    def _flush(self, graph: av.filter.Graph | None) -> Iterator[np.ndarray]:
        if graph is not None:
            graph.push(None)
            yield from self._pull(graph)

    def _pull(self, graph: av.filter.Graph) -> Iterator[np.ndarray]:
        import av

        while True:
            try:
                frame = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            image = frame.to_ndarray()  # type: ignore[union-attr]
            if image.dtype == np.uint16 and self.info.colour.matrix != "gbr":
                image = _to_full_scale(image)
            if self.rotation:
                image = np.ascontiguousarray(np.rot90(image, self.rotation // 90))
            yield image

    def _make_graph(self, frame: av.VideoFrame) -> av.filter.Graph:
        """Build the filters that turn the decoder's pixels into RGB, for frames like this one."""
        import av.filter

        info, colour = self.info, self.info.colour
        width, height = info.width, info.height
        if self.rotation % 180:
            width, height = height, width
        filters = []
        if self.bwdif:
            parity = "bff" if info.field_order == "bff" else "tff"
            filters.append(("bwdif", f"mode=send_frame:parity={parity}:deint=all"))
        if frame.format.name.startswith(("gray", "ya")):
            # swscale always treats grey as full range. As luma, with the same values, it is
            # converted with the range that is given below.
            filters.append(("scale", "in_range=pc:out_range=pc"))
            filters.append(("format", f"yuv444p{info.depth}le" if info.depth > 8 else "yuv444p"))
        # Frames of another size are scaled to the clip's size.
        scale = f"w={width}:h={height}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
        if not has_rgb(frame):
            matrix = SWSCALE_MATRIX.get(colour.matrix or "", colour.matrix)
            scale += f":in_color_matrix={matrix}:in_range={colour.range}"
        filters.append(("scale", scale + ":out_range=pc"))
        filters.append(("format", "rgb48le" if info.depth > 8 else "rgb24"))

        graph = av.filter.Graph()
        last = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
        )
        for name, options in filters:
            node = graph.add(name, options)
            last.link_to(node)
            last = node
        last.link_to(graph.add("buffersink"))
        graph.configure()
        return graph


SWSCALE_MATRIX = {
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
}
"""swscale's names of the matrices, where they differ from the usual ones."""


SWSCALE_WHITE = 255 * 256
"""The value that swscale gives to white when it converts luma and chroma to 16-bit RGB."""


def _to_full_scale(image: np.ndarray) -> np.ndarray:
    """Stretch swscale's 0..65280 to 0..65535."""
    image = np.minimum(image, SWSCALE_WHITE)
    return image + (image >> 8)


def from_full_scale(image: np.ndarray) -> np.ndarray:
    """Undo `_to_full_scale`."""
    return image - (image >> 8) + ((image & 255) < (image >> 8))
