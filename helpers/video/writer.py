"""Write video: exact timestamps, correct colours and tags, and everything else of the source.

    written = write_video(clip, "restored.mp4", source="tape.mp4")
    written.notes                            # what had to be re-encoded or left out, in words

The picture is encoded with PyAV; ffmpeg adds sound, subtitles, chapters and metadata (mux.py). The
file gets its name only when it is complete, and was found to be right (helpers/verify).
"""

from __future__ import annotations

import logging
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from helpers.clip import Clip, ClipInfo, ColourTags, Frame
from helpers.errors import VerificationError, VideoWriteError
from helpers.imaging.matrices import guess_matrix
from helpers.run import RunContext, Unwatched, Watch
from helpers.runtime.names import expand, part_name
from helpers.runtime.output import prepare_output
from helpers.runtime.storage import storage_error, sync_file
from helpers.stage import prefetch
from helpers.verify.promise import Glimpses, Promise, film_of, steps_of, times_of
from helpers.verify.result import SECONDS, require_right
from helpers.verify.verdict import Verification
from helpers.video.carry import read_tracks
from helpers.video.codecs import CODECS, CONTAINERS, NVENC, check_target
from helpers.video.colour import (
    MATRICES,
    PRIMARIES,
    SWSCALE_MATRIX,
    TRANSFERS,
    code_point,
    from_full_scale,
)
from helpers.video.hdr import add_options, hdr_options, note_lost_hdr
from helpers.video.mux import FOREVER, NewTrack, cut_sound, join
from helpers.video.packets import count_packets

if TYPE_CHECKING:
    import av

log = logging.getLogger("helpers")


@dataclass(frozen=True)
class Written:
    """What `write_video` wrote.

    Attributes:
        notes: what could not be copied unchanged from the source, in words.
        checks: what was looked at in the file; None if that was not wanted.
    """

    path: Path
    frames: int
    seconds: Fraction
    bytes: int
    encoder: str
    notes: tuple[str, ...] = ()
    checks: Verification | None = None


def write_video(
    clip: Clip,
    path: str | Path,
    *,
    codec: str = "h264",
    quality: int = 17,
    fps: Fraction | None = None,
    source: str | Path | None = None,
    start: Fraction | None = None,
    stop: Fraction | None = None,
    sound: Sequence[NewTrack] = (),
    keep_sound: bool = False,
    film: Clip | None = None,
    check: bool = True,
    progress: bool = False,
    watch: Watch | None = None,
    quietly: bool = False,
) -> Written:
    """Write a clip to a video file, with the sound and everything else of its source.

    Args:
        codec: one of `codecs.CODECS`: "h264", "h265", "ffv1" (lossless RGB), "prores" ...
        quality: constant rate factor of H.264 and H.265: lower is better, 17 looks lossless.
        fps: write a constant frame rate by repeating and dropping frames; if not given, the exact
            timestamps are kept.
        source: the file whose sound tracks, subtitles, chapters and metadata are copied; it must
            have the same timeline as the clip.
        start, stop: the stretch of the source that the clip covers, in seconds; all of it if not
            given.
        sound: tracks that replace the source's own; see `audio.clean_audio`.
        keep_sound: keep the replaced tracks as well.
        film: the source as it was opened, if the clip itself does not lead to it.
        check: look at the file before it gets its name; see `verify.result`.
        progress: show a progress bar.
        watch: is told how far the work is, and may stop it.
        quietly: do not log the notes.

    Raises:
        Stopped: the watch stopped the run; nothing is written.
        VideoWriteError: a file of this name cannot hold the codec, or ffmpeg reports an error.
        VerificationError: the file was written, but differs from what it should be.
    """
    from helpers.retime import ConstantRate

    path, begun = expand(path), time.perf_counter()
    check_target(path, codec)
    if fps is not None:
        clip = ConstantRate(fps=Fraction(fps))(clip)
    path = prepare_output(path)
    silent = part_name(path)
    if start is not None or stop is not None:
        sound = cut_sound(sound, start or Fraction(0), FOREVER if stop is None else stop)
    # What the file cannot hold is found out before hours are spent on the picture.
    carried = None if source is None else read_tracks(Path(source), path)
    whole = part_name(path)
    given = Glimpses(len(clip)) if check else None
    notes, checks = [], None
    run = RunContext(progress=progress, watch=watch or Unwatched())
    try:
        with Encoder(silent, clip, codec, quality) as encoder:
            notes += encoder.notes
            with closing(prefetch(clip.frames(run=run))) as frames:
                for number, frame in enumerate(run.bar(frames, len(clip), "render")):
                    encoder.write(frame)
                    run.watch.frame(number, frame)
                    if given:
                        given.add(number, encoder.fit(frame.image))
        shape = encoder.info.sar * encoder.width / encoder.height
        notes += join(
            silent, clip.times[0], whole, source, start, stop, shape, sound, keep_sound, carried
        )
        if given:
            promise = _make_promise(clip, encoder, given, source, film)
            promise = replace(
                promise, trimmed=start is not None or stop is not None, sound=sound,
                keep_sound=keep_sound, notes=tuple(notes),
            )  # fmt: skip
            seconds = max(SECONDS, SHARE * (time.perf_counter() - begun))
            checks = require_right(whole, promise, Path(source) if source else None, seconds)
            notes += checks.notes
        sync_file(whole)
        whole.replace(path)
    except VerificationError:
        raise  # the file is kept
    except BaseException:
        whole.unlink(missing_ok=True)
        raise
    finally:
        silent.unlink(missing_ok=True)
    for note in () if quietly else notes:
        log.warning("%s: %s", path.name, note)
    size = path.stat().st_size
    return Written(path, len(clip), clip.duration, size, encoder.name, tuple(notes), checks)


