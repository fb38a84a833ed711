"""Mains hum is found and removed."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio.filters import remove_hum
from helpers.audio.hum import find_hum
from helpers.audio.track import Sound
from tests.support.sounds import gain, noise, voice


@pytest.mark.parametrize("mains", [49.93, 60.08])
def test_hum_is_found_by_itself_and_taken_out(mains):
    truth, time = voice(6.0), np.arange(96_000) / 16_000
    hum = sum(0.03 / n * np.sin(2 * np.pi * n * mains * time + n) for n in (1, 2, 3, 5))
    sound = Sound((truth + hum).astype(np.float32), 16_000)
    found = find_hum(sound.samples, 16_000)
    assert (
        found and found.base == pytest.approx(mains, abs=0.03) and {1, 2, 3} <= set(found.harmonics)
    )
    assert gain(sound.samples, remove_hum(sound).samples, truth) > 6


def test_no_hum_is_found_in_a_voice():
    assert find_hum(voice(6.0), 16_000) is None
    assert find_hum(noise(96_000, 0.1), 16_000) is None
