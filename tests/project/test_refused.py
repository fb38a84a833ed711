"""Nothing is mixed: another recipe, film, weights or codec is refused with both named."""

import shutil

import pytest

from helpers.catalog import table as catalog
from helpers.errors import (
    ProjectError,
    RecipeMismatchError,
    StorageError,
)
from helpers.project.project import Project
from helpers.retime import Trim
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from tests.support.law import varying_clip
from tests.support.paths import TALK
from tests.support.saves import Counting, film, made, one_line, save

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
    with pytest.raises(RecipeMismatchError, match="no more stages"):
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
    with pytest.raises(ProjectError, match="cannot be the name of a stage"):
        save(tmp_path, film(), name)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("codec", "h264", "Choose ffv1 or near-lossless"),
        ("segment", 0, "longer than 0 seconds; 0 was given"),
        ("segment", -1, "longer than 0 seconds; -1 was given"),
    ],
)
def test_senseless_options_are_refused(tmp_path, option, value, allowed):
    with pytest.raises(ProjectError, match=allowed):
        save(tmp_path, film(), **{option: value})


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "film").write_text("x")
    with pytest.raises(ProjectError, match="is a file"):
        Project(tmp_path / "film")
    with pytest.raises(StorageError):
        Project(tmp_path / "film" / "project")
