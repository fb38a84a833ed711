"""Where shots begin."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import Clip, MemoryClip
from helpers.stages.scenes.find import find_cuts
from helpers.stages.scenes.stage import MarkShots
from helpers.video.reader import open_video
from tests.support.law import varying_clip
from tests.support.paths import FILM, TALK, data_path


def numbers(clip: Clip) -> list[int]:
    """The frames at which shots were found, the first frame's aside."""
    found = find_cuts(clip)
    assert found[0] == clip.times[0]
    return [clip.number_at(time) for time in found[1:]]


def film(levels, fps=24, width=64, height=48):
    """A film of random texture, one texture a shot: (texture, brightness) for every frame."""
    images = []
    for seed, brightness in levels:
        picture = np.random.default_rng(seed).integers(0, 200, (height // 4, width // 4, 3))
        picture = picture.repeat(4, 0).repeat(4, 1) + brightness
        images.append(picture.clip(0, 255).astype(np.uint8))
    times = [Fraction(number, fps) for number in range(len(images) + 1)]
    return MemoryClip(images, times[:-1], times[-1])


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "cuts"),
    [
        ("bikes_scene_cuts.mp4", [30, 76, 137, 187, 242]),
        ("oldfilm_abomb.mp4", [44, 134, 299]),
        ("oldfilm_hydepark.mp4", []),
    ],
)
def test_shots_of_real_footage(name, cuts):
    assert numbers(open_video(data_path(f"clips/{name}"), scan="packets")) == cuts


@pytest.mark.parametrize(("path", "cuts"), [(FILM, [54]), (TALK, [])], ids=["film", "talk"])
def test_shots_of_the_samples(path, cuts):
    assert numbers(open_video(path)) == cuts


@pytest.mark.parametrize("count", [1, 2])
def test_a_film_of_one_or_two_frames_is_one_shot(count):
    assert numbers(film([(1, 0)] * count)) == []


def test_a_plain_cut_is_found_at_its_frame():
    assert numbers(film([(1, 0)] * 30 + [(2, 0)] * 30)) == [30]


def test_frames_shown_twice_hide_no_cut():
    moving = [(1, n // 2) for n in range(30)] + [(2, n // 2) for n in range(30)]
    assert numbers(film(moving)) == [30]


def test_a_film_of_uneven_spacing_is_searched_too():
    clip = film([(1, 0)] * 30 + [(2, 0)] * 30)
    times = [Fraction(n, 24) + Fraction(n // 7, 3) for n in range(61)]
    assert numbers(MemoryClip(clip.images, times[:-1], times[-1])) == [30]


def test_flicker_is_no_cut():
    dice = np.random.default_rng(1)
    assert numbers(film([(1, int(dice.integers(0, 40))) for _ in range(60)])) == []


def test_a_flash_is_no_shot():
    levels = [(1, 0)] * 60
    levels[30] = (1, 150)
    assert numbers(film(levels)) == []


def test_sixteen_bits_are_searched_too():
    clip = film([(1, 0)] * 30 + [(2, 0)] * 30)
    images = [image.astype(np.uint16) * 257 for image in clip.images]
    assert numbers(MemoryClip(images, clip.times, clip.end)) == [30]


def test_marks_move_to_the_next_frame_and_those_outside_fall_away():
    clip = varying_clip()
    between = (clip.times[3] + clip.times[4]) / 2
    marked = MarkShots((Fraction(-5), between, clip.end + 1))(clip)
    assert marked.cuts == (clip.times[0], clip.times[4])
    assert [frame.cut for frame in marked].index(True, 1) == 4
