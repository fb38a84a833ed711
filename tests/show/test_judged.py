"""Showing what a judgement found."""

import numpy as np
import pytest
from PIL import Image

from helpers.errors import StageError
from helpers.quality.judge import judge
from helpers.quality.judgement import Choice, Judgement
from helpers.show.judged import show_judged
from tests.support.clips import clip_of
from tests.support.worn_films import panning


def test_every_choice_is_shown_at_its_best_and_at_its_worst(tmp_path):
    film = clip_of([np.ascontiguousarray(image) for image in panning(16, 96, 64)])
    found = judge(film, ["bilinear"], moments=2)
    view = show_judged(found, path=tmp_path / "judged.png")
    assert "bilinear" in view.sentence and "worst" in view.sentence
    assert Image.open(tmp_path / "judged.png").width > 300


def test_sounds_have_no_pictures():
    choice = Choice("talk", {"si_sdr": (1.0,)}, (1.0,), 1.0)
    with pytest.raises(StageError, match="Sounds"):
        show_judged(Judgement("mixed", (), (choice,), "talk", what="sound"))
