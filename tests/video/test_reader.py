"""Tests of reading video: files of every kind, honest and not, whole and not."""

from __future__ import annotations

import os
import random
import zipfile
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from helpers import open_video
from helpers.errors import VideoOpenError
from tests.support.films import (
    H264,
    MPEG2,
    MPEG4,
    VP9,
    encode,
    ffmpeg,
    film,
    number_of,
    numbers,
    picture,
    texture,
)
from tests.support.law import same
from tests.support.paths import DATA, data_path

RANGES = [(0, 1), (17, 25), (20, 21), (33, 34), (40, 44), (58, 60), (30, 30)]


def assert_ranges_equal_the_whole(clip, ranges):
    whole = list(clip)
    for start, stop in ranges:
        assert same(clip.frames(start, stop), whole[start:stop]), (start, stop)


def shares(clip):
    """Give some ranges of a clip of any length."""
    n = len(clip)
    starts = {0, n // 4, n // 3, n // 2, n * 3 // 4, n - 1}
    return [(start, min(start + 3, n)) for start in starts]


# --- the timeline, and random access ---

FILES = {
    "long.mp4": ("-c:v", "libx264", "-g", "250", "-bf", "3"),
    "open.mp4": (*H264, "-x264-params", "open-gop=1"),
    "refresh.mp4": ("-c:v", "libx264", "-x264-params", "intra-refresh=1:keyint=20"),
    "hevc.mkv": ("-c:v", "libx265", "-x265-params", "keyint=20:open-gop=1:log-level=error"),
    "h264.mkv": H264,
    "h264.ts": H264,
    "h264.avi": H264,
    "fragments.mp4": (*H264, "-movflags", "frag_keyframe+empty_moov"),
    "mpeg2.ts": MPEG2,
    "mpeg2.mpg": MPEG2,
    "packed.avi": (*MPEG4, "-mpv_flags", "+strict_gop"),
    "vp9.webm": VP9,
    "animated.gif": (),
    "mjpeg.avi": ("-c:v", "mjpeg", "-q:v", "3"),
    "ffv1.mkv": ("-c:v", "ffv1"),
    "prores.mov": ("-c:v", "prores_ks"),
    "raw.h264": H264,
    "raw.m2v": MPEG2,
}


@pytest.mark.parametrize("scan", ["auto", "packets"])
@pytest.mark.parametrize("name", FILES)
def test_every_frame_is_found_once_and_any_range_equals_the_whole(tmp_path, name, scan):
    clip = open_video(film(tmp_path / name, *FILES[name]), scan=scan)
    assert numbers(clip) == list(range(60))
    assert [time - clip.times[0] for time in clip.times] == [Fraction(n, 25) for n in range(60)]
    assert clip.end - clip.times[0] == Fraction(60, 25)
    assert clip.info.fps == 25
    assert_ranges_equal_the_whole(clip, RANGES)


def test_times_are_those_the_decoder_gives(tmp_path):
    path = film(tmp_path / "a.mp4", *H264, "-output_ts_offset", "7.77")
    with av.open(str(path)) as container:
        truth = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert list(open_video(path).times) == truth
    assert truth[0] == Fraction(777, 100)


def test_variable_rate(tmp_path):
    times = [Fraction(n * n, 100) for n in range(12)]
    path = encode(tmp_path / "a.mkv", [picture(n) for n in range(12)], times=times)
    clip = open_video(path)
    assert list(clip.times) == times
    assert numbers(clip) == list(range(12))
    assert [number_of(clip.at(t).image) for t in (0, 0.5, 1.209, 1.2101)] == [0, 7, 10, 11]


def test_an_edit_list_hides_the_beginning(tmp_path):
    path = film(
        tmp_path / "a.mp4",
        *H264,
        "-output_ts_offset",
        "-1.3",
        "-avoid_negative_ts",
        "disabled",
    )
    for scan in ("auto", "packets"):
        clip = open_video(path, scan=scan)
        assert numbers(clip) == list(range(33, 60))
        assert clip.times[0] == 0
        assert not clip.notes
        assert_ranges_equal_the_whole(clip, shares(clip))


def test_negative_times(tmp_path):
    path = film(
        tmp_path / "a.mkv", *H264, "-output_ts_offset", "-1.3", "-avoid_negative_ts", "disabled"
    )
    clip = open_video(path)
    assert numbers(clip) == list(range(60))
    assert [clip.times[0], clip.times[40], clip.end] == [
        Fraction(-13, 10),
        Fraction(3, 10),
        Fraction(11, 10),
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.gif", "a.avi", "a.webm", "a.mpg"])
def test_very_short_films(tmp_path, name, count):
    options = {"avi": MPEG4, "webm": VP9, "mpg": MPEG2, "gif": ()}.get(name[2:], H264)
    clip = open_video(film(tmp_path / name, *options, count=count))
    assert numbers(clip) == list(range(count))
    assert clip.duration == Fraction(count, 25)


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


# --- fields ---


def panning(count, height=240, width=320, speed=4):
    """Cut a moving window out of a wide texture."""
    wide = texture(height, width + count * speed)
    return [wide[:, n * speed : n * speed + width] for n in range(count)]


def woven(moments, order):
    """Weave pairs of moments into interlaced pictures."""
    frames = []
    for early, late in zip(moments[::2], moments[1::2], strict=True):
        frame = late.copy()
        frame[order == "bff" :: 2] = early[order == "bff" :: 2]
        frames.append(frame)
    return frames


@pytest.mark.parametrize("flag", ["", "tff=1", "bff=1"])
@pytest.mark.parametrize("order", ["tff", "bff"])
def test_interlaced_pictures_are_found_whatever_the_flags_say(tmp_path, order, flag):
    options = {"crf": "16", **({"x264-params": flag} if flag else {})}
    clip = open_video(encode(tmp_path / "a.mp4", woven(panning(80), order), options=options))
    assert clip.info.field_order == order
    assert clip.bwdif
    assert "interlaced" in clip.notes[-1]


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_deinterlacing_shows_one_moment(tmp_path, order):
    moments = [moment[..., :1].repeat(3, 2) for moment in panning(80)]
    clip = open_video(encode(tmp_path / "a.mp4", woven(moments, order), options={"crf": "8"}))
    truth = moments[2 * 10 : 2 * 10 + 2]
    error = [np.abs(clip[10].image.astype(int) - moment).mean() for moment in truth]
    plain = open_video(tmp_path / "a.mp4", deinterlace="off")[10].image
    combed = np.abs(plain.astype(int) - truth[0]).mean()
    assert error[0] < combed / 2 and error[0] < error[1]
    assert_ranges_equal_the_whole(clip, [(0, 1), (10, 13), (39, 40)])


def test_progressive_film_flagged_interlaced_is_left_alone(tmp_path):
    path = encode(tmp_path / "a.mp4", panning(40), options={"x264-params": "tff=1"})
    clip = open_video(path)
    assert clip.info.field_order == "progressive" and not clip.bwdif
    assert "flagged interlaced" in " ".join(clip.notes)


def stripes(count):
    """Draw fine horizontal lines that scroll upwards."""
    rows = np.arange(240 + count)
    wide = np.where(rows % 4 < 2, 220, 40).astype(np.uint8)
    return [np.repeat(wide[n : n + 240, None, None], 320, 1).repeat(3, 2) for n in range(count)]


def lettering(count):
    """Scroll small print upwards, as the end of a film does."""
    sheet = np.zeros((240 + 3 * count, 320, 3), np.uint8)
    for line in range(0, len(sheet), 12):
        text = f"{line} The quick brown fox jumps over it"
        cv2.putText(sheet, text, (4, line), cv2.FONT_HERSHEY_PLAIN, 0.8, (255, 255, 255))
    return [sheet[3 * n : 3 * n + 240] for n in range(count)]


def blocky(count):
    """Show a small film in coarse blocks, enlarged without smoothing."""
    return [image[::8, ::8].repeat(8, 0).repeat(8, 1) for image in panning(count)]


def still(count):
    return [texture(240, 320, blur=0.6)] * count


@pytest.mark.parametrize("scene", [panning, stripes, lettering, blocky, still])
@pytest.mark.parametrize("crf", [14, 40])
def test_progressive_pictures_are_not_taken_for_interlaced(tmp_path, scene, crf):
    clip = open_video(encode(tmp_path / "a.mp4", scene(40), options={"crf": str(crf)}))
    assert clip.info.field_order == "progressive"


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(path.name for path in (DATA / "clips").glob("*.*")))
def test_only_the_interlaced_real_clip_is_interlaced(name):
    expected = "bff" if name == "interlaced_bff.mp4" else "progressive"
    assert open_video(data_path(f"clips/{name}"), scan="packets").info.field_order == expected


def test_deinterlacing_can_be_forced_and_forbidden(tmp_path):
    path = encode(tmp_path / "a.mp4", woven(panning(40), "tff"))
    assert not open_video(path, deinterlace="off").bwdif
    path = encode(tmp_path / "b.mp4", panning(20))
    assert open_video(path, deinterlace="on").bwdif


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
    with pytest.raises(VideoOpenError, match="has 2 video streams and no number 2; count them"):
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


# --- files that are wrong ---


def test_joined_transport_streams_go_on_where_the_clock_is_set_back(tmp_path):
    data = film(tmp_path / "a.ts", *H264).read_bytes()
    (tmp_path / "b.ts").write_bytes(data + data)
    clip = open_video(tmp_path / "b.ts")
    assert numbers(clip) == [*range(60), *range(60)]
    assert clip.duration == Fraction(120, 25)
    assert "clock is set back 1 times" in " ".join(clip.notes)
    assert_ranges_equal_the_whole(clip, shares(clip))


def test_a_film_that_changes_size_comes_out_in_one(tmp_path):
    small = film(tmp_path / "a.ts", *H264, count=20).read_bytes()
    large = film(tmp_path / "b.ts", *H264, count=20, width=320, height=256).read_bytes()
    for name, data in {"grows.ts": small + large, "shrinks.ts": large + small}.items():
        (tmp_path / name).write_bytes(data)
        for deinterlace in ("off", "on"):
            clip = open_video(tmp_path / name, deinterlace=deinterlace)
            assert numbers(clip) == [*range(20), *range(20)]
            assert {f.image.shape[1::-1] for f in clip} == {(clip.info.width, clip.info.height)}
            assert_ranges_equal_the_whole(clip, [(19, 22), (20, 21), (25, 30)])


def test_a_recording_that_begins_between_key_frames(tmp_path):
    data = film(tmp_path / "a.ts", *H264).read_bytes()
    (tmp_path / "b.ts").write_bytes(data[188 * 20 :])
    clip = open_video(tmp_path / "b.ts")
    assert numbers(clip) == list(range(20, 60))
    assert_ranges_equal_the_whole(clip, shares(clip))


@pytest.mark.parametrize("part", [0.4, 0.8])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.webm", "a.mpg"])
def test_a_film_cut_off_gives_what_it_holds(tmp_path, name, part):
    options = {"avi": MPEG4, "webm": VP9, "mpg": MPEG2}.get(name[2:], H264)
    whole = film(tmp_path / name, *options, "-movflags", "faststart").read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * part)])
    clip = open_video(tmp_path / name)
    kept = len(clip)
    assert 60 * part * 0.4 < kept < 60
    assert numbers(clip)[: kept - 4] == list(range(kept - 4))
    assert_ranges_equal_the_whole(clip, shares(clip))
    if name[2:] not in ("ts", "mpg"):  # these do not say how long they were
        assert "promises" in clip.notes[0] and f"holds {kept} frames" in clip.notes[0]


