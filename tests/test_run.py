"""A run tells its watch how far it is, and stops when it is told to."""

from fractions import Fraction

import pytest

from helpers.errors import Stopped
from helpers.plan import Plan, restore
from helpers.project.project import Project
from helpers.run import RunContext
from helpers.stages.scenes.find import find_cuts
from helpers.video.writer import write_video
from tests.support.law import same, varying_clip
from tests.support.paths import TALK
from tests.support.saves import film, made, one_line, save
from tests.support.watches import Watcher


def watched(folder, watch, clip=None):
    run = Project(folder).context(progress=False, watch=watch)
    return save(folder, clip or film(), run=run)


def test_a_search_is_watched_and_can_be_stopped():
    watch = Watcher()
    find_cuts(varying_clip(), RunContext(watch=watch))
    assert watch.begun == [("find shots", 12, 0)] and watch.counts == {"find shots": 12}
    with pytest.raises(Stopped, match=r"Stopped\. 'Find shots' was not finished") as error:
        find_cuts(varying_clip(), RunContext(watch=Watcher(most=3)))
    one_line(error)


def test_a_save_tells_its_watch_of_every_frame(tmp_path):
    watch = Watcher()
    saved = watched(tmp_path, watch)
    assert watch.begun == [("01_test", 16, 0)] and watch.counts == {"01_test": 16}
    assert watch.shown == list(enumerate(saved.times))


def test_a_stopped_save_says_what_is_kept_and_goes_on_to_the_same_bits(tmp_path):
    with pytest.raises(Stopped, match=r"Stopped\. (\d+) of 16 frames of 01_test are kept") as error:
        watched(tmp_path, Watcher(most=7))
    one_line(error)
    kept = Project(tmp_path).status().stages[0].done
    assert 0 < kept <= 7 and f"Stopped. {kept} of" in str(error.value)
    made.clear()
    watch = Watcher()
    saved = watched(tmp_path, watch)
    assert watch.begun == [("01_test", 16, kept)] and watch.counts == {"01_test": 16}
    assert made == list(saved.times[kept:])
    assert same(list(saved), list(film()))
    watched(tmp_path, watch)
    assert watch.begun[-1] == ("01_test", 16, 16)


def test_a_save_that_is_stopped_before_its_first_frame_makes_none(tmp_path):
    made.clear()
    with pytest.raises(Stopped, match="Nothing had been made yet"):
        watched(tmp_path, Watcher(most=0))
    assert len(made) <= 4  # those that were read ahead


def test_a_render_is_watched_and_leaves_nothing_when_it_is_stopped(tmp_path):
    watch = Watcher()
    write_video(film(), tmp_path / "whole.mkv", codec="ffv1", watch=watch)
    assert watch.begun == [("render", 16, 0)] and len(watch.shown) == 16
    with pytest.raises(Stopped):
        write_video(film(), tmp_path / "half.mkv", codec="ffv1", watch=Watcher(most=5))
    assert [path.name for path in tmp_path.iterdir()] == ["whole.mkv"]


def test_a_project_hands_its_watch_on_to_the_render(tmp_path):
    project, watch = Project(tmp_path / "project"), Watcher()
    clip = project.source(TALK, run=project.context(False, watch))
    project.render(clip, tmp_path / "talk.mkv", codec="ffv1", progress=False, watch=watch)
    assert watch.begun == [("find shots", 40, 0), ("render", 40, 0)]


def test_a_restoration_is_watched_from_the_first_search_to_the_render(tmp_path):
    plan = Plan.of(upscale="none", interpolate="none", stop=Fraction(1, 2))
    with pytest.raises(Stopped):
        restore(TALK, tmp_path / "talk.mp4", plan=plan, progress=False, watch=Watcher(most=45))
    assert (tmp_path / "talk.mp4.project").is_dir()
    watch = Watcher()
    restore(TALK, tmp_path / "talk.mp4", plan=plan, progress=False, watch=watch)
    labels = [label for label, *_ in watch.begun]
    assert labels[0] != "find shots" and labels[-2:] == ["restored", "render"]
