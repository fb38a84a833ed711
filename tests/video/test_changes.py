"""Pictures that change midway: colours right on both sides, one shape, and a note of the time."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from helpers import open_video, write_video
from tests.support.films import ffmpeg
from tests.support.odd_films import flat, joined, replaced
from tests.support.ranges import assert_ranges_equal_the_whole

GREEN = (32, 192, 64)


def middle(frame):
    height, width = frame.image.shape[:2]
    scale = 257 if frame.image.dtype == np.uint16 else 1
    return frame.image[height // 2, width // 2].astype(int) // scale


def assert_green(clip):
    for number in (5, len(clip) // 2 - 1, len(clip) // 2, len(clip) - 6):
        assert np.abs(middle(clip[number]) - GREEN).max() <= 4, number


@pytest.mark.slow
def test_size_and_matrix(tmp_path):
    first = flat(tmp_path / "1.ts", GREEN, "320x240", "bt601")
    second = flat(tmp_path / "2.ts", GREEN, "640x360", "bt709")
    path = joined(tmp_path / "a.ts", first, second)
    clip = open_video(path)
    assert len(clip) == 30 and clip.info.size == "640x360"
    assert_green(clip)
    assert clip[2].image[180, 40].max() == 0 and clip[20].image[180, 40].max() > 100  # black bars
    note = clip.notes[-1]
    assert "change at 0.60 s from 320x240" in note and "bt709" in note and "black bars" in note
    assert_ranges_equal_the_whole(clip, [(5, 6), (13, 17), (14, 15), (15, 16), (29, 30)])
    write_video(clip, tmp_path / "b.mp4", source=path)
    assert_green(open_video(tmp_path / "b.mp4"))


def test_the_shape_of_most_of_the_film_is_taken(tmp_path):
    first = flat(tmp_path / "1.ts", GREEN, "320x240", "bt601", seconds=1.2)
    second = flat(tmp_path / "2.ts", GREEN, "640x360", "bt709", seconds=0.4)
    clip = open_video(joined(tmp_path / "a.ts", first, second))
    assert clip.info.size == "320x240"
    assert_green(clip)
    assert clip[35].image[2, 160].max() == 0  # above a wide picture


def appended(path, parts):
    """Write a film of several parts; each begins with what a decoder needs to know."""
    path.with_suffix(".txt").write_text("".join(f"file '{part}'\n" for part in parts))
    concat = ("-f", "concat", "-safe", 0, "-i", path.with_suffix(".txt"))
    ffmpeg(*concat, "-c", "copy", "-bsf:v", "dump_extra", path)
    return path


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov"])
def test_a_film_in_which_one_can_seek(tmp_path, ending):
    parts = [
        flat(tmp_path / "1.ts", GREEN, "320x240", "bt601", "-bf", 0),
        flat(tmp_path / "2.ts", GREEN, "640x360", "bt709", "-bf", 0),
    ]
    path = appended(tmp_path / f"a.{ending}", parts)
    clip = open_video(path)
    assert "change at 0.60 s" in " ".join(clip.notes)
    assert_green(clip)
    assert_ranges_equal_the_whole(clip, [(5, 6), (14, 16), (16, 17)])


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_part_without_tags_does_not_take_those_of_the_part_before(tmp_path, ending):
    untagged = flat(tmp_path / "1.ts", GREEN, "320x240", "bt601", "-bf", 0, tagged=False)
    tagged = flat(tmp_path / "2.ts", GREEN, "320x240", "bt709", "-bf", 0)
    clip = open_video(appended(tmp_path / f"a.{ending}", [untagged, tagged, untagged]))
    assert "at 1.20 s from bt709 to smpte170m" in clip.notes[-1]
    assert_green(clip)
    assert_ranges_equal_the_whole(clip, [(13, 17), (29, 31), (32, 33), (40, 45)])


def test_tags_that_differ_from_those_of_the_container_are_no_change(tmp_path):
    source = tmp_path / "a.mp4"
    tags = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=2", "-vf", tags, "-c:v", "libx265"),
        *("-pix_fmt", "yuv420p10le", "-g", 10, "-x265-params", "log-level=error", source),
    )
    box = b"colrnclx" + bytes([0, 9, 0, 16, 0, 9])
    assert box in source.read_bytes()
    clip = open_video(replaced(source, tmp_path / "b.mp4", box, b"colrnclx" + bytes([0, 1] * 3)))
    assert clip.info.colour.matrix == "bt2020nc" and not clip.notes


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_parts_in_h265(tmp_path, ending):
    parts = []
    for name, matrix, size in (("1.ts", "bt601", "320x240"), ("2.ts", "bt709", "640x360")):
        options = ("-bf", 0, "-x265-params", "log-level=error")
        part = flat(tmp_path / name, GREEN, size, matrix, *options, codec="libx265", seconds=1.2)
        parts.append(part)
    clip = open_video(appended(tmp_path / f"a.{ending}", parts))
    assert "bt709" in clip.notes[-1]
    assert all(np.abs(middle(frame) - GREEN).max() <= 4 for frame in clip)
    assert_ranges_equal_the_whole(clip, [(5, 6), (28, 32), (45, 46), (55, 57)])


def test_the_aspect_ratio_alone(tmp_path):
    sar = ("-vf", "setsar=16/15"), ("-vf", "setsar=64/45")
    parts = []
    for number, options in enumerate(sar):
        parts.append(tmp_path / f"{number}.ts")
        ffmpeg(
            *("-f", "lavfi", "-i", "color=red:s=720x576:r=25:d=0.8", *options),
            *("-c:v", "mpeg2video", "-q:v", 2, "-g", 5, parts[-1]),
        )
    clip = open_video(joined(tmp_path / "a.ts", parts[1], parts[1], parts[0]))
    assert clip.info.size == "720x576" and float(clip.info.sar) == pytest.approx(64 / 45)
    assert clip[10].image[288, 30, 0] > 200
    assert clip[-3].image[288, 30, 0] < 20 and clip[-3].image[288, 360, 0] > 200
    assert "change at 1.60 s from 1.78:1 to 1.33:1" in clip.notes[-1]
    assert_ranges_equal_the_whole(clip, [(5, 7), (38, 42), (57, 58)])
    assert np.array_equal(pickle.loads(pickle.dumps(clip))[50].image, clip[50].image)


@pytest.mark.parametrize("second", ["yuv444p", "yuv420p10le"])
def test_the_pixel_format(tmp_path, second):
    one = flat(tmp_path / "1.ts", GREEN, "320x240", "bt709")
    two = flat(tmp_path / "2.ts", GREEN, "320x240", "bt709", pixels=second)
    clip = open_video(joined(tmp_path / "a.ts", one, two))
    assert_green(clip)
    assert_ranges_equal_the_whole(clip, [(13, 17), (20, 21)])


def test_the_range(tmp_path):
    one = flat(tmp_path / "1.ts", GREEN, "320x240", "bt709")
    full = ("-vf", "format=rgb24,scale=out_color_matrix=bt709:out_range=pc", "-color_range", "pc")
    two = flat(tmp_path / "2.ts", GREEN, "320x240", "bt709", *full)
    clip = open_video(joined(tmp_path / "a.ts", one, two))
    assert_green(clip)
    assert "range pc" in clip.notes[-1]


@pytest.mark.parametrize("code", [0, 3, 255])
def test_tags_that_mean_nothing_are_unspecified(tmp_path, code):
    source, path = tmp_path / "p.mov", tmp_path / "a.mov"
    scale = "format=rgb24,scale=out_color_matrix=bt601:out_range=tv:flags=accurate_rnd"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=0x20C040:s=320x240:r=25:d=0.4", "-vf", scale),
        *("-pix_fmt", "yuv422p10le", "-c:v", "prores_ks", source),
    )
    data, at = bytearray(source.read_bytes()), 0
    while (at := data.find(b"icpf", at)) >= 0:
        data[at + 18 : at + 21] = bytes([code] * 3)  # primaries, transfer and matrix
        at += 4
    path.write_bytes(data)
    clip = open_video(path)
    assert (clip.info.colour.matrix, clip.info.colour.primaries) == ("smpte170m", None)
    assert np.abs(middle(clip[3]) - GREEN).max() <= 4
    write_video(clip, tmp_path / "b.mp4")
    assert np.abs(middle(open_video(tmp_path / "b.mp4")[3]) - GREEN).max() <= 4
