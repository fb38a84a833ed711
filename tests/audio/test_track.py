"""Sounds in memory."""

from __future__ import annotations

import numpy as np

from helpers.audio.track import Sound, process_in_pieces
from tests.support.sounds import noise


def test_a_long_sound_is_worked_on_in_pieces():
    sound = Sound(noise(50_000, 0.1), 1000)
    made = process_in_pieces(sound, lambda samples: samples * 2, seconds=7, around=1)
    assert np.allclose(made.samples, sound.samples * 2, atol=1e-6)
