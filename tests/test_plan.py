"""The main job: steps in their order, and a report of what was decided."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from skimage import data

from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.imaging.color_matrix import chroma_of, luma_of
from helpers.plan import Plan, restore
from helpers.project.project import Project
from helpers.run import RunContext
from helpers.stages.cleaners import finish_film
from helpers.stages.colorize.find import clip_matrix
from helpers.video.reader import open_video
from tests.support.clips import steps
from tests.support.law import same, varying_clip
from tests.support.paths import FILM, REPO, TALK

PLAIN = {"upscale": "none", "interpolate": "none"}


def spread_of(clip, number=-1):
    """How far the channels of a frame are apart."""
    return np.ptp(clip[number].image.astype(int), axis=2).mean()


def test_a_grey_film_is_toned_before_it_is_enlarged(film):
    clip = Plan.of(upscale="bicubic", scale=Fraction(2), interpolate="none", colorize="tint").apply(
        film
    )
    assert steps(clip).index("Colorize") < steps(clip).index("Upscale")
    assert spread_of(clip, 5) > 5


def test_a_film_in_colour_is_left_alone_unless_told_to():
    run = RunContext()
    picture = cv2.resize(data.astronaut(), (320, 240))
    clip = MemoryClip([picture] * 6, [Fraction(n, 24) for n in range(6)], Fraction(6, 24))
    assert Plan.of(**PLAIN, colorize="tint").apply(clip, run) is clip
    assert run.notes == [
        "The film is in colour already and was not coloured. Use --recolor to colour it anyway."
    ]
    toned = Plan.of(**PLAIN, colorize="tint", recolor=True).apply(clip)[2].image
    assert np.abs(toned.astype(int) - picture).mean() > 5
    matrix = clip_matrix(clip.info)
    assert np.abs(luma_of(toned, matrix) - luma_of(picture, matrix)).max() < 1 / 255


def test_which_shots_are_in_colour_is_found_once_for_a_project(tmp_path):
    project = Project(tmp_path)
    clip = project.source(FILM, progress=False)
    Plan.of(**PLAIN, colorize="tint").apply(clip, project.context(progress=False))
    assert "Colorize" in (tmp_path / "found.json").read_text()
    looked = Plan.of(**PLAIN, colorize="tint", tone="amber").apply(
        clip, project.context(progress=False)
    )
    assert looked.recipe() == Plan.of(**PLAIN, colorize="tint", tone="amber").apply(clip).recipe()


def test_a_wrong_model_or_tone_is_refused_at_once():
    with pytest.raises(StageError, match="There is no tone 'pink'"):
        Plan.of(colorize="tint", tone="pink")
    with pytest.raises(Exception, match="Choose one of deoldify-video"):
        Plan.of(colorize="crayon")


@pytest.mark.slow
def test_the_result_and_its_report_tell_of_the_colours(tmp_path):
    plan = Plan.of(**PLAIN, colorize="tint", stop=Fraction(1, 2))
    report = restore(FILM, tmp_path / "toned.mp4", plan=plan, progress=False)
    assert "tint" in report.models
    assert any("colours change by" in note for note in report.notes)
    assert spread_of(open_video(tmp_path / "toned.mp4")) > 5


@pytest.mark.slow
def test_the_sample_is_coloured_from_the_frames_beside_it(film):
    references = str(REPO / "sample_clips" / "film_coloured")
    clip = Plan.of(**PLAIN, colorize="tint", references=references).apply(film)
    given = chroma_of(cv2.imread(f"{references}/1.000s.png")[..., ::-1], "bt709")
    for number in (10, 24, 50):
        made = chroma_of(clip[number].image, "bt709")
        assert np.abs(made.mean((0, 1)) - given.mean((0, 1))).max() < 0.01, number
        assert np.abs(made - given).mean() < 0.03, number


def test_what_was_decided_is_said_to_whoever_runs_it(tmp_path):
    plan = Plan.of(**PLAIN, colorize="tint", stop=Fraction(1, 2))
    report = restore(TALK, tmp_path / "talk.mp4", plan=plan, progress=False)
    assert "note     The film is in colour already and was not coloured" in report.summary()


def test_finish_comes_last_and_its_grain_grows_with_the_picture():
    film = varying_clip(width=32, height=24)
    plan = Plan.of(upscale="bicubic", scale=Fraction(2), factor=2, clean=("finish",))
    made = plan.apply(film)
    assert steps(made) == ["Upscale", "Interpolate", "Finish"]
    assert made.recipe()[-1]["size"] == 2.4
    assert finish_film(film, film).recipe()[-1]["size"] == 1.2


def test_a_plan_with_cleaning_is_the_same_from_its_project(tmp_path):
    project = Project(tmp_path)
    film = project.source(FILM, progress=False)
    plan = Plan.of(
        upscale="none", interpolate="none", stop=Fraction(1), clean=("duplicates", "shake")
    )
    once = plan.apply(film, project.context(progress=False))
    again = plan.apply(film, project.context(progress=False))
    assert once.recipe() == again.recipe()
    assert same(list(once.frames(0, 3)), list(again.frames(0, 3)))
    assert len(once) == 12
