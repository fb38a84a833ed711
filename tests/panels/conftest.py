"""What every test of a panel begins with."""

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working folder of a notebook."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
