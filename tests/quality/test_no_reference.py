"""Measuring a film and its restoration side by side."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers import Interpolate, Plan, Trim, Upscale, restore
from helpers.clip import MemoryClip
from helpers.project.report import Report, report_path
from helpers.quality.no_reference import VERSION, measure_both
from helpers.quality.no_reference_sound import measure_both_sounds
from tests.support.clips import clip_of, levels
from tests.support.paths import TALK
from tests.support.worn_films import panning


def film(count: int = 40) -> MemoryClip:
    return clip_of([np.ascontiguousarray(one) for one in panning(count, 96, 64)])


def means(clip, result) -> dict[str, tuple[float, float]]:
    found = measure_both(clip, result)
    return {one.name: (np.mean(one.before), np.mean(one.after)) for one in found.courses}


def test_a_film_is_as_good_as_itself():
    found = measure_both(film(), film())
    assert all(one.before == one.after for one in found.courses)
    assert found.invented == 0 and set(found.changed) == {0.0}
    assert len(found.moments) == len(found.changed) == len(found.courses[0].before) == 4
    assert found.cuts == (0.0,)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("noise", lambda images, dice: [one + dice.normal(0, 6, one.shape) for one in images]),
        ("flicker", lambda images, dice: [one + 6 * dice.normal() for one in images]),
        ("shake", lambda images, dice: [np.roll(one, dice.integers(-2, 3), 0) for one in images]),
        ("colour", lambda images, dice: [np.add(one, [6 * dice.normal(), 0, 0]) for one in images]),
        ("repeats", lambda images, dice: [images[n - n % 2] for n in range(len(images))]),
    ],
)
def test_a_fault_that_is_gone_is_measured(name, spoil):
    clean = film()
    faulty = clip_of(
        levels(spoil([one.astype(float) for one in clean.images], np.random.default_rng(1)))
    )
    before, after = means(faulty, clean)[name]
    assert before > after + 0.1


def test_dust_that_is_gone_is_measured():
    clean, dice = film(), np.random.default_rng(1)
    dusty = [image.copy() for image in clean.images]
    for image in dusty:
        for x, y in dice.integers(8, 56, (4, 2)):
            cv2.circle(image, (int(x), int(y)), 2, (250, 250, 250), -1)
    before, after = means(clip_of(dusty), clean)["dust"]
    assert before > after + 0.2


def test_a_blurred_result_is_less_crisp():
    soft = clip_of([cv2.GaussianBlur(image, (0, 0), 2) for image in film().images])
    before, after = means(film(), soft)["sharpness"]
    assert after < 0.8 * before


def test_an_enlarged_film_is_measured_at_its_new_size_and_new_frames_are_counted():
    made = Interpolate("flow", factor=2)(Upscale("bicubic", scale=2)(film(20)))
    found = measure_both(film(20), made)
    assert found.invented == 0.5
    sharp = found.courses[0]
    assert np.mean(sharp.after) == pytest.approx(np.mean(sharp.before), rel=0.05)


def test_what_was_changed_most_is_shown_first():
    changed = [image.copy() for image in film().images]
    for image in changed[20:30]:
        image[:32] = 0
    found = measure_both(film(), clip_of(changed))
    assert 20 / 24 <= found.most_changed[0] <= 30 / 24
    assert max(found.changed) > 0.3


def test_a_stretch_is_measured_where_it_is():
    made = Trim(Fraction(1, 2), Fraction(3, 2))(film())
    found = measure_both(film(), made)
    assert all(0.5 <= time <= 1.5 for time in found.moments)
    assert set(found.changed) == {0.0}


def test_a_single_frame_is_measured():
    found = measure_both(clip_of(film().images[:1]), clip_of(film().images[:1]))
    assert len(found.moments) == 1


def test_it_is_written_with_its_version():
    values = measure_both(film(), film()).to_json()
    assert values["version"] == VERSION
    assert {"name", "title", "unit", "better", "before", "after"} == set(values["courses"][0])


def test_sounds_are_measured_at_the_same_moments():
    loud, voice = measure_both_sounds(TALK, TALK, [1.0, 3.0], (0.0, 5.0))
    assert loud.before == loud.after and voice.before == voice.after
    assert len(loud.before) == 2 and -60 < loud.before[0] < 0


def test_a_film_without_sound_has_no_course_of_it(tmp_path):
    from tests.support.films import film as silent

    path = tmp_path / "silent.mp4"
    silent(path, count=10)
    assert measure_both_sounds(path, TALK, [0.1], (0.0, 0.4)) == ()


def test_the_sound_of_a_stretch_is_measured_where_it_is(tmp_path):
    restore(
        TALK, tmp_path / "a.mp4", plan=Plan.of(start=2, stop=3, upscale="none", interpolate="none")
    )
    measures = Report.read(report_path(tmp_path / "a.mp4")).measures
    loud = next(one for one in measures["courses"] if one["name"] == "loudness")
    assert loud["after"] == pytest.approx(loud["before"], abs=1)


def test_repeats_of_sixteen_bits_are_found_like_those_of_eight():
    images = [film().images[n - n % 2] for n in range(40)]
    deep = clip_of([image.astype(np.uint16) * 257 for image in images])
    assert means(deep, deep)["repeats"] == means(clip_of(images), clip_of(images))["repeats"]
    assert means(deep, deep)["repeats"][0] > 0.3
