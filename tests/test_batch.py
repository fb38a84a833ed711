"""Many films, one after another: the table, what is left alone, what goes on, and the page."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from dataclasses import astuple, replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import pytest

from helpers.advice import Advice, Recommendation
from helpers.batch import run, survey
from helpers.batch.films import find_films, name_result
from helpers.batch.page import Entry, write_page
from helpers.batch.run import restore_all
from helpers.batch.table import COLUMNS, Row, format_table, read_table, write_table
from helpers.batch.wishes import Wish, as_typed
from helpers.errors import ProjectError, StageError, VideoOpenError
from helpers.project.report import Report, Side, report_path
from tests.support.films import H264, film
from tests.support.paths import REPO

QUICK = {"clean": "none", "upscale": "bicubic", "scale": Fraction(2), "interpolate": "none"}


@pytest.fixture
def quick(monkeypatch):
    """Recommend bicubic enlarging for every film, and look for nothing."""
    step = Advice("upscale", "Enlarge", True, "It is small.", QUICK)
    found = Recommendation("a film", (step,))
    monkeypatch.setattr(survey, "recommend", lambda *_: found)


@pytest.fixture
def tapes(tmp_path):
    """Two tiny films of the same name, and a file that is none."""
    folder = tmp_path / "tapes"
    (folder / "sub").mkdir(parents=True)
    film(folder / "one.mp4", *H264, count=6, width=48, height=32)
    film(folder / "sub" / "one.mkv", *H264, count=5, width=48, height=32, first=40)
    (folder / "bad.mp4").write_bytes(b"no film at all" * 99)
    return folder


def table_of(folder):
    return {Path(row.film).name: row for row in read_table(folder / "batch.csv")}


def edit(folder, name, **cells):
    """Change cells of the table as a spreadsheet would, with another separator."""
    rows = read_table(folder / "batch.csv")
    rows = [replace(row, **cells) if Path(row.film).name == name else row for row in rows]
    with (folder / "batch.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerows([COLUMNS, *map(astuple, rows)])


def states(batch):
    return {Path(path).name: entry.state for path, entry in batch.entries.items()}


@pytest.mark.slow
def test_films_are_made_and_left_alone_and_what_failed_is_named(tapes, quick):
    output, said = tapes / "restored", []
    made = restore_all(tapes, output, say=said.append)
    assert states(made) == {"bad.mp4": "failed", "one.mp4": "finished", "one.mkv": "finished"}
    assert "cannot be read as a video" in made.failed[0].words
    assert {"one.mp4", "sub - one.mp4"} <= {path.name for path in output.iterdir()}
    assert Report.read(report_path(output / "one.mp4")).result.size == "96x64"
    page = (output / "index.html").read_text()
    assert page.count("data:image/webp") == 4 and "cannot be read as a video" in page
    assert "./sub%20-%20one.mp4.report.json" in page
    before = {path: path.stat().st_mtime_ns for path in output.glob("*.mp4")}

    again = restore_all(tapes, output, say=said.append)  # which does not find its own results
    assert states(again) == {
        "bad.mp4": "failed",
        "one.mp4": "finished before",
        "one.mkv": "finished before",
    }
    assert {path: path.stat().st_mtime_ns for path in output.glob("*.mp4")} == before
    assert not [path for path in output.rglob("*") if ".part" in path.name or ".lock" in path.name]


@pytest.mark.slow
def test_an_edited_table_is_used(tapes, quick):
    output = tapes.parent / "restored"
    restore_all(tapes, output, table_only=True, say=lambda _: None)
    assert not list(output.glob("*.mp4"))
    assert table_of(output)["one.mp4"].todo == "enlarge"
    edit(output, "bad.mp4", skip="yes")
    edit(output, "one.mkv", skip="x")
    edit(output, "one.mp4", options="--upscale bicubic --scale 3 --interpolate none")
    made = restore_all(tapes, output, say=lambda _: None)
    assert states(made) == {"bad.mp4": "skipped", "one.mp4": "finished", "one.mkv": "skipped"}
    assert Report.read(report_path(output / "one.mp4")).result.size == "144x96"

    edit(output, "one.mp4", options="--upscale none --interpolate none")
    refused = restore_all(tapes, output, say=lambda _: None)
    assert "is there already" in refused.failed[0].words
    made = restore_all(tapes, output, overwrite=True, say=lambda _: None)
    assert states(made)["one.mp4"] == "finished"
    made = restore_all(tapes, output, overwrite=True, say=lambda _: None)
    assert states(made)["one.mp4"] == "finished before"
    # Another film of the same name is another film.
    film(tapes / "one.mp4", *H264, count=6, width=48, height=32, first=9)
    made = restore_all(tapes, output, overwrite=True, say=lambda _: None)
    assert states(made)["one.mp4"] == "finished"


@pytest.mark.slow
def test_a_recipe_is_followed_for_all_and_the_sound_counts(tapes, quick):
    first, output = tapes.parent / "first", tapes.parent / "second"
    restore_all(tapes, first, say=lambda _: None)
    recipe = first / "one.mp4.recipe.toml"
    recipe.write_text(recipe.read_text().replace("scale = 2", "scale = 3"))
    made = restore_all(tapes, output, recipe=recipe, say=lambda _: None)
    assert list(states(made).values()) == ["failed", "finished", "finished"]
    assert Report.read(report_path(output / "sub - one.mp4")).result.size == "144x96"
    chosen = Wish(recipe=recipe).choose("")
    done = tapes / "one.mp4", output / "one.mp4"
    assert survey.is_finished(*done, chosen)
    assert not survey.is_finished(*done, Wish({"audio": "talk"}, recipe).choose(""))
    report_path(output / "one.mp4").write_text("{")
    assert not survey.is_finished(*done, chosen)


KILLED = """
import sys
from tests.support import killed, machine
from tests.test_batch import QUICK
from helpers.advice import Advice, Recommendation
from helpers.batch import run, survey
found = Recommendation("a film", (Advice("upscale", "Enlarge", True, "It is small.", QUICK),))
survey.recommend = lambda *_: found
machine.use(forced_device="cpu", forced_precision="fp32")
killed.arm(sys.argv[3], "after", 1)
run.restore_all(sys.argv[1], sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["batch.csv", "done.json", "sub - one.mp4"])
def test_a_run_that_is_killed_goes_on(tapes, quick, where):
    output = tapes.parent / "restored"
    words = [sys.executable, "-c", KILLED, str(tapes), str(output), where]
    died = subprocess.run(words, cwd=REPO, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    made = restore_all(tapes, output, say=lambda _: None)
    assert states(made)["one.mp4"] == ("finished before" if "sub" in where else "finished")
    # A result whose report was not written yet is not taken for finished.
    assert states(made)["one.mkv"] == "finished"
    assert not list(output.rglob("*.part*"))


def test_ctrl_c_stops_at_once_and_the_page_says_so(tapes, quick, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "restore", stop)
    output = tapes.parent / "restored"
    edit_skip(tapes, output)
    with pytest.raises(KeyboardInterrupt):
        restore_all(tapes, output, say=lambda _: None)
    assert "interrupted" in (output / "index.html").read_text()
    assert not (output / ".batch.lock").exists()


def edit_skip(tapes, output):
    """Begin with a table in which the film that is none is left out."""
    output.mkdir()
    write_table(output / "batch.csv", [Row(str(tapes / "bad.mp4"), "bad.mp4", skip="yes")])


def test_a_fault_of_the_program_does_not_cost_the_other_films(tapes, quick, monkeypatch):
    def break_down(film, *_, **__):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(run, "restore", break_down)
    made = restore_all(tapes, tapes.parent / "restored", say=lambda _: None)
    assert len(made.failed) == 3
    assert made.failed[1].words == "It failed unexpectedly: ZeroDivisionError: by zero."


@pytest.mark.skipif(sys.platform != "linux", reason="such names are possible on Linux only")
def test_a_name_that_is_no_text_is_refused_and_can_be_printed(tapes, quick, capsys):
    (tapes / "one.mp4").rename(tapes / "\udcff.mp4")
    (tapes / "bad.mp4").unlink()
    (tapes / "sub" / "one.mkv").unlink()
    made = restore_all(tapes, tapes.parent / "restored")
    assert "Rename the film" in made.failed[0].words and "?.mp4" in capsys.readouterr().out


def test_a_film_that_needs_nothing_is_left_out(tapes, monkeypatch):
    monkeypatch.setattr(survey, "recommend", lambda *_: Recommendation("a good film", ()))
    (tapes / "bad.mp4").unlink()
    made = restore_all(tapes, tapes.parent / "restored", say=lambda _: None)
    assert set(states(made).values()) == {"skipped"}


def test_new_films_are_made_when_their_size_stays_the_same(tmp_path, monkeypatch):
    folder, made = tmp_path / "tapes", []
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"1")
    looks = iter(range(1, 7))

    def look(_):
        number = next(looks, None)
        if number is None:
            raise KeyboardInterrupt
        if number in (2, 3, 4):  # it is being copied
            (folder / "b.mp4").write_bytes(b"1" * number)

    monkeypatch.setattr(run.time, "sleep", look)
    monkeypatch.setattr(run._Job, "make", lambda job, films, _: made.append(films))
    with pytest.raises(KeyboardInterrupt):
        restore_all(folder, tmp_path / "restored", watch=True)
    assert made == [[folder / "a.mp4"], [folder / "b.mp4"]]


