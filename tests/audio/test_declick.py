"""Hum, clicks and cut peaks are found and repaired."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio import (
    declick,
)
from helpers.audio.diagnose import diagnose
from helpers.audio.filters import (
    remove_hum,
    repair_clicks,
    repair_clipping,
)
from helpers.audio.track import Sound
from tests.support.sounds import gain, noise, voice

# --- mending ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mains", [49.93, 60.08])
def test_hum_is_found_by_itself_and_taken_out(mains):
    truth, time = voice(6.0), np.arange(96_000) / 16_000
    hum = sum(0.03 / n * np.sin(2 * np.pi * n * mains * time + n) for n in (1, 2, 3, 5))
    sound = Sound((truth + hum).astype(np.float32), 16_000)
    found = declick.find_hum(sound.samples, 16_000)
    assert (
        found and found.base == pytest.approx(mains, abs=0.03) and {1, 2, 3} <= set(found.harmonics)
    )
    assert gain(sound.samples, remove_hum(sound).samples, truth) > 6


def test_no_hum_is_found_in_a_voice():
    assert declick.find_hum(voice(6.0), 16_000) is None
    assert declick.find_hum(noise(96_000, 0.1), 16_000) is None


PULSE = np.hanning(7)[1:-1]


def test_clicks_are_mended():
    truth, dice = voice(4.0) + noise(64_000, 0.001), np.random.default_rng(3)
    samples = truth.copy()
    for at in dice.choice(63_000, 40, replace=False):
        samples[0, at : at + 5] += dice.choice([-1, 1]) * dice.uniform(0.2, 0.6) * PULSE
    repaired = repair_clicks(Sound(samples, 16_000)).samples
    assert gain(samples, repaired, truth) > 6
    assert diagnose(Sound(samples, 16_000)).has_clicks


def test_cut_peaks_are_rounded_out():
    truth = voice(4.0)
    samples = np.clip(truth, -0.15, 0.15)
    found = diagnose(Sound(samples, 16_000))
    repaired = repair_clipping(Sound(samples, 16_000)).samples
    assert found.clipped > 0.001 and gain(samples, repaired, truth) > 2
    assert not diagnose(Sound(truth, 16_000)).clipped
