"""Models for cleaning sound: none, or RNNoise."""

from __future__ import annotations

import shutil

import pytest

from helpers.catalog import fetch
from tests.support.machine import use
from tests.support.paths import weights_path


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Give a test a folder for models of its own, with nothing in it and nothing installed."""
    use(scratch=tmp_path / "scratch", cache=tmp_path / "cache")
    monkeypatch.setattr(fetch, "_installed", lambda *_: None)
    return tmp_path / "cache"


@pytest.fixture
def rnnoise(models):
    """Put RNNoise's weights where they are looked for; skips where they are absent."""
    models.mkdir(parents=True)
    shutil.copy(weights_path("rnnoise/sh.rnnn"), models)
