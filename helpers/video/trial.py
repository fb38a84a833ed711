"""Ask ffmpeg whether a container can hold a track, before any picture is made.

The beginning of a track is written into a small file of that kind, beside a grey picture. Lists of
codecs would not do: they differ between versions of ffmpeg, and do not know of twelve channels.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from helpers.runtime.machine import runtime
from helpers.video.codecs import CONTAINERS
from helpers.video.index import open_container
from helpers.video.tracks import Track, codec_options, ending, note_change, ways

SECONDS = 3
"""So much of a track is written."""

PACKETS = 5000
"""So many packets of a film are read in search of sound that can be decoded."""

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
    best = [way for track in tracks if (way := next(iter(ways(track, path)), None)) is not None]
    plain = [track for track in best if track.kind != "cover"]
    held = set(plain) if holds(source, plain, path) else set()
    chosen, notes = [], []
    for track in tracks:
        found = next((w for w in ways(track, path) if w in held or holds(source, [w], path)), None)
        fault = find_fault(source, track) if track.kind == "audio" else ""
        if found is None:
            notes.append(_note_left_out(source, track, path, fault))
            continue
        chosen.append(found)
        if fault:
            notes.append(f"{track} {fault}; it was copied as it is")
        notes += note_change(found, path)
    return chosen, notes


def find_fault(source: Path, track: Track) -> str:
    """Return what is wrong with a sound track, in words; "" if nothing."""
    import av

    heard = 0
    with open_container(source) as container:
        stream = container.streams.audio[track.number]
        if stream.codec_context is None:
            return "cannot be decoded"
        try:
            for read, packet in enumerate(container.demux()):
                if packet.stream_index != stream.index or not packet.size:
                    continue
                heard += 1
                with suppress(av.error.FFmpegError):
                    if stream.decode(packet):  # type: ignore[arg-type]
                        return ""
                if read > PACKETS:
                    break
            else:
                return "cannot be decoded" if heard else "holds no sound"
        except (av.error.FFmpegError, OSError):
            pass
    return "cannot be decoded" if heard else ""


def _note_left_out(source: Path, track: Track, path: Path, fault: str) -> str:
    """Say why a track is left out, and whether Matroska would keep it."""
    note = f"{track} {fault or f'is not supported in {path.suffix}'} and was left out"
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
    return [
        *(runtime().ffmpeg, *QUIETLY, *PICTURE, "-i", f"file:{source}", "-map", "0:v", *maps),
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
