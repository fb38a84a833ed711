"""Enlarged films are steadied along the motion, and nothing else is changed."""

from fractions import Fraction

import cv2
import numpy as np

from helpers.clip import MemoryClip
from helpers.imaging.resample import resize
from helpers.stages.upscale.stage import Upscale
from helpers.stages.upscale.steady import average, look
from tests.support.law import varying_clip

SIZE, TIMES = (96, 72), 3


def scene(seed=1):
    """A still picture with soft shapes, (H, W, 3) float."""
    noise = np.random.default_rng(seed).normal(size=(SIZE[1] * 2, SIZE[0] * 2, 3))
    soft = cv2.GaussianBlur(noise, (0, 0), 4)
    return 128 + 50 * soft / soft.std()


def view(picture, at):
    return picture[at // 2 : at // 2 + SIZE[1], at : at + SIZE[0]].clip(0, 255).astype(np.uint8)


def enlarge(sources, noise=6.0):
    """An enlargement of each source, with noise of its own."""
    draw = np.random.default_rng(2)
    for source in sources:
        large = resize(source, SIZE[0] * TIMES, SIZE[1] * TIMES, "bicubic").astype(float)
        yield (large + draw.normal(0, noise, large.shape)).clip(0, 255).astype(np.uint8)


def steadied(sources, **options):
    seen, made = [look(one) for one in sources], list(enlarge(sources, **options))
    return [average(seen, made, at) for at in range(len(made))]


def error(made, source):
    large = resize(source, SIZE[0] * TIMES, SIZE[1] * TIMES, "bicubic").astype(float)
    return np.sqrt(((made - large) ** 2).mean())


def test_what_flickers_is_averaged_along_the_motion():
    sources = [view(scene(), 3 * number) for number in range(6)]
    made = steadied(sources)
    assert len(made) == 6
    before = list(enlarge(sources))
    for number in (2, 3):
        assert error(made[number], sources[number]) < 0.6 * error(before[number], sources[number])


def test_something_new_leaves_no_ghost():
    sources = [view(scene(), 0) for _ in range(5)]
    sources[2] = sources[2].copy()
    cv2.circle(sources[2], (48, 36), 9, (255, 255, 255), -1, cv2.LINE_AA)
    made = steadied(sources, noise=0.0)
    # It is whole where it is, and not seen where it is not.
    centre = np.s_[99:117, 135:153]
    large = resize(sources[2], SIZE[0] * TIMES, SIZE[1] * TIMES, "bicubic")
    assert np.abs(made[2][centre].astype(int) - large[centre]).max() <= 2
    for number in (0, 1, 3, 4):
        assert error(made[number], sources[number]) < 1


def test_shots_are_not_mixed():
    images = [view(scene(1), 0)] * 3 + [view(scene(9), 0)] * 3
    times = [Fraction(number) for number in range(6)]
    clip = MemoryClip(images, times, Fraction(6), cuts=[times[0], times[3]])
    made = [frame.image for frame in Upscale("bicubic", TIMES, steady=True)(clip).frames()]
    alone = [frame.image for frame in Upscale("bicubic", TIMES)(clip).frames()]
    assert all(np.array_equal(*both) for both in zip(made, alone, strict=True))


def test_only_the_frames_asked_for_are_made():
    clip = Upscale("bicubic", 2, steady=True)(varying_clip(9))
    made = list(clip.frames(4, 6))
    assert [frame.time for frame in made] == list(clip.times[4:6])
