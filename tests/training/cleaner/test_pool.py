"""Samples to train the cleaner on: true, repeatable, and kept in a pool."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.stages.damage.network_input import (
    DUST,
    HERE,
    UNMOVED,
)
from helpers.training.cleaner.pool import MIRRORED, Pool
from helpers.training.cleaner.samples import MASK, PLANES, TRUTH
from tests.support.cleaner_samples import shown, small_maker
from tests.support.worn_films import panning


def test_samples_are_what_they_are_said_to_be():
    maker = small_maker()
    samples = [maker.sample(seed) for seed in range(6)]
    assert np.array_equal(samples[3], maker.sample(3))
    assert {sample.shape for sample in samples} == {(PLANES, 48, 48)}
    changes = [np.abs(sample[HERE].astype(int) - sample[TRUTH]) for sample in samples]
    apart = np.concatenate([c[s[MASK] > 0] for c, s in zip(changes, samples, strict=True)])
    alike = np.concatenate([c[s[MASK] == 0] for c, s in zip(changes, samples, strict=True)])
    assert apart.mean() > 4 * alike.mean()


def test_what_is_before_a_frame_and_what_is_after_it_change_places():
    assert sorted(MIRRORED) == list(range(DUST))
    planes = shown(panning())
    backwards = shown(panning()[::-1])
    for one, other in zip(planes[MIRRORED][UNMOVED], backwards[UNMOVED], strict=True):
        assert np.abs(one - other).max() < 0.02


def test_a_pool_goes_on_where_it_stopped(tmp_path):
    class StopError(Exception):
        pass

    def stop(done):
        if done == 3:
            raise StopError

    pool = Pool(tmp_path, 20, 48)
    with pytest.raises(StopError):
        pool.fill(small_maker(), progress=stop)
    Pool(tmp_path, 20, 48).fill(small_maker())
    assert np.array_equal(Pool(tmp_path, 20, 48).samples[19], small_maker().sample(19))
    with pytest.raises(ModelError, match="another folder"):
        Pool(tmp_path, 21, 48)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"shape": 5, "filled": 0}', b'{"shape": [1], "filled": -1}']
)
def test_a_damaged_note_is_one_sentence(tmp_path, data):
    Pool(tmp_path, 2, 8)
    (tmp_path / "pool.json").write_bytes(data)
    with pytest.raises(ModelError, match=r"pool\.json is damaged.*train again"):
        Pool(tmp_path, 2, 8)
