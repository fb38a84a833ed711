"""Clicks are found and replaced, and voices are left."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio.clicks import count_clicks, find_clicks, replace_clicks
from helpers.audio.diagnose import diagnose
from helpers.audio.filters import repair_clicks
from helpers.audio.reader import read_sound
from helpers.audio.track import Sound
from tests.support.paths import data_path
from tests.support.sounds import gain, noise, voice

PULSE = np.hanning(7)[1:-1]


def clicked(truth, many, seed=3):
    """Return a sound, (1, N), with clicks at known samples, and those."""
    dice, samples = np.random.default_rng(seed), truth.copy()
    starts = dice.choice(np.arange(1600, truth.shape[1] - 1600, 800), many, replace=False)
    for at in starts:
        samples[0, at : at + 5] += dice.choice([-1, 1]) * dice.uniform(0.2, 0.6) * PULSE
    return samples, starts


def test_clicks_are_repaired():
    truth = voice(4.0) + noise(64_000, 0.001)
    samples, _ = clicked(truth, 40)
    repaired = repair_clicks(Sound(samples, 16_000)).samples
    assert gain(samples, repaired, truth) > 15
    assert diagnose(Sound(samples, 16_000)).has_clicks


def test_only_clicks_are_changed():
    samples, starts = clicked(voice(2.0) + noise(32_000, 0.001), 10)
    found = find_clicks(samples[0], 16_000)
    assert all(found[at : at + 5].any() for at in starts) and found.sum() < 200
    made = replace_clicks(samples[0], found, 16_000)
    assert np.array_equal(made[~found], samples[0][~found])


def test_what_begins_at_once_and_rings_is_no_click():
    """Drums, strings and the sounds of p, t and k."""
    dice, samples = np.random.default_rng(0), noise(64_000, 0.001)[0]
    for at in range(4000, 60_000, 4000):
        burst = dice.normal(0, 0.2, 320) if at % 8000 else np.sin(np.arange(320) * 0.9) * 0.3
        samples[at : at + 320] += burst * np.exp(-np.arange(320) / 60)
    assert not find_clicks(samples, 16_000).any()


@pytest.mark.parametrize("count", [0, 1, 30, 100])
def test_the_shortest_sounds_have_no_clicks(count):
    assert find_clicks(np.full(count, 0.5), 16_000).shape == (count,)
    assert not find_clicks(noise(count, 0.1)[0], 16_000).any()


@pytest.mark.data
@pytest.mark.slow
def test_voices_have_no_clicks_and_clicks_among_them_are_found():
    """Clean recordings of two people were said to have 51 to 152 clicks a minute."""
    own, hits, many, seconds = 0, 0, 0, 0.0
    for path in sorted(data_path("speech/clean").glob("*.wav"))[::2]:
        truth = read_sound(path).samples
        own += count_clicks(find_clicks(truth[0], 16_000))
        seconds += truth.shape[1] / 16_000
        heard = truth / np.abs(truth).max() * 0.5
        dice = np.random.default_rng(0)
        starts = dice.choice(np.arange(1600, truth.shape[1] - 1600, 800), 12, replace=False)
        heard[0, starts] += dice.choice([-1, 1], 12) * 0.3
        found = find_clicks(heard[0], 16_000)
        hits += sum(found[at - 4 : at + 5].any() for at in starts)
        many += len(starts)
    assert own < 10 * seconds / 60
    assert hits >= 0.9 * many
