"""From film to film in one pass: segments in the codec of the film, which the render joins."""

from fractions import Fraction

import numpy as np
import pytest

from helpers import open_video, write_video
from helpers.clip import HdrMetadata, MemoryClip
from helpers.plan import Plan, restore
from helpers.project.project import Project
from helpers.project.runner import SegmentRunner
from helpers.stage import Stage
from helpers.video.codecs import CODECS
from helpers.video.encoder import Encoder
from tests.support.films import numbers, picture, texture
from tests.support.law import same
from tests.support.paths import TALK
from tests.support.saves import BreakError

TIMES = {
    "even": [Fraction(n, 24) for n in range(31)],
    "uneven": [Fraction(n * n + 3 * n, 480) for n in range(31)],
    "a thousand and one": [n * Fraction(1001, 30_000) for n in range(31)],
    "close": [Fraction(n, 5000) for n in range(31)],
}


def film(times="even", images=None, **options):
    images = images or [picture(n) for n in range(30)]
    times = TIMES[times]
    return MemoryClip(images, times[:30], times[30], **options)


def saved(folder, clip, codec, **options):
    segment = clip.duration / 4
    return Project(folder).save(
        clip, "restored", **{"codec": codec, "segment": segment, "progress": False, **options}
    )


def write(clip, path, codec="h264", **options):
    write_video(clip, path, codec=codec, parts=clip.parts, **options)
    return open_video(path, scan="decode")


def near(one, other):
    """Return the mean difference of two frames' pictures, of 1."""
    a, b = (frame.image / np.iinfo(frame.image.dtype).max for frame in (one, other))
    return np.abs(a - b).mean()


@pytest.mark.slow
@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize(
    ("codec", "ending"),
    [(codec, ending) for codec in CODECS for ending in CODECS[codec].containers],
)
def test_times_and_pictures_are_those_of_the_clip(tmp_path, times, codec, ending):
    if (times, ending) == ("close", "mkv"):
        pytest.skip("Matroska keeps whole milliseconds")
    clip = film(times)
    made = saved(tmp_path / "project", clip, codec)
    assert len(made.segments) == 4
    back = write(made, tmp_path / f"a.{ending}", codec)
    assert numbers(back) == list(range(30))
    if ending != "mkv":  # it keeps whole milliseconds
        assert [t - back.times[0] for t in (*back.times, back.end)] == [*clip.times, clip.end]
    assert all(near(a, b) < 0.02 for a, b in zip(back, clip, strict=True))
    assert same(back.frames(11, 20), list(back)[11:20])
    assert all(near(a, b) < 0.003 for a, b in zip(made, back, strict=True))


def test_nothing_is_encoded_again(tmp_path, monkeypatch):
    made = saved(tmp_path / "project", film(), "h264")
    monkeypatch.setattr(Encoder, "write", None)
    written = Project(tmp_path / "project").folder
    assert numbers(write(made, written / "a.mp4")) == list(range(30))


@pytest.mark.parametrize("codec", ["h264", pytest.param("h265", marks=pytest.mark.slow)])
def test_an_interrupted_run_makes_the_same_file(tmp_path, monkeypatch, codec):
    made = saved(tmp_path / "unbroken", film(), codec)
    write(made, tmp_path / "a.mp4", codec)
    commit = SegmentRunner._commit

    def limited(self, segment, path):
        if segment.number == 2:
            raise BreakError
        commit(self, segment, path)

    with monkeypatch.context() as patch, pytest.raises(BreakError):
        patch.setattr(SegmentRunner, "_commit", limited)
        saved(tmp_path / "broken", film(), codec)
    again = saved(tmp_path / "broken", film(), codec)
    write(again, tmp_path / "b.mp4", codec)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("codec", ["h264", "prores"])
