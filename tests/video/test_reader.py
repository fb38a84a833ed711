"""Reading video: the picture as it is to be shown, the stream that is meant, what is refused."""

from __future__ import annotations

import os
import random
import zipfile
from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers import open_video
from helpers.errors import VideoOpenError
from tests.support.films import (
    H264,
    encode,
    ffmpeg,
    film,
    numbers,
    picture,
)
from tests.support.paths import data_path
from tests.support.ranges import assert_ranges_equal_the_whole


def test_a_name_that_looks_like_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.rename(film(tmp_path / "a.mp4", *H264, count=3), tmp_path / "12:30 ü%d.mp4")
    assert len(open_video("12:30 ü%d.mp4")) == 3


# --- the picture ---


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_turns_the_picture_upright(tmp_path, degrees):
    plain, turned = film(tmp_path / "a.mp4", *H264, count=3), tmp_path / "b.mp4"
    ffmpeg("-display_rotation", degrees, "-i", plain, "-c", "copy", turned)
    upright, stored = open_video(turned), open_video(plain)
    expected = np.rot90(stored[1].image, degrees // 90)
    assert np.array_equal(upright[1].image, expected)
    assert (upright.info.height, upright.info.width) == expected.shape[:2]


def test_sample_aspect_ratio_turns_with_the_picture(tmp_path):
    plain, turned = (
        film(tmp_path / "a.mp4", *H264, "-vf", "setsar=16/11", count=3),
        tmp_path / "b.mp4",
    )
    ffmpeg("-display_rotation", 90, "-i", plain, "-c", "copy", turned)
    assert open_video(plain).info.sar == Fraction(16, 11)
    assert open_video(turned).info.sar == Fraction(11, 16)


MATRICES = {  # ffmpeg's number, and the weights of red and blue in luma
    "bt709": (1, 0.2126, 0.0722),
    "smpte170m": (6, 0.299, 0.114),
    "bt470bg": (5, 0.299, 0.114),
    "bt2020nc": (9, 0.2627, 0.0593),
}
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (12, 12, 12), (200, 120, 40)]


def planes(rgb, matrix, full, depth=8):
    """Convert a colour to Y'CbCr by the standard's formulae."""
    _, kr, kb = MATRICES[matrix]
    r, g, b = (value / 255 for value in rgb)
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    if full:
        top = (1 << depth) - 1
        return [
            round(v) for v in (y * top, cb * top + (1 << depth - 1), cr * top + (1 << depth - 1))
        ]
    unit = 1 << depth - 8
    return [round(v * unit) for v in (16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr)]


