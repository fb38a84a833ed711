"""Writing video: times, colours, depth, and a whole file or none."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers import Trim, open_video, write_video
from helpers.clip import MemoryClip
from helpers.errors import SilkPurseError, VideoWriteError
from helpers.stage import Stage
from helpers.video.codecs import CODECS
from helpers.video.encoder import check_encoder
from tests.support.films import ffmpeg, numbers, picture, texture
from tests.support.paths import data_path
from tests.support.rich_films import rich, streams

NTSC = Fraction(24_000, 1001)
TIMELINES = {
    "8": [Fraction(n, 8) for n in range(13)],
    "23.976": [n / NTSC for n in range(13)],
    "29.97": [n * Fraction(1001, 30_000) for n in range(13)],
    "irregular": [Fraction(n * n + 3 * n, 120) for n in range(13)],
    "starts late": [Fraction(7, 3) + Fraction(n, 25) for n in range(13)],
    "starts before zero": [Fraction(-7, 5) + Fraction(n, 25) for n in range(13)],
}


def made(times, last=None, images=None):
    """Make a clip in memory; its last frame is shown as long as the one before, or `last`."""
    images = images or [picture(n) for n in range(len(times))]
    return MemoryClip(images, times, times[-1] + (last or times[-1] - times[-2]))


def lasting(clip):
    """Return when frames begin and the film ends, counted from its first frame."""
    return [time - clip.times[0] for time in (*clip.times, clip.end)]


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


# --- times ---


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["h264", "h265", "prores"])
@pytest.mark.parametrize("timeline", TIMELINES)
def test_times_come_back_exactly(tmp_path, timeline, codec):
    clip = made(TIMELINES[timeline], last=Fraction(1, 2))
    path = tmp_path / ("a.mov" if codec == "prores" else "a.mp4")
    write_video(clip, path, codec=codec)
    for scan in ("decode", "packets"):
        back = open_video(path, scan=scan)
        assert lasting(back) == lasting(clip)
    assert numbers(back) == list(range(13))


@pytest.mark.parametrize("timeline", TIMELINES)
def test_matroska_keeps_times_to_the_millisecond(tmp_path, timeline):
    clip = made(TIMELINES[timeline])
    write_video(clip, tmp_path / "a.mkv", codec="ffv1")
    late = np.subtract(lasting(open_video(tmp_path / "a.mkv")), lasting(clip))
    assert np.abs(late.astype(float)).max() <= 0.001


@pytest.mark.parametrize("count", [1, 2])
def test_very_short_films(tmp_path, count):
    times = [Fraction(n, 10) for n in range(count)]
    clip = made(times, last=Fraction(1, 10))
    write_video(clip, tmp_path / "a.mp4")
    assert lasting(open_video(tmp_path / "a.mp4")) == lasting(clip)


@pytest.mark.parametrize("late", [Fraction(1, 3), Fraction(1001, 30_000)])
def test_a_picture_that_begins_after_the_sound_stays_there(tmp_path, late):
    with_sound = tmp_path / "s.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", with_sound)
    times = [late + n * Fraction(1001, 30_000) for n in range(10)]
    write_video(made(times), tmp_path / "a.mp4", source=with_sound)
    assert list(open_video(tmp_path / "a.mp4").times) == times


def test_a_constant_rate_repeats_and_leaves_out(tmp_path):
    clip = made([Fraction(0), Fraction(1, 100), Fraction(2, 100), Fraction(1, 2)])
    write_video(clip, tmp_path / "a.mp4", fps=Fraction(10))
    back = open_video(tmp_path / "a.mp4")
    assert list(back.times) == [Fraction(n, 10) for n in range(10)]
    assert numbers(back) == [0, 2, 2, 2, 2, 3, 3, 3, 3, 3]


# --- pictures ---


@pytest.mark.parametrize("codec", ["h264", "h265", "prores", "ffv1"])
def test_odd_sizes(tmp_path, codec):
    image = texture(45, 61)
    path = tmp_path / f"a.{CODECS[codec].containers[0]}"
    written = write_video(made([Fraction(0), Fraction(1)], images=[image] * 2), path, codec=codec)
    info = open_video(path).info
    even = {"ffv1": (61, 45), "prores": (62, 45)}.get(codec, (62, 46))
    assert (info.width, info.height) == even
    assert ("odd side" in " ".join(written.notes)) == (codec != "ffv1")


@pytest.mark.parametrize("codec", ["h264", "h265", "ffv1"])
def test_the_shape_of_pixels_is_kept(tmp_path, codec):
    images = [picture(0)] * 2
    clip = MemoryClip(images, [Fraction(0), Fraction(1)], Fraction(2), sar=Fraction(16, 11))
    path = tmp_path / ("a.mkv" if codec == "ffv1" else "a.mp4")
    write_video(clip, path, codec=codec)
    assert open_video(path).info.sar == Fraction(16, 11)


def patches(width, height):
    """Draw flat patches of strong colours."""
    colours = [
        (230, 20, 20),
        (20, 230, 20),
        (20, 20, 230),
        (255, 255, 255),
        (0, 0, 0),
        (200, 120, 40),
    ]
    image = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate(colours):
        image[:, number * width // 6 : (number + 1) * width // 6] = colour
    return image


@pytest.mark.slow
@pytest.mark.parametrize(("size", "matrix"), [((360, 288), "smpte170m"), ((1280, 720), "bt709")])
@pytest.mark.parametrize("codec", ["h264", "h265", "prores"])
def test_colours_survive_with_the_tags_of_their_size(tmp_path, codec, size, matrix):
    image = patches(*size)
    path = tmp_path / f"a.{CODECS[codec].containers[0]}"
    write_video(made([Fraction(0), Fraction(1)], images=[image] * 2), path, codec=codec)
    back = open_video(path)
    assert back.info.colour.range == "tv"
    assert back.info.colour.matrix.replace("bt470bg", "smpte170m") == matrix  # the same numbers
    scale = 257 if back[0].image.dtype == np.uint16 else 1
    middles = [(2 * n + 1) * size[0] // 12 for n in range(6)]
    error = back[0].image[20, middles].astype(int) // scale - image[20, middles].astype(int)
    assert np.abs(error).max() <= 3, error


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_ten_bits_and_their_tags_are_kept(tmp_path, codec):
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": 16, "color_range": 1}
    ramp = np.broadcast_to(np.linspace(64, 940, 320), (128, 320)).astype(np.uint16)
    frame = np.concatenate([ramp, np.full((64, 320), 512, np.uint16)])
    raw = np.repeat(frame[None], 3, 0).astype("<u2").tobytes()
    source = tmp_path / "hdr.mkv"
    ffmpeg(
        *(
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p10le",
            "-s",
            "320x128",
            "-i",
            "-",
            "-c:v",
            "libx265",
        ),
        *(
            "-x265-params",
            "colorprim=9:transfer=16:colormatrix=9:range=limited:log-level=error",
            source,
        ),
        data=raw,
    )
    clip = open_video(source)
    assert clip.info.depth == 10 and tags
    write_video(clip, tmp_path / "a.mp4", codec=codec, quality=10)
    back = open_video(tmp_path / "a.mp4")
    assert back.info.depth == 10
    assert back.info.colour == clip.info.colour
    assert back.info.colour.transfer == "smpte2084"
    assert np.abs(back[1].image.astype(int) - clip[1].image).mean() < 150  # of 65535


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ffv1_is_lossless(tmp_path, dtype):
    noise = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (3, 33, 47, 3), dtype, True)
    clip = made([Fraction(n, 5) for n in range(3)], images=list(noise))
    write_video(clip, tmp_path / "a.mkv", codec="ffv1")
    back = open_video(tmp_path / "a.mkv")
    assert all(np.array_equal(a.image, b.image) for a, b in zip(back, clip, strict=True))


def test_mp4_begins_with_its_index(tmp_path):
    write_video(made(TIMELINES["8"]), tmp_path / "a.mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["-dash.mp4", "12:30 ü%d'.mp4", "UPPER.MP4"])
def test_odd_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    source = rich(tmp_path, "a.mp4", ("aac", "aac"), "mov_text").rename(name.lower() + ".src.mp4")
    before = left_in(tmp_path)
    write_video(open_video(source.name), name, source=source.name)
    assert len(open_video(name)) == 60
    assert left_in(tmp_path) == sorted([*before, name])


# --- whole or not at all ---


class Breaks(Stage):
    """Gives five frames and fails."""

    def process(self, frames, times, run):
        for number, frame in enumerate(frames):
            if number == 5:
                raise RuntimeError("broken on purpose")
            yield frame


def test_a_failed_run_leaves_nothing_and_keeps_what_was_there(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"precious")
    with pytest.raises(RuntimeError, match="on purpose"):
        write_video(Breaks()(made(TIMELINES["8"])), tmp_path / "a.mp4")
    assert left_in(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"precious"


def test_a_failed_joining_keeps_what_was_there(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"precious")
    (tmp_path / "bad.mp4").write_text("no film")
    with pytest.raises(SilkPurseError):
        write_video(made(TIMELINES["8"]), tmp_path / "a.mp4", source=tmp_path / "bad.mp4")
    assert left_in(tmp_path) == ["a.mp4", "bad.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"precious"


def test_success_leaves_one_file(tmp_path):
    write_video(made(TIMELINES["8"]), tmp_path / "new" / "a.mp4")
    assert left_in(tmp_path / "new") == ["a.mp4"]


@pytest.mark.parametrize(
    ("name", "codec", "words"),
    [
        ("a.mp4", "h262", "no codec 'h262'. Choose one of h264"),
        ("a.avi", "h264", "'a.avi'. The file name must end in .mp4 or .mkv"),
        ("a.mp4", "ffv1", "must end in .mkv"),
        ("", "h264", "is a folder"),
    ],
)
def test_what_cannot_be_written_is_said_first(tmp_path, name, codec, words):
    with pytest.raises(VideoWriteError, match=words):
        write_video(Breaks()(made(TIMELINES["8"])), tmp_path / name, codec=codec)
    assert left_in(tmp_path) == []


# --- real films ---


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "result", "sounds"),
    [
        ("nasa_speech_multistream.mp4", "a.mp4", ["aac", "aac"]),
        ("bigbuckbunny_720p.mp4", "a.mkv", ["aac"]),
        ("short_audio.mp4", "a.mp4", ["mp3"]),
        ("oldfilm_whitezombie_truncated.mp4", "a.mp4", []),
        ("cartoon_314x273.gif", "a.mp4", []),
    ],
)
def test_a_second_of_a_real_film(tmp_path, name, result, sounds):
    path = data_path(f"clips/{name}")
    whole = open_video(path)
    clip = Trim(None, whole.times[0] + 1)(whole)
    write_video(clip, tmp_path / result, source=path, stop=clip.end)
    back = open_video(tmp_path / result)
    late = np.subtract(lasting(back), lasting(clip)).astype(float)
    assert np.abs(late).max() <= (0.001 if result == "a.mkv" else 0)
    assert [kind[1] for kind in streams(tmp_path / result) if kind[0] == "audio"] == sounds
    height, width = clip[5].image.shape[:2]
    assert np.abs(back[5].image[:height, :width].astype(int) - clip[5].image).mean() < 4


# --- pictures of any size -------------------------------------------------------------------------


class Sized(MemoryClip):
    """A clip that says that its pictures are of a size; none is read."""

    size = (2, 2)

    @property
    def info(self):
        width, height = self.size
        return super().info.replace(width=width, height=height)


def sized(width, height, dtype=np.uint8):
    images = [np.zeros((2, 2, 3), dtype)]
    clip = Sized(images, [Fraction(0)], Fraction(1))
    object.__setattr__(clip, "size", (width, height))
    return clip


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "size", [(1, 1), (64, 1), (1, 64), (2, 1), (3, 3), (6144, 3456), (7680, 4320), (16384, 4320)]
)
def test_ffv1_takes_pictures_of_any_size(size, dtype):
    check_encoder(sized(*size, dtype=dtype), "ffv1")


@pytest.mark.parametrize("size", [(64, 1), (1, 64), (1, 1)])
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_result_one_pixel_high_is_written(tmp_path, size, ending):
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (size[1], size[0], 3), np.uint8) for _ in range(3)]
    clip = MemoryClip(images, [Fraction(n) for n in range(3)], Fraction(3))
    path = tmp_path / f"film.{ending}"
    write_video(clip, path, codec="ffv1" if ending == "mkv" else "h264")
    found = open_video(path)
    assert len(found) == 3
    if ending == "mkv":
        assert all(np.array_equal(f.image, i) for f, i in zip(found, images, strict=True))


def test_a_size_that_an_encoder_does_not_take_is_one_sentence():
    with pytest.raises(VideoWriteError, match=r"libx265 cannot hold pictures of 2x2.*another"):
        check_encoder(sized(1, 1), "h265")