def test_pictures_with_odd_sides_are_read_back_in_their_own_size(tmp_path, codec):
    clip = film(images=[texture(47, 61, seed=n) for n in range(30)])
    made = saved(tmp_path / "project", clip, codec)
    assert made[3].image.shape == (47, 61, 3)
    assert near(made[3], clip[3]) < 0.05
    back = write(made, tmp_path / "a.mov", codec)
    assert back.info.size == {"h264": "62x48", "prores": "62x47"}[codec]


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["h264", "h265", "prores"])
def test_ten_bits_are_kept(tmp_path, codec):
    clip = film(images=[picture(n).astype(np.uint16) * 257 for n in range(30)])
    back = write(saved(tmp_path / "project", clip, codec), tmp_path / "a.mov", codec)
    assert back.info.depth == 10
    assert near(back[7], clip[7]) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_light_of_a_film_of_high_dynamic_range_is_kept(tmp_path, codec):
    light = HdrMetadata(
        (13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 50), (1000, 400)
    )

    class Bright(Stage):
        def info(self, source):
            return source.info.replace(hdr=light)

        def process(self, frames, times, run):
            return frames

    clip = Bright()(film(images=[picture(n).astype(np.uint16) * 257 for n in range(30)]))
    back = write(saved(tmp_path / "project", clip, codec), tmp_path / "a.mp4", codec)
    assert back.info.hdr == light


def test_what_the_encoder_was_given_is_known_after_an_interruption(tmp_path):
    saved(tmp_path / "project", film(), "h264")
    again = Project(tmp_path / "project").load("restored")
    given = again.parts.given
    assert given and sorted(given.pictures) == list(range(30))
    (tmp_path / "project" / "restored" / "000001.png").unlink()
    (tmp_path / "project" / "restored" / "000002.png").write_bytes(b"no picture")
    left = again.parts.given
    assert left and set(given.pictures) - set(left.pictures) == {
        number for one in again.segments[1:3] for number in range(one.start, one.stop)
    }
    checks = write_video(again, tmp_path / "a.mp4", parts=again.parts).checks
    assert checks and checks.of("right")


def test_segments_that_were_encoded_differently_are_encoded_once_more(tmp_path):
    made = saved(tmp_path / "project", film(), "h264")
    other = saved(
        tmp_path / "other", film(images=[texture(60, 80, seed=n) for n in range(30)]), "h264"
    )
    parts = made.parts
    mixed = type(parts)((*parts.files[:3], other.parts.files[3]), parts.encoder)
    written = write_video(made, tmp_path / "a.mp4", parts=mixed)
    assert "encoded once more" in written.notes[0] and "000003.mkv" in written.notes[0]
    assert numbers(open_video(tmp_path / "a.mp4")) == list(range(30))


# --- restore --------------------------------------------------------------------------------------


def restored(output, **options):
    plan = Plan.of(upscale="none", interpolate="none", stop=Fraction(1, 2))
    return restore(TALK, output, plan=plan, progress=False, **options)


def codecs(folder):
    return [version.manifest.codec for version in Project(folder).versions("restored").rows]


def test_a_film_is_encoded_once(tmp_path, monkeypatch):
    opened = []
    begin = Encoder.__enter__
    monkeypatch.setattr(Encoder, "__enter__", lambda self: (opened.append(self), begin(self))[1])
    restored(tmp_path / "a.mp4", project=tmp_path / "project")
    assert {encoder.name for encoder in opened} == {"libx264"}
    assert codecs(tmp_path / "project") == ["h264"]


@pytest.mark.slow
def test_frames_are_saved_without_loss_if_that_is_asked_for(tmp_path):
    restored(tmp_path / "a.mp4", project=tmp_path / "project", keep="lossless")
    assert codecs(tmp_path / "project") == ["ffv1"]
    report = restored(tmp_path / "b.mp4", project=tmp_path / "project")
    assert report.saved and report.saved.frames == 4  # it goes on with them
    assert codecs(tmp_path / "project") == ["ffv1"]


@pytest.mark.slow
def test_another_codec_in_a_later_step_is_said_to_lose_a_little(tmp_path):
    restored(tmp_path / "a.mp4", project=tmp_path / "project")
    project = Project(tmp_path / "project")
    latest = project.latest()
    again = project.render(latest, tmp_path / "b.mp4", progress=False)
    assert not any("second time" in note for note in again.notes)
    other = project.render(latest, tmp_path / "c.mov", codec="prores", progress=False)
    assert "saved as h264 and are encoded a second time" in other.notes[-1]
