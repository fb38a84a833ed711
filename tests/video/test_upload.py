"""A film from the browser: kept once, whatever the browser calls it."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from helpers import find_film, sample
from helpers.errors import VideoOpenError
from helpers.video.upload import save_upload

TALK, FILM = (sample(name).read_bytes() for name in ("talk", "film"))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working folder of a notebook."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def colab(monkeypatch):
    """An imitation of Colab's dialog: `chosen` is what the person chooses."""

    def upload():
        for name, content in colab.chosen.items():
            if isinstance(content, Exception):
                raise content
            Path(name).write_bytes(content)
        return dict(colab.chosen)

    google, module = ModuleType("google"), ModuleType("google.colab")
    module.files = SimpleNamespace(upload=upload)
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", module)
    colab = SimpleNamespace(chosen={})
    return colab


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_uploaded_film_is_kept_in_the_working_folder(colab, folder):
    colab.chosen = {"film.mp4": TALK}
    assert find_film("upload") == folder / "film.mp4"
    assert names(folder) == ["film.mp4"] and Path.cwd() == folder


@pytest.mark.parametrize("name", ["film.mp4", "film (1).mp4", "other.mp4"])
def test_the_same_film_is_found_by_its_content(colab, folder, name):
    colab.chosen = {"film.mp4": TALK}
    first = find_film("upload")
    colab.chosen = {name: TALK}
    assert find_film("upload") == first and names(folder) == ["film.mp4"]


def test_another_film_of_the_same_name_is_kept_beside_the_first(colab, folder):
    colab.chosen = {"film.mp4": TALK}
    find_film("upload")
    colab.chosen = {"film.mp4": FILM}
    second = find_film("upload")
    assert second.read_bytes() == FILM and names(folder) == ["film (2).mp4", "film.mp4"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, "No file was chosen"),
        ({"film.mp4": b"<html>"}, "cannot be read as a video"),
        ({"film.mp4": RuntimeError("no cell")}, "no cell.*give its path: /content/NAME"),
    ],
)
def test_what_is_no_film_is_not_kept(colab, folder, chosen, said):
    colab.chosen = chosen
    with pytest.raises(VideoOpenError, match=said):
        find_film("upload")
    assert names(folder) == [] and Path.cwd() == folder


def test_elsewhere_there_is_no_dialog():
    with pytest.raises(VideoOpenError, match="Colab only"):
        find_film("upload")


def test_the_first_of_several_files_is_used(colab, folder, caplog):
    colab.chosen = {"b.mp4": FILM, "a.mp4": TALK}
    assert find_film("upload").name == "a.mp4" and "Several files" in caplog.text


@pytest.mark.parametrize(
    "name", ["film.mp4", "../film.mp4", "C:\\films\\film.mp4", "x" * 300 + ".mp4", "", "..", "\0"]
)
def test_what_a_browser_sends_stays_in_the_working_folder(folder, name):
    kept = save_upload(name, memoryview(TALK), len(TALK))
    assert kept.parent == folder and kept.read_bytes() == TALK and names(folder) == [kept.name]


def test_what_did_not_arrive_whole_is_refused(folder):
    with pytest.raises(VideoOpenError, match="too large for this button"):
        save_upload("film.mp4", b"", 20_000_000)
    assert names(folder) == []
