"""Colours are carried along a shot, and joined where two meet."""

import numpy as np

from helpers.stages.colorize.propagation import Carried, Source, fill_colors, fill_gaps, mix_carried


def test_between_two_pictures_each_counts_where_it_is_near_and_sure():
    plane = np.ones((4, 4), np.float32)
    red = Carried(np.full((4, 4, 2), 0.2, np.float32), plane)
    blue = Carried(np.full((4, 4, 2), -0.2, np.float32), plane)
    assert np.allclose(mix_carried(red, blue, 0.25).chroma, 0.1)
    lost = Carried(blue.chroma, 0 * plane)
    assert np.allclose(mix_carried(red, lost, 0.75).chroma, 0.2, atol=1e-4)
    assert np.allclose(mix_carried(red, lost, 0.75).confidence, 1)
    assert np.allclose(fill_gaps(lost, red).chroma, 0.2, atol=1e-3)
    assert np.allclose(fill_gaps(red, blue).chroma, 0.2, atol=1e-3)


def test_what_is_unknown_takes_the_colour_of_its_like():
    luma = np.zeros((60, 80), np.uint8)
    luma[:, 40:] = 200
    chroma = np.zeros((60, 80, 2), np.float32)
    chroma[:, 40:, 1] = 0.2
    source = Source(luma, chroma, np.ones((60, 80), np.float32))
    assert np.abs(fill_colors(luma, None, [source]) - chroma).max() < 0.03
    nowhere = Carried(np.zeros_like(chroma), np.zeros((60, 80), np.float32))
    assert np.abs(fill_colors(luma, nowhere, [source]) - chroma).max() < 0.03
