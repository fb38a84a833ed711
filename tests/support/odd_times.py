"""Films with something odd about their time, made by editing a few bytes or timestamps."""

from __future__ import annotations

from fractions import Fraction

import av

from tests.support.films import ffmpeg, film

FIELD = Fraction(1001, 60_000)


def empty_samples(path, *numbers):
    """Give samples of an MP4's or MOV's first track the size 0: pictures that were not taken."""
    data = bytearray(path.read_bytes())
    table = data.index(b"stsz") + 16
    for number in numbers:
        data[table + 4 * number : table + 4 * number + 4] = bytes(4)
    path.write_bytes(data)
    return path


def without_key_list(path):
    """Rename the list of key frames of an MP4, so that every frame is said to be one."""
    path.write_bytes(path.read_bytes().replace(b"stss", b"free"))
    return path


def doubled_stamps(path, every=10):
    """Give every tenth picture of an FLV the timestamp of the one before it."""
    data, at, number, last = bytearray(path.read_bytes()), 13, 0, bytes(3)
    while at + 11 < len(data):
        if data[at] == 9:
            if number % every == every - 1:
                data[at + 4 : at + 7] = last
            last, number = bytes(data[at + 4 : at + 7]), number + 1
        at += 15 + int.from_bytes(data[at + 1 : at + 4], "big")
    path.write_bytes(data)
    return path


def jumped(source, path, after, by):
    """Copy a film; from a time on, all its timestamps are later by so many seconds."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if not packet.size:
                continue
            if packet.dts is None:
                packet.dts = packet.pts
            if packet.dts * packet.time_base >= after:
                packet.pts += round(by / packet.time_base)
                packet.dts += round(by / packet.time_base)
            packet.stream = streams[packet.stream_index]
            new.mux(packet)
    return path


def later(source, path, seconds):
    """Copy a film with a clock that begins later."""
    ffmpeg("-i", source, "-map", "0", "-c", "copy", "-output_ts_offset", seconds, path)
    return path


def uneven(source, path, picture, sound):
    """Copy so many seconds of a film's picture and of its sound."""
    inputs = ("-t", picture, "-i", source, "-t", sound, "-i", source)
    ffmpeg(*inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", path)
    return path


def telecined(path, count=48):
    """Write a film of 24000/1001 pictures a second as on a DVD: for 3 and 2 fields in turn."""
    plain = film(
        path.with_suffix(".m2v"),
        *("-c:v", "mpeg2video", "-bf", "2", "-g", "12", "-q:v", "2"),
        count=count,
        rate="24000/1001",
    )
    with av.open(str(plain)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if not packet.size:
                continue
            shown = round(packet.pts * packet.time_base * Fraction(24_000, 1001))
            packet.time_base = Fraction(1, 90_000)
            packet.pts, packet.dts = (
                round(fields * FIELD * 90_000)
                for fields in ((shown * 5 + 1) // 2 + 6, (number * 5 + 1) // 2)
            )
            packet.duration = 0
            packet.stream = stream
            new.mux(packet)
    return path


def moved_sound(path, first, last, milliseconds):
    """Move the timestamps of some packets of an FLV's sound, counted from 0."""
    data, at, number = bytearray(path.read_bytes()), 13, 0
    while at + 11 < len(data):
        if data[at] == 8:
            if first <= number < last:
                stamp = int.from_bytes(data[at + 4 : at + 7], "big") + milliseconds
                data[at + 4 : at + 7] = stamp.to_bytes(3, "big")
            number += 1
        at += 15 + int.from_bytes(data[at + 1 : at + 4], "big")
    path.write_bytes(data)
    return path
