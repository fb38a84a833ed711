"""A full disk keeps what is whole, and the run goes on when there is room."""

import json
import subprocess

import pytest

from helpers.errors import StorageError
from tests.support.killed import film, made, save, survivors
from tests.support.law import same
from tests.support.machine import use
from tests.support.saves import one_line

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
    with pytest.raises(StorageError, match="needs about"):
        save(disk.folder, large())
    assert made == []
