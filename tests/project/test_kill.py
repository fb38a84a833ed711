"""Bad luck: killed at any moment, a full disk, a drive that goes away. Nothing is lost or faked."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from helpers.errors import StorageError
from helpers.project.project import Project
from helpers.runtime import storage
from helpers.runtime.machine import runtime
from helpers.stage import Stage
from tests.support.killed import PACE, film, made, save, start
from tests.support.law import same
from tests.support.machine import use


@pytest.fixture(autouse=True)
def nothing_made():
    made.clear()


@pytest.fixture(scope="module")
def unbroken():
    return list(film())


def survivors(folder):
    """The segments that need not be made again: noted as done, or finished on local scratch."""
    done = folder / "01_test" / "done.json"
    noted = set(json.loads(done.read_text())) if done.exists() else set()
    found = runtime().scratch.glob("silk-purse-*/*.mkv")
    return noted | {path.name for path in found if ".part." not in path.name}


def finish(folder, unbroken):
    """Run to the end; check every frame, and that only what was lost is made again."""
    kept = survivors(folder)
    saved = save(folder)
    lost = [segment for segment in saved.segments if segment.file not in kept]
    assert made == [saved.times[n] for s in lost for n in range(s.start, s.stop)]
    assert same(list(saved), unbroken)
    assert not list(folder.rglob("*.part*")) and not list(runtime().scratch.iterdir())
    return len(saved.segments) - len(lost)


# --- killed -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "when", "count", "least"),
    [
        ("stage.json", "before", 1, 0),
        ("stage.json", "after", 1, 0),
        ("01_test/000000.mkv", "before", 1, 1),
        ("01_test/000002.mkv", "before", 1, 3),
        ("01_test/000002.mkv", "after", 1, 3),
        ("done.json", "before", 1, 1),
        ("done.json", "before", 3, 3),
        ("done.json", "after", 3, 3),
        ("done.json", "after", 6, 6),
        ("/000003.mkv", "before", 1, 3),  # on scratch
        ("/000003.mkv", "after", 1, 4),
    ],
)
def test_killed_around_a_rename_it_goes_on(tmp_path, unbroken, where, when, count, least):
    process = start(tmp_path, where, when, count)
    assert process.wait(60) == -signal.SIGKILL, process.stderr.read()  # type: ignore[union-attr]
    assert finish(tmp_path, unbroken) >= least


@pytest.mark.slow
def test_killed_again_and_again_at_any_moment_it_gets_to_the_end(tmp_path, unbroken):
    dice, killed = random.Random(7), 0
    for _ in range(5):
        process = start(tmp_path)
        begun = tmp_path / "01_test" / ".lock"
        while process.poll() is None and not (begun.exists() and begun.read_text()):
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 12 * PACE * 3))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed
    finish(tmp_path, unbroken)


@pytest.mark.slow
def test_killed_in_the_middle_of_a_segment_only_that_one_is_made_again(tmp_path, unbroken):
    process = start(tmp_path)
    while not list(runtime().scratch.glob("silk-purse-*/000003.part.mkv")):
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert finish(tmp_path, unbroken) >= 3


# --- the disk is full ---------------------------------------------------------------------------


class Disk:
    """A small disk of its own, mounted in memory."""

    def __init__(self, folder):
        self.folder = folder

    def resize(self, size, *remount):
        options = ",".join([*remount, f"size={size}k"])
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("mounting a small disk needs root")


@pytest.fixture
def disk(tmp_path):
    small = Disk(tmp_path / "disk")
    small.folder.mkdir()
    small.resize(400)
    yield small
    subprocess.run(["umount", "-l", str(small.folder)], check=True)


def one_line(error):
    assert "\n" not in str(error.value) and "Errno" not in str(error.value)


def large():
    """A segment of it takes about 130 kB."""
    return film(80, 60)


def test_a_full_project_disk_keeps_what_is_whole_and_goes_on(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(
        "helpers.project.project.check_space", lambda *_: None
    )  # its guess was wrong
    with pytest.raises(StorageError, match="disk is full") as error:
        save(disk.folder, large())
    one_line(error)
    folder = disk.folder / "01_test"
    done = json.loads((folder / "done.json").read_text())
    assert done and {path.name for path in folder.glob("*.mkv*")} == set(done)
    kept = survivors(disk.folder)
    assert len(kept) > len(done)  # one is whole on scratch
    disk.resize(4000, "remount")
    made.clear()
    saved = save(disk.folder, large())
    assert len(made) == 12 * (6 - len(kept))
    assert same(list(saved), list(large()))


def test_a_full_scratch_disk_is_said_and_goes_on(tmp_path, disk, monkeypatch):
    monkeypatch.setattr("helpers.project.project.check_space", lambda *_: None)
    disk.resize(100, "remount")
    use(scratch=disk.folder, forced_precision="fp32")
    with pytest.raises(StorageError, match="full") as error:
        save(tmp_path / "project", large())
    one_line(error)
    assert not list((tmp_path / "project" / "01_test").glob("*.mkv"))
    disk.resize(4000, "remount")
    assert same(list(save(tmp_path / "project", large())), list(large()))


def test_a_disk_that_is_too_small_is_refused_before_anything_is_made(tmp_path, disk):
    with pytest.raises(StorageError, match="will take about"):
        save(disk.folder, large())
    assert made == []


# --- the drive goes away ------------------------------------------------------------------------


def unwell(monkeypatch, name, failures, where="01_test"):
    """Let os.replace or os.stat or open fail for files in the project, this many times."""
    real, left = getattr(os, name), [failures]

    def failing(path, *args, **options):
        target = str(args[0]) if name == "replace" else str(path)
        if where in target and left[0] > 0:
            left[0] -= 1
            raise OSError(errno.EIO, "Input/output error", target)
        return real(path, *args, **options)

    monkeypatch.setattr(os, name, failing)
    return left


def test_a_drive_that_comes_back_is_waited_for(tmp_path, monkeypatch, unbroken, caplog):
    left = unwell(monkeypatch, "replace", 2)
    assert same(list(save(tmp_path)), unbroken)
    assert left == [0] and "trying again" in caplog.text


def test_a_drive_that_stays_away_stops_the_run_and_keeps_what_was_finished(
    tmp_path, monkeypatch, unbroken
):
    with monkeypatch.context() as patch:
        unwell(patch, "replace", 99, "000002.mkv")
        rename = os.replace  # finishing a segment on scratch goes well

        def only_on_drive(source, target):
            if "silk-purse-" in str(target):
                os.rename(source, target)
            else:
                rename(source, target)

        patch.setattr(os, "replace", only_on_drive)
        with pytest.raises(StorageError, match="does not answer") as error:
            save(tmp_path)
    one_line(error)
    done = json.loads((tmp_path / "01_test" / "done.json").read_text())
    assert set(done) == {"000000.mkv", "000001.mkv"}
    assert not list(tmp_path.rglob("*.part"))
    made.clear()
    assert finish(tmp_path, unbroken) >= 3  # segment 2 waited on scratch


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOTCONN, errno.ENODEV])
def test_a_drive_that_fails_to_read_is_told_from_a_missing_file(tmp_path, monkeypatch, error):
    save(tmp_path)
    made.clear()

    def failing(self, *args, **options):
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", failing)
        with pytest.raises(StorageError, match="does not answer"):
            save(tmp_path)
    save(tmp_path)
    assert made == []


def test_a_segment_that_cannot_be_read_for_a_moment_is_not_made_again(tmp_path, monkeypatch):
    saved = save(tmp_path)
    made.clear()
    real, left = storage.file_sha256, [2]

    def failing(path):
        if left[0]:
            left[0] -= 1
            raise OSError(errno.EIO, "Input/output error")
        return real(path)

    monkeypatch.setattr(storage, "file_sha256", failing)
    assert same(list(save(tmp_path)), list(saved))
    assert left == [0] and set(made) <= set(saved.times)


@pytest.mark.parametrize("level", ["stage", "project"])
def test_a_folder_that_is_moved_away_is_not_made_anew(tmp_path, unbroken, level):
    folder, away = tmp_path / "drive" / "project", tmp_path / "away"
    moved = folder / "01_test" if level == "stage" else tmp_path / "drive"

    @dataclass(frozen=True)
    class Unmount(Stage):
        def process(self, frames, times, run):
            for frame in frames:
                if frame.time == Fraction(40, 12):
                    os.rename(moved, away)
                yield frame

    with pytest.raises(StorageError, match="does not answer") as error:
        save(folder, Unmount()(film()))
    one_line(error)
    assert not moved.exists()
    done = json.loads(next(away.rglob("done.json")).read_text())
    assert 2 <= len(done) <= 3


def test_a_drive_that_is_away_from_the_start_is_said(tmp_path):
    shop = Project(tmp_path / "project")
    shutil.rmtree(tmp_path / "project")
    with pytest.raises(StorageError, match="does not answer") as error:
        shop.save(film(), "01_test", progress=False)
    one_line(error)
    assert not (tmp_path / "project").exists()


def test_a_copy_that_differs_is_made_again(tmp_path, monkeypatch, unbroken):
    real, spoiled = shutil.copyfileobj, []

    def spoiling(source, target, length=0):
        real(source, target, length)
        if not spoiled:
            spoiled.append(True)
            target.seek(100)
            target.write(b"\0" * 9)

    monkeypatch.setattr(shutil, "copyfileobj", spoiling)
    assert same(list(save(tmp_path)), unbroken)
    assert spoiled


def test_pictures_are_really_changed_by_the_stage(unbroken):
    assert not np.array_equal(unbroken[0].image, film().source[0].image)  # type: ignore[attr-defined]