# --- films, wishes and the table ------------------------------------------------------------------


def test_a_list_names_films_from_its_own_folder(tmp_path):
    text = tmp_path / "list.txt"
    text.write_bytes("\ufeffa, b.mp4\r\n\nsub/../c.mkv\na, b.mp4\n/tmp/d.avi".encode())
    names = ["a, b.mp4", "c.mkv", "/tmp/d.avi"]
    assert find_films(text, tmp_path) == [tmp_path / name for name in names]
    (tmp_path / "list.csv").write_text('film,other\n"a, b.mp4",1\n')
    assert find_films(tmp_path / "list.csv", tmp_path) == [tmp_path / "a, b.mp4"]
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0")
    for wrong in ("film.mp4", "nothing"):
        with pytest.raises(VideoOpenError, match="folder"):
            find_films(tmp_path / wrong, tmp_path)


def test_results_of_the_same_name_get_names_apart():
    taken = []
    for path in ("a/x.mp4", "b/X.avi", "b/x.mkv", "b/x.ts", "b/y\\z.ts", f"b/{'é' * 120}.mp4"):
        taken.append(name_result(Path(path), taken, "mp4"))
    assert taken[:5] == ["x.mp4", "b - X.mp4", "b - x (2).mp4", "b - x (3).mp4", "y_z.mp4"]
    assert len(taken[5].encode()) <= 230


