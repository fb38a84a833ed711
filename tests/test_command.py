"""The command, run as a person runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from helpers.__main__ import main
from helpers.audio.reader import read_sound
from helpers.audio.track import Sound
from helpers.errors import StageError
from helpers.plan import Cleaning, Plan, SoundChoice
from helpers.project.project import Project
from helpers.retime import Trim
from helpers.stages.colorize.stage import Colorize
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import open_video
from tests.support.law import same
from tests.support.paths import FILM, REPO, TALK

pytestmark = pytest.mark.slow


def command(*words):
    return [sys.executable, "-m", "helpers", *map(str, words)]


def run(*words, **options):
    return subprocess.run(
        command(*words), capture_output=True, text=True, cwd=REPO, timeout=120, **options
    )


def answer(*words):
    """Run a command that must succeed and return its JSON."""
    done = run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- what it says -------------------------------------------------------------------------------


def plan_of(monkeypatch, *words):
    """The plan that the command makes of its options."""
    from helpers import __main__, advice, plan

    made = []
    nothing = advice.Recommendation("a film", ())
    monkeypatch.setattr(advice, "recommend", lambda *given, **more: nothing)

    def note(source, output, *, plan, **rest):
        made.append(plan)
        raise StageError("enough")

    monkeypatch.setattr(plan, "restore", note)
    monkeypatch.setattr(sys, "argv", ["helpers", "restore", "in.mp4", "-o", "out.mp4", *words])
    with pytest.raises(SystemExit):
        __main__.main()
    return made[0](None, None, None)


def test_without_options_the_plan_is_the_usual_one(monkeypatch):
    assert plan_of(monkeypatch) == Plan()


def test_every_option_reaches_its_step(monkeypatch):
    words = "--start 1:02 --stop 63.5 --clean noise,damage --colorize tint --tone amber --recolor "
    words += (
        "--saturation 2 --references coloured --upscale x4plus,lanczos --blend 2,1 --scale 3/2 "
    )
    words += (
        "--strength 0.6 --no-steady --fps 24000/1001 --audio talk --audio-strength 0.5 --keep-audio"
    )
    assert plan_of(monkeypatch, *words.split()) == Plan(
        Trim(62, Fraction(127, 2)),
        Cleaning(("noise", "damage")),
        Colorize("tint", tone="amber", force=True, saturation=2.0, references="coloured"),
        Upscale(
            ("x4plus", "lanczos"),
            Fraction(3, 2),
            blend=(2, 1),
            strength=Fraction(3, 5),
            steady=False,
        ),
        Interpolate(fps=Fraction(24000, 1001)),
        SoundChoice("talk", 0.5, True),
    )
    off = plan_of(monkeypatch, "--upscale", "none", "--interpolate", "none")
    assert (off.upscale, off.interpolate, off.colorize) == (None, None, None)


def test_options_beside_a_recipe_win(monkeypatch, tmp_path, capsys):
    recipe = tmp_path / "a.toml"
    recipe.write_text(
        "version = 1\n[upscale]\nupscale = 'bicubic'\nscale = 2\n[interpolate]\nfactor = 2\n"
    )
    assert plan_of(monkeypatch, "--recipe", str(recipe), "--fps", "30") == Plan(
        upscale=Upscale("bicubic", 2), interpolate=Interpolate(fps=30)
    )
    assert "not as the recipe says: --fps." in capsys.readouterr().err
    assert "Give one." in refused(
        "restore", TALK, "-o", tmp_path / "o.mp4", "--recipe", recipe, "--recommended"
    )


def test_an_option_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(StageError, match=r"no option 'sharpen'. The options are alternate, audio"):
        Plan.of(sharpen=1)


def test_probe_says_what_a_film_is():
    found = answer("probe", TALK)
    assert (found["frames"], found["width"], found["height"]) == (40, 160, 120)
    assert Fraction(found["fps"]) == 8
    assert not found["variable_rate"] and "aac" in found["audio"][0]


def test_models_lists_the_catalogue():
    rows = {row["name"]: row for row in answer("models")}
    assert {"x4plus", "bicubic", "flow"} <= rows.keys()
    assert rows["bicubic"]["present"]


def test_doctor_says_what_works():
    done = run("doctor", "--json")
    assert done.returncode in (0, 1)
    assert json.loads(done.stdout)


def test_sample_says_where_a_clip_to_try_is():
    done = run("sample", "film")
    assert Path(done.stdout.strip()) == FILM


@pytest.mark.parametrize(
    ("path", "name"),
    [("helpers/__main__.py", "python -m helpers"), ("bin/silk-purse", "silk-purse")],
)
def test_help_uses_the_name_it_was_called_by(monkeypatch, capsys, path, name):
    monkeypatch.setattr(sys, "argv", [path, "--help"])
    with pytest.raises(SystemExit):
        main()
    assert f"Usage: {name} " in capsys.readouterr().out


# --- what it refuses ----------------------------------------------------------------------------


def refused(*words):
    """Run a command that must be refused; return its one sentence."""
    done = run(*words)
    assert done.returncode == 2, (done.returncode, done.stderr)
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1 and done.stdout == "", done.stderr
    assert "Traceback" not in lines[0] and "Error:" not in lines[0]
    return lines[0]


def test_what_is_no_video_is_refused(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("Not a film.\n" * 50)
    assert "There is no file" in refused("probe", tmp_path / "none.mp4")
    assert "is a folder" in refused("probe", tmp_path)
    assert "text file (tty), not a video" in refused("restore", text, "-o", tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--upscale", "x9"], "Choose one of x4plus"),
        (["--scale", "-1"], "'-1' is not a number above 0"),
        (["--scale", "99"], "at most 32"),
        (["--size", "12"], "'12' is not a size. Write it like 1280x720"),
        (["--scale", "2", "--size", "8x8"], "only one of them"),
        (["--codec", "divx"], "divx"),
        (["--start", "9:9:9:9"], "is not a time"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_senseless_wish_is_refused(tmp_path, words, said):
    assert said in refused("restore", TALK, "-o", tmp_path / "out.mp4", *words)
    assert not list(tmp_path.iterdir()), "nothing may be begun before the wish is understood"


def test_an_output_that_cannot_be_is_refused(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(TALK.read_bytes())
    assert "must end in" in refused("restore", film, "-o", tmp_path / "out.txt")
    assert "is the source itself" in refused("restore", film, "-o", film)
    assert film.read_bytes() == TALK.read_bytes()


LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        ("probe", f"{LONG}.mp4"),
        ("restore", f"{LONG}.mp4", "-o", "out.mp4"),
        ("restore", TALK, "-o", "out.mp4", "--project", LONG),
        ("restore", TALK, "-o", "out.mp4", "--audio", f"{LONG}.wav"),
        ("restore", TALK, "-o", "out.mp4", "--upscale", f"{LONG}.pth"),
        ("train-cleaner", LONG, "--samples", "2", "--steps", "1"),
        ("train-small-video", LONG, "--samples", "4", "--steps", "1"),
    ],
    ids=lambda words: " ".join(map(str, words[:1] + words[-2:]))[:40],
)
def test_a_name_that_no_file_can_have_is_refused(tmp_path, words):
    said = refused(*(tmp_path / w if w in ("out.mp4", LONG) else w for w in words))
    assert LONG in said
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_is_there_is_replaced_only_on_demand(tmp_path):
    output = tmp_path / "-out\nfilm.mkv"
    output.write_text("the good old film")
    words = ("-o", output, "--upscale", "none", "--interpolate", "none", "--stop", "1", TALK)
    assert "is there already" in refused("restore", *words)
    assert output.read_text() == "the good old film"
    done = run("restore", *words, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert len(open_video(output)) == 8


def test_a_model_without_a_checksum_is_refused_before_any_work(tmp_path):
    said = refused("restore", TALK, "-o", tmp_path / "out.mp4", "--upscale", "realesrnet-x4plus")
    assert "fetch --trust realesrnet-x4plus" in said
    assert list(tmp_path.iterdir()) == []


# --- what it does -------------------------------------------------------------------------------

SMALL = ("--upscale", "bicubic", "--scale", "2")


def test_a_stretch_is_restored_and_reported(tmp_path):
    output = tmp_path / "out film.mp4"
    report = answer("restore", TALK, "-o", output, *SMALL, "--start", "1", "--stop", "0:02")
    assert report == json.loads((tmp_path / "out film.mp4.report.json").read_text())
    assert report["models"]["bicubic"] == "-"
    clip = open_video(output)
    assert (clip.info.size, len(clip), clip.duration) == ("320x240", 24, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out film.mp4",
        "out film.mp4.recipe.toml",
        "out film.mp4.report.json",
    ]


def begun(tmp_path, output, *words):
    """Start a restoration and return it when its first frames are being made."""
    process = subprocess.Popen(
        command("restore", TALK, "-o", output, "--project", tmp_path / "project", *words),
        cwd=REPO,
        env={**os.environ, "TMPDIR": str(tmp_path / "scratch"), "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has its children ignore an interrupt.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list((tmp_path / "scratch").glob("silk-purse-*/*.part.mkv")):
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        time.sleep(0.01)
    return process


SLOW = ("--upscale", "lanczos", "--size", "640x480", "--codec", "ffv1")


def test_ctrl_c_stops_in_one_sentence_and_what_is_finished_is_kept(tmp_path):
    (tmp_path / "scratch").mkdir()
    process = begun(tmp_path, tmp_path / "out.mkv", *SLOW)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.rstrip().split("\n")[-1].startswith("Interrupted. Finished work was kept")
    assert not any(noise in said for noise in ("Traceback", "Exception", "Error"))
    assert not (tmp_path / "out.mkv").exists()


def test_killed_and_run_again_it_gives_the_same_film(tmp_path):
    (tmp_path / "scratch").mkdir()
    wish = ("--upscale", "lanczos", "--size", "120x90", "--factor", "2", "--codec", "ffv1")
    process = begun(tmp_path, tmp_path / "killed.mkv", *wish)
    process.kill()
    process.wait()
    assert not (tmp_path / "killed.mkv").exists()
    again = run(
        *("restore", TALK, "-o", tmp_path / "killed.mkv", "--project", tmp_path / "project"), *wish
    )
    assert again.returncode == 0, again.stderr
    whole = run("restore", TALK, "-o", tmp_path / "whole.mkv", *wish)
    assert whole.returncode == 0, whole.stderr
    one, other = open_video(tmp_path / "killed.mkv"), open_video(tmp_path / "whole.mkv")
    assert len(one) == 80 and same(list(one), list(other))
    assert Project(tmp_path / "project").names() == ["restored"]


# --- sound ---------------------------------------------------------------------------------------


def test_a_silent_film_is_given_music(tmp_path):
    music, made = tmp_path / "music.wav", tmp_path / "made.mkv"
    time = np.arange(2 * 8000) / 8000
    Sound(np.sin(2000 * time, dtype=np.float32)[None] * np.float32(0.3), 8000).save(music)
    plan = ("--upscale", "none", "--interpolate", "none")
    done = run("restore", FILM, "-o", made, "--audio", music, *plan)
    assert done.returncode == 0, done.stderr
    sound = read_sound(made)
    assert float(sound.seconds) == pytest.approx(4.5, abs=0.01)
    assert (
        "music.wav was added to the silent film" in (tmp_path / "made.mkv.report.json").read_text()
    )


def test_an_unknown_way_to_clean_sound_is_refused(tmp_path):
    said = refused("restore", TALK, "-o", tmp_path / "out.mp4", "--audio", "magic")
    assert "'magic' is neither a method" in said and "talk" in said


def test_what_is_recommended_is_said_and_done_on_request(tmp_path):
    small = ("--upscale", "bicubic", "--stop", "1")
    plain = run("restore", TALK, "-o", tmp_path / "a.mp4", *small, "--interpolate", "none")
    assert "Recommended: enlarge, make motion smooth, clean the sound." in plain.stderr
    assert "--upscale animevideov3" in plain.stderr
    assert answer("report", tmp_path / "a.mp4")["result"]["frames"] == 8
    done = answer("restore", TALK, "-o", tmp_path / "b.mp4", *small, "--recommended")
    assert done["result"]["frames"] == 24
    assert any(note.startswith("sound: ") for note in done["notes"])
    assert any(row.get("model") == "bicubic" for row in done["recipe"])
