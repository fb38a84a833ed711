"""Whether a film has colours, and how steady they are."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.imaging.color_matrix import measure_cast
from helpers.stages.colorize.find import chroma_flicker, find_colours, measure_share
from helpers.stages.colorize.stage import Colorize
from helpers.video.reader import open_video
from tests.support.clips import clip_of
from tests.support.color_films import MATRIX, in_grey, pan
from tests.support.law import same
from tests.support.paths import FILM, TALK, data_path


def toned(clip, tone="sepia"):
    made = Colorize("tint", tone=tone, coloured=()).on(clip)
    return MemoryClip([frame.image for frame in made], clip.times, clip.end, clip.cuts)


def spoiled(image, quality=40, noise=2.0):
    """The image after a codec and with noise in its colours."""
    dice = np.random.default_rng(1)
    noisy = (image + dice.normal(0, noise, image.shape)).clip(0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def test_grey_tinted_and_coloured_films_are_told_apart():
    truth = clip_of(pan(6))
    assert find_colours(truth).kind == "colour"
    assert find_colours(in_grey(truth)).kind == "grey"
    found = find_colours(toned(in_grey(truth)))
    assert found.kind == "tinted" and found.tint > 10
    assert found.words.startswith("The film is tinted")


@pytest.mark.parametrize("tone", ["sepia", "cyanotype", "amber", "selenium"])
def test_a_codecs_noise_is_no_colour(tone):
    grey = in_grey(clip_of(pan(2)))
    for clip in (grey, toned(grey, tone)):
        assert measure_cast(spoiled(clip.images[0]), MATRIX)[1] < 1
    weak = (grey.images[0] + np.array([3, 0, -4])).clip(0, 255).astype(np.uint8)
    assert measure_cast(weak, MATRIX)[1] < 1, "a slight cast"


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("oldfilm_hydepark.mp4", "grey"),
        ("oldfilm_chaplin.mp4", "grey"),
        ("oldfilm_friday_speech.mp4", "grey"),
        ("oldfilm_whitezombie_truncated.mp4", "grey"),
        ("bikes_scene_cuts.mp4", "colour"),
        ("carphone_distorted.mp4", "colour"),
        ("nasa_10bit_hdr.mp4", "colour"),
        ("nasa_rotated90.mp4", "colour"),
        ("webcam_asl_again.mkv", "colour"),
        ("short_audio.mp4", "colour"),
    ],
)
def test_real_films(name, kind):
    assert find_colours(open_video(data_path(f"clips/{name}"))).kind == kind


@pytest.mark.parametrize(("path", "kind"), [(TALK, "colour"), (FILM, "grey")])
def test_the_samples(path, kind):
    assert find_colours(open_video(path)).kind == kind


def test_a_film_in_colour_is_refused_unless_it_is_forced():
    truth = clip_of(pan(4))
    with pytest.raises(StageError, match=r"in colour already.*force=True"):
        Colorize("tint").on(truth)
    assert not same(list(Colorize("tint", force=True).on(truth)), list(truth))


def test_a_shot_in_colour_stays_as_it_is():
    truth = clip_of(pan(12), cuts=(8,))
    grey = in_grey(truth)
    mixed = MemoryClip(grey.images[:8] + truth.images[8:], truth.times, truth.end, truth.cuts)
    found = find_colours(mixed)
    assert measure_share(mixed, found.coloured) == pytest.approx(1 / 3, abs=1e-3)
    assert (found.kind, found.coloured) == ("grey", ((truth.times[8], truth.end),))
    assert "1 of its shots is in colour" in found.words
    made = Colorize("tint").on(mixed)
    assert same(list(made.frames(8, 12)), list(mixed.frames(8, 12)))
    assert np.ptp(made[2].image, axis=2).mean() > 5
    # A single frame that nobody looked at is not destroyed either.
    odd = MemoryClip([*grey.images[:5], truth.images[5], *grey.images[6:]], truth.times, truth.end)
    made = Colorize("tint", coloured=()).on(odd)
    assert np.array_equal(made[5].image, truth.images[5])


def test_flicker_is_measured():
    truth = clip_of(pan(12))
    dice = np.random.default_rng(2)
    tinted = [
        (picture + dice.normal(0, 12, 3)).clip(0, 255).astype(np.uint8) for picture in truth.images
    ]
    calm, wild = chroma_flicker(truth), chroma_flicker(clip_of(tinted))
    assert calm.level < 1 and wild.level > 5 * calm.level
    assert calm.jumps == () and calm.pairs == 11
    assert chroma_flicker(in_grey(truth)).level < 0.1


def test_a_cut_is_no_flicker_and_one_frame_has_none():
    both = clip_of(pan(5, seed=1) + [255 - p for p in pan(5, seed=2)], cuts=(5,))
    assert chroma_flicker(both).pairs == 8
    assert chroma_flicker(both).level < 1.2
    one = MemoryClip(pan(1), [Fraction(0)], Fraction(1))
    assert chroma_flicker(one).level == 0 and find_colours(one).kind == "colour"
