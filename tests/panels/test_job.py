"""The panels of the end-to-end notebook, without a front end: their buttons are pressed here."""

import shutil
from fractions import Fraction

import pytest

from helpers import advice, sample
from helpers.errors import StageError
from helpers.panels import models as models_panel
from helpers.panels.advice import AdvicePanel
from helpers.panels.job import Job
from helpers.panels.models import ModelsPanel, choose_model
from helpers.panels.preview import PreviewPanel
from helpers.panels.result import ResultPanel, say_report
from helpers.panels.run import RunPanel, describe_state


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let every model take a hundredth of a second for a frame, and enlarge plainly."""
    monkeypatch.setattr(advice, "time_model", lambda model, image: 0.01)
    monkeypatch.setattr(models_panel, "time_model", lambda model, image: 0.01)


@pytest.fixture
def job(folder):
    film = shutil.copy(sample(), folder / "talk.mp4")
    made = Job()
    made.open(film)
    made.found  # noqa: B018 (as the first panel does)
    return made


def test_without_a_film_it_is_said_what_to_run():
    with pytest.raises(StageError, match="Run the cell that chooses it"):
        Job().advise()


def test_what_is_recommended_is_ticked(job):
    panel = AdvicePanel(job)
    panel.show()
    ticked = {name for name, tick in panel.ticks.items() if tick.value}
    assert ticked == {"upscale", "interpolate", "audio"} == job.ticked
    assert "talk" in panel.describe() and "Clean the sound" in panel.describe()


def test_a_tick_and_a_list_change_the_plan(job):
    panel = AdvicePanel(job)
    panel.show()
    panel.ticks["interpolate"].value = False
    panel.fields["upscale"].value = "bicubic"
    plan = job.plan
    assert plan.interpolate is None and plan.upscale.model == "bicubic"
    assert plan.sound.method == "talk"
    panel.ticks["flicker"].value = True
    assert job.plan.cleaning.names == ("flicker",)


def test_the_fields_of_the_cell_are_taken(job):
    job.advise(1, 3, clean="flicker,noise", upscale="bicubic", interpolate="none", audio="film")
    plan = job.plan
    assert plan.cleaning.names == ("flicker", "noise")
    assert (plan.trim.start, plan.trim.stop) == (1, 3)
    assert plan.upscale.model == "bicubic" and plan.interpolate is None
    assert plan.sound.method == "film" and plan.colorize is None


def test_fields_come_before_what_is_recommended(folder):
    job = Job()
    job.open(shutil.copy(sample(), folder / "talk.mp4"))
    job.advise(upscale="none", interpolate="flow", clean="none")
    assert job.ticked == {"interpolate", "audio"}


def test_another_film_is_looked_at_anew(job, folder):
    panel = AdvicePanel(job)
    panel.show()
    assert "in colour" in panel.lines.children[0].value
    job.open(shutil.copy(sample("film"), folder / "film.mp4"))
    assert "black and white" in panel.lines.children[0].value
    assert panel.ticks["flicker"].value


def small(job):
    """Choose what is quick."""
    job.advise(0, 2, upscale="bicubic", interpolate="none", audio="none")


def test_a_preview_is_made_and_the_rest_is_estimated(job):
    small(job)
    panel = PreviewPanel(job, Fraction(1), Fraction(1, 2))
    panel.show()
    assert "From 1.0 to 1.5 s" in panel.state.value
    assert job.estimate is not None and job.estimate.frames == 16
    assert job.project.names() == ["preview"]
    job.change("upscale", True, upscale="lanczos")
    assert "Press the button" in panel.state.value and job.estimate is None


def test_a_model_is_chosen_by_a_click_or_a_number(job, monkeypatch):
    monkeypatch.setattr(models_panel, "SHOWN", ("bicubic", "lanczos"))
    monkeypatch.setattr(models_panel, "PLAIN", ("bicubic", "lanczos"))
    made = []
    show = ModelsPanel.show
    monkeypatch.setattr(ModelsPanel, "show", lambda self, n=0: made.append(self) or show(self, n))
    job.compare_models()
    made[0].buttons["lanczos"].click()
    assert job.plan.upscale.model == "lanczos"
    assert made[0].buttons["lanczos"].button_style == "success"
    job.compare_models(1)
    assert job.plan.upscale.model == "bicubic"


def test_a_step_takes_the_model_that_was_clicked(job, monkeypatch):
    monkeypatch.setattr(models_panel, "SHOWN", ("bicubic", "lanczos"))
    monkeypatch.setattr(models_panel, "can_show_panels", lambda: True)
    made = []
    show = ModelsPanel.show
    monkeypatch.setattr(ModelsPanel, "show", lambda self, n=0: made.append(self) or show(self, n))
    assert choose_model(job.clip, "2") == "lanczos"
    assert choose_model(job.clip, "x4plus") == "x4plus"
    made[-1].buttons["bicubic"].click()
    assert "run this cell again" in made[-1].messages.children[0].value
    assert choose_model(job.clip, "x4plus") == "bicubic"
    assert choose_model(job.clip, "lanczos") == "lanczos"


def wait(panel):
    panel.thread.join(timeout=60)
    assert not panel.running


@pytest.mark.slow
def test_a_run_is_started_by_its_button_and_the_result_is_shown(job):
    small(job)
    panel, result = RunPanel(job), ResultPanel(job)
    panel.show()
    result.show()
    assert "Press Run" in panel.state.value and "will appear here" in result.facts.value
    panel.start.click()
    wait(panel)
    assert panel.state.value.count("Done") and not panel.messages.children
    assert job.output.name == "talk_restored.mp4" and job.output.parent == job.project.folder
    assert "talk_restored.mp4" in result.facts.value
    assert panel.watch.all.value == 1
    said = say_report(job.report)
    assert "The sound is exactly in step." in said and "and are right" in said[-1]
    job.change("upscale", True, upscale="lanczos")
    panel.start.click()
    wait(panel)
    assert job.output.name == "talk_restored (2).mp4"
    assert "Delete older versions" in result.tidy.description
    result.tidy.click()
    assert "1 version was deleted" in result.messages.children[0].value


@pytest.mark.slow
def test_a_film_that_is_chosen_during_a_run_is_not_given_its_result(job, folder):
    small(job)
    panel = RunPanel(job)
    panel.begin()
    job.open(shutil.copy(sample("film"), folder / "film.mp4"))
    wait(panel)
    assert job.output is None


@pytest.mark.slow
def test_a_run_is_stopped_and_goes_on(job):
    job.advise(0, 0, upscale="animevideov3", interpolate="none", audio="none")
    panel = RunPanel(job)
    panel.show()
    panel.start.click()
    while panel.running and not panel.watch.rate:
        panel.thread.join(timeout=0.05)
    panel.stop.click()
    wait(panel)
    assert "frames are here" in panel.state.value
    assert "Press Run to go on" in panel.messages.children[0].value
    assert not panel.start.disabled and panel.stop.disabled
    assert "frames are here" in describe_state(job)


@pytest.mark.slow
def test_an_error_of_a_run_is_one_box(job):
    small(job)
    panel = RunPanel(job)
    panel.show()
    job.film.unlink()
    panel.start.click()
    wait(panel)
    (box,) = panel.messages.children
    assert "talk.mp4" in box.value and "<details" in box.value and not panel.start.disabled
