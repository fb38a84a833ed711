"""The project of one restoration: made beside the output, and deleted with care."""

from fractions import Fraction

import pytest

from helpers.errors import SilkPurseError, VideoOpenError, VideoWriteError
from helpers.plan import Plan, restore
from helpers.project.project import Project
from helpers.project.report import Report, Side
from helpers.project.temporary import open_project
from helpers.verify.verdict import Check, Verification
from tests.support.faults import failing
from tests.support.paths import TALK
from tests.support.saves import film, save


def restored(output, **options):
    plan = Plan.of(upscale="none", interpolate="none", stop=Fraction(1, 2))
    return restore(TALK, output, plan=plan, progress=False, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_temporary_project_is_deleted_when_the_film_is_whole(tmp_path):
    restored(tmp_path / "film.mkv", codec="ffv1")
    assert names(tmp_path) == ["film.mkv", "film.mkv.recipe.toml", "film.mkv.report.json"]


@pytest.mark.slow
def test_a_broken_off_restoration_keeps_its_project_for_the_next(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyError):
        patch.setattr(Project, "render", failing(KeyError("power cut")))
        restored(tmp_path / "film.mkv", codec="ffv1")
    assert names(tmp_path) == ["film.mkv.project"]
    monkeypatch.setattr("helpers.project.film.find_cuts", None)  # known from the first run
    restored(tmp_path / "film.mkv", codec="ffv1")
    assert names(tmp_path) == ["film.mkv", "film.mkv.recipe.toml", "film.mkv.report.json"]


@pytest.mark.slow
def test_a_folder_that_was_there_before_is_never_deleted(tmp_path, caplog):
    mine = tmp_path / "film.mkv.project"
    save(mine, film(), "01_mine")
    (mine / "letter.txt").write_text("dear aunt")
    restored(tmp_path / "film.mkv", codec="ffv1")
    assert {"01_mine", "letter.txt", "restored"} <= set(names(mine))
    assert "film.mkv.project was there before this run and is kept" in caplog.text


def test_of_a_temporary_project_only_its_own_files_are_deleted(tmp_path, caplog):
    with open_project(None, tmp_path / "film.mkv") as project:
        save(project.folder, film())
        (project.folder / "letter.txt").write_text("dear aunt")
        (project.folder / "01_test" / "notes.mkv").write_text("mine too")
    assert names(tmp_path / "film.mkv.project") == ["01_test", "letter.txt"]
    assert names(tmp_path / "film.mkv.project" / "01_test") == ["notes.mkv"]
    assert "other files in it" in caplog.text


def test_the_project_that_the_user_named_is_kept(tmp_path):
    restored(tmp_path / "film.mkv", codec="ffv1", project=tmp_path / "mine")
    assert Project(tmp_path / "mine").names() == ["restored"]


@pytest.mark.parametrize("project", [None, "mine"])
def test_a_refused_film_leaves_nothing(tmp_path, project):
    no_film = tmp_path / "page.mp4"
    no_film.write_text("<html>" * 100)
    project = project and tmp_path / project
    with pytest.raises(VideoOpenError):
        restore(no_film, tmp_path / "new" / "film.mp4", project=project, progress=False)
    assert names(tmp_path) == ["page.mp4"]


@pytest.mark.parametrize("project", [None, "mine"])
def test_a_film_that_is_refused_later_leaves_nothing_either(tmp_path, monkeypatch, project):
    monkeypatch.setattr(Project, "source", failing(VideoOpenError("It has no frames.")))
    project = project and tmp_path / project
    with pytest.raises(VideoOpenError):
        restored(tmp_path / "film.mp4", project=project)
    assert names(tmp_path) == []


def test_an_output_that_is_there_is_refused_before_any_work(tmp_path, monkeypatch):
    (tmp_path / "film.mp4").write_text("good")
    monkeypatch.setattr(Plan, "fetch_models", failing(AssertionError("work was begun")))
    with pytest.raises(VideoWriteError, match=r"there already.*--overwrite"):
        restored(tmp_path / "film.mp4")
    assert names(tmp_path) == ["film.mp4"]


def test_a_link_to_a_file_of_another_kind_is_refused_before_any_work(tmp_path, monkeypatch):
    (tmp_path / "film.mp4").symlink_to(tmp_path / "film.data")
    monkeypatch.setattr(Plan, "fetch_models", failing(AssertionError("work was begun")))
    with pytest.raises(VideoWriteError, match=r"film\.data.*must end in"):
        restored(tmp_path / "film.mp4")
    assert names(tmp_path) == ["film.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["é" * 125 + ".mkv", "-a\nb'%d🎬.mkv"])
def test_a_film_of_any_name_is_restored(tmp_path, name):
    restored(tmp_path / name, codec="ffv1")
    assert len(names(tmp_path)) == 3 and name in names(tmp_path)


def test_a_film_whose_name_is_no_text_is_refused(tmp_path):
    odd = tmp_path / "\udcff.mp4"
    odd.write_bytes(TALK.read_bytes())
    with pytest.raises(SilkPurseError, match=r"no text in UTF-8"):
        restore(odd, tmp_path / "film.mp4", progress=False)
    assert len(names(tmp_path)) == 1


# --- what was saved on the way ------------------------------------------------------------------


def test_the_report_says_how_much_room_the_frames_take(tmp_path):
    report = restored(tmp_path / "film.mkv", codec="ffv1", project=tmp_path / "mine")
    size = sum(path.stat().st_size for path in (tmp_path / "mine" / "restored").glob("*.mkv"))
    assert report.saved and (report.saved.bytes, report.saved.kept) == (size, True)
    assert f"of frames in {tmp_path / 'mine' / 'restored'}" in report.summary()
    again = restored(tmp_path / "other.mkv", codec="ffv1", project=tmp_path / "mine")
    assert "(4 of 4 frames were here already)" in again.summary()
    assert Report.read(tmp_path / "other.mkv.report.json") == again


def test_the_frames_are_deleted_on_request_when_the_film_is_right(tmp_path, monkeypatch):
    mine = tmp_path / "mine"
    report = restored(tmp_path / "film.mkv", codec="ffv1", project=mine, discard=True)
    assert names(mine) == ["source.json"]
    assert report.saved and not report.saved.kept and report.saved.bytes > 0
    assert "of frames that are deleted" in report.summary()
    unsure = Verification((Check("sound", "unknown", "it cannot be heard"),))
    monkeypatch.setattr("helpers.video.writer.require_right", lambda *_: unsure)
    report = restored(tmp_path / "other.mkv", codec="ffv1", project=mine, discard=True)
    assert Project(mine).names() == ["restored"]
    assert "The saved frames were kept" in report.summary()


def test_the_report_of_a_temporary_project_does_not_name_a_folder_that_is_gone(tmp_path):
    report = restored(tmp_path / "film.mkv", codec="ffv1")
    assert report.saved and not report.saved.kept
    assert ".project" not in report.summary()


def test_other_options_stand_beside_the_first_in_a_project(tmp_path):
    mine = tmp_path / "mine"
    first = restored(tmp_path / "film.mkv", codec="ffv1", project=mine)
    plan = Plan.of(upscale="bicubic", scale=Fraction(2), interpolate="none", stop=Fraction(1, 2))
    restore(TALK, tmp_path / "large.mkv", plan=plan, codec="ffv1", project=mine, progress=False)
    large = Project(mine).latest(before="07_render")
    assert large.info.size == "320x240" and len(Project(mine).versions("restored")) == 2
    again = restored(tmp_path / "again.mkv", codec="ffv1", project=mine)
    assert again.saved and again.saved.folder == first.saved.folder and again.saved.frames == 4


# --- how the report says it -----------------------------------------------------------------------


def say_frames(steps, film, result, stretch=None):
    sides = [Side("film", "2x2", count, 5.0, 5.0) for count in (film, result)]
    recipe = [{"source": "film"}, *({"stage": step} for step in steps)]
    report = Report(*sides, {}, {}, recipe, stretch=stretch)
    return report.summary().split("\n")[2].removeprefix("frames   ")


@pytest.mark.parametrize(
    ("steps", "film", "result", "stretch", "words"),
    [
        ([], 200, 200, None, "200 -> 200 in 5.00 s"),
        (["Interpolate"], 200, 400, None, "200 -> 400 in 5.00 s"),
        (["Trim"], 200, 25, (5, 10), "25 of 200 frames, from 0:05 to 0:10"),
        (["Trim"], 200, 25, (3602.5, 3607.46), "25 of 200 frames, from 1:00:02.5 to 1:00:07.5"),
        (["Trim", "Interpolate"], 200, 50, (5, 10),
         "50, from 0:05 to 0:10 of the film, which has 200"),
        (["RemoveDuplicates"], 200, 180, None, "180 in 5.00 s; 20 repeated ones are left out"),
    ],
)  # fmt: skip
def test_fewer_frames_do_not_read_like_a_loss(steps, film, result, stretch, words):
    assert say_frames(steps, film, result, stretch) == words


def test_the_report_of_a_stretch_says_which(tmp_path):
    report = restored(tmp_path / "film.mkv", codec="ffv1")
    assert "frames   4 of 40 frames, from 0:00 to 0:00.5" in report.summary()
