"""Ask ffmpeg whether a container can hold a track, before any picture is made.

The beginning of a track is written into a small file of that kind, beside a grey picture. Lists of
codecs would not do: they differ between versions of ffmpeg, and do not know of twelve channels.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.runtime.machine import runtime
from helpers.video.codecs import CONTAINERS
from helpers.video.open import demux, open_container
from helpers.video.tracks import Track, codec_options, ending, note_change, ways

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

SECONDS = 3
"""So much of a track is written."""

PACKETS = 20_000
"""So many packets of a film are read in search of its sound: some minutes."""

TRIED = 200
"""So many packets of sound are decoded before it is given up."""

PATIENCE = 60
"""Seconds after which a trial is given up; a track of a slow drive is then taken to be held."""

PICTURE = ("-f", "lavfi", "-i", f"color=gray:s=64x48:r=25:d={SECONDS}")
"""The film of a trial."""

QUIETLY = ("-hide_banner", "-nostdin", "-loglevel", "error", "-y")
"""ffmpeg's options for saying nothing but what went wrong. They come first: older versions print
their banner before they read what comes later."""


def complaint(said: str) -> str:
    """Return the first thing that ffmpeg complained about, without the addresses before it."""
    lines = (re.sub(r"^(\[[^]]*\] ?)+", "", line).strip(" .") for line in said.splitlines())
    return next((line[:200] for line in lines if line), "")


def choose(source: Path, tracks: Sequence[Track], path: Path) -> tuple[list[Track], list[str]]:
    """Return the tracks in the form in which a file will hold them, and notes on the others."""
    tracks = [listen(source, track) if track.kind == "audio" else track for track in tracks]
    best = [way for track in tracks if (way := next(iter(ways(track, path)), None)) is not None]
    plain = [track for track in best if track.kind != "cover"]
    held = set(plain) if holds(source, plain, path) else set()
    held |= {track for track in plain if track.begins is None}  # too late to be tried
    chosen, notes = [], []
    for track in tracks:
        found = next((w for w in ways(track, path) if w in held or holds(source, [w], path)), None)
        if found is None:
            notes.append(_note_left_out(source, track, path))
            continue
        chosen.append(found)
        if track.fault:
            notes.append(f"{track} {track.fault}; it was copied as it is")
        notes += note_change(found, path)
    return chosen, notes


def listen(source: Path, track: Track) -> Track:
    """Return a sound track with what its beginning shows: when it is, and what is wrong with it."""
    import av

    first, tried = None, 0
    with open_container(source) as container:
        stream = container.streams.audio[track.number]
        if stream.codec_context is None:
            return replace(track, fault="cannot be decoded")
        zero = Fraction(container.start_time or 0, 1_000_000)
        for read, packet in enumerate(_demux(container)):
            if packet.stream_index == stream.index and packet.size:
                tried += 1
                first = packet.pts * packet.time_base if first is None and packet.pts else first
                with suppress(av.error.FFmpegError):
                    if stream.decode(packet):  # type: ignore[arg-type]
                        return replace(track, begins=max((first or zero) - zero, Fraction(0)))
            if tried == TRIED:
                break
            if read == PACKETS and not tried:
                return replace(track, begins=None)
    return replace(track, fault="cannot be decoded" if tried else "holds no sound")


def _demux(container: InputContainer) -> Iterator[av.Packet]:
    """Yield packets as far as a file can be read."""
    import av

    with suppress(av.error.FFmpegError, OSError):
        yield from demux(container)


def _note_left_out(source: Path, track: Track, path: Path) -> str:
    """Say why a track is left out, and whether Matroska would keep it."""
    note = f"{track} {track.fault or f'is not supported in {path.suffix}'} and was left out"
    matroska = path.with_suffix(".mkv")
    elsewhere = ending(path) != "mkv" and any(
        holds(source, [way], matroska) for way in ways(track, matroska)
    )
    return f"{note}; use .mkv to keep it" if elsewhere else note


def holds(source: Path, tracks: Sequence[Track], path: Path) -> bool:
    """Tell whether ffmpeg can write the beginnings of tracks into a file of this kind together."""
    if not tracks:
        return True
    with tempfile.TemporaryDirectory(prefix="silk-purse-") as folder:
        part = Path(folder, f"trial.{ending(path)}")
        try:
            done = subprocess.run(
                _command(source, tracks, part), capture_output=True, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            return True
        return done.returncode == 0 and _contains(part, tracks)


def _command(source: Path, tracks: Sequence[Track], part: Path) -> list[str]:
    """Return the command that writes the beginnings of tracks."""
    maps = [word for t in tracks for word in ("-map", f"1:{t.letter}:{t.number}")]
    options = [
        w for key, value in codec_options(list(tracks), part).items() for w in (f"-{key}", value)
    ]
    # Subtitles may be rare: without the end of the picture, ffmpeg would read the whole film.
    end = () if any(t.kind == "cover" for t in tracks) else ("-shortest",)
    begin = min(float(track.begins or 0) for track in tracks)
    seek = ("-ss", f"{begin:.3f}") if begin > SECONDS / 2 else ()
    film = (*seek, "-i", f"file:{source}")
    return [
        *(runtime().ffmpeg, *QUIETLY, *PICTURE, *film, "-map", "0:v", *maps),
        *("-c:v:0", "mpeg4", *options, *end, "-t", str(SECONDS), "-f", CONTAINERS[ending(part)]),
        f"file:{part}",
    ]


def _contains(part: Path, tracks: Sequence[Track]) -> bool:
    """Tell whether a file holds the tracks; ffmpeg drops some without a word."""
    import av

    try:
        with av.open(f"file:{part}", metadata_errors="replace") as container:
            found = Counter(stream.type for stream in container.streams)
    except (av.error.FFmpegError, OSError):
        return False
    wanted = Counter("video" if track.kind == "cover" else track.kind for track in tracks)
    wanted["video"] += 1
    return all(found[kind] >= count for kind, count in wanted.items())
