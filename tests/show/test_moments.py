"""Which frames of two films belong together."""

from fractions import Fraction

import pytest

from helpers.retime import Trim
from helpers.show.moments import match_frames
from helpers.stages.interpolate.stage import Interpolate
from tests.support.views import clip


@pytest.mark.parametrize("time", [Fraction(0), Fraction(3, 7), Fraction(62, 64), Fraction(1, 2)])
def test_an_interpolated_film_shows_a_frame_of_the_film(time):
    film = clip()
    smooth = Interpolate("flow", factor=3)(film)
    one, other = match_frames([film, smooth], time)
    assert film.times[one] == smooth.times[other]
    assert abs(film.times[one] - time) <= Fraction(1, 8)


def test_times_rounded_by_a_container_are_the_same_moment():
    film, written = clip(fps=24), clip(fps=24)
    rounded = tuple(Fraction(round(time * 1000), 1000) for time in written.times)
    object.__setattr__(written, "times", rounded)
    # 1/24 s is rounded up to 42 ms, so a player shows frame 0 at that time.
    assert match_frames([film, written], film.times[1]) == (1, 1)
    assert match_frames([written, film], film.times[2]) == (2, 2)


def test_a_stretch_keeps_its_place():
    film = clip()
    part = Trim(Fraction(1, 2))(film)
    assert match_frames([film, part], Fraction(3, 4)) == (6, 2)
    # A file of it counts from 0.
    shifts = [Fraction(0), Fraction(1, 2)]
    assert match_frames([film, clip(count=4)], Fraction(3, 4), shifts) == (6, 2)


def test_where_no_frames_begin_together_the_closest_are_taken():
    one, other = match_frames([clip(count=8, fps=8), clip(count=7, fps=7)], Fraction(1, 2))
    assert (one, other) == (0, 0)
    assert match_frames([clip(count=8, fps=8), clip(count=8, fps=8)], Fraction(9)) == (7, 7)


def test_frames_of_three_films_begin_together():
    """Of the films of 8 and 12 frames a second, only every second and third begin together."""
    films = [clip(count=8, fps=8), clip(count=12, fps=12), clip(count=4, fps=4)]
    assert match_frames(films, Fraction(3, 8)) == (2, 3, 1)
    late = [Fraction(0), Fraction(1, 4), Fraction(1, 4)]
    assert match_frames(films, Fraction(1, 2), late) == (4, 3, 1)
