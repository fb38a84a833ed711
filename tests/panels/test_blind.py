"""The blind test."""

import numpy as np
import pytest

from helpers.errors import StageError
from helpers.panels.blind import BlindTest, _Panel, blind
from helpers.quality.judge import judge
from tests.support.clips import clip_of
from tests.support.worn_films import panning

FILM = clip_of([np.ascontiguousarray(image) for image in panning(12, 96, 64)])


def test_every_pair_comes_once_before_any_comes_again():
    test = BlindTest(FILM, ["lanczos", "bicubic", "bilinear"], seed=1)
    pairs = []
    for _ in range(6):
        pairs.append(frozenset(test.pair[:2]))
        test.answer(0.5)
    assert len(set(pairs[:3])) == 3 and set(pairs[:3]) == set(pairs[3:])


def test_the_pictures_tell_no_names_and_are_of_the_same_part():
    test = BlindTest(FILM, {"secret": "lanczos", "hidden": "bilinear"}, seed=2)
    left, right = test.pictures()
    assert left.shape == right.shape and left.dtype == np.uint8
    shown = _Panel(test)._place.value
    assert "secret" not in shown and "hidden" not in shown and shown.count("<img") == 2


def test_clicks_lead_to_a_ranking_beside_the_measured_one():
    choices = ["lanczos", "bilinear"]
    found = judge(FILM, choices, moments=1)
    test = BlindTest(FILM, choices, judgement=found, clicks=4, seed=3)
    panel = _Panel(test)
    while not test.finished:
        panel._buttons[0 if test.pair[0] == "lanczos" else 2].click()
    assert test.ranking.rows[0].label == "lanczos"
    assert "measured rank" in panel._place.value and "You prefer lanczos" in panel._place.value
    assert all(button.disabled for button in panel._buttons)


def test_one_choice_is_nothing_to_choose_from():
    with pytest.raises(StageError, match="two choices"):
        BlindTest(FILM, ["lanczos"])


def test_a_label_is_text():
    test = BlindTest(FILM, {"<img src=x>": "lanczos", "b": "bilinear"}, clicks=1)
    test.answer(1)
    assert "<img src=x>" not in test.table()


def test_it_is_shown_in_a_notebook(monkeypatch):
    shown = []
    monkeypatch.setattr("helpers.panels.blind.show_panel", lambda root, words: shown.append(root))
    test = blind(FILM, ["lanczos", "bilinear"])
    assert len(shown) == 1 and not test.answers
