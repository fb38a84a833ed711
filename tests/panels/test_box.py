"""What a panel says, and what becomes of an error in it."""

import ipywidgets as widgets
import pytest

from helpers.errors import VideoOpenError
from helpers.panels.box import error_box, guard, note


def raised(error):
    """The error as it is once it was raised, with its traceback."""
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_note_is_text_and_not_html():
    assert "&lt;b&gt;a &amp; b&lt;/b&gt;" in note("<b>a & b</b>").value


def test_an_error_is_its_sentence_with_the_traceback_folded_away():
    box = error_box(raised(VideoOpenError("There is no <film>."))).value
    seen, folded = box.split("<details", 1)
    assert "There is no &lt;film&gt;." in seen and "Traceback" not in seen
    assert "Traceback" in folded and "VideoOpenError" in folded and "<film>" not in box


@pytest.mark.parametrize(
    ("error", "said"),
    [(ValueError("no"), "(ValueError: no)"), (KeyError(), "(KeyError)"),
     (KeyboardInterrupt(), "You stopped this")],
)  # fmt: skip
def test_other_errors_are_put_into_words(error, said):
    assert said in error_box(raised(error)).value.split("<details")[0]


@pytest.mark.parametrize("error", [VideoOpenError("It broke."), KeyboardInterrupt(), ValueError()])
def test_an_error_of_a_button_is_shown_and_ends_there(error):
    place, button, resting = widgets.VBox(), widgets.Button(), widgets.Button(disabled=True)
    with guard(place, button, resting):
        assert button.disabled
        raise error
    assert "alert" in place.children[0].value
    assert not button.disabled and resting.disabled


def test_what_works_leaves_its_own_message():
    place = widgets.VBox([note("old")])
    with guard(place):
        assert place.children == ()
        place.children = (note("done"),)
    assert "done" in place.children[0].value


def test_the_end_of_the_program_is_not_held_up():
    with pytest.raises(SystemExit), guard(widgets.VBox()):
        raise SystemExit
