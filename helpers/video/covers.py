"""Cover pictures: a file of their own in the source, an attachment in Matroska, a track in MP4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.video.open import open_container

if TYPE_CHECKING:
    from helpers.video.tracks import Track

COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
"""The codecs of cover pictures, with their file endings and types."""


def save_cover(source: Path, track: Track, folder: Path) -> Track:
    """Write a cover picture into a folder, and return the track with its file."""
    file = folder / f"cover{track.number}.{COVERS[track.codec][0]}"
    with open_container(source) as container:
        packets = container.demux(container.streams.video[track.number])
        file.write_bytes(bytes(next(packet for packet in packets if packet.size)))
    return replace(track, file=file)


def attach(covers: Sequence[Track], others: int) -> list[str]:
    """Return ffmpeg's options that attach covers to a Matroska file, after `others` attachments."""
    words = []
    for number, cover in enumerate(covers, others):
        name, kind = COVERS[cover.codec]
        of_it = f"-metadata:s:t:{number}"
        words += ["-attach", f"{cover.file}", of_it, f"mimetype={kind}"]
        words += [of_it, f"filename=cover.{name}"]
    return words
