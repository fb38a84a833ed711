"""Colours that flicker are steadied along the motion; true ones stay, and no ghosts are left."""

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.imaging.optical_flow import FAST, measure_both_flows, warp
from helpers.run import RunContext
from helpers.stages.colorize import temporal as colouring
from helpers.stages.colorize.consistency import Witness, measure_trust, steady_colors
from helpers.stages.colorize.find import chroma_flicker
from helpers.stages.colorize.stage import Colorize
from helpers.video.reader import open_video
from tests.support.clips import clip_of
from tests.support.color_films import MATRIX, Knowing, error, in_grey, pan
from tests.support.paths import data_path


@pytest.fixture
def coloured(monkeypatch):
    """Colours a film by a model that knows its colours but for an error, steadied or not."""

    def make(truth, steady, **errors):
        engine = Knowing(truth, **errors)
        monkeypatch.setattr(colouring, "load_colorizer", lambda *chosen: engine)
        clip = Colorize("siggraph17", steady=steady, matrix=MATRIX, coloured=(), force=True).on(
            in_grey(truth)
        )
        return MemoryClip([f.image for f in clip], clip.times, clip.end, clip.cuts)

    return make


def test_random_tints_are_cut_by_more_than_three_fifths(coloured):
    truth = clip_of(pan(24))
    raw, steady = (coloured(truth, around, sigma=0.06) for around in (0, 5))
    assert chroma_flicker(steady).level < 0.4 * chroma_flicker(raw).level
    assert error(steady, truth).mean() < 0.6 * error(raw, truth).mean()


def test_true_colours_stay(coloured):
    truth = clip_of(pan(16))
    raw, steady = (coloured(truth, around) for around in (0, 5))
    assert error(steady, truth).mean() < error(raw, truth).mean() + 0.7


def test_a_frame_that_jumps_is_found_and_coloured_by_its_neighbours(coloured):
    truth = clip_of(pan(16))
    raw, steady = (coloured(truth, around, jump=8) for around in (0, 5))
    assert chroma_flicker(raw).jumps == (truth.times[8],)
    assert chroma_flicker(steady).jumps == ()
    assert error(steady, truth)[8] < 0.2 * error(raw, truth)[8]
    assert error(steady, truth)[5] < 2, "and its neighbours do not take after it"


def test_nothing_passes_a_cut(coloured):
    reds, blues = pan(6, seed=1), [255 - picture for picture in pan(6, seed=2)]
    both = coloured(clip_of(reds + blues, cuts=(6,)), 5)
    for start, pictures in ((0, reds), (6, blues)):
        alone = coloured(clip_of(pictures), 5)
        for number, frame in enumerate(alone):
            assert np.array_equal(both[start + number].image, frame.image)


def test_what_moves_across_leaves_no_ghost(coloured):
    """A red square over a grey-green wall: behind it the wall is as it was."""
    wall = pan(1, 120, 80, seed=3)[0]
    pictures = []
    for number in range(12):
        picture = wall.copy()
        picture[20:60, 5 + 7 * number : 35 + 7 * number] = (180, 30, 30)
        pictures.append(picture)
    truth = clip_of(pictures)
    steady = coloured(truth, 5)
    raw = coloured(truth, 0)
    assert error(steady, truth).max() < error(raw, truth).max() + 1.5
    behind = (slice(22, 58), slice(5, 18))  # where the square was two frames before
    made, true = steady[4].image[behind], truth[4].image[behind]
    assert np.abs(made.astype(int) - true).mean() < 6


def test_a_frame_alone_keeps_its_colours():
    own = np.random.default_rng(1).normal(0, 0.1, (20, 30, 2)).astype(np.float32)
    assert steady_colors(own, []) is own
    stranger = Witness(np.zeros_like(own), np.zeros((20, 30), np.float32), 1.0)
    assert np.allclose(steady_colors(own, [stranger] * 4), own, atol=1e-3)


def test_motion_is_measured_and_doubted():
    one, other = (picture[..., 1] for picture in pan(2, 128, 96, step=4))
    onward, back = measure_both_flows(one, other, FAST)
    believed = measure_trust(one, other, onward, back)
    assert believed[20:70, 20:100].mean() > 0.8
    assert believed[:, :3].mean() < 0.2, "what left the picture cannot be followed"
    moved = warp(other.astype(np.float32), onward)
    assert np.abs(moved - one)[10:80, 20:110].mean() < 4
    strange = pan(1, 128, 96, seed=9)[0][..., 1]
    astray = measure_both_flows(one, strange, FAST)
    assert measure_trust(one, strange, *astray).mean() < 0.5


def test_a_long_film_takes_no_more_memory_than_a_short_one():
    grey, taken = in_grey(clip_of(pan(40))), []

    def frames():
        for frame in grey.frames():
            taken.append(frame.time)
            yield frame

    made = Colorize("tint", steady=3, coloured=(), matrix=MATRIX).process(
        frames(), grey.times, RunContext()
    )
    for number, _ in enumerate(made):
        assert len(taken) <= number + 4


@pytest.mark.data
@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "bikes_scene_cuts.mp4"])
def test_real_films(coloured, name):
    frames = [f.image for f in open_video(data_path(f"clips/{name}")).frames(20, 40)]
    cuts = (10,) if "bikes" in name else ()
    truth = clip_of([frame[::2, ::2] if frame.shape[1] > 300 else frame for frame in frames], cuts)
    raw, steady = (coloured(truth, around, sigma=0.04) for around in (0, 5))
    assert chroma_flicker(steady).level < 0.4 * chroma_flicker(raw).level
    assert error(steady, truth).mean() < error(raw, truth).mean()
