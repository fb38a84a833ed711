"""The bar: what it counts is what it says."""

import pytest

from helpers.progress import bar


@pytest.mark.parametrize(
    ("unit", "said"), [("frame", "3000000/3000000"), ("B", "3.00M/3.00M"), ("", "3000000")]
)
def test_bytes_are_shown_as_bytes_and_frames_as_frames(capsys, unit, said):
    with bar(None, 3_000_000, "load", unit=unit) if unit else bar(None, 0, "load") as ticks:
        ticks.update(3_000_000)
    shown = "".join(capsys.readouterr())  # stdout where another test has imported ipykernel
    assert said in shown and f"{unit or 'frame'}/s" in shown
    assert unit != "B" or "frame" not in shown


def test_a_bar_that_is_not_wanted_is_not_shown(capsys):
    assert list(bar(iter("ab"), 2, "load", show=False)) == ["a", "b"]
    assert "".join(capsys.readouterr()) == ""
