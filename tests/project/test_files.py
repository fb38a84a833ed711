"""What a project's files say is believed only if it fits; links lead nowhere."""

import json
import os
import shutil
from fractions import Fraction

import pytest

from helpers.errors import ProjectError
from helpers.project.project import Project
from helpers.project.report import Report
from helpers.retime import Trim
from helpers.stages.duplicates.stage import RemoveDuplicates
from tests.support.law import same
from tests.support.paths import TALK
from tests.support.saves import film, made, one_line, save

HUGE = 10**400


def change(path, *keys, to):
    """Change one value in a JSON file."""
    values = json.loads(path.read_text())
    inner = values
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    path.write_text(json.dumps(values))


def refuse(action, match):
    with pytest.raises(ProjectError, match=match) as error:
        action()
    return one_line(error)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["segments"], [[0, 4], [8, 16]]),
        (["segments"], [[0, 9], [8, 16]]),
        (["segments"], [[0, 16], [16, 16]]),
        (["segments"], [[0, 4]]),
        (["segments"], []),
        (["segments"], [[0, 4, 16]]),
        (["segments"], "abc"),
        (["pts"], []),
        (["pts", 3], 0),
        (["pts", 3], -HUGE),
        (["pts", 3], 1.5),
        (["units"], 0),
        (["units"], -12),
        (["end"], "0"),
        (["end"], "1/0"),
        (["end"], "1e99999999"),
        (["first"], None),
        (["cuts"], ["99"]),
        (["cuts"], ["1/2", "1/4"]),
        (["codec"], "../../bin/sh"),
        (["info", "width"], 0),
        (["info", "height"], HUGE),
        (["info", "width"], "24"),
        (["info", "fps"], "-24"),
        (["info", "fps"], "0"),
        (["info", "sar"], "0"),
        (["info", "colour"], {"range": 7}),
        (["machine"], {}),
        (["machine", "memory"], -1),
        (["recipe"], {"stage": "x"}),
        (["version"], "1"),
    ],
    ids=str,
)
def test_a_stage_that_cannot_be_is_refused_in_one_sentence(tmp_path, keys, value):
    saved = save(tmp_path, film())
    change(saved.folder / "stage.json", *keys, to=value)
    for look in (
        lambda: save(tmp_path, film()),
        lambda: Project(tmp_path).load("01_test"),
        lambda: Project(tmp_path).status(),
    ):
        refuse(look, r"stage\.json is damaged.*Delete it")


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["000000.mkv", "bytes"], -1),
        (["000000.mkv", "bytes"], "many"),
        (["000000.mkv", "sha256"], "0"),
        (["000000.mkv"], None),
        (["../../film.mkv"], {"bytes": 1, "sha256": "0" * 64}),
        (["/etc/passwd"], {"bytes": 1, "sha256": "0" * 64}),
        (["000000.mkv\n"], {"bytes": 1, "sha256": "0" * 64}),
    ],
    ids=str,
)
def test_a_list_of_segments_that_cannot_be_is_refused(tmp_path, keys, value):
    saved = save(tmp_path, film())
    change(saved.folder / "done.json", *keys, to=value)
    refuse(lambda: save(tmp_path, film()), r"done\.json is damaged")
    refuse(lambda: Project(tmp_path).status(), r"done\.json is damaged")


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["index", "pts"], []),
        (["index", "pts", 5], 0),
        (["index", "time_base"], "0"),
        (["index", "end"], "-1"),
        (["index", "keys"], [0, 4000]),
        (["cuts"], ["-5"]),
        (["cuts"], []),
        (["info", "depth"], 0),
        (["stream"], -1),
        (["rotation"], "upside down"),
        (["path"], None),
        (["key"], "abc"),
    ],
    ids=str,
)
def test_a_film_that_cannot_be_is_refused(tmp_path, keys, value):
    Project(tmp_path).source(TALK, progress=False)
    change(tmp_path / "source.json", *keys, to=value)
    refuse(lambda: Project(tmp_path).source(TALK, progress=False), r"source\.json is damaged")


