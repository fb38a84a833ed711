"""The sound and subtitle tracks of a file, and how another container holds them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from helpers.video.index import open_container

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
"""The sound codecs that a container can hold and players support there; Matroska holds any."""

TEXT = {"mov_text", "subrip", "ass", "ssa", "webvtt", "text", "srt"}
SUBTITLES = {"mp4": "mov_text", "mov": "mov_text", "mkv": "srt"}
"""The codec that text subtitles are converted to if the container cannot hold their own."""


NEW = {"mp4": "aac", "mov": "aac", "mkv": "flac"}
"""The codec of a new sound track: lossless in Matroska, what players support elsewhere."""


@dataclass(frozen=True)
class Track:
    """A stream: its type, its number among the streams of that type, and its codec.

    Attributes:
        file: the file of a new sound track; None for a track of the source.
        late: by how many seconds a new track begins after the stretch does.
        title: the title to write, to distinguish it from another track.
    """

    kind: str
    number: int
    codec: str
    channels: int = 0
    file: Path | None = None
    late: Fraction = Fraction(0)
    title: str = ""

    @property
    def letter(self) -> str:
        """ffmpeg's letter for its type."""
        return {"audio": "a", "subtitle": "s", "attachment": "t"}[self.kind]

    def __str__(self) -> str:
        return f"{self.kind} track {self.number + 1} ({self.codec})"


def read_tracks(source: Path, path: Path) -> tuple[list[Track], Fraction, list[str]]:
    """Return the tracks to copy, the source's zero in seconds, and notes on what is left out."""
    tracks, notes = [], []
    with open_container(source) as container:
        zero = Fraction(container.start_time or 0, 1_000_000)
        counts: dict[str, int] = {}
        for stream in container.streams:
            number = counts.get(stream.type, 0)
            counts[stream.type] = number + 1
            if stream.type not in ("audio", "subtitle", "attachment"):
                # The chapters of an MP4 are also a track; they are copied as chapters.
                if stream.type == "data" and not (
                    container.chapters() and stream.name == "bin_data"
                ):
                    notes.append(f"data track {number + 1} (such as a time code) was left out")
                continue
            context = stream.codec_context
            codec = context.codec.canonical_name if context is not None else "unknown"
            channels = getattr(context, "channels", 0) or 0
            track = Track(stream.type, number, codec, channels)
            if _fits(track, path):
                tracks.append(track)
            else:
                notes.append(
                    f"{track} is not supported in {path.suffix} and was left out; use .mkv to "
                    "keep it"
                )
    return tracks, zero, notes


def _fits(track: Track, path: Path) -> bool:
    """Tell whether the container can hold a track, copied or re-encoded."""
    if track.kind == "audio":
        return track.codec != "unknown"
    return ending(path) == "mkv" or (track.kind == "subtitle" and track.codec in TEXT)


def choose_codec(track: Track, path: Path) -> str:
    """Return the codec of a track in the container: "copy" wherever possible."""
    kind = ending(path)
    if track.file is not None:
        return track.codec
    if track.kind == "audio":
        return "copy" if track.codec in AUDIO.get(kind, {track.codec}) else "aac"
    if track.kind == "subtitle" and track.codec in TEXT:
        wanted = SUBTITLES[kind]
        held = {"mov_text"} if kind != "mkv" else TEXT - {"mov_text"}
        return "copy" if track.codec in held else wanted
    return "copy"


def codec_options(tracks: list[Track], path: Path) -> dict[str, str]:
    """Return ffmpeg's options for the codec of each track."""
    options: dict[str, str] = {}
    counts: dict[str, int] = {}
    for track in tracks:
        number = counts.get(track.letter, 0)
        counts[track.letter] = number + 1
        options[f"c:{track.letter}:{number}"] = choose_codec(track, path)
        if track.kind == "audio":  # no effect on a track that is copied
            options[f"b:a:{number}"] = str(96_000 * max(track.channels, 1))
            if track.codec == "flac" and track.file is not None:
                options[f"sample_fmt:a:{number}"] = "s32"  # 24 bits
            if track.title:
                options[f"metadata:s:a:{number}"] = f"title={track.title}"
                options[f"disposition:a:{number}"] = "default" if track.file else "0"
    return options


def ending(path: Path) -> str:
    """Return the ending of a file's name in lower case: "mp4", "mkv"."""
    return path.suffix[1:].lower()


def describe_tracks(path: Path) -> list[str]:
    """Describe the sound and subtitle tracks of a file in words."""
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
