"""A file is claimed before it is made: every fault is one sentence, and nothing is left behind."""

import os
import subprocess
import sys

import pytest

from helpers.errors import ProjectError, ProjectLockedError, VideoWriteError
from helpers.runtime.names import NAME_MAX
from helpers.runtime.output import claim_output
from tests.support.saves import one_line

HOLD = """
import sys, time
from pathlib import Path
from helpers.runtime.output import claim_output
from helpers.runtime.names import part_name
with claim_output(Path(sys.argv[1])) as path:
    part_name(path).write_text("half")
    print("held", flush=True)
    time.sleep(60)
"""


def refuse(path, **options):
    """Claim an output that must be refused, and return the sentence that says why."""
    with pytest.raises(VideoWriteError) as error, claim_output(path, **options):
        raise AssertionError("it was claimed")
    return one_line(error)


def write(path, text="new", **options):
    with claim_output(path, **options) as target:
        target.write_text(text)


@pytest.fixture
def holder(tmp_path):
    """Another process that is writing film.mp4."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "film.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_nothing_but_the_file_is_left(tmp_path):
    path = tmp_path / "new" / "folder" / "film.mp4"
    write(path)
    assert path.read_text() == "new"
    assert [*path.parent.iterdir()] == [path]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_text("old")
    with pytest.raises(KeyError), claim_output(path, overwrite=True):
        raise KeyError
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_folders_that_were_made_for_nothing_are_removed(tmp_path):
    with pytest.raises(KeyError), claim_output(tmp_path / "a" / "b" / "film.mp4"):
        raise KeyError
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_is_there_is_replaced_only_on_demand(tmp_path):
    path = tmp_path / "film.mp4"
    write(path, "old")
    assert "is there already" in refuse(path)
    write(path, "new", overwrite=True)
    assert path.read_text() == "new"


def test_a_second_run_to_the_same_file_is_refused(tmp_path, holder):
    with pytest.raises(ProjectLockedError, match=r"writing .*film\.mp4\.") as error:
        write(tmp_path / "film.mp4")
    one_line(error)
    write(tmp_path / "film.mkv")  # of the same stem
    assert (tmp_path / "film.mkv").read_text() == "new"


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path, holder):
    holder.kill()
    holder.wait()
    write(tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_the_target_of_a_link_is_written_and_the_link_stays(tmp_path):
    link, real = tmp_path / "link.mp4", tmp_path / "drive" / "real.mp4"
    link.symlink_to(real)
    write(link)
    assert link.is_symlink() and real.read_text() == "new"
    assert "is there already" in refuse(link)


def test_a_link_that_leads_to_itself_is_refused(tmp_path):
    link = tmp_path / "loop.mp4"
    link.symlink_to(link)
    assert "cannot be written" in refuse(link)


@pytest.mark.parametrize("below", ["film.mp4", "deeper/film.mp4"])
def test_a_parent_that_is_a_file_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("x")
    assert "cannot be written" in refuse(tmp_path / "file" / below)


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "is not a file" in refuse(tmp_path / "pipe.mp4", overwrite=True)
    assert "is not a file" in refuse(tmp_path, overwrite=True)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def read_only(path):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("helpers.runtime.output.create", read_only)
    assert "(Read-only file system)" in refuse(tmp_path / "film.mp4")
    assert [*tmp_path.iterdir()] == []


def test_a_link_where_the_lock_is_made_is_refused(tmp_path):
    """In a folder that others may write, it could lead to another place."""
    (tmp_path / ".film.mp4.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProjectError, match="is a link"):
        write(tmp_path / "film.mp4")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "name",
    [
        "-out.mp4",
        "a\nb.mp4",
        'it\'s "so".mp4',
        "100%d.mp4",
        "🎬.mp4",
        "12:30.mp4",
        "x" * 251 + ".mp4",
    ],
)
def test_any_name_is_written(tmp_path, name):
    write(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    assert "too long" in refuse(tmp_path / ("x" * (NAME_MAX - 3) + ".mp4"))
    assert "no text in UTF-8" in refuse(tmp_path / "\udcff.mp4")
    assert "null" in refuse(tmp_path / "a\0b.mp4")