def garbled(data, seed):
    """Overwrite and cut out bytes at random places."""
    dice, data = random.Random(seed), bytearray(data)
    for _ in range(dice.randrange(1, 5)):
        at, size = dice.randrange(len(data) // 8, len(data)), dice.choice([1, 3, 50, 600])
        if dice.random() < 0.3:
            del data[at : at + 3 * size]
        else:
            data[at : at + size] = dice.randbytes(len(data[at : at + size]))
    return data


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.webm", "a.mpg"])
def test_damage_is_the_same_damage_every_time(tmp_path, name):
    options = {"avi": MPEG4, "webm": VP9, "mpg": MPEG2}.get(name[2:], H264)
    whole = film(tmp_path / name, *options, "-movflags", "faststart").read_bytes()
    for seed in range(8):
        (tmp_path / name).write_bytes(garbled(whole, seed))
        try:
            clip = open_video(tmp_path / name)
        except VideoOpenError:
            continue
        assert_ranges_equal_the_whole(clip, shares(clip))


def test_a_wrong_frame_count_in_the_header(tmp_path):
    path = film(tmp_path / "a.avi", *MPEG4)
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"avih", 24), (b"strh", 40)):
        at = data.index(mark) + offset
        data[at : at + 4] = (1234).to_bytes(4, "little")
    path.write_bytes(data)
    for scan in ("auto", "packets"):
        assert numbers(open_video(path, scan=scan)) == list(range(60))


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


