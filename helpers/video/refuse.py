"""What cannot be restored, said at once: pipes, devices, encrypted films, unknown codecs."""

from __future__ import annotations

import os
import re
import stat
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import VideoOpenError
from helpers.video.describe import StreamName, name_streams

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
"""What a path can name that is neither a file nor a folder."""


def check_kind(path: Path) -> None:
    """Raise VideoOpenError if a path names a pipe, a socket or a device. It is not opened."""
    kind = KINDS.get(stat.S_IFMT(path.stat().st_mode)) if os.path.exists(path) else None
    if kind:
        raise VideoOpenError(
            f"{path} is {kind}, not a file. A film is read several times: save it to a file, and "
            "give the name of that."
        )


def no_decoder(container: InputContainer, stream: Stream) -> VideoOpenError:
    """Return the error that ffmpeg has no decoder for a picture."""
    path = Path(container.name.removeprefix("file:"))
    name = name_streams(path).get(stream.index, StreamName("none"))
    return VideoOpenError(
        f"{path} has a picture, but there is no decoder for its format here ({name}). Convert it "
        "to another format with a program that can play it."
    )


def encrypted(path: Path) -> VideoOpenError:
    """Return the error that a film is encrypted."""
    return VideoOpenError(
        f"{path} is encrypted (protected against copying), and the key is not in the file. Use a "
        "copy that is not encrypted."
    )


HEAD = 2_000_000
"""Bytes at the beginning of a file in which signs of encryption are looked for."""

PACKETS = 30
"""So many packets of a stream are looked at."""

LOCKED_ASF = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
"""The names of an ASF file's two content encryption objects."""

LOCKED_MATROSKA = re.compile(rb"\x6d\x80.{1,40}\x62\x40.{1,80}\x50\x35", re.DOTALL)
"""ContentEncodings, ContentEncoding, ContentEncryption: elements of a Matroska track."""

PICTURE_PACKET = re.compile(rb"\x00\x00\x01[\xe0-\xef]..([\x80-\xbf])", re.DOTALL)
"""The beginning of a packet of pictures in a program stream, with the byte that says how it is
scrambled."""

SYNC = 0x47
"""The first byte of every packet of a transport stream."""

SCRAMBLED = 0x30
"""The bits of that byte."""


def is_encrypted(path: Path, container: InputContainer, stream: Stream) -> bool:
    """Tell whether a stream is encrypted: in MP4, Matroska, transport streams, DVDs or ASF."""
    kind = container.format.name
    with path.open("rb") as file:
        head = file.read(HEAD)
    if "mpegts" in kind:
        return _is_scrambled(head, stream.id)
    if kind == "mpeg":
        flags = [match[1][0] & SCRAMBLED for match in PICTURE_PACKET.finditer(head)]
        return sum(map(bool, flags)) > len(flags) / 2
    if "asf" in kind:
        return any(name in head for name in LOCKED_ASF)
    if "matroska" in kind:
        return LOCKED_MATROSKA.search(head[:100_000]) is not None
    return _has_locked_packets(path, stream.index)


def _has_locked_packets(path: Path, number: int) -> bool:
    """Tell whether packets come with what is needed to decrypt them, as in an MP4 (CENC)."""
    import av

    # Packets that are read here are missing later, so the file is opened again.
    with av.open(f"file:{path}", metadata_errors="replace") as container:
        packets = container.demux(container.streams[number])
        try:
            return any(p.has_sidedata("encryption_info") for p in islice(packets, PACKETS))
        except (av.error.FFmpegError, OSError):
            return False


def is_scrambled(path: Path) -> bool:
    """Tell whether a file is a scrambled transport stream; ffmpeg may not even know it for one."""
    with path.open("rb") as file:
        return _is_scrambled(file.read(HEAD))


def _is_scrambled(head: bytes, pid: int | None = None) -> bool:
    """Tell whether most packets of a stream in a transport stream are scrambled.

    Args:
        pid: its number; that of the largest stream if None.
    """
    for size, offset in ((188, 0), (192, 4), (204, 0)):
        starts = range(offset, len(head) - size + 1, size)
        if starts and all(head[at] == SYNC for at in starts[:20]):
            break
    else:
        return False
    streams: dict[int, list[bool]] = {}
    for at in starts:
        number = (head[at + 1] & 0x1F) << 8 | head[at + 2]
        streams.setdefault(number, []).append(head[at + 3] >= 0x40)
    mine = max(streams.values(), key=len) if pid is None else streams.get(pid, [])
    return sum(mine) > len(mine) / 2