def test_what_another_version_knew_of_a_film_is_made_anew(tmp_path):
    first = Project(tmp_path).source(TALK, progress=False)
    (tmp_path / "source.json").write_text('{"version": 99, "anything": "else"}')
    assert Project(tmp_path).source(TALK, progress=False).times == first.times


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {"about": 5},
        {"fields": 1},
        {"fields": {"dropped": 7, "retime": "keep"}},
        {"fields": {"dropped": ["1/0"], "retime": "keep"}},
        {"fields": {"dropped": ["x"], "retime": "keep"}},
        {"fields": {"dropped": [], "retime": []}},
    ],
    ids=str,
)
def test_a_finding_that_cannot_be_is_made_anew(tmp_path, entry):
    project, clip = Project(tmp_path), film()

    def look():
        return project.keep("RemoveDuplicates", clip, RemoveDuplicates, lambda: found)

    found = RemoveDuplicates((Fraction(1, 2),), "even")
    look()
    path = tmp_path / "found.json"
    ((key, kept),) = json.loads(path.read_text()).items()
    changed = {**kept, **entry} if isinstance(entry, dict) else entry
    path.write_text(json.dumps({key: changed}))
    assert look() == found
    assert json.loads(path.read_text()) == {key: kept}


# --- links ----------------------------------------------------------------------------------------


def lead_away(path, elsewhere):
    """Move a file or folder elsewhere, and put a link in its place."""
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("name", ["stage.json", "done.json", "000001.mkv", ".lock", ""])
def test_a_link_in_a_stage_is_refused(tmp_path, name):
    saved = save(tmp_path / "project", film())
    lead_away(saved.folder / name, tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").stat().st_mtime_ns
    made.clear()
    refuse(lambda: save(tmp_path / "project", film()), "is a link")
    assert made == [] and (tmp_path / "elsewhere").stat().st_mtime_ns == before


def test_a_link_in_a_project_is_refused(tmp_path):
    project = Project(tmp_path / "project")
    for name in ("source.json", "found.json"):
        (project.folder / name).symlink_to(tmp_path / "elsewhere")
    refuse(lambda: project.source(TALK, progress=False), "is a link")
    refuse(lambda: project.keep("Trim", film(), Trim, Trim), "is a link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_that_waits_under_a_temporary_name_is_not_followed(tmp_path, monkeypatch):
    """Names are unique; even if one were guessed, the system refuses to open it."""
    monkeypatch.setattr("helpers.runtime.storage.part_name", lambda path: tmp_path / "guessed")
    (tmp_path / "guessed").symlink_to(tmp_path / "victim")
    with pytest.raises(ProjectError):
        save(tmp_path / "project", film())
    assert not (tmp_path / "victim").exists()


def test_a_project_may_itself_be_reached_by_a_link(tmp_path):
    (tmp_path / "drive").mkdir()
    (tmp_path / "project").symlink_to(tmp_path / "drive")
    assert same(list(save(tmp_path / "project", film())), list(film()))


# --- a page that shows a project ------------------------------------------------------------------


def test_what_a_page_shows_is_escaped(tmp_path):
    name = "<img src=x onerror=alert(1)>"
    save(tmp_path / "<b>", film(), name)
    page = Project(tmp_path / "<b>").status()._repr_html_()
    assert "<img" not in page and "<b>" not in page and "&lt;img" in page
    assert os.listdir(tmp_path) == ["<b>"]


# --- reports ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"", b"garbage", b"[]", b"{}", b'{"source": 5}', b"\xff\xfe", b"\0" * 99, b"[" * 99_999],
    ids=lambda data: str(data[:20]),
)
def test_what_is_no_report_is_said_in_one_sentence(tmp_path, data):
    path = tmp_path / "film.mp4.report.json"
    path.write_bytes(data)
    refuse(lambda: Report.read(path), "is not a report of `restore`")
    refuse(lambda: Report.read(tmp_path), "cannot be read")
    refuse(lambda: Report.read(tmp_path / "none"), "There is no report")
