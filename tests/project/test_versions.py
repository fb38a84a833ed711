"""Other settings, films, weights and codecs stand side by side; the newest is used."""

import json
import os
import shutil
import time

import pytest

from helpers.catalog import table as catalog
from helpers.errors import ProjectError, ProjectLockedError, Stopped
from helpers.project import versions
from helpers.project.project import Project
from helpers.retime import Trim
from helpers.runtime.lock import lock
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from tests.support.law import same, varying_clip
from tests.support.paths import TALK
from tests.support.saves import Counting, break_off, film, made, save
from tests.support.watches import Watcher


def folders(project):
    return sorted(path.name for path in project.iterdir() if path.is_dir())


def start_of(clip, stop=1):
    return Trim(stop=stop)(clip)  # type: ignore[arg-type]


# --- side by side ---------------------------------------------------------------------------------


def test_a_field_that_an_earlier_version_did_not_have_makes_no_other_version(tmp_path):
    clip = save(tmp_path, Interpolate(factor=2)(varying_clip()), "05_interpolate")
    path = tmp_path / "05_interpolate" / "stage.json"
    file = json.loads(path.read_text())
    assert file["recipe"][-1].pop("enlarged", 0) is None and file["info"].pop("enlarged") == "1"
    path.write_text(json.dumps(file))
    again = save(tmp_path, Interpolate(factor=2)(varying_clip()), "05_interpolate")
    assert folders(tmp_path) == ["05_interpolate"] and again.info == clip.info
    save(tmp_path, Interpolate(factor=2, enlarged=4)(varying_clip()), "05_interpolate")
    assert len(folders(tmp_path)) == 2


def test_other_settings_stand_beside_the_first_and_neither_is_mixed(tmp_path):
    source, project = varying_clip(), Project(tmp_path)
    chains = [
        Upscale("bicubic", 2),
        Upscale("lanczos", 2),
        Upscale("bicubic", 3),
        Interpolate(factor=2),
    ]
    saved = [save(tmp_path, stage(source)) for stage in chains]
    assert saved[0].folder.name == "01_test" and len(set(folders(tmp_path))) == 4
    assert all(versions.HASHED.fullmatch(one.folder.name) for one in saved[1:])
    for one, stage in zip(saved, chains, strict=True):
        assert same(list(one), list(stage(source)))
    assert project.names() == ["01_test"]
    assert same(list(project.load("01_test")), list(saved[-1]))


def test_going_back_to_earlier_settings_is_instant_and_makes_them_the_newest(tmp_path):
    first, other = film(), film(seed=2)
    save(tmp_path, first)
    save(tmp_path, other)
    made.clear()
    again = save(tmp_path, first)
    assert made == [] and again.folder.name == "01_test"
    assert same(list(Project(tmp_path).load("01_test")), list(first))


def test_a_longer_or_shorter_chain_is_another_version(tmp_path):
    save(tmp_path, film())
    save(tmp_path, varying_clip(count=16))
    assert len(Project(tmp_path).versions("01_test")) == 2


def test_other_weights_are_another_version(tmp_path, monkeypatch):
    clip = Upscale("bicubic", 2)(varying_clip())
    monkeypatch.setattr(catalog, "recipe", lambda *_: {"weights": "aaaa1111"})
    save(tmp_path, clip)
    monkeypatch.setattr(catalog, "recipe", lambda *_: {"weights": "bbbb2222"})
    save(tmp_path, clip)
    old = Project(tmp_path).versions("01_test")[1]
    assert old.settings == "Upscale with weights aaaa1111, not bbbb2222"


def test_another_codec_is_another_version(tmp_path):
    save(tmp_path, film())
    save(tmp_path, film(), codec="near-lossless")
    one, two = Project(tmp_path).versions("01_test")
    assert (one.manifest.codec, two.settings) == ("near-lossless", "saved as ffv1")


def test_another_file_of_the_same_name_is_another_film(tmp_path):
    for number, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "talk.mp4").write_bytes(TALK.read_bytes() + b"\0" * number)
    project = Project(tmp_path / "project")
    for folder in ("a", "b"):
        film = project.source(tmp_path / folder / "talk.mp4", progress=False)
        save(project.folder, start_of(film))
    assert project.versions("01_test")[1].settings == "another film"


def test_a_renamed_film_is_the_same_film(tmp_path):
    renamed = tmp_path / "talk (1).mp4"
    shutil.copy(TALK, renamed)
    project = Project(tmp_path / "project")
    save(project.folder, Counting()(start_of(project.source(TALK, progress=False))))
    made.clear()
    save(project.folder, Counting()(start_of(project.source(renamed, progress=False))))
    assert made == [] and len(project.versions("01_test")) == 1


