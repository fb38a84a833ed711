"""Trying choices on one's own film."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers import Trim, Upscale, open_video
from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.quality import vmaf
from helpers.quality.judge import _spread, judge, label_stage
from helpers.quality.judgement import AS_IT_IS, Choice, Judgement, half_interval
from helpers.stages.colorize.stage import Colorize
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.denoise.stage import Denoise
from helpers.stages.flicker.stage import Deflicker
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.stabilize.stage import Stabilize
from tests.support.clips import clip_of, levels
from tests.support.paths import TALK
from tests.support.worn_films import panning


def film(count: int = 30, width: int = 128, height: int = 96, sigma: float = 0.0) -> MemoryClip:
    """A pan over soft detail in colour, with grain."""
    grain = np.random.default_rng(0).normal(0, sigma, (count, height, width, 3))
    return clip_of(levels(np.add(panning(count, width, height), grain)))


@pytest.mark.slow
def test_a_resampling_that_loses_detail_is_further_from_the_truth():
    found = judge(film(), ["lanczos", "bilinear"], moments=4)
    assert {one.label for one in found.choices} == {"lanczos", "bilinear", "bicubic"}
    assert found.plain == "bicubic"
    assert found["lanczos"].score > found["bilinear"].score
    assert found.choices == tuple(sorted(found.choices, key=lambda one: -one.score))
    assert len(found.moments) == 4 and sum(found.wins.values()) == 4
    assert found.best.label in found.sentence and "4 moments" in found.sentence
    assert found["bilinear"].mean("edges") < found["lanczos"].mean("edges")


def test_a_compressed_film_is_compressed_again():
    clip = open_video(TALK)
    found = judge(clip, ["bilinear"], moments=2)
    assert "times smaller and compressed as the film is (h264" in found.words


def test_the_frames_between_are_judged():
    found = judge(film(), ["flow"], moments=2)
    assert found.best.label == "flow" and found.plain == AS_IT_IS
    assert found["flow"].mean("psnr") > found[AS_IT_IS].mean("psnr") + 3


@pytest.mark.slow
def test_a_denoiser_is_judged_by_the_noise_of_the_film():
    found = judge(film(sigma=6), [Denoise(), Denoise("dct")], moments=2)
    assert "noise like its own" in found.words
    assert {found.choices[0].label, found.choices[1].label} == {"motion", "dct"}


@pytest.mark.slow
def test_a_cleaner_is_judged_by_the_dust_of_the_film():
    clip, dice = film(28, 160, 120, sigma=1), np.random.default_rng(1)
    for image in clip.images:
        for x, y in dice.integers(8, 110, (3, 2)):
            cv2.circle(image, (int(x), int(y)), 2, (250, 250, 250), -1)
    found = judge(clip, [RemoveDamage("median")], moments=2)
    assert found.best.label == "median"
    assert found["median"].mean("psnr") > found[AS_IT_IS].mean("psnr") + 2


@pytest.mark.slow
def test_flicker_is_judged_by_how_steady_the_light_becomes():
    clip, dice = film(60), np.random.default_rng(1)
    lit = [
        np.clip(image * g, 0, 255)
        for image, g in zip(clip.images, 1 + 0.05 * dice.normal(size=60), strict=True)
    ]
    found = judge(clip_of(levels(lit)), [Deflicker()], moments=2)
    assert found.best.label == "Deflicker"


def test_colourings_are_judged_by_a_film_in_colour():
    found = judge(film(), [Colorize("tint"), Colorize("tint", tone="cyanotype")], moments=2)
    assert {"tint", "tint, tone cyanotype", AS_IT_IS} == {one.label for one in found.choices}


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ([], "No choice"),
        ([Stabilize()], "one kind"),
        ([Denoise(), Deflicker()], "Denoise"),
        ([Denoise()], "no noise"),
        ([Deflicker()], "steady"),
        ([RemoveDamage("median")], "No dust"),
    ],
)
def test_what_cannot_be_judged_is_said(choices, words):
    with pytest.raises(StageError, match=words):
        judge(clip_of([np.full((64, 64, 3), 90, np.uint8)] * 20), choices)


def test_a_tiny_film_is_refused():
    with pytest.raises(StageError, match="too small"):
        judge(film(12, 60, 40), ["bicubic"])


def test_no_moment_reaches_over_a_cut():
    images = panning(9, 96, 64)
    clip = clip_of(images, cuts=range(1, 9))
    with pytest.raises(StageError, match="without a cut"):
        judge(clip, ["bilinear"])


def test_all_is_given_a_label_of_its_own():
    assert label_stage(Upscale("animevideov3", scale=2, strength=Fraction(2, 5), steady=True)) == (
        "animevideov3, strength 0.4, steady"
    )
    assert label_stage(Interpolate("flow", factor=2)) == "flow"
    found = judge(film(), {"soft": "bilinear", "hard": "lanczos"}, moments=1)
    assert {one.label for one in found.choices} == {"soft", "hard", "bicubic"}


def test_a_few_moments_cover_the_film():
    assert _spread(12) == [0, 8, 4, 2, 10, 6, 1, 9, 5, 3, 11, 7]
    assert sorted(_spread(7)) == list(range(7)) and _spread(1) == [0]


def test_a_choice_that_differs_by_chance_cannot_be_told_from_the_best():
    def choice(label: str, scores: tuple[float, ...]) -> Choice:
        return Choice(label, {"psnr": scores}, scores, 60.0)

    best, near, far = choice("a", (5, 6, 7)), choice("b", (5.1, 5.8, 7)), choice("c", (2, 3, 4))
    found = Judgement("tried", tuple(map(Fraction, (1, 2, 3))), (best, near, far), "c")
    assert found.is_as_good("b") and not found.is_as_good("c")
    assert found.wins == {"a": 2, "b": 1, "c": 0}
    assert "b cannot be told from it" in found.sentence
    assert "c is further from it at every moment" in found.sentence
    assert half_interval((1.0,)) == float("inf")
    assert half_interval((1.0, 2.0, 3.0)) == pytest.approx(2.484, abs=0.001)
    assert found.to_json()["choices"][0]["measures"]["psnr"]["mean"] == 6
    assert "<table>" in found._repr_html_() and "a" in repr(found)


def test_labels_are_text_in_a_notebook():
    found = judge(film(), {"<script>alert(1)</script>": "bilinear"}, moments=1)
    assert "<script>" not in found._repr_html_()


def test_vmaf_is_measured_where_ffmpeg_can(monkeypatch):
    images = panning(3, 192, 144)
    if vmaf.can_measure_vmaf():
        blurred = [cv2.GaussianBlur(image, (0, 0), 3) for image in images]
        same, worse = vmaf.measure_vmaf(images, images), vmaf.measure_vmaf(blurred, images)
        assert len(same) == 3 and min(same) > 90 and max(worse) < min(same)
    assert (
        vmaf.measure_vmaf([image[:40, :40] for image in images], [i[:40, :40] for i in images])
        == []
    )
    monkeypatch.setattr("helpers.quality.judge.can_measure_vmaf", lambda: False)
    assert "libvmaf" in " ".join(judge(film(), ["bilinear"], moments=1).notes)


def test_a_stretch_of_a_film_can_be_judged():
    found = judge(Trim(1, 3)(open_video(TALK)), ["bilinear"], moments=2)
    assert all(1 <= time <= 3 for time in found.moments)


def test_only_the_middle_of_a_large_film_is_tried():
    found = judge(film(8, 800, 600), ["bilinear"], moments=1)
    assert found.best.best.truth.shape[:2] == (240, 320)
