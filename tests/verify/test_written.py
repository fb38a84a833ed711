"""What is written is looked at before it gets its name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from helpers import Plan, open_video, restore, write_video
from helpers.clip import Frame
from helpers.errors import VerificationError
from helpers.project.report import Report, report_path
from helpers.stage import Stage
from helpers.verify.result import _forgive
from helpers.verify.verdict import Check
from helpers.video import writer
from tests.support.films import H264, encode, ffmpeg, film
from tests.support.odd_films import spoiled, with_sound
from tests.test_command import run

pytestmark = pytest.mark.slow

PLAIN = Plan.of(upscale="none", interpolate="none")


@pytest.fixture
def source(tmp_path):
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=1:a=0.3")
    film(tmp_path / "p.mkv", *H264, "-pix_fmt", "yuv420p", count=25)
    ffmpeg("-i", tmp_path / "p.mkv", *noise, "-c:v", "copy", tmp_path / "source.mkv")
    return tmp_path / "source.mkv"


@pytest.fixture
def mirroring(monkeypatch):
    """Join picture and sound with a mirrored picture, as a fault of ffmpeg might."""
    join = writer.join

    def join_mirrored(picture, first, path, *rest):
        turned = path.with_name("turned.mkv")
        notes = join(picture, first, turned, *rest)
        ffmpeg("-i", turned, "-vf", "hflip", "-c:a", "copy", path)
        turned.unlink()
        return notes

    monkeypatch.setattr(writer, "join", join_mirrored)


def test_a_wrong_film_is_kept_under_another_name(tmp_path, source, mirroring):
    (tmp_path / "out").mkdir()
    with pytest.raises(VerificationError, match=r"mirrored left to right.*was kept as") as caught:
        write_video(open_video(source), tmp_path / "out" / "a.mp4", source=source)
    assert list((tmp_path / "out").iterdir()) == [caught.value.kept]
    assert caught.value.kept.name.endswith(".part.mp4")


def test_a_clip_without_a_source_is_compared_with_what_was_encoded(tmp_path, source, mirroring):
    with pytest.raises(VerificationError, match="mirrored"):
        write_video(open_video(source), tmp_path / "a.mp4")


def test_a_report_lists_what_was_looked_at(tmp_path, source):
    report = restore(source, tmp_path / "a.mp4", plan=PLAIN, progress=False)
    names = {check["name"] for check in report.checks}
    assert {"frames", "tags", "encoded", "film", "picture", "shape", "sound 1"} <= names
    assert all(check["verdict"] == "right" for check in report.checks)
    assert "checked  frames, tags, encoded" in report.summary()
    assert Report.read(report_path(tmp_path / "a.mp4")) == report


def test_a_report_of_an_older_version_is_read(tmp_path, source):
    restore(source, tmp_path / "a.mp4", plan=PLAIN, progress=False)
    path = report_path(tmp_path / "a.mp4")
    values = json.loads(path.read_text())
    del values["checks"]
    path.write_text(json.dumps(values))
    assert "checked  nothing" in Report.read(path).summary()


def test_the_command_says_what_differs(tmp_path, source):
    restore(source, tmp_path / "a.mkv", plan=PLAIN, progress=False)
    good = run("verify", tmp_path / "a.mkv", "--against", source, "--json")
    assert good.returncode == 0
    assert json.loads(good.stdout)["good"]
    ffmpeg("-i", source, "-vf", "vflip", "-c:a", "copy", tmp_path / "a.mkv")
    bad = run("verify", tmp_path / "a.mkv", "--against", source)
    assert bad.returncode == 1
    assert "mirrored top to bottom" in bad.stdout
    none = run("verify", tmp_path / "p.txt", "--against", source)
    assert none.returncode == 2


def test_a_stage_of_ones_own_may_do_anything(tmp_path, source):
    clip = Mirror()(open_video(source))
    assert write_video(clip, tmp_path / "a.mp4", source=source).checks.good


class Mirror(Stage):
    """A stage that `verify` does not know."""

    def process(self, frames, times, run):
        """Mirror every picture."""
        for frame in frames:
            yield Frame(frame.image[:, ::-1].copy(), frame.time)


def test_restore_keeps_a_wrong_film_too(tmp_path, source, mirroring):
    with pytest.raises(VerificationError) as caught:
        restore(source, tmp_path / "a.mp4", plan=PLAIN, progress=False)
    assert caught.value.kept.exists()
    assert not (tmp_path / "a.mp4").exists()
    assert not report_path(tmp_path / "a.mp4").exists()


def test_of_a_damaged_film_a_difference_is_only_noted(tmp_path):
    """Each program repairs damage in its own way."""
    whole = with_sound(tmp_path / "whole.ts", "mp2")
    broken = spoiled(whole, tmp_path / "broken.ts", 0x101)
    late = Check("sound 1", "wrong", "the sound is 300 ms too late at 0.4 s")
    assert list(_forgive([late], whole)) == [late]
    [noted] = _forgive([late], broken)
    assert noted.verdict == "note" and "the film is damaged" in noted.found


def test_a_film_of_five_bits_a_channel_is_not_accused(tmp_path):
    white = ("-f", "lavfi", "-i", "color=white:s=96x64:r=25:d=0.4", "-pix_fmt", "rgb555le")
    ffmpeg(*white, "-c:v", "rawvideo", tmp_path / "a.avi")
    written = write_video(
        open_video(tmp_path / "a.avi"), tmp_path / "b.mkv", source=tmp_path / "a.avi"
    )
    assert written.checks is not None and written.checks.good


def test_colours_that_rgb_does_not_hold_are_no_fault(tmp_path):
    dice = np.random.default_rng(0)
    frames = dice.choice(np.array([16, 235], np.uint8), (10, 3, 96, 128))
    frames[:, 1:] = np.where(frames[:, 1:] > 99, 240, 90)
    path = encode(tmp_path / "wild.mkv", frames, codec="ffv1", pixels="yuv444p", colorspace=1)
    report = restore(path, tmp_path / "out.mkv", plan=PLAIN, codec="ffv1", progress=False)
    assert all(check["verdict"] != "wrong" for check in report.checks)


def test_a_codec_that_names_the_matrix_although_the_container_does_not(tmp_path):
    bars = ("-f", "lavfi", "-i", "smptehdbars=s=1280x720:d=0.4")
    ffmpeg(*bars, "-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime", tmp_path / "a.avi")
    assert open_video(tmp_path / "a.avi").info.colour.matrix == "bt470bg"
    report = restore(tmp_path / "a.avi", tmp_path / "out.mkv", plan=PLAIN, progress=False)
    assert all(check["verdict"] != "wrong" for check in report.checks)