def test_versions_that_were_broken_off_go_on_side_by_side(tmp_path, monkeypatch):
    first, other = film(), film(seed=2)
    break_off(monkeypatch, tmp_path, first, 2)
    break_off(monkeypatch, tmp_path, other, 1)
    made.clear()
    saved = save(tmp_path, first)
    assert saved.times[0] not in made and same(list(saved), list(first))
    made.clear()
    saved = save(tmp_path, other)
    assert saved.times[0] not in made and same(list(saved), list(other))


def test_a_version_is_written_while_another_run_writes_another(tmp_path):
    save(tmp_path, film())
    with lock(tmp_path / "01_test"):
        save(tmp_path, film(seed=2))
        with pytest.raises(ProjectLockedError):
            save(tmp_path, film())


def test_a_version_that_another_run_begins_in_the_same_folder_is_never_mixed(tmp_path, monkeypatch):
    save(tmp_path, film())
    monkeypatch.setattr("helpers.project.project.find_version", lambda *_: None)
    monkeypatch.setattr("helpers.project.project.new_folder", lambda *_: tmp_path / "01_test")
    with pytest.raises(ProjectLockedError, match="Run this again"):
        save(tmp_path, film(seed=2))


def test_a_stopped_version_leaves_the_finished_one_in_use(tmp_path):
    save(tmp_path, film())
    run = Project(tmp_path).context(progress=False, watch=Watcher(most=7))
    with pytest.raises(Stopped, match="of 01_test are kept"):
        save(tmp_path, film(seed=2), run=run)
    assert same(list(Project(tmp_path).load("01_test")), list(film()))


# --- which is the newest --------------------------------------------------------------------------


def test_the_newest_is_told_by_the_files_and_not_by_their_dates(tmp_path):
    save(tmp_path / "project", film())
    save(tmp_path / "project", film(seed=2))
    copy = tmp_path / "copy"
    for name in sorted(folders(tmp_path / "project"), reverse=True):
        time.sleep(0.01)
        shutil.copytree(tmp_path / "project" / name, copy / name, copy_function=shutil.copyfile)
    assert same(list(Project(copy).load("01_test")), list(film(seed=2)))


def test_a_clock_that_was_set_back_changes_nothing(tmp_path, monkeypatch):
    save(tmp_path, film())
    monkeypatch.setattr(versions.time, "time", lambda: 1000.0)
    save(tmp_path, film(seed=2))
    assert same(list(Project(tmp_path).load("01_test")), list(film(seed=2)))


def test_a_damaged_note_of_the_time_is_one_clear_sentence(tmp_path):
    folder = save(tmp_path, film()).folder
    for text in ('{"version": 1, "at": 1e300}', '{"version": 1, "at": NaN}', "{"):
        (folder / "finished.json").write_text(text)
        with pytest.raises(ProjectError, match=r"finished\.json is damaged.*Delete it"):
            Project(tmp_path).load("01_test")
    (folder / "finished.json").unlink()
    Project(tmp_path).load("01_test")


def test_a_name_that_looks_like_a_version_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="cannot be the name of a stage"):
        save(tmp_path, film(), "04_upscale@0123abcd")
    save(tmp_path, film(), "04_upscale@home")


# --- what the next step is made of ----------------------------------------------------------------


@pytest.fixture
def chain(tmp_path):
    """A project of three steps, each made of the one before it."""
    first = save(tmp_path, film(), "02_clean")
    second = save(tmp_path, Upscale("bicubic", 2)(first), "04_upscale")
    save(tmp_path, Interpolate(factor=2)(second), "05_interpolate")
    return Project(tmp_path)


def test_a_step_that_is_only_looked_at_again_changes_nothing(chain):
    save(chain.folder, film(), "02_clean")
    assert chain.latest(before="07_render").name == "05_interpolate"


def test_a_step_with_other_settings_is_used_and_what_was_made_of_its_earlier_is_not(chain, caplog):
    clean = chain.load("02_clean")
    save(chain.folder, Upscale("lanczos", 2)(clean), "04_upscale")
    assert chain.before("07_render").recipe()[-1]["model"] == "lanczos"
    assert "05_interpolate was not made of the newest version of 04_upscale" in caplog.text
    save(chain.folder, Upscale("bicubic", 2)(clean), "04_upscale")
    assert chain.before("07_render").name == "05_interpolate"


def test_the_render_takes_what_is_newest_of_the_whole_film_and_the_steps(chain):
    save(chain.folder, Upscale("bicubic", 3)(film()), "restored")
    assert chain.latest(before="07_render").name == "restored"
    assert chain.before("05_interpolate").name == "04_upscale"
    save(chain.folder, Upscale("lanczos", 3)(chain.load("02_clean")), "04_upscale")
    assert chain.latest(before="07_render").recipe()[-1]["model"] == "lanczos"


