"""A full disk keeps what is whole, and the run goes on when there is room."""

import errno
import json
import os
import resource
import shutil
import signal
from contextlib import contextmanager
from fractions import Fraction

import pytest

from helpers.errors import StorageError
from helpers.plan import Plan, restore
from helpers.runtime.machine import runtime
from tests.support.killed import film, made, save, survivors
from tests.support.law import same
from tests.support.machine import use
from tests.support.paths import TALK
from tests.support.saves import one_line

# --- the disk is full ---------------------------------------------------------------------------


class Disk:
    """A folder that takes so many bytes and no more, when files are copied to it."""

    def __init__(self, folder, size):
        self.folder, self.size = folder, size

    @property
    def free(self):
        return self.size - sum(path.stat().st_size for path in self.folder.rglob("*.mkv"))


@pytest.fixture
def disk(tmp_path, monkeypatch):
    small, real = Disk(tmp_path / "disk", 400_000), shutil.copyfileobj
    small.folder.mkdir()

    def copy(source, target, length=0):
        if os.fstat(source.fileno()).st_size > small.free:
            target.write(source.read(1000))
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target, length)

    monkeypatch.setattr(shutil, "copyfileobj", copy)
    return small


@contextmanager
def no_file_larger_than(size):
    """Let the system refuse to write beyond a size, in this process and in those it starts."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def large():
    """A segment of it takes about 130 kB."""
    return film(80, 60)


def test_a_full_project_disk_keeps_what_is_whole_and_goes_on(disk, monkeypatch):
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
    disk.size = 4_000_000
    made.clear()
    saved = save(disk.folder, large())
    assert len(made) == 12 * (6 - len(kept))
    assert same(list(saved), list(large()))


def test_a_full_scratch_disk_is_said_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.project.project.check_space", lambda *_: None)
    with no_file_larger_than(100_000), pytest.raises(StorageError, match="full") as error:
        save(tmp_path / "project", large())
    one_line(error)
    assert not list((tmp_path / "project" / "01_test").glob("*.mkv"))
    assert same(list(save(tmp_path / "project", large())), list(large()))


def test_a_disk_that_is_too_small_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match="needs about"):
        save(tmp_path, large())
    assert len(made) < 12  # a few were tried


# --- what ffmpeg wrote is looked at ---------------------------------------------------------------

CUT_SHORT = """#!/bin/sh
{ffmpeg} "$@"
for file; do
    case "$file" in file:*.part*) written="${{file#file:}}";; esac
done
size=$(wc -c < "$written")
truncate -s $((size / 2)) "$written"
"""
"""An ffmpeg that says that all went well, as some do on a full disk, and wrote half of the film."""


@pytest.fixture
def old(tmp_path):
    """A film that was written by an earlier run."""
    path = tmp_path / "film.mkv"
    path.write_bytes(b"the good old film")
    return path


def restore_again(path):
    plan = Plan.of(upscale="none", interpolate="none", stop=Fraction(1))
    return restore(TALK, path, plan=plan, overwrite=True, progress=False)


@pytest.mark.slow
def test_half_a_film_from_ffmpeg_is_noticed_and_the_old_one_stays(tmp_path, old):
    liar = tmp_path / "ffmpeg"
    liar.write_text(CUT_SHORT.format(ffmpeg=runtime().ffmpeg))
    liar.chmod(0o755)
    use(user_ffmpeg=liar)
    with pytest.raises(StorageError, match=r"film\.mkv is incomplete: of 8 frames, \d ") as error:
        restore_again(old)
    one_line(error)
    assert old.read_bytes() == b"the good old film"
    use(user_ffmpeg=None)
    assert restore_again(old).result.frames == 8  # it goes on from what was kept
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ffmpeg",
        "film.mkv",
        "film.mkv.recipe.toml",
        "film.mkv.report.json",
    ]


@pytest.mark.parametrize("size", [2_000, 8_000, 16_000])
def test_a_disk_that_fills_up_while_the_film_is_written_leaves_the_old_one(old, size):
    with no_file_larger_than(size), pytest.raises(Exception, match=r"full|too large") as error:
        restore_again(old)
    one_line(error)
    assert old.read_bytes() == b"the good old film"
