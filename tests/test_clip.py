"""Frames, what is known of a clip, and clips in memory."""

import pickle
from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import ClipInfo, ColourTags, Frame, MemoryClip
from helpers.errors import StageError
from helpers.runtime.schema import convert
from tests.support.law import assert_true, varying_clip

GREY = np.full((4, 6, 3), 128, np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((4, 6, 3), np.float32),
        np.zeros((0, 6, 3), np.uint8),
    ],
)
def test_a_picture_of_another_kind_is_refused_with_its_kind(image):
    with pytest.raises(StageError, match=str(image.dtype)):
        Frame(image, Fraction(0))
    with pytest.raises(StageError, match=str(image.dtype)):
        MemoryClip([image], [Fraction(0)], Fraction(1))


def test_a_frame_shows_its_size_and_not_its_pixels():
    assert repr(Frame(GREY, Fraction(1, 2), True)) == "Frame(6x4 uint8, 0.500 s, cut)"


def test_info_survives_json_exactly():
    tags = ColourTags("bt709", None, "bt709", "tv")
    info = ClipInfo(6, 4, Fraction(24000, 1001), Fraction(16, 15), tags, 10, True, "tff")
    info = info.replace(enlarged=Fraction(8, 3))
    assert convert(info.to_json(), ClipInfo) == info


def test_negative_numbers_count_from_the_end():
    clip = varying_clip()
    assert clip[-1].time == clip.times[-1]
    for number in (len(clip), -len(clip) - 1):
        with pytest.raises(IndexError, match="12 frames"):
            clip[number]


@pytest.mark.parametrize("span", [(-1, 2), (3, 2), (0, 13)])
def test_a_range_outside_the_clip_is_refused(span):
    with pytest.raises(IndexError, match="12 frames"):
        list(varying_clip().frames(*span))


def test_the_frame_shown_at_a_time_is_the_last_that_has_begun():
    clip = MemoryClip([GREY] * 3, [Fraction(1), Fraction(2), Fraction(4)], Fraction(5))
    shown = [clip.number_at(time) for time in (0, 1, 1.5, 2, Fraction(399, 100), 4, 99)]
    assert shown == [0, 0, 0, 1, 1, 2, 2]


def test_whole_numbers_become_exact_times():
    clip = MemoryClip([GREY] * 2, [0, 1], 2)  # type: ignore[list-item]
    assert_true(clip, list(clip))
    assert clip.info.fps == Fraction(1)


@pytest.mark.parametrize("times", [(0, 0), (1, 0), (0, 2)])
def test_a_timeline_that_does_not_rise_is_refused(times):
    with pytest.raises(StageError, match="rise"):
        MemoryClip([GREY] * 2, [Fraction(time) for time in times], Fraction(2))


def test_pictures_of_several_kinds_are_refused():
    for other in (GREY[:2], GREY.astype(np.uint16)):
        with pytest.raises(StageError, match="must have one shape and type"):
            MemoryClip([GREY, other], [Fraction(0), Fraction(1)], Fraction(2))


def test_a_shot_that_begins_at_no_frame_is_refused():
    with pytest.raises(StageError, match="1/3"):
        MemoryClip([GREY], [Fraction(0)], Fraction(1), [Fraction(1, 3)])


def test_the_recipe_of_a_clip_in_memory_tells_everything_apart():
    def recipe(image=GREY, end=2, cuts=(), sar=1):
        times = [Fraction(0), Fraction(1)]
        return MemoryClip([image] * 2, times, Fraction(end), cuts, Fraction(sar)).recipe()

    others = [recipe(image=GREY + 1), recipe(end=3), recipe(cuts=[Fraction(1)]), recipe(sar=2)]
    assert recipe() == recipe()
    assert all(other != recipe() for other in others)


def test_a_clip_in_memory_pickles():
    clip = varying_clip()
    assert pickle.loads(pickle.dumps(clip)).recipe() == clip.recipe()
