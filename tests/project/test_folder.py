"""Which folder is a film's project: known by content, not by name."""

import shutil

import pytest

from helpers import Project, project_folder, sample
from tests.support.machine import use


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(film):
    """Begin the default project of a film."""
    project = Project(project_folder(film))
    project.source(film, progress=False)
    return project.folder


def copy(name, path):
    path.parent.mkdir(exist_ok=True)
    return shutil.copy(sample(name), path)


def test_a_film_under_another_name_keeps_its_project(folder):
    begun = begin(copy("talk", folder / "film.mp4"))
    again = copy("talk", folder / "film (1).mp4")
    assert begun == folder / "projects" / "film" == project_folder(again)


def test_another_film_of_the_same_name_has_a_folder_of_its_own(folder):
    first = begin(copy("talk", folder / "a" / "film.mp4"))
    other = copy("film", folder / "b" / "film.mp4")
    second = begin(other)
    assert first != second and second.name.startswith("film-")
    assert project_folder(other) == second
    assert project_folder(folder / "a" / "film.mp4") == first


def test_projects_on_the_drive_are_found(folder):
    use(drive=folder / "drive")
    begun = begin(copy("talk", folder / "film.mp4"))
    assert begun == folder / "drive" / "silk-purse" / "film"
    assert project_folder(copy("talk", folder / "other.mp4")) == begun


def test_a_damaged_project_is_not_taken_for_anothers(folder):
    film = copy("talk", folder / "film.mp4")
    begun = begin(film)
    (begun / "source.json").write_text("{")
    assert project_folder(film) == begun
    assert project_folder(copy("film", folder / "other.mp4")) == folder / "projects" / "other"


def test_a_long_name_stays_one_that_a_disk_can_hold(folder):
    name = "ä" * 120 + ".mp4"
    begin(copy("talk", folder / "a" / name))
    second = begin(copy("film", folder / "b" / name))
    assert len(second.name.encode()) <= 255
