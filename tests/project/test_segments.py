"""What is saved comes back, to the last bit or near it, at its exact times."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers.clip import MemoryClip
from tests.support.law import same, varying_clip
from tests.support.saves import film, save

# --- saving and loading -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_saved_comes_back_to_the_last_bit(tmp_path, dtype):
    clip = film(dtype=dtype)
    saved = save(tmp_path, clip)
    assert same(list(saved), list(clip))
    assert (saved.info, saved.end, saved.recipe()) == (clip.info, clip.end, clip.recipe())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_near_lossless_is_near_and_keeps_the_times(tmp_path, dtype):
    smooth = [cv2.GaussianBlur(image, (0, 0), 2) for image in varying_clip(dtype=dtype).images]
    clip = MemoryClip(smooth, varying_clip().times, varying_clip().end)
    saved = save(tmp_path, clip, codec="near-lossless")
    for frame, original in zip(saved, clip, strict=True):
        error = np.abs(frame.image.astype(float) - original.image.astype(float))
        assert frame.time == original.time
        assert error.mean() / np.iinfo(dtype).max < 0.012


def test_times_that_no_file_can_hold_are_kept_exactly(tmp_path):
    images = varying_clip(count=6).images
    times = [Fraction(n) + Fraction(n, 10**9 + 7) for n in range(7)]
    saved = save(tmp_path, MemoryClip(images, times[:-1], times[-1]), segment=2)
    assert list(saved.times) == times[:-1] and len(list(saved)) == 6


def test_what_this_package_wrote_is_not_doubted_at_each_look(tmp_path, monkeypatch):
    """A segment is opened for every frame that is looked at."""
    clip = film()
    saved = save(tmp_path, clip)
    doubts: list[str] = []
    for name in ("check_film", "seeking_is_exact"):
        monkeypatch.setattr(
            f"helpers.video.index.{name}", lambda *_, name=name: doubts.append(name) or True
        )
    assert same([saved[3]], [clip[3]]) and not doubts
