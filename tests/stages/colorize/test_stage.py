"""A grey film gets colours, and keeps its light to the last level."""

import json
from fractions import Fraction

import numpy as np
import pytest

from helpers.catalog import table as catalog
from helpers.clip import MemoryClip
from helpers.errors import ModelError, StageError
from helpers.imaging.color_matrix import (
    chroma_of,
    luma_of,
)
from helpers.project.project import Project
from helpers.stages.colorize import temporal as colouring
from helpers.stages.colorize.find import Colours
from helpers.stages.colorize.stage import Colorize
from helpers.video.reader import open_video
from tests.support.clips import clip_of
from tests.support.color_films import MATRIX, Knowing, error, in_grey, pan
from tests.support.law import assert_true, same, varying_clip
from tests.support.paths import data_path


@pytest.fixture
def model(monkeypatch):
    """Puts a model of one's own in the place of those of the catalogue."""

    def put(engine):
        monkeypatch.setattr(colouring, "load_colorizer", lambda *chosen: engine)
        return engine

    return put


@pytest.mark.parametrize("matrix", ["smpte170m", "bt709"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_stage_keeps_luma(matrix, dtype):
    source = in_grey(clip_of(pan(5, 61, 47, dtype)), matrix)
    made = Colorize("tint", tone="amber", saturation=3.0, matrix=matrix).on(source)
    for grey, coloured in zip(source, made, strict=True):
        change = luma_of(coloured.image, matrix) - luma_of(grey.image, matrix)
        assert np.abs(change).max() * np.iinfo(dtype).max < 0.51
        assert np.ptp(coloured.image, axis=2).mean() > 0.05 * np.iinfo(dtype).max


@pytest.mark.data
def test_a_real_film_is_coloured_by_its_own_matrix():
    clip = open_video(data_path("clips/oldfilm_chaplin.mp4"))
    assert Colorize("tint").on(clip).stage.matrix == "smpte170m"


# --- models --------------------------------------------------------------------------------------


def test_a_model_gives_its_colours(model):
    truth = clip_of(pan())
    model(Knowing(truth))
    made = Colorize("siggraph17", steady=0).on(in_grey(truth))
    assert error(made, truth).max() < 3 < 0.5 * error(in_grey(truth), truth).min()


def test_a_repeated_picture_is_coloured_once_and_every_picture_no_more_than_once(model):
    pictures = pan(6)
    truth = clip_of([pictures[n] for n in (0, 0, 1, 1, 1, 2, 3, 4, 5)])
    engine = model(Knowing(truth))
    list(Colorize("siggraph17").on(in_grey(truth)))
    assert engine.calls == 6


def test_strength_and_saturation(model):
    truth = clip_of(pan(2))
    source = in_grey(truth)
    model(Knowing(truth))
    assert same(list(Colorize("siggraph17", strength=0).on(source)), list(source))
    colour = [
        np.abs(chroma_of(Colorize("siggraph17", **given).on(source)[0].image, MATRIX)).mean()
        for given in ({}, {"strength": 0.5}, {"saturation": 0.5}, {"saturation": 1.3})
    ]
    assert colour[1] == pytest.approx(colour[0] / 2, rel=0.05)
    assert colour[2] == pytest.approx(colour[0] / 2, rel=0.05)
    assert colour[3] > 1.2 * colour[0]


def test_the_best_model_that_is_here_is_taken(monkeypatch):
    here = {"ddcolor-artistic", "siggraph17"}
    monkeypatch.setattr(catalog.Model, "present", property(lambda row: row.name in here))
    assert colouring.choose_model() == "ddcolor-artistic"
    here.add("deoldify-video")
    assert colouring.choose_model() == ("deoldify-video", "ddcolor-artistic")
    here.clear()
    assert colouring.choose_model() == "deoldify-video", "it is fetched then"


def test_sepia_is_taken_off_or_stays(model):
    truth = clip_of(pan(2))
    grey = in_grey(truth)
    sepia = Colorize("tint", matrix=MATRIX, coloured=()).on(grey)
    sepia = MemoryClip([frame.image for frame in sepia], grey.times, grey.end)
    monochrome = Knowing(truth)
    monochrome.known = {
        luma_of(frame.image, MATRIX).tobytes(): picture
        for frame, picture in zip(sepia, monochrome.known.values(), strict=True)
    }
    model(monochrome)
    off, over = (
        Colorize("siggraph17", neutralise=neutralise, coloured=()).on(sepia)
        for neutralise in (True, False)
    )
    assert error(off, truth).mean() < 3 < error(over, truth).mean()


# --- asking --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"render_factor": 3}, "render factor .* 7 to 60.* 3 was"),
        ({"saturation": -1}, "saturation=-1. It must be from 0 to 3"),
        ({"mix": 1.5}, "mix=1.5"),
        ({"steady": 99}, "steady=99. It must be from 0 to 15"),
        ({"strength": 2}, "strength=2"),
        ({"tone": "pink"}, "no tone 'pink'. Choose from sepia"),
        ({"matrix": "bt601"}, "no matrix 'bt601'. Choose from bt709"),
        ({"model": ("tint", "siggraph17")}, "give it alone"),
        ({"model": ("siggraph17",) * 3}, "give one or two"),
        ({"reach": 0}, "at most 20 s; 0 s"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(StageError, match=said):
        Colorize(**wrong)


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match=r"no colorize model 'rainbow'.*tint"):
        Colorize("rainbow")


def test_the_recipe_names_weights_and_what_was_found(monkeypatch):
    monkeypatch.setattr(catalog, "recipe", lambda name, role: {"weights": f"sha of {name}"})
    recipe = Colorize(("deoldify-video", "ddcolor-artistic")).recipe()
    assert recipe["weights"] == ["sha of deoldify-video", "sha of ddcolor-artistic"]
    staged = Colorize("tint").on(in_grey(clip_of(pan(3))))
    assert staged.recipe()[-1]["matrix"] == "smpte170m"
    assert staged.recipe()[-1]["coloured"] == []


def test_what_was_found_is_kept_in_a_project(tmp_path):
    clip, asked = in_grey(clip_of(pan(3))), []

    def find():
        asked.append(1)
        return Colours("grey", 0.0, ((Fraction(1), Fraction(2)),), 0.5)

    project = Project(tmp_path)
    one, other = (project.keep("Colorize", clip, Colours, find) for _ in range(2))
    assert one == other == find() and len(asked) == 2
    stage = Colorize("tint", coloured=other.coloured)
    assert json.loads(json.dumps(stage.recipe())) == stage.recipe()


# --- odd films -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (33, 17), (500, 9)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_of_any_size(size, dtype):
    clip = Colorize("tint", force=True, steady=2).on(varying_clip(4, *size, dtype=dtype, cuts=(2,)))
    assert_true(clip, list(clip))


@pytest.mark.data
def test_a_real_film_is_toned():
    clip = Colorize("tint", steady=2).on(
        open_video(data_path("clips/oldfilm_whitezombie_truncated.mp4"))
    )
    assert clip.stage.coloured == ()
    assert clip.source.info.grey and not clip.info.grey
    assert np.ptp(clip[5].image, axis=2).mean() > 5
