"""A film is damaged where most of its frames are, not where something once flew past."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from helpers.run import RunContext
from helpers.stages.damage import find
from helpers.stages.damage.find import VISIBLE, Damage, damage_sentence, measure_damage
from helpers.stages.diagnosis import FilmSamples
from helpers.video.reader import open_video
from tests.support.clips import clip_of
from tests.support.paths import data_path
from tests.support.worn_films import panning


def measure(clip):
    return measure_damage(FilmSamples(clip, clip, (), RunContext()))


def worn(numbers, count=15):
    """A pan with three dark specks on some of its frames, never twice at the same place."""
    frames = panning(count)
    dice = np.random.default_rng(1)
    for number in numbers:
        for x, y in dice.integers((8, 8), (88, 56), (3, 2)):
            cv2.circle(frames[number], (int(x), int(y)), 2, (5, 5, 5), -1)
    return clip_of(frames)


@pytest.mark.slow
def test_dust_on_most_frames_is_damage():
    found = measure(worn(range(15)))
    assert found.share > 4 * VISIBLE and not found.grey


@pytest.mark.slow
def test_a_few_frames_are_no_evidence():
    assert measure(worn((3, 4, 11))).share == 0
    assert measure(clip_of(panning(15))).share == 0


def test_a_large_film_is_measured_in_small_pictures():
    large = [cv2.resize(frame, (960, 640)) for frame in panning(1)]
    assert find._reduce(large[0]).shape == (320, 480, 3)
    assert find._reduce(large[0][:, :400]).shape == (640, 400, 3)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("name", "damaged"), [
    ("oldfilm_hydepark.mp4", True),
    ("carphone_pristine.mp4", False),
    ("bikes_scene_cuts.mp4", False),
])  # fmt: skip
def test_old_films_are_told_from_modern_ones(name, damaged):
    found = measure(open_video(data_path(f"clips/{name}")))
    assert (found.amount > VISIBLE) == damaged


def test_a_film_in_colour_needs_more_evidence():
    assert Damage(0.002, grey=True).amount > VISIBLE > Damage(0.002, grey=False).amount
    assert Damage(0.01, grey=False).amount > VISIBLE


def test_the_sentence_says_how_much():
    found = Damage(0.01, grey=False)
    assert "% of the picture" in damage_sentence(found, needed=True)
    assert "hardly any" in damage_sentence(Damage(0.0001), needed=False)
    assert "a thing that moves" in damage_sentence(Damage(0.002, grey=False), needed=False)
