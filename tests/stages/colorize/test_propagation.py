"""Frames that a person coloured colour their shot, and no other."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers.errors import StageError
from helpers.stages.colorize import temporal as colouring
from helpers.stages.colorize.propagation import Carried, Source, completed, filled, joined
from helpers.stages.colorize.reference_files import read
from helpers.stages.colorize.references import Reference, located, out_of_reach
from helpers.stages.colorize.stage import Colorize
from helpers.video.reader import open_video
from tests.support.clips import clip_of
from tests.support.color_films import MATRIX, Knowing, error, in_grey, pan
from tests.support.law import assert_law
from tests.support.paths import data_path


@pytest.fixture
def picture(tmp_path):
    """Writes a picture to a file, as a person would save it."""

    def write(image, name="coloured.png"):
        path = tmp_path / name
        order = [2, 1, 0, 3][: image.shape[2]]
        cv2.imwrite(str(path), np.ascontiguousarray(image[..., order]))
        return str(path)

    return write


# --- finding the frame ---------------------------------------------------------------------------


def test_a_picture_belongs_to_a_frame_by_number_time_name_or_likeness(picture):
    truth = clip_of(pan(16, step=6), cuts=(8,))
    clip = in_grey(truth)
    image = truth.images[11]
    path, named = picture(image), picture(image, "frame_000011.png")
    exported, timed = picture(image, "000011.png"), picture(image, "0.46s.png")
    for entry in ((path, 11), (path, 11 / 24), (path, "0.46"), named, exported, timed, path):
        (found,) = located(clip, [entry])
        assert (found.time, found.begin, found.end) == (clip.times[11], clip.times[8], clip.end)
    assert located(clip, [found]) == (found,)


@pytest.mark.parametrize(
    ("spoil", "when", "said"),
    [
        (lambda image: image, 2, "does not look like the frame at .* correlates"),
        (lambda image: image, 99, "frame 99; the film has frames 0 to 15"),
        (lambda image: image, 7.5, "goes from 0.000 to 0.667 s"),
        (lambda image: image[:, :50], 11, "another shape"),
        (lambda image: image[..., 1:2].repeat(3, 2), 11, "no colours"),
        (lambda image: pan(1, seed=77)[0], None, "looks like no frame"),
    ],
)
def test_a_picture_that_cannot_be_is_refused(picture, spoil, when, said):
    truth = clip_of(pan(8, seed=1) + pan(8, step=6), cuts=(8,))
    entry = (picture(spoil(truth.images[11])), when)
    with pytest.raises(StageError, match=said):
        located(in_grey(truth), [entry])


def test_two_pictures_of_one_frame_and_files_that_are_none_are_refused(picture, tmp_path):
    truth = clip_of(pan(4))
    path = picture(truth.images[1])
    with pytest.raises(StageError, match="both belong to the frame"):
        located(in_grey(truth), [(path, 1), (path, 1)])
    with pytest.raises(StageError, match="no picture"):
        located(in_grey(truth), [str(tmp_path / "nothing.png")])
    (tmp_path / "words.png").write_text("words")
    with pytest.raises(StageError, match="cannot be read as a picture"):
        read(str(tmp_path / "words.png"))
    with pytest.raises(StageError, match="path of a picture, or"):
        Colorize("tint", references=((path, 1, 2),))


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


def test_the_law_with_references(picture):
    truth = clip_of(pan(24), cuts=(15,))
    references = tuple((picture(truth.images[n], f"{n:06d}.png"), n) for n in (2, 9, 20))
    clip = Colorize("tint", references=references, reach="0.2", steady=2).on(in_grey(truth))
    ranges = [(n, n + 1) for n in (0, 3, 5, 6, 12, 14, 15, 19, 23)] + [(4, 8), (13, 17)]
    assert_law(clip, ranges)
    assert clip.stage.window(clip.source, 5, 6) == (2, 10)
    assert clip.stage.window(clip.source, 12, 13) == (9, 15)
    assert all(isinstance(entry, Reference) for entry in clip.stage.references)
    names = [entry[0] for entry in clip.recipe()[-1]["references"]]
    assert all(len(name) == 64 for name in names), "pictures are named by what is in them"


def test_what_lies_beyond_reach_is_said():
    clip = clip_of(pan(20), cuts=(10,))
    reference = Reference("-", clip.times[2], clip.times[0], clip.times[10])
    said = out_of_reach(clip, [reference], clip.times[3])
    assert said.startswith("70% of the frames are more than 0.125 s") and "50% are in shots" in said
    other = Reference("-", clip.times[12], clip.times[10], clip.end)
    assert out_of_reach(clip, [reference, other], Fraction(2)) == ""


def test_between_two_pictures_each_counts_where_it_is_near_and_sure():
    plane = np.ones((4, 4), np.float32)
    red = Carried(np.full((4, 4, 2), 0.2, np.float32), plane)
    blue = Carried(np.full((4, 4, 2), -0.2, np.float32), plane)
    assert np.allclose(joined(red, blue, 0.25).chroma, 0.1)
    lost = Carried(blue.chroma, 0 * plane)
    assert np.allclose(joined(red, lost, 0.75).chroma, 0.2, atol=1e-4)
    assert np.allclose(joined(red, lost, 0.75).sure, 1)
    assert np.allclose(completed(lost, red).chroma, 0.2, atol=1e-3)
    assert np.allclose(completed(red, blue).chroma, 0.2, atol=1e-3)


def test_what_is_unknown_takes_the_colour_of_its_like():
    luma = np.zeros((60, 80), np.uint8)
    luma[:, 40:] = 200
    chroma = np.zeros((60, 80, 2), np.float32)
    chroma[:, 40:, 1] = 0.2
    source = Source(luma, chroma, np.ones((60, 80), np.float32))
    assert np.abs(filled(luma, None, [source]) - chroma).max() < 0.03
    nowhere = Carried(np.zeros_like(chroma), np.zeros((60, 80), np.float32))
    assert np.abs(filled(luma, nowhere, [source]) - chroma).max() < 0.03


@pytest.mark.data
@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "flower.mp4"])
def test_real_films(picture, name):
    frames = [f.image for f in open_video(data_path(f"clips/{name}")).frames(0, 21)]
    truth = clip_of([f if f.shape[1] < 300 else f[::6, ::6].copy() for f in frames])
    references = tuple((picture(truth.images[n], f"{n:06d}.png"), n) for n in (0, 20))
    clip = Colorize("tint", references=references, matrix=MATRIX).on(in_grey(truth))
    assert error(clip, truth).mean() < 0.3 * error(in_grey(truth), truth).mean()
