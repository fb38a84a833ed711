"""The folder that remembers: saving, going on, refusing to mix, locks, damage, room."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers.catalog import table as catalog
from helpers.clip import Frame, MemoryClip
from helpers.errors import (
    ProjectError,
    ProjectLockedError,
    RecipeMismatchError,
    SegmentError,
    StageError,
    StorageError,
    VideoOpenError,
)
from helpers.project import project
from helpers.project.manifest import cut_timeline
from helpers.project.project import Project
from helpers.project.runner import SegmentRunner
from helpers.runtime import storage
from helpers.stage import Stage
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.retime import Trim
from helpers.stages.scenes.stage import MarkShots
from helpers.stages.upscale.stage import Upscale
from tests.support.law import same, varying_clip
from tests.support.machine import use
from tests.support.paths import TALK

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Counting(Stage):
    """Inverts pictures and counts them."""

    depth: int = 8

    def process(self, frames, times, run):
        for frame in frames:
            made.append(frame.time)
            yield Frame(~frame.image, frame.time)


made: list[Fraction] = []


@pytest.fixture(autouse=True)
def nothing_made():
    made.clear()


def save(folder, clip, name="01_test", **options):
    return Project(folder).save(clip, name, **{"segment": HALF, "progress": False, **options})


def film(**options):
    return Counting()(varying_clip(count=16, **options))


def one_line(error):
    text = str(error.value)
    assert "\n" not in text and text.endswith((".", ")"))
    return text


# --- saving and loading -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_saved_comes_back_to_the_last_bit(tmp_path, dtype):
    clip = film(dtype=dtype)
    saved = save(tmp_path, clip)
    assert same(list(saved), list(clip))
    assert (saved.info, saved.end, saved.recipe()) == (clip.info, clip.end, clip.recipe())


def test_what_is_there_is_not_made_again(tmp_path):
    save(tmp_path, film())
    made.clear()
    save(tmp_path, film())
    assert made == []


def test_a_saved_stage_is_loaded_by_another_session(tmp_path):
    saved = save(tmp_path, film())
    loaded = Project(tmp_path).load("01_test")
    assert loaded.times == saved.times and same(list(loaded), list(saved))


def test_stages_build_on_saved_stages(tmp_path):
    first = save(tmp_path, film(), "01_first")
    second = save(tmp_path, Interpolate(factor=2)(first), "02_second")
    assert same(list(second), list(Interpolate(factor=2)(film())))
    assert [row.get("stage") for row in second.recipe()] == [None, "Counting", "Interpolate"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_near_lossless_is_near_and_keeps_the_times(tmp_path, dtype):
    smooth = [cv2.GaussianBlur(image, (0, 0), 2) for image in varying_clip(dtype=dtype).images]
    clip = MemoryClip(smooth, varying_clip().times, varying_clip().end)
    saved = save(tmp_path, clip, codec="near-lossless")
    for frame, original in zip(saved, clip, strict=True):
        error = np.abs(frame.image.astype(float) - original.image.astype(float))
        assert frame.time == original.time
        assert error.mean() / np.iinfo(dtype).max < 0.012


def test_times_that_no_file_can_hold_are_kept_exactly(tmp_path):
    images = varying_clip(count=6).images
    times = [Fraction(n) + Fraction(n, 10**9 + 7) for n in range(7)]
    saved = save(tmp_path, MemoryClip(images, times[:-1], times[-1]), segment=2)
    assert list(saved.times) == times[:-1] and len(list(saved)) == 6


def test_unicode_and_spaces_in_names(tmp_path):
    folder = tmp_path / "Großmutters Film 1961 мама 映画"
    saved = save(folder, film(), "01 säubern")
    assert same(list(saved), list(film()))
    assert Project(folder).names() == ["01 säubern"]


def test_segments_are_cut_at_shots_where_one_is_near():
    images = [np.zeros((2, 2, 3), np.uint8)] * 400
    times = [Fraction(n, 10) for n in range(401)]
    clip = MemoryClip(images, times[:-1], times[-1], [times[n] for n in (70, 92, 230, 310)])
    assert [segment.start for segment in cut_timeline(clip, Fraction(10))] == [0, 92, 192, 310]


def test_every_frame_is_in_one_segment_however_they_are_spaced():
    for seed in range(20):
        clip = varying_clip(count=14, width=2, height=2, seed=seed)
        for length in (Fraction(1, 100), HALF, Fraction(100)):
            segments = cut_timeline(clip, length)
            frames = [n for segment in segments for n in range(segment.start, segment.stop)]
            assert frames == list(range(14))
            assert all(segment.start < segment.stop for segment in segments)


def test_a_long_film_of_many_shots_is_cut_quickly():
    images = [np.zeros((2, 2, 3), np.uint8)] * 20_000
    times = [Fraction(n, 25) for n in range(20_001)]
    clip = MemoryClip(images, times[:-1], times[-1], times[:-1:20])
    begun = time.process_time()
    cut_timeline(clip, Fraction(10))
    assert time.process_time() - begun < 2


# --- refusing -----------------------------------------------------------------------------------


def test_another_recipe_is_refused_and_both_are_named(tmp_path):
    source = varying_clip()
    save(tmp_path, Upscale("bicubic", 2)(source))
    for other, words in (
        (Upscale("lanczos", 2), ["bicubic", "lanczos"]),
        (Upscale("bicubic", 3), ["scale 2", "scale 3"]),
        (Interpolate(factor=2), ["Upscale", "Interpolate"]),
    ):
        with pytest.raises(RecipeMismatchError) as error:
            save(tmp_path, other(source))
        assert all(word in one_line(error) for word in words)


def test_a_longer_or_shorter_chain_is_refused(tmp_path):
    save(tmp_path, film())
    with pytest.raises(RecipeMismatchError, match="nothing more"):
        save(tmp_path, varying_clip(count=16))


def test_another_film_is_refused(tmp_path):
    save(tmp_path, film(seed=1))
    with pytest.raises(RecipeMismatchError, match=r"sha256 \w+.*sha256 \w+"):
        save(tmp_path, film(seed=2))


def test_another_file_of_the_same_name_is_refused(tmp_path):
    for number, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        data = TALK.read_bytes()
        (tmp_path / folder / "talk.mp4").write_bytes(data + b"\0" * number)
    shop = Project(tmp_path / "project")
    first = Trim(stop=1)(shop.source(tmp_path / "a" / "talk.mp4", progress=False))  # type: ignore[arg-type]
    save(shop.folder, first)
    second = Trim(stop=1)(shop.source(tmp_path / "b" / "talk.mp4", progress=False))  # type: ignore[arg-type]
    with pytest.raises(RecipeMismatchError, match=r"talk\.mp4 \(.*sha256"):
        save(shop.folder, second)


def test_a_renamed_film_is_the_same_film(tmp_path):
    renamed = tmp_path / "talk (1).mp4"
    shutil.copy(TALK, renamed)
    shop = Project(tmp_path / "project")
    save(shop.folder, Counting()(Trim(stop=1)(shop.source(TALK, progress=False))))  # type: ignore[arg-type]
    made.clear()
    save(shop.folder, Counting()(Trim(stop=1)(shop.source(renamed, progress=False))))  # type: ignore[arg-type]
    assert made == []


def test_other_weights_are_refused(tmp_path, monkeypatch):
    clip = Upscale("bicubic", 2)(varying_clip())
    monkeypatch.setattr(catalog, "recipe", lambda *_: {"weights": "aaaa1111"})
    save(tmp_path, clip)
    monkeypatch.setattr(catalog, "recipe", lambda *_: {"weights": "bbbb2222"})
    with pytest.raises(RecipeMismatchError, match=r"weights aaaa1111.*weights bbbb2222"):
        save(tmp_path, clip)


def test_another_codec_is_refused(tmp_path):
    save(tmp_path, film())
    with pytest.raises(RecipeMismatchError, match=r"ffv1.*near-lossless"):
        save(tmp_path, film(), codec="near-lossless")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden"])
def test_a_name_that_is_no_folder_is_refused(tmp_path, name):
    with pytest.raises(ProjectError, match="cannot be a stage's name"):
        save(tmp_path, film(), name)


@pytest.mark.parametrize(("option", "value"), [("codec", "h264"), ("segment", 0), ("segment", -1)])
def test_senseless_options_are_refused(tmp_path, option, value):
    with pytest.raises(ProjectError, match="allowed"):
        save(tmp_path, film(), **{option: value})


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "film").write_text("x")
    with pytest.raises(ProjectError, match="is a file"):
        Project(tmp_path / "film")
    with pytest.raises(StorageError):
        Project(tmp_path / "film" / "project")


# --- looking ------------------------------------------------------------------------------------


class BreakError(Exception):
    """What stops a run in these tests."""


def break_off(monkeypatch, folder, clip, after, name="01_test"):
    """Run a save that fails after some segments."""
    commit, count = SegmentRunner._commit, []

    def limited(self, segment, path):
        if len(count) == after:
            raise BreakError
        count.append(segment)
        commit(self, segment, path)

    with monkeypatch.context() as patch, pytest.raises(BreakError):
        patch.setattr(SegmentRunner, "_commit", limited)
        save(folder, clip, name)


def test_an_unfinished_stage_is_not_loaded_and_says_how_far_it_is(tmp_path, monkeypatch):
    break_off(monkeypatch, tmp_path, film(), 2)
    with pytest.raises(ProjectError, match=r"not finished: 2 of \d"):
        Project(tmp_path).load("01_test")


def test_the_latest_finished_stage_is_found_and_unfinished_ones_are_named(
    tmp_path, monkeypatch, caplog
):
    save(tmp_path, film(), "01_first")
    save(tmp_path, Trim(stop=1)(film()), "03_third")  # type: ignore[arg-type]
    break_off(monkeypatch, tmp_path, film(), 1, "02_second")
    shop = Project(tmp_path)
    assert shop.latest().name == "03_third"
    assert shop.latest(before="03_third").name == "01_first"
    assert "02_second is not finished" in caplog.text
    with pytest.raises(ProjectError, match="no finished stage before 01_first"):
        shop.latest(before="01_first")


def test_status_counts_frames_and_bytes(tmp_path, monkeypatch):
    saved = save(tmp_path, film(), "01_whole")
    break_off(monkeypatch, tmp_path, film(), 1, "02_part")
    whole, part = Project(tmp_path).status().stages
    size = sum((saved.folder / segment.file).stat().st_size for segment in saved.segments)
    assert (whole.done, whole.frames, whole.bytes) == (16, 16, size)
    assert part.done == saved.segments[0].stop
    assert "16/16 frames" in repr(Project(tmp_path).status())
    assert "<td>24x18</td>" in Project(tmp_path).status()._repr_html_()


def test_a_missing_stage_is_answered_with_those_there_are(tmp_path):
    save(tmp_path, film())
    for look in (Project(tmp_path).load, Project(tmp_path).remove):
        with pytest.raises(ProjectError, match=r"no stage '02'; there are: 01_test\."):
            look("02")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_frames_are_exported_exactly_with_their_times(tmp_path, dtype):
    clip = film(dtype=dtype)
    folder = Project(tmp_path).export_frames(clip, tmp_path / "png ä", 3, 6)
    names = ["000003.png", "000004.png", "000005.png", "times.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    for number, line in zip((3, 4, 5), (folder / "times.csv").read_text().split("\n")[1:]):  # noqa: B905
        file, _, exact = line.split(",")
        data = np.fromfile(folder / file, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)[..., ::-1]
        assert Fraction(exact) == clip.times[number]
        assert np.array_equal(image, clip[number].image)


def test_a_saved_stage_is_exported_by_its_name(tmp_path):
    save(tmp_path, film())
    folder = Project(tmp_path).export_frames("01_test", tmp_path / "png")
    assert len(list(folder.glob("*.png"))) == 16


def test_a_removed_stage_is_gone_and_may_be_made_anew(tmp_path):
    save(tmp_path, film())
    Project(tmp_path).remove("01_test")
    assert Project(tmp_path).names() == []
    save(tmp_path, varying_clip(count=16))


def test_the_source_is_searched_once(tmp_path, monkeypatch):
    first = Project(tmp_path).source(TALK, progress=False)
    monkeypatch.setattr(project, "find_cuts", None)
    again = Project(tmp_path).source(TALK, progress=False)
    assert isinstance(again.stage, MarkShots)  # type: ignore[attr-defined]
    assert (again.recipe(), again.times) == (first.recipe(), first.times)
    assert same(list(again.frames(3, 5)), list(first.frames(3, 5)))


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(VideoOpenError, match="no file"):
        Project(tmp_path).source(tmp_path / "none.mp4")


# --- one at a time ------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from helpers.runtime.storage import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of a stage."""
    folder = tmp_path / "01_test"
    folder.mkdir()
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_is_refused(tmp_path, holder):
    with pytest.raises(ProjectLockedError, match="Another run on this machine") as error:
        save(tmp_path, film())
    one_line(error)
    assert made == []


