"""Making what is missing: harmed segments, failing stages, room, scratch."""

import os
import shutil

import pytest

from helpers.errors import (
    SegmentError,
    StageError,
    StorageError,
)
from helpers.retime import Trim
from tests.support.law import same
from tests.support.machine import use
from tests.support.saves import break_off, film, made, one_line, save

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


def test_a_failing_stage_leaves_what_was_finished(tmp_path, monkeypatch):
    break_off(monkeypatch, tmp_path, film(), 2)
    made.clear()
    saved = save(tmp_path, film())
    assert saved.times[0] not in made
    assert same(list(saved), list(film()))


def test_an_error_in_the_film_is_passed_on_as_it_is(tmp_path):
    with pytest.raises(StageError, match="No frame of the film begins between"):
        save(tmp_path, Trim(start=99)(film()))  # type: ignore[arg-type]


# --- room ---------------------------------------------------------------------------------------


def test_too_little_room_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match=r"needs about .* free.*\. Free some space") as error:
        save(tmp_path, film())
    one_line(error)
    assert len(made) < 8  # a few were tried


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
