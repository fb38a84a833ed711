"""The sample clips: as small as promised, and what they say they are."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers import open_video, sample
from tests.support.clips import psnr
from tests.support.paths import REPO

CLIPS = REPO / "sample_clips"


@pytest.mark.parametrize("path", sorted(CLIPS.glob("*.mp4")), ids=lambda path: path.stem)
def test_small(path):
    assert path.stat().st_size < 600_000


def test_the_talk_is_the_founding_case():
    clip = open_video(sample("talk"))
    assert clip.info.size == "160x120" and clip.info.fps == 8
    assert list(clip.times) == [Fraction(k, 8) for k in range(40)]


def test_the_film_is_grey_and_repeats_every_frame():
    clip = open_video(sample("film"))
    assert clip.info.grey and clip.info.fps == 24


def test_one_frame_of_each_shot_is_there_in_colour():
    clip = open_video(sample("film"))
    paths = sorted((CLIPS / "film_coloured").glob("*.png"))
    assert len(paths) == 2
    for path in paths:
        picture = cv2.imread(str(path))
        frame = clip.at(Fraction(path.stem.removesuffix("s"))).image
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        assert np.ptp(picture.astype(int), axis=2).mean() > 10
        assert np.abs(grey.astype(int) - frame[..., 0]).mean() < 6  # what the encoder changed


@pytest.mark.slow
def test_the_truth_has_three_frames_for_each_of_the_talk(monkeypatch):
    pytest.importorskip("skimage")
    monkeypatch.syspath_prepend(str(CLIPS))
    import make

    clip = open_video(sample("talk"))
    assert len(clip) == make.TALK_FRAMES
    monkeypatch.setattr(make, "TALK_FRAMES", 11)
    truth = make.truth_talk(with_speech=False)
    assert len(truth.frames) == 33 and truth.frames[0].shape == (480, 640, 3)
    for number in (0, 5, 10):
        small = cv2.resize(truth.frames[3 * number], (160, 120), interpolation=cv2.INTER_AREA)
        assert psnr(small, clip[number].image) > 25
