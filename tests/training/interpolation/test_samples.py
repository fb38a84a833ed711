"""Samples of scenes in motion: their flows, who is held out, and their pool on disk."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.training.interpolation.samples import (
    PARTS,
    MotionMaker,
    MotionPool,
    Pair,
    read_colour_pictures,
    vary,
)  # fmt: skip
from tests.support.photos import soft_photos


@pytest.fixture(scope="module")
def photos():
    return soft_photos()


@pytest.fixture(scope="module")
def pool(photos, tmp_path_factory):
    pool = MotionPool(tmp_path_factory.mktemp("pool"), 6, 64)
    pool.fill(MotionMaker(photos, 64, held_out=2), 1)
    return pool


def test_several_processes_make_the_same_samples(photos, pool, tmp_path):
    other = MotionPool(tmp_path, 6, 64)
    other.fill(MotionMaker(photos, 64, held_out=2), 1, workers=2)
    assert other.filled == 6 and np.array_equal(other.samples, pool.samples)


def test_a_sample_holds_the_flows_of_the_engine(photos):
    maker = MotionMaker(photos, 64, held_out=2)
    sample = maker.sample(3)
    assert sample.shape == (MotionPool.planes, 64, 64) and sample.dtype == np.uint8
    assert np.array_equal(sample, maker.sample(3))
    assert sample[17, 0, 0] in (PARTS // 2, *range(48, 193))


def test_held_samples_are_of_other_pictures(photos):
    black, white = np.zeros_like(photos[0]), np.full_like(photos[0], 255)
    maker = MotionMaker([black, white], 64, held_out=1)
    held, other = (maker.sample(number)[:9].astype(float).mean() for number in (0, 1))
    assert held != other


def test_a_varied_sample_moves_as_its_flow_says(photos):
    """Flipped, turned and reversed, what is at a place in first is where the flow says in last."""
    row = np.zeros((48, 64), np.float32)
    wide = cv2.GaussianBlur(photos[0], (0, 0), 2).astype(np.float32)
    first, truth, last = (wide[20 + n : 68 + n, 30 + 2 * n : 94 + 2 * n] for n in (0, 2, 4))
    flow = np.dstack([np.full_like(row, -8), np.full_like(row, -4)])
    pair = Pair(first, last, truth, flow, -flow, 0.5)
    for seed in range(12):
        made = vary(pair, np.random.default_rng(seed))
        rows, columns = np.mgrid[: made.first.shape[0], : made.first.shape[1]].astype(np.float32)
        seen = cv2.remap(
            made.last, columns + made.forward[..., 0], rows + made.forward[..., 1],
            cv2.INTER_LINEAR,
        )  # fmt: skip
        inside = (slice(10, -10), slice(10, -10))
        assert np.abs(seen - made.first)[inside].mean() < 0.1


def test_samples_held_out_are_never_drawn(photos, tmp_path):
    pool = MotionPool(tmp_path, 3, 64)
    pool.fill(MotionMaker(photos, 64, held_out=2), 1)
    pool.samples[:2, :9] = 0
    drawn = pool.draw_pairs(np.random.default_rng(0), batch=6, crop=48, held_out=2)
    assert [pair.first.shape for pair in drawn] == [(48, 48, 3)] * 6
    assert all(np.ptp(pair.first) > 0 for pair in drawn)


def test_too_few_pictures_are_refused(tmp_path):
    with pytest.raises(ModelError, match="0 pictures of at least"):
        read_colour_pictures(tmp_path)
