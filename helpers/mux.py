"""Joining a new picture with everything else that its source holds.

Sound, subtitles, chapters and metadata are copied untouched where the new container can hold them,
re-encoded where it cannot, and it is always said which. Timestamps are kept against the same zero
as the picture's, so sound stays where it was.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from helpers.errors import VideoWriteError
from helpers.index import open_container
from helpers.runtime import runtime
from helpers.storage import sync_file

AUDIO = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "mp2"},
    "mov": {
        "aac",
        "mp3",
        "ac3",
        "eac3",
        "alac",
        "pcm_s16le",
        "pcm_s16be",
        "pcm_s24le",
        "pcm_f32le",
    },
}
"""Sound that a container holds and players expect there; Matroska holds everything."""

TEXT = {"mov_text", "subrip", "ass", "ssa", "webvtt", "text", "srt"}
SUBTITLES = {"mp4": "mov_text", "mov": "mov_text", "mkv": "srt"}
"""What text subtitles become in a container that cannot hold them as they are."""


@dataclass(frozen=True)
class Track:
    """A stream of the source: its type, its number among that type, and what it is coded with."""

    kind: str
    number: int
    codec: str
    channels: int = 0

    @property
    def letter(self) -> str:
        """The letter that ffmpeg calls its type by."""
        return {"audio": "a", "subtitle": "s", "attachment": "t"}[self.kind]

    def __str__(self) -> str:
        return f"{self.kind} track {self.number + 1} ({self.codec})"


def join(
    picture: Path,
    first: Fraction,
    path: Path,
    source: str | Path | None = None,
    start: Fraction | None = None,
    stop: Fraction | None = None,
    shape: Fraction | None = None,
) -> list[str]:
    """Join an encoded picture with the other tracks of `source` into `path`.

    Args:
        picture: a file with one video stream whose first frame is at 0.
        first: when that frame belongs on the source's timeline, in seconds.
        start, stop: the stretch of the source to keep, in seconds on its timeline.
        shape: the picture's width divided by its height, as it is to be shown.

    Returns:
        What could not be carried over as it was, in words.
    """
    tracks, zero, notes = ([], first, []) if source is None else _tracks(Path(source), path)
    begin = max(start, zero) if start is not None else zero
    stretch = (begin - zero, stop, zero)
    try:
        _run(picture, first - begin, path, source, tracks, stretch, shape, False)
    except VideoWriteError:
        if not any(track.kind == "audio" for track in tracks):
            raise
        _run(picture, first - begin, path, source, tracks, stretch, shape, True)
        notes.append("its sound could not be copied as it is and was re-encoded")
        return notes
    for track in tracks:
        target = _target(track, path)
        if target != "copy":
            notes.append(f"{track} does not fit {path.suffix} and was re-encoded to {target}")
    return notes


def _tracks(source: Path, path: Path) -> tuple[list[Track], Fraction, list[str]]:
    """Return the tracks to carry over, the source's zero in seconds, and what is left out."""
    tracks, notes = [], []
    with open_container(source) as container:
        zero = Fraction(container.start_time or 0, 1_000_000)
        counts: dict[str, int] = {}
        for stream in container.streams:
            number = counts.get(stream.type, 0)
            counts[stream.type] = number + 1
            if stream.type not in ("audio", "subtitle", "attachment"):
                # The chapters of an MP4 are also a track; they are carried over as chapters.
                if stream.type == "data" and not (
                    container.chapters() and stream.name == "bin_data"
                ):
                    notes.append(f"data track {number + 1} (a time code or the like) was left out")
                continue
            context = stream.codec_context
            codec = context.codec.canonical_name if context is not None else "unknown"
            channels = getattr(context, "channels", 0) or 0
            track = Track(stream.type, number, codec, channels)
            if _fits(track, path):
                tracks.append(track)
            else:
                notes.append(f"{track} cannot be held by {path.suffix} and was left out; use .mkv")
    return tracks, zero, notes


def _fits(track: Track, path: Path) -> bool:
    """Tell whether a track can be put into the container at all."""
    if track.kind == "audio":
        return track.codec != "unknown"
    return _ending(path) == "mkv" or (track.kind == "subtitle" and track.codec in TEXT)


def _target(track: Track, path: Path) -> str:
    """Return what a track is coded with in the container: "copy" wherever it can be."""
    ending = _ending(path)
    if track.kind == "audio":
        return "copy" if track.codec in AUDIO.get(ending, {track.codec}) else "aac"
    if track.kind == "subtitle" and track.codec in TEXT:
        wanted = SUBTITLES[ending]
        held = {"mov_text"} if ending != "mkv" else TEXT - {"mov_text"}
        return "copy" if track.codec in held else wanted
    return "copy"


