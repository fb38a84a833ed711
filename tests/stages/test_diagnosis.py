"""A film with one fault is said to have that one."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.stages.cleaners import CLEANERS, clean, diagnose, examine
from tests.stages.denoise.test_denoise import moving, noisy
from tests.stages.flicker.test_flicker import flickering
from tests.stages.stabilize.test_stabilize import scene, shaken


def film(images):
    images = [np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in images]
    return MemoryClip(images, [Fraction(n, 24) for n in range(len(images))], Fraction(len(images)))


def test_flicker_is_named():
    found = diagnose(film(flickering()))
    assert "flicker" in found.advice
    assert found.words[0].startswith("The light flickers by")


def test_noise_is_named_and_measured():
    found = diagnose(film(noisy(moving(10), 8)))
    assert "noise" in found.advice
    assert abs(found["noise"].amount - 8) < 1.5


def test_shake_is_named_but_left_to_people():
    found = diagnose(shaken()[0])
    assert 1 < found["shake"].measured.pixels < 3
    assert any(word.startswith("The picture shakes") for word in found.words)
    assert found["shake"].needed and "shake" not in found.advice


def test_a_good_film_needs_nothing():
    found = diagnose(film([scene()] * 30))
    assert found.advice == ()
    assert found["flicker"].amount == found["shake"].amount == 0


def test_one_word_a_fault_everywhere():
    names = [cleaner.name for cleaner in CLEANERS]
    found = examine(film([scene()] * 12))
    assert [fault.name for fault in found.faults] == names
    assert [fault.name for fault in diagnose(film([scene()] * 12)).faults] == [
        cleaner.name for cleaner in CLEANERS if not cleaner.whole
    ]
    assert all(clean(film([scene()] * 12), (name,)) for name in names)


def test_it_shows_itself_as_a_table():
    page = diagnose(film(noisy(moving(10), 8)))._repr_html_()
    assert page.count("<tr>") == 6 and "The picture is noisy" in page


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("shape", [(1, 1), (8, 5), (50, 70)])
def test_short_and_tiny_films(count, shape):
    assert diagnose(film([np.full((*shape, 3), 90)] * count)).frames >= 1


def test_a_cut_that_nobody_marked_is_no_flicker():
    images = [*[scene()] * 12, *[255 - scene(seed=8) // 3] * 12]
    assert diagnose(film(images))["flicker"].amount < 1