def test_the_lock_of_a_killed_run_is_free_at_once(tmp_path, holder):
    holder.kill()
    holder.wait()
    save(tmp_path, film())


def other_machine(folder, age):
    folder.mkdir()
    owner = {"host": "another-machine", "pid": 1, "at": time.time() - age}
    (folder / ".lock").write_text(json.dumps(owner))


def test_a_run_on_another_machine_is_respected(tmp_path):
    other_machine(tmp_path / "01_test", 60)
    with pytest.raises(ProjectLockedError, match=r"another-machine.*wait 9 minutes"):
        save(tmp_path, film())


def test_the_lock_of_a_machine_that_went_away_is_taken_over(tmp_path):
    other_machine(tmp_path / "01_test", storage.STALE + 1)
    save(tmp_path, film())


def test_a_lock_file_of_nonsense_holds_nobody(tmp_path):
    (tmp_path / "01_test").mkdir()
    (tmp_path / "01_test" / ".lock").write_text("[1]")
    save(tmp_path, film())


def test_a_run_that_failed_leaves_no_lock_for_other_machines(tmp_path, monkeypatch):
    break_off(monkeypatch, tmp_path, film(), 1)
    assert (tmp_path / "01_test" / ".lock").read_text() == ""


def test_a_lock_tells_who_holds_it(tmp_path):
    with storage.lock(tmp_path):
        owner = json.loads((tmp_path / ".lock").read_text())
    assert (owner["host"], owner["pid"]) == (socket.gethostname(), os.getpid())


