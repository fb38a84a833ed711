"""Names, options and folders that cannot be used are refused."""

import pytest

from helpers.errors import (
    ProjectError,
    StorageError,
)
from helpers.project.project import Project
from tests.support.saves import film, save


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden"])
def test_a_name_that_is_no_folder_is_refused(tmp_path, name):
    with pytest.raises(ProjectError, match="cannot be the name of a stage"):
        save(tmp_path, film(), name)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("codec", "vp9", "Choose ffv1 or near-lossless"),
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
