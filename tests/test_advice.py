"""What is recommended for a film, and why."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers import advice
from helpers.advice import recommend
from helpers.audio.diagnose import take_excerpt
from helpers.audio.track import Sound
from helpers.clip import MemoryClip
from helpers.plan import Plan
from helpers.project.project import Project
from helpers.quality.judgement import Choice, Judgement
from helpers.stages.upscale.find import is_drawn
from helpers.video.reader import open_video
from tests.support.films import encode, texture
from tests.support.paths import DATA, FILM, TALK, data_path


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let every model take a hundredth of a second for a frame."""
    monkeypatch.setattr(advice, "time_model", lambda model, image: 0.01)


def moving(count=24, height=120, width=160, fps=8, speed=2):
    wide = texture(height, width + count * speed)
    images = [np.ascontiguousarray(wide[:, n * speed : n * speed + width]) for n in range(count)]
    return MemoryClip(images, [Fraction(n, fps) for n in range(count)], Fraction(count, fps))


def examine(path, tmp_path):
    project = Project(tmp_path / "project")
    return recommend(project.source(path, progress=False), path, project.context(progress=False))


def test_a_noisy_talk_is_enlarged_made_smooth_and_its_sound_cleaned(tmp_path):
    found = examine(TALK, tmp_path)
    assert found.needed == ("upscale", "interpolate", "audio")
    assert "talk" in found.kind and "small" in found.kind
    plan = found.plan()
    assert plan.upscale.model == "animevideov3" and plan.upscale.scale == 4
    assert plan.sound.method == "talk" and plan.cleaning.names == "none"


def test_a_worn_film_is_cleaned_of_what_was_found(tmp_path):
    found = examine(FILM, tmp_path)
    assert {"flicker", "damage", "duplicates"} <= set(found.needed)
    assert not found["colorize"].needed and "for you to decide" in found["colorize"].reason
    assert set(found.plan().cleaning.names) == set(found.needed) - {"upscale"}


def test_what_is_not_ticked_is_left_out(tmp_path):
    found = examine(FILM, tmp_path)
    plan = found.plan(["flicker", "colorize"])
    assert plan.cleaning.names == ("flicker",) and plan.colorize is not None
    assert plan.upscale is None and plan.interpolate is None and plan.sound.method == "none"


def test_a_good_film_needs_nothing():
    clip = moving(height=LARGE, width=1280, fps=25, count=12)
    found = recommend(clip)
    assert found.needed == ()
    assert found.summary().startswith("This film needs nothing")
    assert found.plan() == Plan.of(upscale="none", interpolate="none")


LARGE = 720


def test_every_step_has_a_reason_in_whole_sentences():
    for step in recommend(moving()).steps:
        assert step.reason[0].isupper() and step.reason.endswith("."), step


def test_what_would_take_days_is_not_recommended(monkeypatch):
    monkeypatch.setattr(advice, "time_model", lambda model, image: 1e6)
    found = recommend(moving())["upscale"]
    assert not found.needed and "graphics card" in found.reason


def test_summary_can_be_typed():
    first, second = recommend(moving()).summary().split("\n")
    assert first == "Recommended: enlarge, make motion smooth."
    assert "--upscale animevideov3" in second and "--interpolate flow" in second


def cartoon(count=6, height=240, width=320):
    """Draw flat shapes with outlines that move."""
    dice, frames = np.random.default_rng(3), []
    shapes = [
        (dice.uniform((0, 0), (width, height)), dice.uniform(10, 60), dice.integers(0, 256, 3))
        for _ in range(25)
    ]
    for number in range(count):
        image = np.full((height, width, 3), (120, 190, 240), np.uint8)
        for center, radius, color in shapes:
            at = tuple(int(x) for x in center + 2 * number)
            cv2.circle(image, at, int(radius), [int(c) for c in color], -1, cv2.LINE_AA)
            cv2.circle(image, at, int(radius), (10, 10, 10), 2, cv2.LINE_AA)
        frames.append(image)
    return frames


@pytest.mark.parametrize("crf", ["18", "30"])
def test_a_cartoon_is_told_from_a_photographed_film(tmp_path, crf):
    drawn = encode(tmp_path / "drawn.mp4", cartoon(), options={"crf": crf})
    assert is_drawn(open_video(drawn))
    assert not is_drawn(moving())
    assert "cartoon" in recommend(open_video(drawn)).kind


@pytest.mark.data
@pytest.mark.parametrize(
    "name", [path.name for path in sorted((DATA / "clips").glob("*.mp4")) if "odd" not in path.name]
)
def test_photographed_films_are_no_cartoons(name):
    assert not is_drawn(open_video(data_path(f"clips/{name}"), scan="packets"))


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["carphone_pristine.mp4", "bikes_scene_cuts.mp4"])
def test_a_clean_film_is_only_enlarged(name, tmp_path):
    assert examine(data_path(f"clips/{name}"), tmp_path).needed == ("upscale",)


@pytest.mark.data
@pytest.mark.slow
def test_music_is_not_taken_for_noise(tmp_path):
    found = examine(data_path("clips/oldfilm_chaplin.mp4"), tmp_path)
    assert not found["audio"].needed


def test_a_long_film_is_looked_at_in_part(monkeypatch):
    seen = []
    monkeypatch.setattr(advice, "LONG", 40)
    whole = advice.examine
    monkeypatch.setattr(
        advice, "examine", lambda clip, run: seen.append(len(clip)) or whole(clip, run)
    )
    found = recommend(moving(count=120))
    assert seen == [20] and {"damage", "duplicates", "noise"} <= {s.name for s in found.steps}


def test_a_long_track_is_judged_by_five_minutes_of_it():
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 8000 * 900)).astype(np.float32)
    excerpt = take_excerpt(Sound(noise, 8000))
    assert excerpt.seconds == 300
    assert take_excerpt(excerpt) is excerpt


def test_a_model_can_be_chosen_by_trying(monkeypatch):
    def scored(label: str, scores: tuple[float, ...], seconds: float) -> Choice:
        return Choice(label, {"ssim": scores}, scores, seconds)

    near, same = scored("x4plus", (5, 6, 7, 8), 900.0), scored("animevideov3", (5, 6, 7, 7.9), 60.0)
    plain = scored("bicubic", (3, 4, 5, 6), 1.0)
    tried: list[list[str]] = []

    def judge(clip, choices, run):
        tried.append(choices)
        return Judgement("worse", tuple(map(Fraction, range(4))), (near, same, plain), "bicubic")

    monkeypatch.setattr("helpers.quality.judge.judge", judge)
    monkeypatch.setattr(advice, "TRIED", ("animevideov3", "x4plus"))
    found = recommend(moving(), thorough=False, by_trying=True)
    assert tried == [["animevideov3", "x4plus"]]
    assert found["upscale"].options["upscale"] == "animevideov3"
    assert "x4plus comes nearest" in found["upscale"].reason
    assert "animevideov3 takes about 60 seconds" in found["upscale"].reason