# --- damage -------------------------------------------------------------------------------------


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def lose(path):
    path.unlink()


def cut_short(path):
    os.truncate(path, 9)


@pytest.mark.parametrize("harm", [flip, lose, cut_short])
def test_a_harmed_segment_is_found_and_only_it_is_made_again(tmp_path, harm):
    saved = save(tmp_path, film())
    harmed = saved.segments[1]
    harm(saved.folder / harmed.file)
    assert same(list(saved.frames(0, harmed.start)), list(film().frames(0, harmed.start)))
    with pytest.raises(SegmentError, match=r"000001\.mkv of 01_test is (missing|damaged)") as error:
        list(saved)
    one_line(error)
    made.clear()
    again = save(tmp_path, film())
    assert made == list(saved.times[harmed.start : harmed.stop])
    assert same(list(again), list(film()))


@pytest.mark.parametrize("file", ["stage.json", "done.json"])
@pytest.mark.parametrize("data", [b"", b'{"version": 1,', b"[1]", b"\xff\xfe\0", b"\0" * 99])
def test_a_damaged_description_is_one_clear_sentence(tmp_path, file, data):
    folder = save(tmp_path, film()).folder
    (folder / file).write_bytes(data)
    for look in (lambda: save(tmp_path, film()), lambda: Project(tmp_path).load("01_test")):
        with pytest.raises(ProjectError, match=f"{file} is damaged.*Delete it") as error:
            look()
        one_line(error)