def _run(
    picture: Path,
    offset: Fraction,
    path: Path,
    source: str | Path | None,
    tracks: list[Track],
    stretch: tuple[Fraction, Fraction | None, Fraction],
    shape: Fraction | None,
    encode_audio: bool,
) -> None:
    """Run ffmpeg once; the file appears under its name when it is whole."""
    import ffmpeg

    inputs = [ffmpeg.input(f"file:{picture}", itsoffset=f"{float(offset):.6f}")["v:0"]]
    options: dict[str, Any] = {"c:v": "copy", "f": _format(path), **_codings(tracks, path)}
    if encode_audio:
        options |= {key: "aac" for key in options if key.startswith("c:a:")}
    if source is not None:
        skip, stop, zero = stretch
        trim = {"ss": f"{float(skip):.6f}"} if skip > 0 else {}
        if stop is not None:
            trim["to"] = f"{float(stop - zero):.6f}"
        whole = ffmpeg.input(f"file:{source}", **trim)
        inputs += [whole[f"{track.letter}:{track.number}"] for track in tracks]
        options |= {"map_metadata": "1", "map_chapters": "1"}
    if _ending(path) in ("mp4", "mov"):
        options |= {"movflags": "+faststart", **_mp4_track(picture)}
    elif shape is not None and not _keeps_shape(picture):
        options["aspect"] = f"{shape.numerator}:{shape.denominator}"
    part = path.with_name(f".{path.name}.part")
    graph = ffmpeg.output(*inputs, f"file:{part}", **options).global_args("-loglevel", "error")
    command = graph.overwrite_output().compile(cmd=runtime().ffmpeg)
    if source is not None and not tracks:
        # ffmpeg-python leaves out an input of which no stream is used; the metadata still is.
        at = command.index("-map")
        command[at:at] = ["-i", f"file:{source}"]
    if tracks:
        # ffmpeg counts from the first stream in use where clocks may jump (MPEG-TS), and from the
        # first of all elsewhere. With every stream in use, for nothing, the zero is always known.
        at = command.index(f"file:{part}") + 1
        command[at:at] = ["-map", "1", "-c", "copy", "-ignore_unknown", "-f", "null", "-"]
    _write(command, part, path)


def _codings(tracks: list[Track], path: Path) -> dict[str, str]:
    """Return ffmpeg's options that say what each track is coded with."""
    options: dict[str, str] = {}
    counts: dict[str, int] = {}
    for track in tracks:
        number = counts.get(track.letter, 0)
        counts[track.letter] = number + 1
        options[f"c:{track.letter}:{number}"] = _target(track, path)
        if track.kind == "audio":  # of no effect where it is copied
            options[f"b:a:{number}"] = str(96_000 * max(track.channels, 1))
    return options


def _write(command: list[str], part: Path, path: Path) -> None:
    """Run a command that writes `part`, and give it its name when it is whole."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
        if done.returncode or not part.exists():
            said = " ".join(done.stderr.split())[-400:] or f"exit code {done.returncode}"
            raise VideoWriteError(
                f"ffmpeg could not join picture and sound into {path.name}: {said}"
            )
        sync_file(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _format(path: Path) -> str:
    from helpers.writing import CONTAINERS

    return CONTAINERS[_ending(path)]


def _ending(path: Path) -> str:
    return path.suffix[1:].lower()


def _mp4_track(picture: Path) -> dict[str, str]:
    """Return ffmpeg's options for the picture's track in an MP4 or MOV."""
    with open_container(picture) as container:
        stream = container.streams.video[0]
        # The units a second in which the picture's timestamps are whole numbers.
        options = {"video_track_timescale": str(stream.time_base.denominator)}  # type: ignore[union-attr]
        if stream.codec_context.codec.canonical_name == "hevc":
            options["tag:v"] = "hvc1"  # the name by which Apple's players know H.265
    return options


def _keeps_shape(picture: Path) -> bool:
    """Tell whether the encoded picture itself says what shape its pixels have; FFV1 does not."""
    with open_container(picture) as container:
        return bool(container.streams.video[0].sample_aspect_ratio)


def sound_tracks(path: Path) -> list[str]:
    """Say in words what sound and subtitles a file holds."""
    lines = []
    with open_container(path) as container:
        for number, stream in enumerate(container.streams.audio, 1):
            context = stream.codec_context
            name = context.codec.canonical_name if context else "unknown"
            lines.append(
                f"audio track {number}: {name}, {stream.rate} Hz, {stream.channels} channels"
            )
        if container.streams.subtitles:
            lines.append(f"{len(container.streams.subtitles)} subtitle tracks")
    return lines
