"""Open a video file, and pick its video stream; what cannot be read is refused in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import VideoOpenError
from helpers.video.playlists import film_options, refuse_playlist
from helpers.video.refuse import check_kind, encrypted, is_encrypted, is_scrambled, no_decoder

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

ALLOWED = "Any video that ffmpeg can read is supported (mp4, mkv, mov, avi, webm, mpg, gif ...)"


def open_container(path: Path) -> InputContainer:
    """Open a file for reading.

    Raises:
        VideoOpenError: it is missing, unreadable, or not a video; the message says which.
    """
    import av

    if not os.path.exists(path):  # false for a name that no file can have
        raise VideoOpenError(
            f"There is no file {path}. Check the name, or mount the drive it is on."
        )
    if path.is_dir():
        raise VideoOpenError(f"{path} is a folder. Give the path of the video file inside it.")
    check_kind(path)
    if not os.access(path, os.R_OK):
        raise VideoOpenError(
            f"You do not have permission to read {path}. Change the file's permissions."
        )
    if path.stat().st_size == 0:
        raise VideoOpenError(f"{path} is empty (0 bytes). Copy or download it again.")
    refuse_playlist(path)
    try:
        # With "file:", since ffmpeg would take "12:30.mp4" for an address of the protocol "12".
        container = av.open(f"file:{path}", "r", metadata_errors="replace", options=film_options())
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if _lacks_moov(path):
            raise VideoOpenError(
                f"{path} is an incomplete MP4: it ends before its index ('moov'), so no picture in "
                "it can be found. Get the complete file, or repair this one with a tool such as "
                "untrunc and an undamaged file from the same camera."
            ) from error
        if is_scrambled(path):
            raise encrypted(path) from error
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise VideoOpenError(
            f"{path} cannot be read as a video ({reason}). {ALLOWED}. If it is a video, the file "
            "is damaged: copy or download it again."
        ) from error
    kind = container.format.name
    if kind in {"tty", "image2", "srt", "ass", "webvtt"} or kind.endswith("_pipe"):
        container.close()
        found = "a text file" if kind in {"tty", "srt", "ass", "webvtt"} else "a single picture"
        raise VideoOpenError(f"{path} is {found} ({kind}), not a video. {ALLOWED}.")
    return container


def demux(container: InputContainer, *streams: Stream) -> Iterator[Packet]:
    """Yield the packets of some streams, or of all pictures, sounds and subtitles.

    ffmpeg skips the others: one that leads beyond the end of a file that is cut off would end all.
    A stream that begins only midway is not among the container's streams. Its packets are left out,
    and PyAV (18.1) fails after the last packet of such a file.
    """
    from av.stream import Discard

    wanted = {stream.index for stream in streams}
    for stream in container.streams:
        used = stream.index in wanted if wanted else stream.type in ("video", "audio", "subtitle")
        stream.discard = Discard.default if used else Discard.all
    known = len(container.streams)
    try:
        for packet in container.demux(*streams):
            if packet.stream_index < known:
                yield packet
    except IndexError:
        return


def _lacks_moov(path: Path) -> bool:
    """Tell whether a file begins as an MP4 but ends before its index is complete."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if at == 0 and kind != b"ftyp":
                return False
            if length == 1:  # the length of a box over 4 GiB follows its name
                length = int.from_bytes(head[8:], "big")
            if kind == b"moov" and at + length <= size:
                return False
            if length < 8:  # this box reaches to the end of the file
                return True
            at += length
    return at > 0


def pick_stream(container: InputContainer, wanted: int | None = None) -> VideoStream:
    """Return the wanted video stream, counted from 0, or the file's default one.

    Raises:
        VideoOpenError: there is no such stream, or no video stream at all.
    """
    from av.stream import Disposition

    name = container.name.removeprefix("file:")
    streams = [s for s in container.streams.video if s.codec_context is not None]
    films = [s for s in streams if not s.disposition & Disposition.attached_pic]
    if not films:
        if unknown := [s for s in container.streams.video if s.codec_context is None]:
            raise no_decoder(container, unknown[0])
        others = sorted({s.type for s in container.streams if s.type != "video"})
        found = " and ".join(others + ["a cover picture"] * bool(streams)) or "nothing"
        raise VideoOpenError(f"{name} has no video stream, only {found}. Choose a video file.")
    if wanted is None:
        defaults = [s for s in films if s.disposition & Disposition.default]
        return (defaults or films)[0]
    if not 0 <= wanted < len(films):
        raise VideoOpenError(
            f"{name} has no video stream {wanted}. It has {len(films)}, counted from 0: choose one "
            f"from 0 to {len(films) - 1}."
        )
    return films[wanted]


def check_film(path: Path, wanted: int | None = None) -> None:
    """Raise VideoOpenError if a file holds no film that can be opened; no picture is decoded."""
    with open_container(path) as container:
        if is_encrypted(path, container, pick_stream(container, wanted)):
            raise encrypted(path)


def no_frames(container: InputContainer, stream: VideoStream) -> VideoOpenError:
    """Return the error that no frame of a stream can be decoded."""
    return VideoOpenError(
        f"{container.name.removeprefix('file:')} has a video stream ({stream.codec_context.name}, "
        f"{stream.width}x{stream.height}), but no frame of it can be decoded. The file is damaged "
        "or incomplete: copy or download it again."
    )


def start_of(container: InputContainer) -> Fraction:
    """Return what a player calls 0: when the first track begins, in seconds on the file's clock."""
    stated = Fraction(container.start_time or 0, 1_000_000)
    starts = [
        stream.start_time * Fraction(stream.time_base)
        for stream in container.streams
        if stream.start_time is not None and stream.time_base
    ]
    # ffmpeg rounds it to the microsecond.
    exact = min(starts, key=lambda start: abs(start - stated), default=stated)
    return exact if abs(exact - stated) <= Fraction(1, 1_000_000) else stated
