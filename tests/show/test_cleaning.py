"""Looking at what was found before it is cleaned."""

import cv2
import numpy as np
import pytest

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.show.cleaning import show_doubtful, show_duplicates
from helpers.stages.duplicates.decisions import Duplicates, find_duplicates
from tests.support.cadences import film, inserted
from tests.support.law import varying_clip

# --- by hand ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clip() -> Clip:
    return film(inserted(0), cut=24)


@pytest.fixture(scope="module")
def found(clip) -> Duplicates:
    return find_duplicates(clip)


# --- looking ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_chart_and_the_doubtful_frames_can_be_looked_at(tmp_path, clip, found):
    view = show_duplicates(found, path=tmp_path / "chart.png")
    assert "image/png" in view.outputs[0]
    assert cv2.imread(str(tmp_path / "chart.png")).shape[1] == 1200
    assert "Frames 24 to 35 of" in repr(show_duplicates(found, start=1, stop=1.5))
    with pytest.raises(StageError, match="No frame begins between"):
        show_duplicates(found, start=90)
    assert "No frame is doubtful" in repr(show_doubtful(found, clip))


def test_a_short_film_fills_its_chart(found):
    """The bars of 49 frames were squeezed into an axis of 240."""
    import base64
    import io

    from PIL import Image

    data = base64.b64decode(show_duplicates(found).outputs[0]["image/png"])
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    blue = np.abs(picture - (0x3B, 0x6E, 0xA5)).sum(axis=2) < 30
    columns = np.flatnonzero(blue[: len(blue) * 2 // 3].any(axis=0))
    assert columns.max() > 0.9 * picture.shape[1]


def test_doubtful_frames_are_shown_beside_what_they_may_repeat(clip, found):
    from dataclasses import replace

    rows = list(found.decisions)
    rows[6] = replace(rows[6], repeats=5, chance=0.5)
    view = show_doubtful(replace(found, decisions=tuple(rows)), clip)
    assert "frame 5" in repr(view)
    assert "frame 6" in repr(view)
    with pytest.raises(StageError, match="made for"):
        show_doubtful(found, varying_clip())