def test_what_is_no_result_is_never_replaced(tapes, quick):
    output = tapes.parent / "restored"
    output.mkdir()
    (output / "one.mp4").write_bytes(b"my own")
    restore_all(tapes, output, table_only=True, say=lambda _: None)
    assert table_of(output)["one.mp4"].result == "tapes - one.mp4"


def test_options_are_read_as_they_are_typed():
    wish = Wish.read("--upscale bicubic --scale=3/2 --clean flicker,noise --keep-audio")
    assert wish.given == {
        "upscale": "bicubic", "scale": Fraction(3, 2), "clean": ("flicker", "noise"),
        "keep_audio": True,
    }  # fmt: skip
    assert Wish.read(as_typed(QUICK)).given == QUICK
    mixed = Wish.read("--recommended --upscale none").choose("--clean noise --upscale lanczos")
    assert mixed == {"clean": "noise", "upscale": "none"}
    for wrong in ("--nothing 1", "--scale", "--scale x", "'", "--strength x", "talk.mp4"):
        with pytest.raises(StageError):
            Wish.read(wrong)
    with pytest.raises(StageError, match="Keep one"):
        Wish.read("--recommended --recipe x.toml")


HOSTILE = [
    "<script>alert(1)</script>.mp4",
    "\"onerror='alert(1)'.mp4",
    "=cmd|'C calc'!A0.mp4",
    "javascript:alert(1).mp4",
    "a\nb\r.mp4",
    "\udcff.mp4",
]


def test_a_table_is_read_as_it_was_written_whatever_the_names(tmp_path):
    path = tmp_path / "batch.csv"
    rows = [Row(f"/x/{name}", name, options="--upscale none") for name in HOSTILE[1:]]
    write_table(path, rows)
    assert read_table(path) == rows
    assert b"\n=" not in path.read_bytes() and b",=" not in path.read_bytes()
    assert len(format_table(rows).splitlines()) == len(rows) + 2


@pytest.mark.parametrize(
    "rows", [[Row("a", "../a.mp4")], [Row("a", "x.mp4"), Row("b", "X.mp4")], [Row("a", "")]]
)
def test_a_table_with_a_wrong_result_is_refused(rows, tmp_path):
    write_table(tmp_path / "batch.csv", rows)
    with pytest.raises(ProjectError, match="result"):
        read_table(tmp_path / "batch.csv")


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found: list = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_hostile_names_are_harmless_in_the_page(tmp_path):
    side: dict = {"file": "x", "size": "1x1", "frames": 1, "fps": 1.0, "seconds": 1.0}
    evil = "<img src=x onerror=alert(1)>"
    report = Report(
        source=Side(**side), result=Side(**side), seconds={}, models={},
        recipe=[{"stage": evil}], notes=[evil], checks=[{"name": evil, "verdict": evil}],
    )  # fmt: skip
    entries = [Entry(Row(f"/x/{n}", n, kind=evil), "finished", report=report) for n in HOSTILE]
    entries += [Entry(Row(f"/x/{n}", n, todo=evil), "failed", words=evil) for n in HOSTILE]
    write_page(tmp_path / "index.html", entries)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    tags = Tags(page).found
    assert not [tag for tag, _ in tags if tag in ("script", "img")]
    assert not [name for _, found in tags for name in found if name.startswith("on")]
    links = [found["href"] for tag, found in tags if tag == "a"]
    assert len(links) == 3 * len(HOSTILE) and all(link.startswith("./") for link in links)
    policy = next(found["content"] for _, found in tags if "http-equiv" in found)
    assert policy.startswith("default-src 'none'") and "script" not in policy


@pytest.mark.slow
def test_the_command_says_what_failed_and_its_exit_code_is_one(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no film at all" * 99)
    words = [sys.executable, "-m", "helpers", "batch", str(tmp_path), "-o", str(tmp_path / "out")]
    done = subprocess.run(words, cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "1 failed" in done.stdout and "cannot be read as a video" in done.stdout