def test_nothing_is_made_of_a_preview(chain):
    save(chain.folder, start_of(film(), 2), "preview")
    assert chain.latest().name == "05_interpolate"
    assert "preview" in chain.names()


def test_a_damaged_step_is_said_and_not_passed_over(chain):
    (chain.folder / "05_interpolate" / "done.json").write_text("{")
    with pytest.raises(ProjectError, match="is damaged"):
        chain.before("07_render")


# --- looking and deleting -------------------------------------------------------------------------


def test_versions_say_what_differs(tmp_path):
    source = varying_clip()
    save(tmp_path, Upscale("bicubic", 2)(source), "04_upscale")
    save(tmp_path, Upscale("bicubic", 3)(start_of(source, 3)), "04_upscale")
    newest, old = Project(tmp_path).versions("04_upscale")
    assert newest.settings == "Trim, Upscale"
    assert old.settings == "without Trim; Upscale with scale 2, not 3"
    assert (old.size, old.done, old.frames) == ("48x36", 12, 12) and old.bytes > 0


def test_one_version_is_loaded_and_deleted_by_its_folder(tmp_path):
    first = save(tmp_path, film())
    save(tmp_path, film(seed=2))
    project = Project(tmp_path)
    other = project.load("01_test").folder.name
    assert same(list(project.load(other)), list(film(seed=2)))
    project.remove(other)
    assert same(list(project.load("01_test")), list(first))


def test_deleting_a_stage_deletes_all_its_versions(tmp_path):
    sizes = sum(path.stat().st_size for seed in (1, 2) for path in
                save(tmp_path, film(seed=seed)).folder.glob("*.mkv"))  # fmt: skip
    removed = Project(tmp_path).remove("01_test")
    assert (removed.versions, removed.bytes) == (2, sizes) and folders(tmp_path) == []
    assert repr(removed).startswith("2 versions were deleted, which freed ")


def test_what_is_old_is_offered_for_deletion_and_deleted(tmp_path, monkeypatch):
    project = Project(tmp_path)
    for seed in (1, 2, 3):
        save(tmp_path, film(seed=seed))
    save(tmp_path, film(), "02_other")
    break_off(monkeypatch, tmp_path, film(seed=4), 1)
    status = project.status()
    old = sum(row.bytes for row in status.stages if row.name == "01_test" and row.done == 16)
    assert [row.name for row in status.stages] == ["01_test"] * 4 + ["02_other"]
    assert status.old == sum(row.bytes for row in status.stages[2:4]) < old
    assert "project.remove_old() deletes all but the newest" in repr(status)
    removed = project.remove_old()
    assert (removed.versions, removed.bytes) == (2, status.old)
    assert same(list(project.load("01_test")), list(film(seed=3)))
    assert "remove_old" not in repr(project.status())
    assert repr(project.remove_old()) == "There was nothing to delete."
    made.clear()
    save(tmp_path, film(seed=4))
    assert len(made) < 16  # what was begun last was kept


def test_a_deleted_stage_leaves_no_scratch(tmp_path, monkeypatch, machine):
    break_off(monkeypatch, tmp_path, film(), 1)
    assert list(machine.scratch.iterdir())
    Project(tmp_path).remove("01_test")
    assert not list(machine.scratch.iterdir())


def test_a_damaged_stage_can_be_deleted(tmp_path):
    folder = save(tmp_path, film()).folder
    (folder / "stage.json").write_text("{")
    Project(tmp_path).remove("01_test")
    assert folders(tmp_path) == []


def test_the_table_has_its_headings_over_its_columns(tmp_path):
    save(tmp_path, film())
    save(tmp_path, film(seed=2))
    page, text = Project(tmp_path).status()._repr_html_(), repr(Project(tmp_path).status())
    for side, cells in (("right", ("frames", "16 of 16")), ("left", ("stage", "01_test"))):
        assert all(f"text-align:{side}'>{cell}</t" in page for cell in cells)
    head, row = text.split("\n")[1:3]
    assert head.index("frames") + len("frames") == row.index("16 of 16") + len("16 of 16")


def test_what_was_saved_by_an_older_version_is_as_old_as_its_list_of_segments(tmp_path):
    first = save(tmp_path, film())
    save(tmp_path, film(seed=2))
    (first.folder / "finished.json").unlink()
    os.utime(first.folder / "done.json", (1e9, 1e9))
    assert [row.when[:4] for row in Project(tmp_path).versions("01_test").rows][1] == "2001"
