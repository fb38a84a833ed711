"""What works here is looked at."""

from helpers import doctor


def test_the_doctor_looks_at_everything_and_shows_it():
    found = doctor()
    names = {check.name for check in found.checks}
    assert {"processor", "graphics", "memory", "disk", "ffmpeg", "opencv", "models"} <= names
    assert found.good, found
    assert "<table>" in found._repr_html_()


def test_exactly_one_opencv_is_installed():
    from importlib.metadata import distributions

    names = {(dist.metadata["Name"] or "").lower() for dist in distributions()}
    assert {name for name in names if name.startswith("opencv")} == {"opencv-python-headless"}
