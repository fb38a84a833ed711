"""The recipe of a restoration: the same result from a file, and nothing else from it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from helpers import recipe_text
from helpers.errors import RecipeError
from helpers.plan import Plan, restore
from helpers.recipe import LARGEST, Recipe, read_recipe
from helpers.run import RunContext
from helpers.stages import cleaners
from helpers.steps import STEPS
from tests.support.paths import TALK


def written(folder, plan, decided=(), models=()):
    path = folder / "out.mp4.recipe.toml"
    recipe_text.write_recipe(
        path,
        {name: getattr(plan, name) for name in STEPS},
        dict(decided),
        codec="h265",
        film=('a "film"\n[models].mp4', "0" * 64),
        models=dict(models),
        machine={"device": "cpu", "precision": "fp32"},
    )
    return path


def test_what_is_written_is_read_again(tmp_path):
    plan = Plan.of(
        start=Fraction(1, 3), clean=("flicker", "damage"), colorize="tint", tone="amber",
        saturation=0.1, upscale=("x4plus", "lanczos"), blend=(Fraction(1, 3), 2), strength=0.4,
        size=(640, 480), steady=True, fps=Fraction(24000, 1001), audio="talk", audio_strength=0.5,
        keep_audio=True, deinterlace="bwdif",
    )  # fmt: skip
    path = written(tmp_path, plan)
    found = read_recipe(path)
    assert Plan.of(**found) == plan
    assert found.codec == "h265"
    text = path.read_text()
    for line in ("strength = 0.4", 'fps = "24000/1001"', 'clean = ["flicker", "damage"]'):
        assert f"\n{line}\n" in text
    path.write_text(text.replace("strength = 0.4", "strength = 0.7"))
    assert read_recipe(path)["strength"] == Fraction(7, 10)
    other = read_recipe(path, upscale="bicubic")
    assert Plan.of(**other).upscale.model == "bicubic"
    assert other.left_out == ("blend", "strength", "steady")


def test_what_was_decided_replaces_what_was_open(tmp_path):
    decided = {"clean": ("noise",), "strength": Fraction(2, 5), "steady": True, "factor": 2}
    plan = Plan.of(clean="auto", upscale="x4plus")
    found = read_recipe(written(tmp_path, plan, decided))
    assert found.items() >= {**decided, "clean": "noise"}.items()
    assert Plan.of(**read_recipe(written(tmp_path, plan, {"upscale": "none"}))).upscale is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "written in TOML"),
        ("\0", "written in TOML"),
        ("a = " + "[" * 5000, "written in TOML"),
        ("x = 1", "no line version = 1"),
        ("version = 2", "reads up to 1"),
        ("version = 1\n[up]", "The tables are"),
        ("version = 1\nupscale = 'x4plus'", "must be a table"),
        ("version = 1\n[upscale]\nsharp = 1", "Its options are"),
        ("version = 1\n[upscale]\nsteady = 1", "must be true or false"),
        ("version = 1\n[upscale]\nscale = true", "must be a whole number or a number or a text"),
        ("version = 1\n[upscale]\nscale = 'much'", "not a number above 0"),
        ("version = 1\n[upscale]\nscale = '1e999999999'", "without e"),
        ("version = 1\n[upscale]\nscale = nan", "finite"),
        ("version = 1\n[interpolate]\nfactor = 2.5", "must be a whole number"),
        ("version = 1\n[upscale]\nupscale = '/etc/my.pth'", "--upscale PATH"),
        ("version = 1\n[upscale]\nupscale = 'https://a.b/my.pth'", "--upscale PATH"),
        ("version = 1\n[sound]\naudio = '../music.mp3'", "--audio PATH"),
        ("version = 1\n[colorize]\nreferences = 'coloured'", "--references PATH"),
        ("version = 1\n[output]\ncodec = 'gif'", "one of"),
        ("version = 1\n[output]\ncodec = ['gif']", "one of"),
        ("#" * (LARGEST + 1), "no recipe"),
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path, text, said):
    path = tmp_path / "some.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=said):
        read_recipe(path)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(RecipeError, match=r"Check the path|not a file"):
            read_recipe(path)


def test_other_weights_are_refused_unless_the_line_is_deleted(tmp_path):
    path = written(tmp_path, Plan.of(upscale="animevideov3"), models={"animevideov3": "0" * 64})
    with pytest.raises(RecipeError, match="delete the model's line"):
        read_recipe(path)
    assert read_recipe(path, upscale="bicubic")["upscale"] == "bicubic"
    path.write_text(path.read_text().replace("animevideov3 = ", "other = "))
    assert read_recipe(path)["upscale"] == "animevideov3"


def test_a_file_of_the_user_is_named_without_its_folder(tmp_path):
    own = tmp_path / "my.pth"
    own.write_bytes(b"weights")
    path = written(tmp_path, Plan.of(upscale=str(own)))
    assert str(tmp_path) not in path.read_text()
    with pytest.raises(RecipeError, match=r"my\.pth"):
        read_recipe(path)
    assert read_recipe(path, upscale=str(own))["upscale"] == str(own)


def test_repeats_that_auto_removes_are_removed_again(film, monkeypatch):
    plan = Plan.of(upscale="none", interpolate="none", clean="auto")
    found = type("Found", (), {"advice": ("duplicates",), "decision": "", "faults": ()})
    monkeypatch.setattr(cleaners, "examine", lambda clip, run: found)
    run = RunContext()
    clip = plan.apply(film, run)
    assert run.decided["clean"] == ("duplicates",)
    again = Plan.of(**{"upscale": "none", **run.decided}).apply(film)
    assert list(again.times) == list(clip.times)
    assert all((a.image == b.image).all() for a, b in zip(again, clip, strict=True))


def test_a_film_that_is_smooth_or_large_stays_so(film):
    run = RunContext()
    Plan.of(upscale="none").apply(film, run)
    assert run.decided == {"factor": 1, "interpolate": "flow"}


@pytest.mark.slow
def test_the_recipe_gives_the_same_film_in_another_place(tmp_path):
    first, second = tmp_path / "a" / "out.mp4", tmp_path / "b" / "out.mp4"
    first.parent.mkdir()
    second.parent.mkdir()
    plan = Plan.of(start=1, stop=2, upscale="lanczos", clean="auto")
    restore(TALK, first, plan=plan, codec="h265", progress=False)
    found = read_recipe(f"{first}.recipe.toml")
    assert isinstance(found, Recipe)
    assert (found["scale"], found["factor"], found["clean"]) == (4, 3, "none")
    restore(TALK, second, plan=found, progress=False)
    assert first.read_bytes() == second.read_bytes()
