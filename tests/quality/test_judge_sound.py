"""Trying methods of cleaning on one's own sound."""

import numpy as np
import pytest

from helpers.audio.track import Sound, SoundError
from helpers.quality.judgement import AS_IT_IS
from helpers.quality.sound import judge_sound, si_sdr
from tests.support.paths import TALK


def test_the_ratio_does_not_depend_on_the_volume():
    dice = np.random.default_rng(0)
    truth, noise = dice.normal(size=(2, 8000))
    assert si_sdr(truth + 0.1 * noise, truth) == pytest.approx(20, abs=0.3)
    assert si_sdr(3 * (truth + 0.1 * noise), truth) == pytest.approx(20, abs=0.3)
    assert si_sdr(truth, truth) > 150


@pytest.mark.slow
def test_cleaning_a_noisy_talk_brings_it_nearer_to_the_truth():
    found = judge_sound(TALK, ["deepfilter", "spectral"])
    assert found["deepfilter"].score > found[AS_IT_IS].score + 2
    assert found.measures == ("si_sdr", "stoi")
    assert "own noise" in repr(found)


def test_what_cannot_be_judged_is_said():
    silence = Sound(np.zeros((1, 48000), np.float32), 16000)
    with pytest.raises(SoundError, match="noise alone"):
        judge_sound(silence, ["spectral"])
    with pytest.raises(SoundError, match="magic"):
        judge_sound(silence, ["magic"])
