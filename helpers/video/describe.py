"""What ffmpeg calls the streams of a file; PyAV tells nothing of a stream without a decoder."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

LINE = re.compile(r"Stream #0:(\d+)\S*: (\w+): ([^\s,]+)(.*)")
"""A stream in what ffmpeg prints: its number, its type, its codec and the rest."""

TAG = re.compile(r"\((\S+) / 0x")
"""The four-character code."""


@dataclass(frozen=True)
class StreamName:
    """What ffmpeg calls a stream.

    Attributes:
        codec: ffmpeg's name, or "none".
        tag: the four-character code, "" if there is none that can be printed.
    """

    codec: str
    tag: str = ""

    def __str__(self) -> str:
        if self.codec != "none":
            return self.codec
        return f"four-character code {self.tag}" if self.tag else "an unknown codec"


def name_streams(path: Path) -> dict[int, StreamName]:
    """Return the names of a file's streams by their numbers."""
    from helpers.runtime.machine import runtime

    command = [runtime().ffmpeg, "-hide_banner", "-nostdin", "-i", f"file:{path}"]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace").stderr
    names = {}
    for number, _, codec, rest in LINE.findall(said):
        tag = TAG.search(rest)
        printable = tag is not None and "[" not in tag[1]
        names[int(number)] = StreamName(codec, tag[1] if tag and printable else "")
    return names
