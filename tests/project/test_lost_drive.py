"""A drive that goes away, comes back or changes what was written."""

import errno
import json
import os
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from helpers.errors import StorageError
from helpers.project.project import Project
from helpers.runtime import storage
from helpers.stage import Stage
from tests.support.killed import film, finish, made, save
from tests.support.law import same
from tests.support.saves import one_line


@pytest.fixture(scope="module")
def unbroken():
    return list(film())


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
    assert left == [0] and "Trying again" in caplog.text


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
        with pytest.raises(StorageError, match="does not respond") as error:
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
        with pytest.raises(StorageError, match="does not respond"):
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

    with pytest.raises(StorageError, match="does not respond") as error:
        save(folder, Unmount()(film()))
    one_line(error)
    assert not moved.exists()
    done = json.loads(next(away.rglob("done.json")).read_text())
    assert 2 <= len(done) <= 3


def test_a_drive_that_is_away_from_the_start_is_said(tmp_path):
    shop = Project(tmp_path / "project")
    shutil.rmtree(tmp_path / "project")
    with pytest.raises(StorageError, match="does not respond") as error:
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
