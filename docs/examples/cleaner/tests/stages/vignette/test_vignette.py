"""Dark corners are measured, made as light as the middle, and told from a dark ground."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.stages.cleaners import clean, examine
from helpers.stages.vignette.falloff import measure_loss, squared_distance
from helpers.stages.vignette.stage import RemoveVignette


def film(loss, count=8, height=48, width=64):
    """A camera pans over a soft pattern, through a lens that darkens the corners."""
    y, x = np.mgrid[:height, :width]
    lens = 1 - loss * squared_distance(height, width)
    waves = [140 + 25 * np.sin((x + 9 * n) / 11) * np.cos(y / 7 + n) for n in range(count)]
    images = [np.repeat((wave * lens)[..., None], 3, axis=2).astype(np.uint8) for wave in waves]
    return MemoryClip(images, [Fraction(n, 8) for n in range(count)], Fraction(count, 8))


@pytest.mark.parametrize("loss", [0.0, 0.25, 0.5])
def test_the_loss_is_measured_and_given_back(loss):
    stage = RemoveVignette().analyse(film(loss))
    assert stage.loss == pytest.approx(loss, abs=0.04)
    for made, whole in zip(stage(film(loss)), film(0.0), strict=True):
        assert np.abs(made.image.astype(int) - whole.image).mean() < 3


def test_dark_ground_under_a_light_sky_is_no_vignette():
    ground = np.linspace(220, 40, 48)[:, None].repeat(64, axis=1)
    assert measure_loss(ground) == pytest.approx(0.0, abs=1e-6)


def test_a_film_that_has_dark_corners_is_cleaned_of_them():
    found = examine(film(0.5))
    assert found["vignette"].needed and "vignette" in found.advice
    assert "lack" in found["vignette"].sentence
    cleaned = clean(film(0.5), "vignette")
    assert cleaned[0].image[0, 0, 0] > 1.5 * film(0.5)[0].image[0, 0, 0]
    assert not examine(film(0.0))["vignette"].needed


def test_a_loss_that_cannot_be_is_refused():
    with pytest.raises(StageError, match=r"0\.9.*0\.8"):
        RemoveVignette(0.9)
