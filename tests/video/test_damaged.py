"""Files that are damaged, cut off or joined give what they hold, the same every time."""

from __future__ import annotations

import random
from fractions import Fraction
from types import SimpleNamespace

import pytest

from helpers import open_video
from helpers.errors import VideoOpenError
from helpers.video.open import demux
from tests.support.films import (
    H264,
    MPEG2,
    MPEG4,
    VP9,
    ffmpeg,
    film,
    numbers,
)
from tests.support.kinds import kinds
from tests.support.ranges import assert_ranges_equal_the_whole, shares

# --- files that are wrong ---


def test_joined_transport_streams_go_on_where_the_clock_is_set_back(tmp_path):
    data = film(tmp_path / "a.ts", *H264).read_bytes()
    (tmp_path / "b.ts").write_bytes(data + data)
    clip = open_video(tmp_path / "b.ts")
    assert numbers(clip) == [*range(60), *range(60)]
    assert clip.duration == Fraction(120, 25)
    assert "the clock of the film jumps (joined recordings?): 1" in " ".join(clip.notes)
    assert_ranges_equal_the_whole(clip, shares(clip))


@pytest.mark.slow
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


FILES = ("a.mp4", "a.mkv", "a.ts", "a.avi", "a.webm", "a.mpg")


@pytest.mark.parametrize("part", [0.4, 0.8])
@pytest.mark.parametrize("name", kinds(FILES, quick=("a.ts",)))
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
        assert "should have" in clip.notes[0] and f"only {kept} frames" in clip.notes[0]


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


@pytest.mark.parametrize("name", kinds(FILES, quick=("a.ts",)))
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


def test_a_stream_that_begins_only_midway_is_left_out():
    """PyAV does not list it, and fails at the end of such a file: a damaged FLV, for example."""

    class Container:
        streams = (SimpleNamespace(index=0, type="video"),)

        def demux(self, *streams):
            yield SimpleNamespace(stream_index=0)
            yield SimpleNamespace(stream_index=1)
            raise IndexError("list index out of range")

    assert [packet.stream_index for packet in demux(Container())] == [0]  # type: ignore[arg-type]


def test_a_track_that_leads_beyond_the_end_ends_no_other(tmp_path):
    """A film that is cut off: the index of its other track points behind what is there."""
    whole = film(tmp_path / "a.mp4", *H264, count=100)
    sound = ("-f", "lavfi", "-i", "sine=d=4")
    ffmpeg("-i", whole, *sound, "-c:v", "copy", "-c:a", "aac", tmp_path / "b.mp4")
    data = bytearray((tmp_path / "b.mp4").read_bytes())
    at = data.rindex(b"stco")  # where the chunks of the sound are
    for entry in range(at + 12, at + 12 + 4 * int.from_bytes(data[at + 8 : at + 12], "big"), 4):
        data[entry : entry + 4] = (len(data) + 1000).to_bytes(4, "big")
    (tmp_path / "c.mp4").write_bytes(data)
    assert len(open_video(tmp_path / "c.mp4")) == 100
