"""The panel in which a film is chosen, without a front end: its buttons are pressed here."""

import io
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import ipywidgets
import pytest
from PIL import Image

from helpers import sample
from helpers.panels.film import FilmPanel, describe_film, read_upload
from helpers.video.glance import glance
from helpers.video.recent import recent_films, remember_film
from tests.support.films import film as make_film
from tests.support.machine import use


class Chosen(list):
    """Keeps the films that a panel hands on, and answers each."""

    def __call__(self, film):
        self.append(film)
        return "Go on <b>below</b>."


@pytest.fixture
def chosen():
    return Chosen()


@pytest.fixture
def panel(chosen):
    return FilmPanel(chosen)


def said(panel):
    return " ".join(box.value for box in panel.messages.children)


def copy(name, path):
    path.parent.mkdir(exist_ok=True, parents=True)
    return Path(shutil.copy(sample(name), path))


def test_a_film_is_shown_with_its_facts(panel, folder):
    panel.show(copy("talk", folder / "<b>a & b</b>.mp4"))
    facts = panel._facts.value
    assert "&lt;b&gt;a &amp; b&lt;" in facts and "<b>a" not in facts
    assert "45 kB, 5 seconds, 160x120, 8 frames a second" in facts
    picture = Image.open(io.BytesIO(panel._picture.value))
    assert (picture.format, picture.size) == ("JPEG", (160, 120))


def test_the_picture_is_small_and_has_the_shape_of_the_screen(panel, folder):
    path = make_film(folder / "film.mp4", "-vf", "scale=720:576,setsar=64/45", count=5)
    panel.show(path)
    assert Image.open(io.BytesIO(panel._picture.value)).size == (320, 180)
    assert "720x576, shown as 1024x576" in describe_film(glance(path))


def test_a_typed_path_is_opened_and_remembered(panel, chosen, folder):
    film = copy("talk", folder / "own.mp4")
    panel.where.value = " own.mp4 "
    panel.open_button.click()
    assert [path.resolve() for path in chosen] == [film] == recent_films()
    assert "own.mp4" in panel._facts.value and "Go on &lt;b&gt;" in said(panel)


def test_enter_does_what_the_button_does(panel, chosen, folder):
    copy("talk", folder / "own.mp4")
    panel.where.value = "own.mp4"
    panel.where._handle_custom_msg({"event": "other"}, [])
    assert chosen == []
    panel.where._handle_custom_msg({"event": "submit"}, [])
    assert len(chosen) == 1


@pytest.mark.parametrize("typed", ["nothing.mp4", "page.mp4", "https://youtu.be/x"])
def test_an_error_is_one_box_and_changes_nothing(panel, chosen, folder, typed):
    (folder / "page.mp4").write_text("<html>")
    panel.show(sample())
    before = panel._facts.value
    panel.where.value = typed
    panel.open_button.click()
    assert chosen == recent_films() == [] and panel._facts.value == before
    assert said(panel).count("alert") == 1 and "<details" in said(panel)
    assert not panel.open_button.disabled
    panel.sample_button.click()
    assert "alert" not in said(panel) and len(chosen) == 1


def test_everything_rests_while_a_film_is_found(panel):
    seen = []
    panel.choose(lambda: seen.extend(w.disabled for w in panel._controls()) or sample())
    assert seen == [True] * 6 and not any(w.disabled for w in panel._controls())


def test_an_error_of_what_comes_next_is_shown_too(folder):
    def fail(film):
        raise ValueError("not this one")

    panel = FilmPanel(fail)
    panel.sample_button.click()
    assert "not this one" in said(panel)


def test_the_sample_is_that_of_the_notebook(chosen):
    FilmPanel(chosen, "film").sample_button.click()
    assert chosen == [sample("film")]


def test_lists_are_shown_only_when_there_is_something_in_them(panel):
    shown = [widget for row in panel.root.children for widget in getattr(row, "children", ())]
    assert panel.drive_list not in shown and panel.recent_list not in shown


def test_a_film_on_drive_is_chosen_from_the_list_again_and_again(folder, chosen):
    old = copy("talk", folder / "drive" / "old.mp4")
    os.utime(old, (86400 * 365, 86400 * 365))
    copy("talk", folder / "drive" / "new.mp4")
    use(drive=folder / "drive")
    panel = FilmPanel(chosen)
    first, second = (label for label, film in panel.drive_list.options if film)
    assert first.startswith("new.mp4 (45 kB, 20") and second == "old.mp4 (45 kB, 1971-01-01)"
    for _ in range(2):
        panel.drive_list.value = old
        assert panel.drive_list.index == 0
    assert chosen == [old, old]


def test_a_film_that_was_used_before_is_chosen_from_the_list(folder, chosen):
    film = copy("talk", folder / "own.mp4")
    remember_film(film)
    panel = FilmPanel(chosen)
    panel.recent_list.value = film
    assert chosen == [film]


def upload(panel, name, content, size):
    """Do what the browser does after a file was chosen, in either version of ipywidgets."""
    facts = {"name": name, "size": size, "type": "video/mp4"}
    data = memoryview(content)
    if ipywidgets.__version__.startswith("7"):
        state = {"metadata": [{**facts, "lastModified": 0}], "data": [data], "_counter": 1}
    else:
        state = {"value": [{**facts, "last_modified": 0, "content": data}]}
    panel.upload_button.set_state(state)


def test_an_upload_is_written_and_not_kept_in_memory(panel, chosen, folder):
    content, widget = sample().read_bytes(), panel.upload_button
    upload(panel, "own.mp4", content, len(content))
    assert chosen == [folder / "own.mp4"] and chosen[0].read_bytes() == content
    assert panel.upload_button is not widget and not panel.upload_button.value
    assert panel.upload_button in panel._uploads.children


def test_an_upload_that_was_too_large_says_what_to_do(panel, chosen, folder):
    upload(panel, "own.mp4", b"", 20_000_000)
    assert chosen == [] and "give its path instead" in said(panel)


@pytest.mark.parametrize("value", [{}, ()])
def test_no_upload_is_none(value):
    assert read_upload(value) is None


def test_uploads_of_both_versions_are_read():
    facts = {"name": "a.mp4", "size": 2, "type": ""}
    seven, eight = {"a.mp4": {"metadata": facts, "content": b"ab"}}, ({**facts, "content": b"ab"},)
    assert read_upload(seven) == read_upload(eight) == ("a.mp4", 2, b"ab")


def test_on_colab_the_button_opens_its_dialog(chosen, folder, monkeypatch):
    def dialog():
        shutil.copy(sample(), "film.mp4")
        return {"film.mp4": b""}

    module = ModuleType("google.colab")
    module.files = SimpleNamespace(upload=dialog)
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", module)
    panel = FilmPanel(chosen)
    panel.upload_button.click()
    panel.upload_button.click()
    assert chosen == [folder / "film.mp4"] * 2
