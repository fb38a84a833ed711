"""The folder that remembers: saving, going on, looking, exporting."""

from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import (
    ProjectError,
    VideoOpenError,
)
from helpers.project import film as opening
from helpers.project.project import Project
from helpers.retime import Trim
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.scenes.stage import MarkShots
from tests.support.law import same, varying_clip
from tests.support.paths import TALK
from tests.support.saves import break_off, film, made, save


def test_what_is_there_is_not_made_again(tmp_path):
    save(tmp_path, film())
    made.clear()
    save(tmp_path, film())
    assert made == []


def test_a_saved_stage_is_loaded_by_another_session(tmp_path):
    saved = save(tmp_path, film())
    loaded = Project(tmp_path).load("01_test")
    assert loaded.times == saved.times and same(list(loaded), list(saved))


def test_stages_build_on_saved_stages(tmp_path):
    first = save(tmp_path, film(), "01_first")
    second = save(tmp_path, Interpolate(factor=2)(first), "02_second")
    assert same(list(second), list(Interpolate(factor=2)(film())))
    assert [row.get("stage") for row in second.recipe()] == [None, "Counting", "Interpolate"]


def test_unicode_and_spaces_in_names(tmp_path):
    folder = tmp_path / "Großmutters Film 1961 мама 映画"
    saved = save(folder, film(), "01 säubern")
    assert same(list(saved), list(film()))
    assert Project(folder).names() == ["01 säubern"]


def test_an_unfinished_stage_is_not_loaded_and_says_how_far_it_is(tmp_path, monkeypatch):
    break_off(monkeypatch, tmp_path, film(), 2)
    with pytest.raises(ProjectError, match="not finished: 5 of 16 frames"):
        Project(tmp_path).load("01_test")


def test_the_latest_finished_stage_is_found_and_unfinished_ones_are_named(
    tmp_path, monkeypatch, caplog
):
    save(tmp_path, film(), "01_first")
    save(tmp_path, Trim(stop=1)(film()), "03_third")  # type: ignore[arg-type]
    break_off(monkeypatch, tmp_path, film(), 1, "02_second")
    shop = Project(tmp_path)
    assert shop.latest().name == "03_third"
    assert shop.latest(before="03_third").name == "01_first"
    assert "02_second is not finished" in caplog.text
    with pytest.raises(ProjectError, match="no finished stage before 01_first"):
        shop.latest(before="01_first")


def test_status_counts_frames_and_bytes(tmp_path, monkeypatch):
    saved = save(tmp_path, film(), "01_whole")
    break_off(monkeypatch, tmp_path, film(), 1, "02_part")
    whole, part = Project(tmp_path).status().stages
    size = sum((saved.folder / segment.file).stat().st_size for segment in saved.segments)
    assert (whole.done, whole.frames, whole.bytes) == (16, 16, size)
    assert part.done == saved.segments[0].stop
    assert "16 of 16" in repr(Project(tmp_path).status())
    assert "<td style='text-align:left'>24x18</td>" in Project(tmp_path).status()._repr_html_()


def test_a_missing_stage_is_answered_with_those_there_are(tmp_path):
    save(tmp_path, film())
    for look in (Project(tmp_path).load, Project(tmp_path).remove):
        with pytest.raises(ProjectError, match=r"no stage '02'\. Its stages: 01_test\."):
            look("02")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_frames_are_exported_exactly_with_their_times(tmp_path, dtype):
    clip = film(dtype=dtype)
    folder = Project(tmp_path).export_frames(clip, tmp_path / "png ä", 3, 6)
    names = ["000003.png", "000004.png", "000005.png", "times.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    for number, line in zip((3, 4, 5), (folder / "times.csv").read_text().split("\n")[1:]):  # noqa: B905
        file, _, exact = line.split(",")
        data = np.fromfile(folder / file, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)[..., ::-1]
        assert Fraction(exact) == clip.times[number]
        assert np.array_equal(image, clip[number].image)


def test_a_saved_stage_is_exported_by_its_name(tmp_path):
    save(tmp_path, film())
    folder = Project(tmp_path).export_frames("01_test", tmp_path / "png")
    assert len(list(folder.glob("*.png"))) == 16


def test_a_removed_stage_is_gone_and_may_be_made_anew(tmp_path):
    save(tmp_path, film())
    Project(tmp_path).remove("01_test")
    assert Project(tmp_path).names() == []
    save(tmp_path, varying_clip(count=16))


def test_the_source_is_searched_once(tmp_path, monkeypatch):
    first = Project(tmp_path).source(TALK, progress=False)
    monkeypatch.setattr(opening, "find_cuts", None)
    again = Project(tmp_path).source(TALK, progress=False)
    assert isinstance(again.stage, MarkShots)  # type: ignore[attr-defined]
    assert (again.recipe(), again.times) == (first.recipe(), first.times)
    assert same(list(again.frames(3, 5)), list(first.frames(3, 5)))


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(VideoOpenError, match="no file"):
        Project(tmp_path).source(tmp_path / "none.mp4")


def test_a_damaged_note_about_the_source_is_one_clear_sentence(tmp_path):
    (tmp_path / "source.json").write_bytes(b"{")
    with pytest.raises(ProjectError, match=r"source\.json is damaged.*Delete it"):
        Project(tmp_path).source(TALK)


def test_the_results_of_a_few_clips_are_kept(tmp_path):
    @dataclass(frozen=True)
    class Found:
        number: int

    project, asked = Project(tmp_path), []

    def ask(number):
        clip = MemoryClip([np.full((2, 2, 3), number, np.uint8)], [Fraction(0)], Fraction(1))
        find = lambda: asked.append(number) or Found(number)  # noqa: E731
        return project.keep("Look", clip, Found, find).number

    assert [ask(number) for number in (1, 2, 1, 2)] == [1, 2, 1, 2] and asked == [1, 2]
    assert [ask(number) for number in (3, 4, 5, 1)] == [3, 4, 5, 1] and asked == [1, 2, 3, 4, 5, 1]
