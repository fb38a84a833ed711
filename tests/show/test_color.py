"""Frames to be coloured by hand, and colours to choose from."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from helpers.show.color import frames_to_colour, sweep_colours


def test_a_frame_of_every_shot_is_written_and_never_over_a_coloured_one(film, tmp_path):
    folder = tmp_path / "to colour"
    view = frames_to_colour(film, folder)
    paths = sorted(folder.iterdir())
    assert len(paths) == len(film.cuts) == 2 and "one of every shot" in repr(view)
    frame = film.at(Fraction(paths[0].stem.removesuffix("s"))).image
    assert np.array_equal(cv2.imread(str(paths[0]))[..., ::-1], frame)
    paths[0].write_bytes(b"coloured by somebody")
    frames_to_colour(film, folder)
    assert paths[0].read_bytes() == b"coloured by somebody"


def test_without_weights_the_sweep_shows_tones_and_says_so(film, monkeypatch, tmp_path):
    monkeypatch.setenv("SILK_PURSE_MODELS", str(tmp_path))
    view = sweep_colours(film, 1)
    assert "No colouring model is on this machine" in repr(view)
    assert "image/jpeg" in view.outputs[0]
