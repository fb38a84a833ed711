"""A film by its path, on Drive, the last one, or the sample."""

import os

import pytest

from helpers import find_film, sample
from helpers.errors import VideoOpenError
from helpers.video import sources
from helpers.video.recent import remember_film
from helpers.video.sources import films_on_drive
from tests.support.machine import use


def test_a_film_is_found_by_path_or_left_to_the_sample(tmp_path):
    assert find_film("") == sample()
    assert find_film(str(sample("film"))) == sample("film")
    with pytest.raises(VideoOpenError, match="There is no file"):
        find_film(str(tmp_path / "nothing.mp4"))
    with pytest.raises(VideoOpenError, match="There is no file"):
        find_film("x" * 5000)


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_path_may_be_pasted_with_its_quotation_marks(quote):
    assert find_film(f" {quote}{sample()}{quote} ") == sample()


def test_the_film_that_was_used_last_comes_before_the_sample(tmp_path):
    film = tmp_path / "own.mp4"
    film.write_bytes(b"film")
    remember_film(film)
    assert find_film("") == find_film() == film
    assert find_film("sample") == sample() and find_film("sample", "film") == sample("film")
    film.unlink()
    assert find_film("") == sample() and find_film("", "film") == sample("film")


@pytest.fixture
def drive(tmp_path):
    """A mounted Drive with films of several days, and what is no film of the person's."""
    names = ["old.mp4", "films/new.MKV", "films/deep/newest.mov", "notes.txt", ".trash/gone.mp4",
             "silk-purse/old/04_upscale/000000.mkv"]  # fmt: skip
    for day, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
        os.utime(path, (day * 86400, day * 86400))
    use(drive=tmp_path)
    return tmp_path


def test_a_path_may_begin_at_the_top_of_the_drive(drive, monkeypatch):
    monkeypatch.chdir(drive.parent)
    assert find_film("films/new.MKV") == drive / "films" / "new.MKV"
    with pytest.raises(VideoOpenError) as error:
        find_film("films/other.mkv")
    assert "MOUNT_DRIVE" not in str(error.value)


def test_films_on_drive_are_listed_the_newest_first(drive):
    found = [path.relative_to(drive).as_posix() for path in films_on_drive()]
    assert found == ["films/deep/newest.mov", "films/new.MKV", "old.mp4"]
    assert [path.name for path in films_on_drive(most=1)] == ["newest.mov"]


def test_a_large_drive_is_not_searched_for_long(drive, monkeypatch):
    monkeypatch.setattr(sources, "SEARCH_TIME", -1)
    assert films_on_drive() == []


def test_a_folder_that_the_drive_does_not_give_is_left_out(drive, monkeypatch):
    scan = os.scandir

    def failing(folder):
        if str(folder).endswith("films"):
            raise OSError(5, "Input/output error")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", failing)
    assert [path.name for path in films_on_drive()] == ["old.mp4"]


def test_without_a_drive_there_are_no_films_on_it():
    assert films_on_drive() == []
