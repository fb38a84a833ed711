"""Films that are honest but odd: small ones of which a few bytes were changed."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import av

from tests.support.films import H264, ffmpeg, film

PACKET = 188
"""Bytes of a packet of a transport stream."""


def with_matrix(source, path, a, b, c, d):
    """Write an MP4 whose picture track has this display matrix; the numbers may be fractions."""
    data = bytearray(Path(source).read_bytes())
    at = data.index(b"tkhd") + 44
    matrix = [a, b, 0, c, d, 0, 0, 0, 0x4000]
    data[at : at + 36] = struct.pack(">9i", *(round(number * 65536) for number in matrix))
    Path(path).write_bytes(data)
    return Path(path)


def replaced(source, path, old, new, occurrence=None):
    """Write a film with some bytes replaced: everywhere, or at one occurrence, counted from 0."""
    data = bytearray(Path(source).read_bytes())
    places = [match.start() for match in re.finditer(re.escape(old), bytes(data))]
    assert places and len(old) == len(new)
    for at in places if occurrence is None else [places[occurrence]]:
        data[at : at + len(new)] = new
    Path(path).write_bytes(data)
    return Path(path)


def flat(
    path, rgb, size, matrix, *options, pixels="yuv420p", seconds=0.6, tagged=True, codec="libx264"
):
    """Write a film of one colour, converted by a matrix, and tagged with it or with nothing."""
    tag = {"bt601": "smpte170m", "bt709": "bt709"}[matrix] if tagged else "unknown"
    tags = ("-color_primaries", tag, "-color_trc", tag, "-colorspace", tag)
    scale = f"scale=out_color_matrix={matrix}:out_range=tv:flags=accurate_rnd+full_chroma_int"
    scale += f",setparams=colorspace={tag}:color_primaries={tag}:color_trc={tag}"
    scale += "" if tagged else ":range=unknown"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=0x{:02x}{:02x}{:02x}:".format(*rgb) + f"s={size}:r=25"),
        *("-t", seconds, "-vf", f"format=rgb24,{scale}", "-pix_fmt", pixels),
        *("-c:v", codec, "-qp", 4, "-g", 10, *tags, *options, path),
    )
    return path


def joined(path, *parts):
    """Write a transport stream that is several, one after the other."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def with_sound(path, codec, *options):
    """Write a film with a sound track."""
    picture = film(path.with_name(f"picture-{path.name}.mkv"), *H264, count=25)
    sine = ("-f", "lavfi", "-i", "sine=d=1")
    ffmpeg("-i", picture, *sine, "-c:v", "copy", "-c:a", codec, *options, path)
    picture.unlink()
    return path


def payload(data, at):
    """Return where the data of a packet of a transport stream begins."""
    start = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
    if data[at + 1] & 0x40:  # the header of a packet of the elementary stream
        start += 9 + data[start + 8]
    return min(start, at + PACKET)


def spoiled(source, path, pid, scrambled=False, dropped=False):
    """Write a transport stream with noise in one track, scrambled or not, or with nothing in it."""
    data, noise = bytearray(Path(source).read_bytes()), random.Random(1)
    kept = bytearray()
    for at in range(0, len(data), PACKET):
        if (data[at + 1] & 31) << 8 | data[at + 2] == pid:
            if dropped:
                continue
            start = payload(data, at)
            data[start : at + PACKET] = noise.randbytes(at + PACKET - start)
            data[at + 3] |= 0x80 * scrambled
        kept += data[at : at + PACKET]
    Path(path).write_bytes(kept)
    return Path(path)


def with_teletext(path):
    """Write a transport stream with a track of teletext."""
    picture = film(path.with_name("picture.ts"), "-c:v", "mpeg2video", count=10)
    with av.open(str(picture)) as read, av.open(str(path), "w") as write:
        shown = write.add_stream_from_template(read.streams.video[0])
        words = write.add_stream("dvbsub")
        for number, packet in enumerate(read.demux(video=0)):
            if packet.dts is None:
                continue
            if number in (2, 8):
                word = av.Packet(bytes([0x20, 0, 0x0F, 0x80, 0, 1, 0, 0, 0xFF]))
                word.time_base, word.pts, word.dts = packet.time_base, packet.dts, packet.dts
                word.stream = words
                write.mux(word)
            packet.stream = shown
            write.mux(packet)
    _call_it_teletext(path)
    picture.unlink()
    return path


def _call_it_teletext(path):
    """Change the descriptor of DVB subtitles, in every table of programmes, to that of teletext."""
    data = bytearray(path.read_bytes())
    for packet in range(0, len(data), PACKET):
        if not (data[packet + 1] & 0x40 and data[packet + 3] & 0x10):
            continue
        at = packet + 4 + (1 + data[packet + 4] if data[packet + 3] & 0x20 else 0)
        at += 1 + data[at]
        if at >= packet + 180 or data[at] != 2:
            continue
        end = at + ((data[at + 1] & 15) << 8 | data[at + 2]) + 3
        table = data[at:end]
        table[table.index(b"\x59\x08")] = 0x56
        table[-4:] = _checksum(table[:-4])
        data[at:end] = table
    path.write_bytes(data)


def _checksum(table):
    value = 0xFFFFFFFF
    for byte in table:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return struct.pack(">I", value)