@pytest.mark.parametrize("file", ["stage.json", "done.json"])
def test_deleting_a_damaged_description_helps_as_promised(tmp_path, file):
    saved = save(tmp_path, film())
    (saved.folder / file).unlink()
    assert same(list(save(tmp_path, film())), list(film()))


def test_segments_without_a_description_are_never_taken_for_another_stage(tmp_path):
    folder = save(tmp_path, film()).folder
    (folder / "stage.json").unlink()  # as a removal that was killed leaves it
    other = varying_clip(count=16)
    assert same(list(save(tmp_path, other)), list(other))


def test_a_stage_of_another_version_is_refused(tmp_path):
    path = save(tmp_path, film()).folder / "stage.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    with pytest.raises(ProjectError, match=r"another version.*99"):
        save(tmp_path, film())


def test_a_damaged_note_about_the_source_is_one_clear_sentence(tmp_path):
    (tmp_path / "source.json").write_bytes(b"{")
    with pytest.raises(ProjectError, match=r"source\.json is damaged.*Delete it"):
        Project(tmp_path).source(TALK)


def test_a_failing_stage_leaves_what_was_finished(tmp_path, monkeypatch):
    break_off(monkeypatch, tmp_path, film(), 2)
    made.clear()
    saved = save(tmp_path, film())
    assert saved.times[0] not in made
    assert same(list(saved), list(film()))


def test_an_error_in_the_film_is_passed_on_as_it_is(tmp_path):
    with pytest.raises(StageError, match="Nothing of the film"):
        save(tmp_path, Trim(start=99)(film()))  # type: ignore[arg-type]


# --- room ---------------------------------------------------------------------------------------


def test_too_little_room_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match=r"will take about .* GB free\. Make room") as error:
        save(tmp_path, film())
    one_line(error)
    assert made == []


def test_too_little_room_on_scratch_is_refused_too(tmp_path, monkeypatch, machine):
    usage = shutil.disk_usage(tmp_path)

    def limited(path):
        return usage._replace(free=1000) if path == machine.scratch else usage

    monkeypatch.setattr(shutil, "disk_usage", limited)
    with pytest.raises(StorageError, match=str(machine.scratch)):
        save(tmp_path, film())


def test_scratch_is_left_clean(tmp_path, machine):
    save(tmp_path, film())
    assert list(machine.scratch.iterdir()) == []


def test_a_scratch_folder_that_is_not_there_is_made(tmp_path, machine):
    machine.scratch.rmdir()
    assert same(list(save(tmp_path, film())), list(film()))


def test_a_scratch_folder_that_cannot_be_is_one_clear_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    use(scratch=tmp_path / "file" / "scratch")
    with pytest.raises(StorageError, match="the scratch folder could not be") as error:
        save(tmp_path / "project", film())
    one_line(error)
