"""How a new stage is saved: as its frames, its time and the room there is suggest."""

import shutil
import time
from dataclasses import dataclass
from fractions import Fraction

import pytest

from helpers.errors import StorageError
from helpers.project import begin, room, trial
from helpers.project.begin import choose_codec, segment_length
from helpers.project.project import Project
from helpers.project.room import Room
from helpers.project.trial import Trial, try_frames
from helpers.stage import Stage
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from tests.support.law import varying_clip
from tests.support.saves import film, made, one_line, save


def limited(monkeypatch, **free):
    """Let disks have this much free; the names are the beginnings of folders' names."""
    usage = shutil.disk_usage("/")

    def look(path):
        sizes = [size for name, size in free.items() if name in str(path)]
        return usage._replace(free=sizes[0] if sizes else 10**15)

    monkeypatch.setattr(shutil, "disk_usage", look)


# --- lossless or not ------------------------------------------------------------------------------


def test_a_talk_that_would_fill_a_free_drive_is_saved_near_lossless(tmp_path, monkeypatch):
    talk = Trial({}, {"ffv1": 14.8e9 / 57_600, "near-lossless": 3e9 / 57_600}, {}, {})
    limited(monkeypatch, drive=15 * 10**9)
    codec, note = choose_codec("04_upscale", 57_600, tmp_path / "drive", talk)
    assert codec == "near-lossless"
    assert note and "about 3.0 GB" in note and "14.8 GB" in note and "15.0 GB free" in note
    limited(monkeypatch, drive=30 * 10**9)
    assert choose_codec("04_upscale", 57_600, tmp_path / "drive", talk) == ("ffv1", None)


def test_how_a_stage_was_begun_is_kept_when_it_continues(tmp_path, monkeypatch):
    run = Project(tmp_path).context(progress=False)
    with monkeypatch.context() as patch:
        patch.setattr(begin, "SHARE", 0)
        assert save(tmp_path, film(), run=run).codec == "near-lossless"
    assert "01_test is saved near-lossless" in run.notes[0]
    made.clear()
    assert save(tmp_path, film()).codec == "near-lossless" and made == []
    assert save(tmp_path, film(), codec="ffv1").codec == "ffv1"
    assert save(tmp_path, film()).codec == "ffv1"  # the newest


# --- room -----------------------------------------------------------------------------------------


def test_the_room_of_the_project_and_of_scratch_is_named(tmp_path, monkeypatch, machine):
    monkeypatch.setattr(room, "_disk_of", str)
    for name in ("project", "scratch"):
        limited(monkeypatch, **{name: 1000})
        with pytest.raises(StorageError) as error:
            save(tmp_path / "project", film(), codec="ffv1")
        said = one_line(error)
        assert str(tmp_path / "project") in said and str(machine.scratch) in said
        assert "1 kB free" in said and "near-lossless" in said


def test_one_disk_must_have_room_for_both(tmp_path, monkeypatch, machine):
    here = Room.of(tmp_path, [10, 10], 100)
    assert here.shared and (here.need, here.scratch_need) == (2000, 2000)
    for free, fits in ((4900, True), (4700, False)):
        limited(monkeypatch, **{"/": free})
        assert Room.of(tmp_path, [10, 10], 100).fits is fits
    assert room.MARGIN == 1.2


# --- segments -------------------------------------------------------------------------------------


def test_a_segment_takes_a_few_minutes_at_the_most():
    long = varying_clip(4)
    assert segment_length(long, 0.1) == 1
    clip = Interpolate(factor=50)(varying_clip(14))
    assert len(clip) > begin.SHORT and segment_length(clip, 0.001) == 10
    assert segment_length(clip, 300 / float(clip.info.fps) / 3) == 3
    assert segment_length(clip, 1000) == 1


# --- the trial ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blocks(Stage):
    """Works on blocks of six frames, a hundredth of a second for each frame."""

    def window(self, source, start, stop):
        return start // 6 * 6, min(-(-stop // 6) * 6, len(source))

    def process_from(self, start, frames, times, run):
        frames = list(frames)
        time.sleep(0.01 * len(frames))
        yield from frames[start % 6 :][: len(times)]


def test_a_step_that_works_on_blocks_is_timed_by_the_block():
    found = try_frames(Blocks()(varying_clip(60, still=True)), ())
    assert 0.009 < found.steps["Blocks"] < 0.015


def test_a_step_before_more_frames_is_counted_for_its_own_frames():
    clip = Interpolate(factor=4)(Blocks()(varying_clip(60, still=True)))
    found = try_frames(clip, (), samples=12)
    assert 0.002 < found.steps["Blocks"] < 0.006


@pytest.mark.parametrize("codec", ["ffv1", "near-lossless"])
def test_the_size_is_that_of_the_frames_that_will_be_saved(tmp_path, codec):
    from tests.support.paths import TALK

    clip = Upscale("lanczos", Fraction(2))(Project(tmp_path).source(TALK, progress=False))
    expected = len(clip) * try_frames(clip, (codec,)).bytes[codec]
    Project(tmp_path).save(clip, "04_upscale", codec=codec, progress=False)
    (row,) = Project(tmp_path).versions("04_upscale").rows
    assert 0.85 < expected / row.bytes < 1.15


def test_a_slow_step_is_tried_on_one_frame_only(monkeypatch):
    monkeypatch.setattr(trial, "BUDGET", 0.0)
    made.clear()
    try_frames(film(), ("ffv1",))
    assert len(made) == 1
