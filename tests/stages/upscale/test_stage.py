"""Enlarging: sizes, shapes of pixels, several models, what is refused."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.catalog import table as catalog
from helpers.catalog.load import load_upscaler
from helpers.clip import ColourTags, MemoryClip
from helpers.errors import ModelError, StageError
from helpers.runtime.machine import Runtime
from helpers.stages.upscale.spandrel_network import Upscaler
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import open_video
from tests.support.compact_states import compact_state
from tests.support.esrgan import short_of_memory, talk, weights_of
from tests.support.law import one_picture, varying_clip
from tests.support.machine import use
from tests.support.paths import FILM, TALK
from tests.support.weights import put

# --- the stage ----------------------------------------------------------------------------------


def test_both_scale_and_size_are_refused():
    with pytest.raises(StageError, match="only one of them"):
        Upscale("bicubic", Fraction(2), (10, 10))


@pytest.mark.parametrize("scale", [0, -1, 33, "two"])
def test_a_senseless_scale_is_refused_with_the_number(scale):
    with pytest.raises(StageError, match=str(scale)):
        Upscale("bicubic", scale)


@pytest.mark.parametrize("size", [(0, 5), (5, 20_000)])
def test_a_senseless_size_is_refused(size):
    with pytest.raises(StageError, match="must be from 1 to 16384"):
        Upscale("bicubic", size=size)


def test_a_picture_that_would_be_too_large_is_refused():
    with pytest.raises(StageError, match="Choose a smaller scale"):
        _ = Upscale("bicubic", 32)(varying_clip(width=600)).info


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match=r"x5.*Choose one of x4plus, .*bicubic"):
        Upscale("x5")


def test_equal_numbers_make_equal_stages():
    assert Upscale("bicubic", 2) == Upscale("bicubic", Fraction(2)) == Upscale("bicubic", 2.0)  # type: ignore[arg-type]
    assert Upscale("bicubic", 2).recipe() == Upscale("bicubic", Fraction(2)).recipe()  # type: ignore[arg-type]


def test_half_a_pixel_is_rounded_up():
    assert Upscale("bicubic", Fraction(1, 2)).target(5, 7) == (3, 4)
    assert Upscale("bicubic", Fraction(1, 100)).target(5, 7) == (1, 1)


def test_a_new_shape_of_the_picture_reshapes_its_pixels():
    clip = varying_clip(width=40, height=20)
    assert Upscale("bicubic", size=(80, 80))(clip).info.sar == 2
    assert Upscale("bicubic", Fraction("1.51"))(clip).info.sar == 1


def test_the_result_knows_how_many_times_it_was_enlarged():
    def enlarged(clip, **size):
        return Upscale("bicubic", **size)(clip)

    clip = enlarged(varying_clip(2), scale=Fraction(3))
    assert (varying_clip(2).info.enlarged, clip.info.enlarged) == (1, 3)
    wide = (2 * clip.info.width, clip.info.height)  # only as often as both sides
    assert enlarged(clip, size=wide).info.enlarged == 3
    assert enlarged(clip, scale=Fraction(1, 2)).info.enlarged == Fraction(3, 2)
    assert enlarged(clip, scale=Fraction(1, 4)).info.enlarged == 1


def test_the_recipe_names_the_weights_by_their_sha256():
    assert (
        Upscale("x4plus").recipe()["weights"] == catalog.get("x4plus", "upscale").forms[0][0].sha256
    )
    assert "weights" not in Upscale("bicubic").recipe()


def test_repeated_frames_are_computed_once(monkeypatch):
    weights_of("animevideov3")
    use(forced_precision="fp32")
    engine = load_upscaler("animevideov3")
    tried = short_of_memory(monkeypatch, engine, 999, MemoryError())
    clip = varying_clip(count=8, cuts=(5,))
    list(Upscale("animevideov3")(clip))
    assert len(tried) == 6  # frames 3 and 7 are those before them


def test_black_and_white_stays_nearly_so():
    weights_of("animevideov3")
    image = open_video(FILM)[10].image[:64, :96]
    clip = MemoryClip([np.ascontiguousarray(image)], [Fraction(0)], Fraction(1))
    made = Upscale("animevideov3")(clip)[0].image.astype(int)
    assert np.abs(made - made.mean(2, keepdims=True)).mean() < 2


def test_what_is_known_of_the_film_is_passed_on():
    clip = open_video(TALK)
    info = Upscale("bicubic", 2)(clip).info
    assert info == clip.info.replace(width=320, height=240, enlarged=Fraction(2))
    assert isinstance(info.colour, ColourTags)


# --- several models -----------------------------------------------------------------------------


def test_a_blend_is_the_weighted_mean_rounded_once():
    image = one_picture(talk())
    one, two = (Upscale(name, Fraction(2))(image)[0].image for name in ("lanczos", "bilinear"))
    made = Upscale(("lanczos", "bilinear"), Fraction(2), blend=(3, 1))(image)[0].image
    expected = np.rint(one.astype(np.float64) * 0.75 + two * 0.25)
    assert np.abs(made - expected).max() <= 1 and (made != expected).mean() < 0.001
    even = Upscale(("lanczos", "lanczos"), Fraction(2))(image)[0].image
    assert np.array_equal(even, one)


@pytest.mark.parametrize("batch", [1, 3])
def test_models_in_turn_take_the_frames_whose_number_is_theirs(monkeypatch, batch):
    monkeypatch.setattr(Runtime, "batch", batch)
    clip = varying_clip(11)
    names = ("lanczos", "bilinear", "bicubic")
    made = Upscale(names, Fraction(2), alternate=True)(clip)
    alone = [Upscale(name, Fraction(2)) for name in names]
    for start in (0, 1, 2, 7):
        for number, frame in enumerate(made.frames(start, 11), start):
            expected = alone[number % 3](one_picture(clip.images[number]))[0].image
            assert np.array_equal(frame.image, expected), number


def test_the_first_model_decides_the_size():
    assert Upscale(("fsrcnn-x3", "animevideov3")).target(10, 20) == (30, 60)
    assert Upscale(("lanczos", "fsrcnn-x3")).target(10, 20) == (40, 80)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"model": ()}, "No model was given"),
        ({"model": ("lanczos", "x5")}, "no upscale model 'x5'"),
        ({"model": "lanczos", "alternate": True}, "need several models"),
        ({"model": ("lanczos", "bicubic"), "blend": (1,)}, "for 2 models"),
        ({"model": ("lanczos", "bicubic"), "blend": (1, -1)}, "none below 0"),
        ({"model": ("lanczos", "bicubic"), "blend": (0, 0)}, "not all 0"),
        (
            {"model": ("lanczos", "bicubic"), "blend": (1, 1), "alternate": True},
            "only one of the two",
        ),
        ({"model": "x4plus", "denoise": 0.5}, "x4plus has no denoise strength; only general-x4v3"),
        ({"model": "general-x4v3", "denoise": 1.5}, "must be from 0 to 1"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(wish, reason):
    with pytest.raises((StageError, ModelError), match=reason):
        Upscale(**wish)


def test_the_denoise_strength_blends_two_networks(tmp_path, monkeypatch):
    """general-x4v3 with generated weights: 1 is the first network alone, 0 the second."""
    states = [compact_state(4, width=64, layers=32, seed=seed) for seed in (1, 2)]
    put(monkeypatch, tmp_path, "general-x4v3", *({"params": state} for state in states))
    use(forced_precision="fp32")
    image = talk(20, 16)

    def made(strength):
        stage = Upscale("general-x4v3", denoise=strength)
        return stage(one_picture(image))[0].image.astype(int)

    assert np.array_equal(made(1), made(None)) and not np.array_equal(made(0), made(1))
    alone = [Upscaler(state).upscale([image])[0] for state in states]
    assert np.array_equal(made(1), alone[0]) and np.array_equal(made(0), alone[1])
    half = {key: 0.25 * states[0][key] + 0.75 * states[1][key] for key in states[0]}
    assert np.abs(made(0.25) - Upscaler(half).upscale([image])[0]).max() <= 1


def test_what_an_earlier_version_enlarged_without_a_network_is_known_by_its_recipe():
    assert not {"strength", "steady", "consistent"} & set(Upscale("bicubic", 2).recipe())
    # What networks made was not held to the source, so that it is not continued.
    assert Upscale("x4plus").recipe()["consistent"]
    assert Upscale("x4plus", strength=0.5, steady=False).recipe()["strength"] == "1/2"