def flat(path, colours, matrix, full, size=(64, 48), **tags):
    """Write one flat frame per colour, without loss."""
    width, height = size
    frames = []
    for rgb in colours:
        y, cb, cr = (min(max(v, 0), 255) for v in planes(rgb, matrix, full))
        chroma = [np.full((height // 4, width), v, np.uint8) for v in (cb, cr)]
        frames.append(np.concatenate([np.full((height, width), y, np.uint8), *chroma]))
    return encode(path, frames, pixels="yuv420p", options={"qp": "0"}, **tags)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
def test_grey_video_keeps_its_range(tmp_path, bits, full):
    levels = [planes((v, v, v), "bt709", full, bits)[0] for v in (0, 128, 255)]
    raw = np.repeat(levels, 64 * 48).astype("<u2" if bits > 8 else np.uint8).tobytes()
    pixels = "gray10le" if bits > 8 else "gray"
    source = ("-f", "rawvideo", "-pix_fmt", pixels, "-s", "64x48")
    span = ("-color_range", "pc" if full else "tv")
    ffmpeg(*source, *span, "-i", "-", *span, "-c:v", "ffv1", tmp_path / "a.mkv", data=raw)
    clip = open_video(tmp_path / "a.mkv")
    found = [int(frame.image[9, 9, 0]) / (257 if bits > 8 else 1) for frame in clip]
    assert np.abs(np.subtract(found, (0, 128, 255))).max() <= 1
    assert clip.info.grey


def assert_colours(clip, colours, within=2):
    for frame, rgb in zip(clip, colours, strict=True):
        assert np.abs(frame.image.astype(int) - rgb).max() <= within, (rgb, frame.image[5, 5])


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
def test_tagged_colours_come_out_true(tmp_path, matrix, full):
    tags = {"colorspace": MATRICES[matrix][0], "color_range": 2 if full else 1}
    clip = open_video(flat(tmp_path / "a.mp4", COLOURS, matrix, full, **tags))
    assert_colours(clip, COLOURS)
    assert clip.info.colour.matrix == matrix
    assert clip.info.colour.range == ("pc" if full else "tv")


@pytest.mark.parametrize(("size", "matrix"), [((720, 576), "smpte170m"), ((1280, 720), "bt709")])
def test_untagged_colours_are_guessed_by_size(tmp_path, size, matrix):
    colours = COLOURS[:3]
    clip = open_video(flat(tmp_path / "a.mp4", colours, matrix, False, size))
    assert_colours(clip, colours)


@pytest.mark.parametrize("pixels", ["rgb24", "bgr0", "gbrp", "rgb565le"])
def test_rgb_files_need_no_matrix(tmp_path, pixels):
    codec = "rawvideo" if pixels == "rgb565le" else "ffv1" if pixels != "rgb24" else "png"
    name = "a.nut" if codec == "rawvideo" else "a.mkv"
    path = film(tmp_path / name, "-c:v", codec, "-pix_fmt", pixels, count=2)
    error = np.abs(open_video(path)[1].image.astype(int) - picture(1))
    assert error.max() <= (16 if pixels == "rgb565le" else 0)


def test_palette_and_transparency(tmp_path):
    clip = open_video(film(tmp_path / "a.gif", count=4))
    assert numbers(clip) == [0, 1, 2, 3]
    clip = open_video(film(tmp_path / "a.mov", "-c:v", "qtrle", "-pix_fmt", "argb", count=4))
    assert np.array_equal(clip[3].image, picture(3))


@pytest.mark.parametrize(("bits", "full"), [(10, False), (10, True), (12, False)])
def test_deep_video_fills_sixteen_bits(tmp_path, bits, full):
    width = 1024
    ramp = np.linspace(0, 1, width)
    low, high = (0, (1 << bits) - 1) if full else (16 << bits - 8, 235 << bits - 8)
    luma = np.rint(low + ramp * (high - low)).astype(np.uint16)
    grey = np.full((2, 64, width), 1 << bits - 1, np.uint16)
    frame = np.concatenate([np.broadcast_to(luma, (64, width))[None], grey])
    raw = frame.astype("<u2").tobytes()
    span, path = ("pc" if full else "tv"), tmp_path / "a.mkv"
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", f"yuv444p{bits}le", "-s", f"{width}x64"),
        *("-color_range", span, "-i", "-", "-c:v", "ffv1", path),
        data=raw,
    )
    clip = open_video(path)
    row = clip[0].image[32, :, 1].astype(int)
    assert clip.info.depth == bits and clip[0].image.dtype == np.uint16
    assert row[0] <= 64 and row[-1] >= 65535 - 64
    assert np.abs(row - ramp * 65535).max() < 65535 / (high - low) + 32
    assert len(set(row)) > 700


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "size", "frames", "start"),
    [
        ("nasa_rotated90.mp4", "270x480", 17, 0),
        ("odd_size_321x241.mp4", "321x241", 25, 0),
        ("nasa_vfr.mp4", "480x270", 50, 0),
        ("webcam_asl_again.mkv", "640x480", 77, 0),
        ("cartoon_314x273.gif", "314x273", 30, 0),
        ("oldfilm_whitezombie_truncated.mp4", "160x240", 65, 0),
        ("nasa_speech_multistream.mp4", "320x180", 325, 0),
    ],
)
def test_real_clips(name, size, frames, start):
    clip = open_video(data_path(f"clips/{name}"))
    assert (clip.info.size, len(clip)) == (size, frames)
    assert_ranges_equal_the_whole(clip, [(frames // 2, frames // 2 + 2), (frames - 1, frames)])


# --- several streams ---


def test_a_stream_can_be_chosen(tmp_path):
    small, large = film(tmp_path / "a.mp4", *H264, count=5), tmp_path / "b.mp4"
    film(large, *H264, count=7, width=200)
    both = tmp_path / "both.mkv"
    ffmpeg("-i", small, "-i", large, "-map", 0, "-map", 1, "-c", "copy", both)
    assert len(open_video(both)) == 5
    clip = open_video(both, stream=1)
    assert (len(clip), clip.info.width) == (7, 200)
    assert "2 video streams" in clip.notes[-1]
    with pytest.raises(VideoOpenError, match=r"has no video stream 2\. It has 2, counted from 0"):
        open_video(both, stream=2)


def cover_art(tmp_path, *inputs):
    """Write a file of these inputs with a cover picture in front."""
    cv2.imwrite(str(tmp_path / "c.png"), picture(0))
    sources = [part for path in inputs for part in ("-i", path)]
    maps = [part for n in range(len(inputs) + 1) for part in ("-map", n)]
    cover = ("-c", "copy", "-disposition:v:0", "attached_pic")
    ffmpeg("-i", tmp_path / "c.png", *sources, *maps, *cover, tmp_path / "cover.mp4")
    return tmp_path / "cover.mp4"


def test_cover_art_is_not_the_film(tmp_path):
    clip = open_video(cover_art(tmp_path, film(tmp_path / "a.mp4", *H264, count=5)))
    assert len(clip) == 5


def test_cover_art_with_sound_is_no_film(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", tmp_path / "a.m4a")
    with pytest.raises(VideoOpenError, match="no video stream, only audio and a cover picture"):
        open_video(cover_art(tmp_path, tmp_path / "a.m4a"))


# --- not a video ---


def make_zip(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", "a" * 10_000)


def make_picture(path):
    path.write_bytes(cv2.imencode(".jpg" if "jpg" in path.name else ".png", picture(0))[1])


def make_headers(path):
    """Write a valid MP4 whose picture track has no frames."""
    whole = film(path.with_name("whole.mp4"), *H264, count=5)
    ffmpeg("-i", whole, "-c", "copy", "-frames:v", 0, "-f", "mp4", path)


def make_sound(path):
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", path)


def make_cut_off(path):
    film(path, *H264)
    path.write_bytes(path.read_bytes()[:-200])


NO_VIDEO = "cannot be read as a video"
WRONG = {
    "text.mp4": (lambda p: p.write_text("This is no film.\n" * 99), NO_VIDEO),
    "page.mp4": (lambda p: p.write_text("<!DOCTYPE html><html>404</html>"), NO_VIDEO),
    "random.mp4": (lambda p: p.write_bytes(random.Random(1).randbytes(99_999)), NO_VIDEO),
    "zeros.mp4": (lambda p: p.write_bytes(bytes(99_999)), NO_VIDEO),
    "zip.mp4": (make_zip, NO_VIDEO),
    "png.mp4": (make_picture, "is a single picture"),
    "jpg.mp4": (make_picture, "is a single picture"),
    "subtitles.mp4": (
        lambda p: p.write_text("1\n00:00:01,000 --> 00:00:02,000\nhi\n"),
        "is a text file",
    ),
    "empty.mp4": (lambda p: p.write_bytes(b""), "is empty"),
    "folder.mp4": (lambda p: p.mkdir(), "is a folder"),
    "missing.mp4": (lambda p: None, "There is no file"),
    "headers.mp4": (make_headers, "(no video stream|no frame of it)"),
    "sound.mp4": (make_sound, "no video stream, only audio"),
    "cut.mp4": (make_cut_off, "incomplete MP4: it ends before its index"),
}


@pytest.mark.parametrize("scan", ["auto", "packets"])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_a_video_is_refused_in_words(tmp_path, name, scan):
    make, words = WRONG[name]
    make(tmp_path / name)
    with pytest.raises(VideoOpenError, match=words) as caught:
        open_video(tmp_path / name, scan=scan)
    message = str(caught.value)
    assert name in message and "\n" not in message and len(message) < 400


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path):
    path = film(tmp_path / "a.mp4", *H264, count=3)
    path.chmod(0)
    with pytest.raises(VideoOpenError, match="do not have permission to read"):
        open_video(path)
