"""Frames that a person coloured colour their shot, and no other."""

import cv2
import numpy as np
import pytest

from helpers.stages.colorize import temporal as colouring
from helpers.stages.colorize.references import Reference
from helpers.stages.colorize.stage import Colorize
from helpers.video.reader import open_video
from tests.support.clips import clip_of
from tests.support.color_films import MATRIX, Knowing, error, in_grey, pan
from tests.support.paths import data_path

# --- going along ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_one_picture_colours_its_shot_both_ways(picture, dtype):
    truth = clip_of(pan(21, dtype=dtype))
    clip = Colorize("tint", references=((picture(truth.images[10]), 10),)).on(in_grey(truth))
    found, grey = error(clip, truth), error(in_grey(truth), truth)
    assert found.max() < 0.35 * grey.mean() and found[10] < 2


def test_a_picture_of_another_size_or_partly_coloured_will_do(picture):
    truth = clip_of(pan(7))
    large = cv2.resize(truth.images[3], None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    clip = Colorize("tint", references=((picture(large), 3),)).on(in_grey(truth))
    assert error(clip, truth).max() < 6
    opacity = np.zeros((64, 96, 1), np.uint8)
    opacity[:, :48] = 255
    half = picture(np.dstack([truth.images[3], opacity]), "half.png")
    model = Colorize("tint", references=((half, 3),), steady=0).on(in_grey(truth))
    assert error(model, truth)[3] < error(in_grey(truth), truth)[3]


def test_it_goes_no_further_than_its_shot(picture):
    one, other = pan(6, seed=1), pan(6, seed=2)
    truth = clip_of(one + other, cuts=(6,))
    clip = Colorize("tint", references=((picture(one[5]), 5),)).on(in_grey(truth))
    toned = Colorize("tint").on(in_grey(truth))
    assert error(clip, truth)[:6].max() < 6
    for number in range(6, 12):
        assert np.array_equal(clip[number].image, toned[number].image)


def test_a_models_colours_are_seen_where_a_reference_is_not(picture, monkeypatch):
    truth = clip_of(pan(30, step=4))
    engine = Knowing(truth)
    for key in engine.known:
        engine.known[key] = engine.known[key][..., ::-1]  # the model takes red for blue
    monkeypatch.setattr(colouring, "load_colorizer", lambda *chosen: engine)
    references = ((picture(truth.images[0]), 0),)
    alone, along = (
        Colorize("siggraph17", references=given, reach="0.5").on(in_grey(truth))
        for given in ((), references)
    )
    assert error(along, truth)[0] < 0.2 * error(alone, truth)[0]
    assert np.array_equal(along[29].image[:, 40:], alone[29].image[:, 40:]) or (
        error(along, truth)[29] > 0.5 * error(alone, truth)[29]
    )


def test_a_frame_sees_as_far_as_to_the_references_within_its_reach(picture):
    truth = clip_of(pan(24), cuts=(15,))
    references = tuple((picture(truth.images[n], f"{n:06d}.png"), n) for n in (2, 9, 20))
    clip = Colorize("tint", references=references, reach="0.2", steady=2).on(in_grey(truth))
    assert clip.stage.window(clip.source, 5, 6) == (2, 10)
    assert clip.stage.window(clip.source, 12, 13) == (9, 15)
    assert all(isinstance(entry, Reference) for entry in clip.stage.references)
    names = [entry[0] for entry in clip.recipe()[-1]["references"]]
    assert all(len(name) == 64 for name in names), "pictures are named by what is in them"


@pytest.mark.data
@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "flower.mp4"])
def test_real_films(picture, name):
    frames = [f.image for f in open_video(data_path(f"clips/{name}")).frames(0, 21)]
    truth = clip_of([f if f.shape[1] < 300 else f[::6, ::6].copy() for f in frames])
    references = tuple((picture(truth.images[n], f"{n:06d}.png"), n) for n in (0, 20))
    clip = Colorize("tint", references=references, matrix=MATRIX).on(in_grey(truth))
    assert error(clip, truth).mean() < 0.3 * error(in_grey(truth), truth).mean()