def _make_promise(
    clip: Clip, encoder: Encoder, given: Glimpses, source: str | Path | None, film: Clip | None
) -> Promise:
    """Return what a file that holds a clip must be."""
    origin = film_of(film or clip)
    path, opened = getattr(origin, "path", None), getattr(origin, "stream", None)
    known = source is not None and path is not None and Path(path).samefile(source)
    return Promise(
        times=clip.times,
        end=clip.end,
        steps=(*steps_of(clip), *(steps_of(film) if film else ())),
        pictures=known,
        size=(encoder.width, encoder.height),
        shape=encoder.info.sar * encoder.width / encoder.height,
        colour=encoder.colour,
        film=times_of(origin) if known else None,
        stream=opened if known else None,
        given=given,
    )


SHARE = 0.03
"""The part of a run's time that the look at its result may take."""


class Encoder:
    """Writes frames to a file with one video stream; a context manager.

    Args:
        path: the file; written in place, so give it a temporary name.
        clip: the frames' timeline, size and colours. The frames are passed to `write` one by one.
        first, last: the half-open range of the clip's frames that will be written.
    """

    def __init__(
        self,
        path: Path,
        clip: Clip,
        codec: str,
        quality: int = 17,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        self.path, self.info = path, clip.info
        self.codec, self.quality = CODECS[codec], quality
        self.times = list(clip.times[first:last])
        end = clip.end if last is None or last >= len(clip) else clip.times[last]
        self.time_base, self.pts = timestamps([*self.times, end])
        self.durations = {a: b - a for a, b in pairwise(self.pts)}
        self.notes: list[str] = []
        self.count = self.packets = 0
        self.format = self.codec.formats[self.info.depth > 8]
        subsampled = "420" in self.format or "422" in self.format
        self.width = self.info.width + (self.info.width % 2 if subsampled else 0)
        self.height = self.info.height + (self.info.height % 2 if "420" in self.format else 0)
        if (self.width, self.height) != (self.info.width, self.info.height):
            self.notes.append(
                f"the picture of {self.info.size} has an odd side, but {self.format} needs even "
                f"sides; the last row or column is repeated, which gives {self.width}x{self.height}"
            )

    def __enter__(self) -> Encoder:
        import av

        self.container = av.open(
            f"file:{self.path}", "w", format=CONTAINERS[self.path.suffix[1:].lower()]
        )
        self.name = self._encoder_name()
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
        options = add_options(options, hdr_options(self.info.hdr, self.name))
        self.notes += note_lost_hdr(self.info.hdr, self.name)
        stream = self.container.add_stream(self.name, options=options)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = self.width, self.height, self.format  # type: ignore[attr-defined]
        context.time_base = stream.time_base = self.time_base
        context.framerate = self.info.fps.limit_denominator(100_000)  # type: ignore[attr-defined]
        context.sample_aspect_ratio = self.info.sar.limit_denominator(10_000)  # type: ignore[attr-defined]
        context.thread_type = "AUTO"  # type: ignore[attr-defined]
        self.colour = output_colour(self.info, self.format)
        context.colorspace = code_point(MATRICES, self.colour.matrix)  # type: ignore[attr-defined]
        context.color_primaries = code_point(PRIMARIES, self.colour.primaries)  # type: ignore[attr-defined]
        context.color_trc = code_point(TRANSFERS, self.colour.transfer)  # type: ignore[attr-defined]
        context.color_range = 1 if self.colour.range == "tv" else 2  # type: ignore[attr-defined]
        self.stream = stream
        self._open()
        self.graph = self._graph()
        return self

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
                self._mux(None)
        finally:
            with self._disk():
                self.container.close()
        if kind is None:
            self._check()

    def _check(self) -> None:
        """Count the frames in the finished file, as a full disk is not always reported in time."""
        found = count_packets(self.path)
        if not self.count == len(self.times) == found:
            raise VideoWriteError(
                f"{self.path.name} is incomplete: of {len(self.times)} frames, {self.count} were "
                f"encoded and {found} are in the file. Check that the disk of {self.path.parent} "
                "is not full, then run it again."
            )
        sync_file(self.path)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """Turn a failure to write into an error that says what to do."""
        import av

        try:
            yield
        except (av.error.FFmpegError, OSError) as error:
            raise storage_error(self.path.name, self.path.parent, error) from error  # type: ignore[arg-type]

    def write(self, frame: Frame) -> None:
        """Encode the next frame."""
        import av

        image = frame.image
        if image.shape[:2] != (self.info.height, self.info.width):
            raise VideoWriteError(
                f"A frame of {image.shape[1]}x{image.shape[0]} cannot be written to a film of "
                f"{self.info.size}. All frames must have the same size."
            )
        image = self.fit(image)
        if image.dtype == np.uint16 and self.colour.matrix != "gbr":
            image = from_full_scale(image)
        layout = "rgb48le" if image.dtype == np.uint16 else "rgb24"
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=layout)
        picture.pts = self.count
        self.graph.push(picture)
        made: av.VideoFrame = self.graph.pull()  # type: ignore[assignment]
        made.pts, made.time_base = self.pts[self.count], self.time_base
        self.count += 1
        # MP4 keeps the duration only of the frame that is stored last. A key frame at the end is
        # also stored last.
        kinds = av.video.frame.PictureType
        made.pict_type = kinds.I if self.count == len(self.times) else kinds.NONE
        self._mux(made)

    def fit(self, image: np.ndarray) -> np.ndarray:
        """Repeat an image's last row or column where the codec needs an even side."""
        odd = (self.height - image.shape[0], self.width - image.shape[1])
        return np.pad(image, ((0, odd[0]), (0, odd[1]), (0, 0)), mode="edge") if any(odd) else image

    def _mux(self, picture: av.VideoFrame | None) -> None:
        for packet in self.stream.encode(picture):  # type: ignore[attr-defined]
            # Only the timeline knows the duration of unevenly spaced frames.
            packet.duration = self.durations[packet.pts]
            if self.name == "libx265":
                packet.dts = self._decoding_time(self.packets)
            self.packets += 1
            with self._disk():
                self.container.mux(packet)

    def _decoding_time(self, number: int) -> int:
        """Return the decoding timestamp of the number-th packet.

        In films of a few frames x265 sometimes leaves it unset, which the muxer refuses. It stores
        no frame more than two places late.
        """
        late = number - 2
        return self.pts[late] if late >= 0 else self.pts[0] + late * (self.pts[1] - self.pts[0])

    def _encoder_name(self) -> str:
        from helpers.runtime.machine import runtime

        card = NVENC.get(self.codec.encoder)
        if card and self.format == "yuv420p" and self.info.hdr is None and runtime().encodes(card):
            return card
        return self.codec.encoder

    def _graph(self) -> av.filter.Graph:
        """Build the conversion from RGB to the encoder's pixel format, with the tagged matrix."""
        import av.filter

        graph = av.filter.Graph()
        layout = "rgb48le" if self.info.depth > 8 else "rgb24"
        buffer = graph.add_buffer(
            width=self.width, height=self.height, format=layout, time_base=Fraction(1, 1000)
        )
        options = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
        if self.colour.matrix != "gbr":
            matrix = SWSCALE_MATRIX.get(self.colour.matrix or "", self.colour.matrix)
            options += f":out_color_matrix={matrix}:out_range={self.colour.range}"
        scale = graph.add("scale", options)
        form = graph.add("format", self.format)
        sink = graph.add("buffersink")
        buffer.link_to(scale)
        scale.link_to(form)
        form.link_to(sink)
        graph.configure()
        return graph


def check_encoder(clip: Clip, codec: str) -> None:
    """Open the encoder for a clip's pictures and close it again; nothing is encoded.

    Raises:
        VideoWriteError: it does not take pictures of this size.
    """
    from helpers.runtime.machine import runtime

    with tempfile.TemporaryDirectory(dir=runtime().scratch) as scratch:
        Encoder(Path(scratch) / "trial.mkv", clip, codec).__enter__().container.close()


def _count_slices(width: int, height: int) -> int:
    """Choose into how many slices FFV1 cuts a picture: it refuses too few of a large one."""
    if min(width, height) < 2:
        return 1
    return 4 if width * height <= 4096 * 2160 else 64


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
    spans = [time - times[0] for time in times]
    units = math.lcm(*(span.denominator for span in spans))
    if units > finest:
        units = 1_000_000
    pts = [round(span * units) for span in spans]
    for number in range(1, len(pts)):
        pts[number] = max(pts[number], pts[number - 1] + 1)
    return Fraction(1, units), pts
