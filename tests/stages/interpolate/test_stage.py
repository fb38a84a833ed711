"""More frames: when they are shown, which are new, and what is held."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from helpers.catalog import table as catalog
from helpers.clip import MemoryClip
from helpers.errors import ModelError, StageError
from helpers.stages.interpolate.flow import FlowInterpolator
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from tests.support.law import same, varying_clip

NTSC = Fraction(24000, 1001)


def steady(count, fps, begin=Fraction(0), size=16):
    """A film at a constant rate of which no frame is like another."""
    clip = varying_clip(count, size, size, cuts=(), still=True)
    times = [begin + number / Fraction(fps) for number in range(count + 1)]
    return MemoryClip(clip.images, times[:-1], times[-1])


def test_a_factor_cuts_every_frame_into_equal_parts():
    source = varying_clip()
    clip = Interpolate(factor=3)(source)
    for number, (begin, end) in enumerate(pairwise([*source.times, source.end])):
        third = (end - begin) / 3
        assert list(clip.times[3 * number : 3 * number + 3]) == [begin, begin + third, end - third]
    assert clip.end == source.end


def test_a_rate_gives_every_multiple_until_the_end():
    source = varying_clip()
    times = Interpolate(fps=NTSC)(source).times
    assert times == tuple(source.times[0] + n * Fraction(1001, 24000) for n in range(len(times)))
    assert times[-1] < source.end <= times[-1] + 1 / NTSC


def test_ntsc_doubles_exactly():
    clip = Interpolate(fps=2 * NTSC)(steady(48, NTSC, Fraction(7, 3)))
    assert len(clip) == 96
    assert clip.times[95] == Fraction(7, 3) + 95 * Fraction(1001, 48000)
    assert clip.info.fps == Fraction(48000, 1001)


def test_a_factor_and_the_rate_it_means_are_the_same():
    source = steady(6, NTSC)
    assert same(list(Interpolate(factor=3)(source)), list(Interpolate(fps=3 * NTSC)(source)))


@pytest.mark.parametrize("stage", [Interpolate(factor=4), Interpolate(fps=Fraction(25))])
def test_where_a_frame_is_it_is_passed_on_untouched(stage):
    source = steady(6, 5)
    originals = {frame.time: frame.image for frame in source}
    made = {frame.time: frame.image for frame in stage(source)}
    assert originals.keys() <= made.keys()
    assert all(np.array_equal(made[time], image) for time, image in originals.items())


def test_between_frames_something_new_is_drawn():
    source = steady(2, 5)
    first, middle, last, _ = (frame.image for frame in Interpolate(factor=2)(source))
    assert not np.array_equal(middle, first) and not np.array_equal(middle, last)


@pytest.mark.parametrize("stage", [Interpolate(factor=3), Interpolate(fps=Fraction(29))])
def test_a_picture_is_held_until_the_cut(stage):
    source = varying_clip(still=True)
    for cut in source.cuts[1:]:
        number = source.number_at(cut)
        before = source.times[number - 1]
        held = [f for f in stage(source) if before <= f.time < cut]
        assert all(np.array_equal(f.image, source[number - 1].image) for f in held)
        assert held


def test_the_first_frame_after_a_cut_is_marked():
    source = varying_clip()
    for frame in Interpolate(fps=Fraction(29))(source):
        shot = max(cut for cut in source.cuts if cut <= frame.time)
        assert frame.cut == (frame.time - shot < Fraction(1, 29))


def test_the_last_picture_is_held_to_the_end():
    source = steady(3, 5)
    assert all(
        np.array_equal(f.image, source[2].image) for f in Interpolate(factor=4)(source).frames(8)
    )


def test_between_equal_pictures_nothing_is_drawn(monkeypatch):
    image = steady(1, 5)[0].image
    source = MemoryClip([image, image.copy()], [Fraction(0), Fraction(1)], Fraction(2))
    monkeypatch.setattr("helpers.stages.interpolate.flow.FlowInterpolator.between", None)
    assert all(np.array_equal(frame.image, image) for frame in Interpolate(factor=5)(source))


def test_a_factor_of_one_changes_nothing():
    source = varying_clip()
    assert same(list(Interpolate(factor=1)(source)), list(source))


def test_a_lower_rate_leaves_frames_out():
    source = steady(10, 10)
    made = list(Interpolate(fps=Fraction(5))(source))
    assert [frame.time for frame in made] == list(source.times[::2])
    assert all(np.array_equal(f.image, source[2 * n].image) for n, f in enumerate(made))


def test_a_film_of_one_frame_is_held():
    assert len(list(Interpolate(factor=3)(steady(1, 5)))) == 3


def test_a_rate_and_a_factor_are_too_much():
    with pytest.raises(StageError, match="give only one of them"):
        Interpolate(fps=Fraction(5), factor=2)


@pytest.mark.parametrize(("rate", "factor"), [(5, 5), (8, 3), (12, 2), (24, 1), (60, 1)])
def test_without_either_24_frames_a_second_are_reached(rate, factor):
    with pytest.raises(StageError, match=r"to find factor\. Use Interpolate\(\.\.\.\)\.on"):
        Interpolate()(steady(3, rate))
    assert Interpolate().analyse(steady(3, rate)).factor == factor


@pytest.mark.parametrize("fields", [{"factor": 0}, {"factor": 65}, {"fps": 0}, {"fps": 1001}])
def test_a_senseless_rate_is_refused(fields):
    with pytest.raises(StageError, match=r"must be|allowed is"):
        Interpolate(**fields)


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match="Choose one of flow"):
        Interpolate("rife9", factor=2)


def test_looking_at_one_frame_of_a_long_film_is_quick():
    read = []

    class Counted(tuple):
        def __getitem__(self, key):
            read.append(key)
            return super().__getitem__(key)

    source = steady(300, 25, size=2)
    clip = Interpolate(factor=2)(source)
    len(clip)
    object.__setattr__(source, "times", Counted(source.times))
    _ = clip[299]
    assert len(read) < 30


def test_flow_notes_how_many_times_the_film_was_enlarged():
    source = steady(2, 5)
    large = Upscale("bicubic", Fraction(4))(source)
    assert Interpolate(factor=2)(source).recipe()[-1]["enlarged"] is None
    made = Interpolate(factor=2)(large)
    assert made.recipe()[-1]["enlarged"] == "4" and made.info.enlarged == 4
    by_itself = FlowInterpolator(4).between(large[0].image, large[1].image, [0.5])
    assert np.array_equal(made[1].image, by_itself[0])
    assert not np.array_equal(
        made[1].image, Interpolate(factor=2, enlarged=Fraction(1))(large)[1].image
    )


def test_networks_need_not_know_it(monkeypatch):
    monkeypatch.setattr(catalog, "recipe", lambda *_: {})  # its weights may not be here
    large = Upscale("bicubic", Fraction(4))(steady(2, 5))
    assert Interpolate("rife-4.6", factor=2)(large).recipe()[-1]["enlarged"] is None


@pytest.mark.parametrize("times", [Fraction(1, 2), 0, 1 << 20])
def test_a_film_cannot_have_been_enlarged_so(times):
    with pytest.raises(StageError, match="enlarged"):
        Interpolate(factor=2, enlarged=times)
