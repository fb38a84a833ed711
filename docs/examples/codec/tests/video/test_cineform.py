"""CineForm: what editing programs pass on, twelve bits a channel, every frame by itself."""

from fractions import Fraction

import numpy as np
import pytest

from helpers import open_video, write_video
from helpers.clip import MemoryClip
from tests.support.films import picture

TIMES = [Fraction(n, 24) for n in range(5)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_and_times_come_back(tmp_path, dtype):
    full = np.iinfo(dtype).max
    images = [picture(n).astype(dtype) * (full // 255) for n in range(5)]
    clip = MemoryClip(images, TIMES, Fraction(5, 24))

    write_video(clip, tmp_path / "film.mov", codec="cineform")

    back = open_video(tmp_path / "film.mov")
    assert (list(back.times), back.end, back.info.depth) == (TIMES, clip.end, 12)
    for frame, image in zip(back, images, strict=True):
        error = np.abs(frame.image / 65535 - image / full)
        assert error.mean() < 1 / 255
