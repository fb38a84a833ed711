"""Repeated frames are found in films of every cadence and wear, and nothing else is."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.stages.duplicates.decisions import find_duplicates
from helpers.video.reader import open_video
from tests.support.cadences import ORDERS, WEAR, cadence, film, inserted, repeats
from tests.support.kinds import kinds
from tests.support.law import varying_clip
from tests.support.paths import FILM, TALK, data_path


@pytest.mark.parametrize("wear", kinds(WEAR, quick=("clean", "noisy copies")))
@pytest.mark.parametrize("order", ORDERS)
def test_repeats_are_found_and_nothing_else(order, wear):
    found = find_duplicates(film(ORDERS[order], **WEAR[wear]))
    assert found.dropped == repeats(ORDERS[order])


@pytest.mark.data
@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "bikes_scene_cuts.mp4", "flower.mp4"])
def test_nothing_is_dropped_from_a_film_without_repeats(name):
    assert find_duplicates(open_video(data_path(f"clips/{name}"), scan="packets")).dropped == ()


def test_the_cadence_of_a_worn_film_is_found():
    found = find_duplicates(open_video(FILM))
    assert found.dropped == tuple(range(1, 108, 2))
    assert found.kinds == {1: 54}
    assert "12 of 24 frames per second are new: every frame is shown twice" in repr(found)
    assert find_duplicates(open_video(TALK)).dropped == ()


@pytest.mark.parametrize("noise", [0, 3])
def test_a_still_does_not_collapse(noise):
    order = [*range(20), *[20] * 30, *range(21, 40)]
    found = find_duplicates(film(order, after=noise))
    assert found.dropped == ()
    assert find_duplicates(film([0] * 40, after=noise)).dropped == ()


def flickering(clip: MemoryClip, depth: float = 0.06, fade: float = 0) -> MemoryClip:
    """The film with a light that changes from frame to frame, and fades."""
    dice = np.random.default_rng(2)
    light = (1 + depth * dice.standard_normal(len(clip))) * np.linspace(1, 1 - fade, len(clip))
    images = [
        np.rint((image * gain).clip(0, 255)).astype(np.uint8)
        for image, gain in zip(clip.images, light, strict=True)
    ]
    return MemoryClip(images, clip.times, clip.end, clip.cuts)


@pytest.mark.parametrize("name", ["none", "simple", "12 in 24", "3:2", "through one"])
def test_a_light_that_changes_hides_no_repeat_and_makes_none(name):
    for clip in (flickering(film(ORDERS[name])), flickering(film(ORDERS[name]), 0, 0.6)):
        assert find_duplicates(clip).dropped == repeats(ORDERS[name])


@pytest.mark.parametrize("noise", [0, 2])
def test_flicker_does_not_make_a_still_collapse(noise):
    assert find_duplicates(flickering(film([0] * 40, after=noise, light=0.6))).dropped == ()


def test_a_camera_that_shakes_repeats_hardly_anything():
    dice = np.random.default_rng(4)
    shaken = [number + 0.3 * float(dice.standard_normal()) for number in range(60)]
    # A step that shake makes a quarter as long as those around it is taken for a repeat.
    assert len(find_duplicates(film(shaken, after=1)).dropped) <= 1


def test_a_shot_is_never_compared_with_the_one_before():
    clip = film(cadence(2), cut=20)
    found = find_duplicates(clip)
    assert found.dropped == repeats(cadence(2))
    assert found.shots == (0, 40)
    assert found.decisions[40].difference is None
    assert "begins a shot" in found.decisions[40].reason


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_film_of_a_few_frames_will_do(count):
    found = find_duplicates(film(list(range(count))))
    assert found.dropped == ()
    assert len(found.decisions) == count


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 3)])
def test_tiny_frames_will_do(size):
    assert len(find_duplicates(varying_clip(width=size[0], height=size[1])).decisions) == 12


def test_sixteen_bits_and_uneven_times_are_searched_too():
    clip = film(cadence(2), dtype=np.uint16)
    times = [Fraction(n, 24) + Fraction(n // 5, 7) for n in range(len(clip) + 1)]
    uneven = MemoryClip(clip.images, times[:-1], times[-1])
    assert find_duplicates(uneven).dropped == repeats(cadence(2))


def test_frames_that_are_not_there_cannot_be_changed():
    with pytest.raises(StageError, match="no frame 999"):
        find_duplicates(film(inserted(0))).changed(drop=(999,))
