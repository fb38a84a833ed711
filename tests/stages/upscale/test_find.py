"""How much of a network a film gets."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.imaging.resample import resize
from helpers.run import RunContext
from helpers.stages.upscale.find import suggest
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import open_video
from tests.support.esrgan import weights_of
from tests.support.paths import TALK


def enlarged(size, noise=0.0):
    """The talk at another size, with noise."""
    draw = np.random.default_rng(3)
    images = []
    for frame in list(open_video(TALK))[:4]:
        levels = resize(frame.image, *size) + draw.normal(0, noise, (size[1], size[0], 3))
        images.append(np.clip(levels, 0, 255).astype(np.uint8))
    return MemoryClip(images, [Fraction(n) for n in range(4)], Fraction(4))


def test_a_small_film_is_steadied_and_gets_a_part_of_the_network():
    found = suggest(open_video(TALK))
    assert (found.strength, found.steady) == (Fraction(2, 5), True)
    assert "120 lines" in found.reason


def test_a_large_film_gets_all_of_it_unless_it_is_noisy():
    assert suggest(enlarged((960, 720))).strength == 1
    noisy = suggest(enlarged((960, 720), noise=6.0))
    assert noisy.steady and "noisy" in noisy.reason


def test_what_was_left_open_is_chosen_and_said():
    weights_of("animevideov3")
    run = RunContext()
    chosen = Upscale("animevideov3").analyse(open_video(TALK), run)
    assert (chosen.strength, chosen.steady) == (Fraction(2, 5), True)
    assert "strength of 0.4" in run.notes[0]
    given = Upscale("animevideov3", strength=1, steady=False)
    assert given.analyse(open_video(TALK)) == given


@pytest.mark.parametrize("model", ["bicubic", "small-video-x4"])
def test_what_has_no_use_for_it_is_left_as_it_is(model):
    assert Upscale(model).analyse(open_video(TALK)) == Upscale(model)
