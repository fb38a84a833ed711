"""The bench of clean and damaged films: its pictures, and what it measures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.quality import clean_film
from benchmarks.quality.drawn_damage import DAMAGES, laid_on
from benchmarks.quality.drawn_films import FRAMES, HEIGHT, SCENES, WIDTH
from tests.support.worn_films import dusty, panning


@pytest.mark.parametrize("name", ["tracers", "lights"])
def test_a_scene_is_the_same_in_every_run_and_moves(name):
    one, two = SCENES[name](), SCENES[name]()
    assert len(one) == FRAMES and one[0].shape == (HEIGHT, WIDTH, 3) and one[0].dtype == np.uint8
    assert all(map(np.array_equal, one, two))
    assert not np.array_equal(one[3], one[4])


@pytest.mark.parametrize("name", DAMAGES)
def test_drawn_damage_is_where_its_mask_is(name):
    frames = panning(3, 160, 120)
    worn, masks = DAMAGES[name](frames)
    near = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) > 0 for mask in masks])
    assert all(mask.any() for mask in masks)
    assert (np.stack(worn) == np.stack(frames)).all(-1)[~near].mean() > 0.95


def test_a_shape_that_is_hardly_seen_is_no_damage():
    frame = np.full((8, 8, 3), 100, np.uint8)
    made, mask = laid_on(frame, np.full((8, 8), 0.05, np.float32), 200.0)
    assert (made == 105).all() and not mask.any()


def test_what_is_measured_of_a_clean_film_and_of_a_damaged_one():
    clean = panning()
    found = clean_film.measure_clean("pan", clean, "median")
    assert found.changed == 0 and found.worst > 90
    worn, mask = dusty(clean)
    masks = [mask if n == 4 else np.zeros_like(mask) for n in range(len(clean))]
    row = clean_film.measure_worn("specks", clean, worn, masks, "median")
    assert row.inside > row.before + 10 and row.recall > 0.9 and row.left < 0.1
    assert row.false == 0 and 0 < row.f1 <= 1
    table = clean_film.tables([found, row])
    assert "| pan | 0.0000% |" in table and "| specks |" in table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most"),
    [("pylons", 0), ("subtitles", 0), ("flashes", 0.001), ("snow", 0.003), ("rain", 0.01)],
)
def test_what_looks_like_damage_is_left_as_it_is(name, most):
    """It was 6.4, 0, 3.5, 1.0 and 4.2 % of the pixels."""
    found = clean_film.measure_clean(name, SCENES[name]()[4:14], "auto")
    assert found.changed <= most