WRONG = {
    "text.mp4": (lambda p: p.write_text("This is no film.\n" * 99), "is not a video"),
    "page.mp4": (lambda p: p.write_text("<!DOCTYPE html><html>404</html>"), "is not a video"),
    "random.mp4": (lambda p: p.write_bytes(random.Random(1).randbytes(99_999)), "is not a video"),
    "zeros.mp4": (lambda p: p.write_bytes(bytes(99_999)), "is not a video"),
    "zip.mp4": (make_zip, "is not a video"),
    "png.mp4": (make_picture, "is a single picture"),
    "jpg.mp4": (make_picture, "is a single picture"),
    "subtitles.mp4": (
        lambda p: p.write_text("1\n00:00:01,000 --> 00:00:02,000\nhi\n"),
        "is a text",
    ),
    "empty.mp4": (lambda p: p.write_bytes(b""), "is empty"),
    "folder.mp4": (lambda p: p.mkdir(), "is a folder"),
    "missing.mp4": (lambda p: None, "There is no file"),
    "headers.mp4": (make_headers, "(no video stream|not one frame)"),
    "sound.mp4": (make_sound, "no video stream, only audio"),
    "cut.mp4": (make_cut_off, "cut off before the end of its index"),
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
    with pytest.raises(VideoOpenError, match="may not be read by this user"):
        open_video(path)
