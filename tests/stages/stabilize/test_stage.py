"""Shake goes; pans stay."""

import json
from fractions import Fraction

import numpy as np
import pytest

from helpers.errors import StageError
from helpers.retime import Trim
from helpers.stage import plain
from helpers.stages.stabilize.find import find_shake
from helpers.stages.stabilize.stage import Stabilize
from tests.support.clips import clip_of
from tests.support.law import same
from tests.support.worn_films import scene, shaken


def wobble(path):
    """Root of the mean squared second difference of positions."""
    return float(np.sqrt((np.diff(path, 2, axis=0) ** 2).mean()))


def places(path):
    return np.array([place[1:3] for shot in path for place in shot])


@pytest.mark.parametrize("preset", ["weave", "handheld"])
def test_the_picture_stands_still(preset):
    clip, _ = shaken()
    path = find_shake(clip)
    steady = Stabilize(path, preset, border="fill")(clip)
    assert wobble(places(find_shake(steady))) < 0.15 * wobble(places(path))


def test_a_pan_is_kept():
    wide = scene(400, 150)
    images = [np.ascontiguousarray(wide[:, 3 * n : 3 * n + 200]) for n in range(30)]
    clip = clip_of(images)
    path = find_shake(clip)
    assert abs(path[0][-1][1] + 3 * 29) < 1
    made = list(Stabilize(path, border="fill")(clip))
    inner = slice(20, -20)
    for frame, image in zip(made, images, strict=True):
        assert np.abs(frame.image[inner, inner].astype(int) - image[inner, inner]).mean() < 4


def test_a_path_read_back_from_a_project_is_the_same_stage():
    clip, _ = shaken(6)
    stage = Stabilize(find_shake(clip))
    assert Stabilize(json.loads(json.dumps(plain(stage.path)))) == stage
    assert len(json.dumps(stage.recipe())) < 300


def test_a_path_belongs_to_times_and_so_survives_a_trim():
    clip, _ = shaken()
    stage = Stabilize(find_shake(clip))
    cut = Trim(Fraction(1, 4), Fraction(3, 4))
    assert same(list(stage(cut(clip)))[1:], list(cut(stage(clip)))[1:])


def test_no_strength_is_the_input():
    clip, _ = shaken(8)
    for border in ("zoom", "crop", "fill"):
        assert same(list(Stabilize(find_shake(clip), strength=0, border=border)(clip)), list(clip))


def test_it_crops_what_it_must_and_says_how_much():
    clip, _ = shaken()
    stage = Stabilize(find_shake(clip), border="crop")
    steady = stage(clip)
    assert 0 < stage.crop(clip) < 0.05
    assert clip.info.width > steady.info.width > 0.9 * clip.info.width
    assert f"{stage.crop(clip):.1%}" in stage.describe(clip)
    # No repeated edge is left: the outermost columns differ, as things of the scene do.
    assert all((frame.image[:, 0] != frame.image[:, 1]).any() for frame in steady)


@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (40, 30)])
def test_flat_tiny_and_single_frames(shape):
    images = [np.full((*shape, 3), 100, np.uint8)] * 3
    for clip in (clip_of(images), clip_of(images[:1])):
        steady = Stabilize(find_shake(clip))(clip)
        assert same(list(steady), list(clip))


@pytest.mark.parametrize("bad", [{"preset": "wild"}, {"border": "none"}, {"strength": 2}])
def test_values_that_cannot_be(bad):
    with pytest.raises(StageError, match=r"Choose one of|must be"):
        Stabilize((), **bad)
