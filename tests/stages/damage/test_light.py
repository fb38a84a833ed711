"""A flash shows what it falls on; a stain covers it."""

from __future__ import annotations

import cv2
import numpy as np

from helpers.stages.damage.light import drop_light

DICE = np.random.default_rng(2)
BASE = 80 + 8 * cv2.GaussianBlur(DICE.normal(size=(80, 100)).astype(np.float32), (0, 0), 1) / 0.28
MASK = np.zeros((80, 100), bool)
MASK[10:60, 10:60] = True


def lit(change):
    """The picture with a change within the mask."""
    return np.where(MASK, change(BASE), BASE).astype(np.float32)


def test_a_flash_is_dropped():
    assert not drop_light(MASK, lit(lambda luma: 1.6 * luma), BASE).any()


def test_a_bright_stain_stays():
    noise = DICE.normal(0, 2, BASE.shape)
    assert np.array_equal(drop_light(MASK, lit(lambda luma: 200 + noise), BASE), MASK)


def test_what_is_dark_stays():
    assert np.array_equal(drop_light(MASK, lit(lambda luma: 0.4 * luma), BASE), MASK)


def test_what_is_small_stays():
    small = MASK.copy()
    small[:, 20:] = False
    assert np.array_equal(drop_light(small, lit(lambda luma: 1.6 * luma), BASE), small)


def test_a_mask_in_pieces_is_one_flash():
    holes = MASK & (np.add.outer(np.arange(80), np.arange(100)) % 4 > 0)
    assert not drop_light(holes, lit(lambda luma: 1.6 * luma), BASE).any()
