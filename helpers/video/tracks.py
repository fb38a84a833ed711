"""The sound, subtitles and other tracks of a film, and how another container holds them.

What becomes of each is decided before the picture is made (carry.py), by asking ffmpeg to write its
beginning (trial.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.video.covers import COVERS
from helpers.video.open import open_container

if TYPE_CHECKING:
    from av.stream import Stream

AUDIO = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "mp2"},
    "mov": {
        *("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"),
        *("pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be"),
    },
}
"""The sound codecs that a container can hold and players support there; Matroska holds any."""

TEXT = {"mov_text", "subrip", "ass", "ssa", "webvtt", "text", "srt"}
SUBTITLES = {"mp4": "mov_text", "mov": "mov_text", "mkv": "srt"}
"""The codec that text subtitles are converted to if the container cannot hold their own."""

CAPTIONS = "eia_608"
"""Closed captions as a track of a MOV; ffmpeg can make text of them."""

NEW = {"mp4": "aac", "mov": "aac", "mkv": "flac"}
"""The codec of a new sound track: lossless in Matroska, what players support elsewhere."""

MANY = {"mov": "pcm_s24le", "mkv": "pcm_s24le"}
"""The codec of sound with more channels than that one takes."""


@dataclass(frozen=True)
class Track:
    """A stream: its type, its number among the streams of that type, and its codec.

    Attributes:
        kind: "audio", "subtitle", "attachment", or "cover": a picture that is no film.
        target: the codec that it is written in, or "copy".
        mixed: whether all channels are mixed into one.
        file: the file of a new sound track or of a cover; None for a track of the source.
        late: by how many seconds a new track begins after the stretch does.
        title: the title to write, to distinguish it from another track.
        begins: when its first sound is, in seconds after the film's beginning; None if that is too
            late to be looked for.
        fault: what is wrong with it, in words.
    """

    kind: str
    number: int
    codec: str
    channels: int = 0
    target: str = "copy"
    mixed: bool = False
    file: Path | None = None
    late: Fraction = Fraction(0)
    title: str = ""
    begins: Fraction | None = Fraction(0)
    fault: str = ""

    @property
    def letter(self) -> str:
        """ffmpeg's letter for its type."""
        return {"audio": "a", "subtitle": "s", "attachment": "t", "cover": "v"}[self.kind]

    def __str__(self) -> str:
        name = "cover picture" if self.kind == "cover" else f"{self.kind} track {self.number + 1}"
        return f"{name} ({self.codec})"


def usable_streams(path: Path) -> list[int]:
    """Return the numbers of the streams that ffmpeg can copy at all.

    A picture or sound of which nothing is known, not even its size, makes it fail.
    """
    with open_container(path) as container:
        return [s.index for s in container.streams if _is_known(s)]


def _is_known(stream: Stream) -> bool:
    context = stream.codec_context
    if stream.type == "video":
        return context is not None and context.width > 0  # type: ignore[attr-defined]
    if stream.type == "audio":
        return context is not None and context.sample_rate > 0  # type: ignore[attr-defined]
    return stream.type in ("subtitle", "data")


def ways(track: Track, path: Path) -> list[Track]:
    """Return the forms in which a container may hold a track, the best first."""
    kind = ending(path)
    if track.kind == "audio":
        copied = [track] if track.codec in AUDIO.get(kind, {track.codec}) else []
        made = [replace(track, target=NEW[kind])]
        made += [replace(track, target=MANY[kind])] if kind in MANY else []
        mixed = [replace(track, target=NEW[kind], mixed=True)] if track.channels > 2 else []
        return [*copied, *made, *mixed]
    if track.kind == "subtitle":
        held = {"mov_text"} if kind != "mkv" else TEXT - {"mov_text"}
        as_it_is = track.codec in held or (track.codec not in TEXT and kind == "mkv")
        as_it_is = as_it_is or (track.codec == CAPTIONS and kind == "mov")
        as_text = track.codec in {*TEXT, CAPTIONS}
        return [track] * as_it_is + [replace(track, target=SUBTITLES[kind])] * as_text
    if track.kind == "cover":
        return [track] if track.codec in COVERS else []
    return [track] if kind == "mkv" else []


def note_change(track: Track, path: Path) -> list[str]:
    """Return a note if a track is not taken over as it is."""
    if track.target == "copy" or track.file is not None:
        return []
    if track.mixed:
        return [
            f"{track} has {track.channels} channels, which {track.target} cannot hold; all are "
            "mixed equally into one (use .mkv or .mov to keep them)"
        ]
    return [f"{track} is not supported in {path.suffix} and was re-encoded to {track.target}"]


def codec_options(tracks: list[Track], path: Path) -> dict[str, str]:
    """Return ffmpeg's options for the codec of each track."""
    options: dict[str, str] = {}
    counts = {"v": 1}  # the film itself comes first
    for track in tracks:
        number = counts.get(track.letter, 0)
        counts[track.letter] = number + 1
        options[f"c:{track.letter}:{number}"] = track.target
        if track.kind == "cover":
            options[f"disposition:v:{number}"] = "attached_pic"
        if track.kind == "audio":  # no effect on a track that is copied
            options[f"b:a:{number}"] = str(96_000 * (1 if track.mixed else max(track.channels, 1)))
            if track.mixed:
                share = "+".join(f"{1 / track.channels:.6f}*c{n}" for n in range(track.channels))
                options[f"filter:a:{number}"] = f"pan=mono|c0={share}"
            if track.target == "flac" and track.file is not None:
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
            if context is None:
                lines.append(f"audio track {number}: there is no decoder for it")
                continue
            lines.append(
                f"audio track {number}: {context.codec.canonical_name}, {stream.rate} Hz, "
                f"{stream.channels} channels"
            )
        if container.streams.subtitles:
            lines.append(f"{len(container.streams.subtitles)} subtitle tracks")
    return lines
