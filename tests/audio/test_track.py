"""Sounds in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.audio.track import Sound, SoundError, process_in_pieces, run_filters
from tests.support.sounds import noise


def test_a_long_sound_is_worked_on_in_pieces():
    sound = Sound(noise(50_000, 0.1), 1000)
    made = process_in_pieces(sound, lambda samples: samples * 2, seconds=7, around=1)
    assert np.allclose(made.samples, sound.samples * 2, atol=1e-6)


def test_half_a_sound_from_ffmpeg_is_noticed(tmp_path, monkeypatch):
    """On a full disk it may say that all went well."""

    def stop_early(samples, rate, options):
        Path(options[-1]).write_bytes(b"\0" * 10)
        return ""

    monkeypatch.setattr("helpers.audio.track.encode", stop_early)
    samples = np.zeros((2, 100), np.float32)
    with pytest.raises(SoundError, match="Check that the disk is not full"):
        run_filters(samples, 8000, "anull")
    with pytest.raises(SoundError, match=r"sound\.wav is incomplete"):
        Sound(samples, 8000).save(tmp_path / "sound.wav")
    assert list(tmp_path.iterdir()) == []
