"""A film with one fault is said to have that one."""

import numpy as np
import pytest

from helpers.stages.cleaners import CLEANERS, clean, diagnose, examine
from tests.support.clips import clip_of, levels
from tests.support.worn_films import flickering, moving, noisy, scene, shaken


def test_flicker_is_named():
    found = diagnose(clip_of(levels(flickering())))
    assert "flicker" in found.advice
    assert found.words[0].startswith("The brightness flickers by")


def test_noise_is_named_and_measured():
    found = diagnose(clip_of(noisy(moving(10), 8)))
    assert "noise" in found.advice
    assert abs(found["noise"].amount - 8) < 1.5


def test_shake_is_named_but_left_to_people():
    found = diagnose(shaken()[0])
    assert 1 < found["shake"].measured.pixels < 3
    assert any(word.startswith("The picture shakes") for word in found.words)
    assert found["shake"].needed and "shake" not in found.advice


def test_a_good_film_needs_nothing():
    found = diagnose(clip_of([scene()] * 30))
    assert found.advice == ()
    assert found["flicker"].amount == found["shake"].amount == 0


def test_one_word_a_fault_everywhere():
    names = [cleaner.name for cleaner in CLEANERS]
    found = examine(clip_of([scene()] * 12))
    assert [fault.name for fault in found.faults] == names
    assert [fault.name for fault in diagnose(clip_of([scene()] * 12)).faults] == [
        cleaner.name for cleaner in CLEANERS if not cleaner.whole
    ]
    assert all(clean(clip_of([scene()] * 12), (name,)) for name in names)


def test_it_shows_itself_as_a_table():
    page = diagnose(clip_of(noisy(moving(10), 8)))._repr_html_()
    assert page.count("<tr>") == 6 and "The picture is noisy" in page


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("shape", [(1, 1), (8, 5), (50, 70)])
def test_short_and_tiny_films(count, shape):
    assert diagnose(clip_of(levels([np.full((*shape, 3), 90)] * count))).frames >= 1


def test_a_cut_that_nobody_marked_is_no_flicker():
    images = [*[scene()] * 12, *[255 - scene(seed=8) // 3] * 12]
    assert diagnose(clip_of(images))["flicker"].amount < 1
