"""A cell that chooses a film: it returns at once, and a choice by hand holds when it runs again."""

import subprocess
import sys

import pytest

from helpers import choose_film, sample
from helpers.errors import VideoOpenError
from helpers.panels import choose
from helpers.video.recent import recent_films
from tests.support.paths import REPO


@pytest.fixture
def shown(monkeypatch):
    """Makes this a notebook, and keeps the panels that are shown in it."""
    from helpers.panels import film as module

    panels = []

    class Kept(module.FilmPanel):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            panels.append(self)

    monkeypatch.setattr(module, "FilmPanel", Kept)
    monkeypatch.setattr(choose, "can_show_panels", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda *given, **named: None)
    monkeypatch.setattr(choose, "_by_hand", {})
    return panels


def said(panel):
    return " ".join(box.value for box in panel.messages.children)


def test_in_a_plain_python_nothing_is_shown(capsys):
    assert choose_film() == sample() and choose_film(sample="film") == sample("film")
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_in_a_notebook_the_panel_is_shown(folder):
    import nbformat
    from nbclient import NotebookClient

    source = "from helpers import choose_film\nfilm = choose_film('sample')\nprint(film)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    resources = {"metadata": {"path": str(REPO)}}
    NotebookClient(notebook, kernel_name="python3", resources=resources).execute()
    panel, film = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in panel.data
    assert film.text.strip() == str(sample())


def test_it_does_not_need_ipywidgets():
    script = """if True:
        import sys
        sys.modules["ipywidgets"] = None
        from helpers import choose_film
        print(choose_film("sample"))
    """
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(sample())


def test_what_is_named_is_remembered_and_what_is_not_is_not():
    choose_film()
    assert recent_films() == []
    choose_film(str(sample("film")))
    assert recent_films() == [sample("film")] and choose_film() == sample("film")


@pytest.mark.parametrize("name", ["page.mp4", "."])
def test_what_is_no_film_is_refused_and_not_remembered(folder, name):
    (folder / "page.mp4").write_text("<html>")
    with pytest.raises(VideoOpenError):
        choose_film(name)
    assert recent_films() == []


def test_the_panel_shows_the_film_of_the_cell(shown):
    assert choose_film("sample", sample="film") == sample("film")
    assert "film_24fps.mp4" in shown[0]._facts.value and shown[0].messages.children == ()


@pytest.mark.parametrize("source", ["", str(sample("film"))])
def test_a_choice_by_hand_holds_when_the_cell_runs_again(shown, source):
    choose_film(source)
    shown[0].where.value = str(sample("talk"))
    shown[0].open_button.click()
    assert "run this cell again" in said(shown[0])
    assert choose_film(source) == sample("talk")
    assert "talk" in shown[1]._facts.value


def test_a_new_parameter_comes_before_an_old_choice(shown):
    choose_film("")
    shown[0].sample_button.click()
    assert choose_film(str(sample("film"))) == sample("film")
    assert choose_film("") == sample("film")  # the last one that was used


def test_a_callback_is_given_the_choice_and_nothing_else_is_said(shown):
    seen = []
    choose_film("", seen.append)
    assert seen == []
    shown[0].sample_button.click()
    assert seen == [sample()] and said(shown[0]) == ""


def test_a_film_that_is_not_there_is_raised_and_the_panel_helps(shown):
    with pytest.raises(VideoOpenError, match="There is no file"):
        choose_film("nothing.mp4")
    assert "There is no file nothing.mp4" in said(shown[0])
    shown[0].sample_button.click()
    assert choose_film("nothing.mp4") == sample()
