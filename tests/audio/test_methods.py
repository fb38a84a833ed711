"""Every way to clean sound: as long as it was and where it was, and cleaner."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers.audio import (
    METHODS,
    clean_audio,
)
from helpers.audio.diagnose import diagnose
from helpers.audio.loudness import measure_loudness
from helpers.audio.track import Sound
from helpers.catalog import fetch
from tests.support.sounds import gain, noise, voice

pytestmark = pytest.mark.usefixtures("models")

WEIGHT_FREE = [name for name, method in METHODS.items() if not method.weights]


# --- the law: as long as it was, and where it was -------------------------------------------------


@pytest.mark.parametrize("method", WEIGHT_FREE)
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2)])
def test_every_method_keeps_length_and_start(method, rate, channels):
    samples = np.repeat(voice(2.0, rate) + noise(2 * rate, 0.02), channels, 0)
    sound = Sound(samples[:, :-7], rate, Fraction(1, 3))
    made = clean_audio(sound, method).sound
    assert (made.samples.shape, made.rate, made.start) == (sound.samples.shape, rate, sound.start)
    assert np.isfinite(made.samples).all() and np.abs(made.samples).max() > 0.05


@pytest.mark.parametrize("method", [name for name in WEIGHT_FREE if name != "loudness"])
def test_nothing_is_moved(method):
    sound = Sound(voice(4.0) + noise(64_000, 0.01), 16_000)
    one, two = sound.samples[0], clean_audio(sound, method).sound.samples[0]
    match = np.fft.irfft(np.fft.rfft(two, 1 << 18) * np.conj(np.fft.rfft(one, 1 << 18)))
    assert match.argmax() == 0


@pytest.mark.parametrize("method", ["spectral", "repair", "talk"])
@pytest.mark.parametrize("count", [1, 100, 3000])
def test_the_shortest_sounds(method, count):
    sound = Sound(noise(count, 0.1), 16_000)
    assert len(clean_audio(sound, method).sound) == count


@pytest.mark.parametrize("method", METHODS)
def test_no_strength_changes_nothing(method):
    sound = Sound(voice() + noise(48_000, 0.02), 16_000)
    made = clean_audio(sound, method, strength=0)
    assert np.array_equal(made.sound.samples, sound.samples)


def test_silence_is_left_as_it_is():
    made = clean_audio(Sound(np.zeros((2, 48_000), np.float32), 48_000), "talk")
    assert not made.sound.samples.any() and "left as it is" in made.notes[0]
    assert diagnose(made.sound).silent


# --- noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [None, "quiet", (0.05, 0.6)])
def test_noise_becomes_less_and_the_voice_stays(profile):
    truth = np.pad(voice(4.0), ((0, 0), (12_000, 0)))
    sound = Sound(truth + noise(truth.shape[1], 0.02), 16_000)
    made = clean_audio(sound, "spectral", noise=profile)
    assert gain(sound.samples, made.sound.samples, truth) > 6
    pause = np.s_[:, 1000:10_000]
    assert made.sound.samples[pause].std() < 0.35 * sound.samples[pause].std()


def test_the_two_sides_of_a_stereo_sound_get_the_same_gain():
    mono = voice() + noise(48_000, 0.02)
    made = clean_audio(Sound(np.concatenate([mono, mono * 0.5]), 16_000), "spectral").sound.samples
    assert np.allclose(made[0] * 0.5, made[1], atol=1e-4)


@pytest.mark.data
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_rnnoise_cleans_and_moves_nothing(rnnoise, rate):
    truth = voice(3.0, rate)
    sound = Sound(np.repeat(truth + noise(truth.shape[1], 0.02), 2, 0), rate)
    made = clean_audio(sound, "rnnoise").sound
    assert made.samples.shape == sound.samples.shape and np.isfinite(made.samples).all()
    one, two = truth[0], made.samples[0]
    match = np.fft.irfft(np.fft.rfft(two, 1 << 19) * np.conj(np.fft.rfft(one, 1 << 19)))
    assert match.argmax() in (0, 1, (1 << 19) - 1)


def test_a_clean_recording_is_treated_gently():
    truth = voice(4.0)
    sound = Sound(truth + noise(64_000, 0.0003), 16_000)
    made = clean_audio(sound, "spectral").sound
    assert 10 * np.log10((truth**2).sum() / ((made.samples - truth) ** 2).sum()) > 18


def test_missing_weights_say_what_to_do(monkeypatch):
    def refuse(*_):
        raise fetch.DownloadError("no network")

    monkeypatch.setattr(fetch, "_download_once", refuse)
    with pytest.raises(Exception, match=r"(?s)sh\.rnnn.*spectral"):
        clean_audio(Sound(voice(), 16_000), "rnnoise")


def test_talk_says_what_it_does_instead_of_the_best():
    made = clean_audio(Sound(voice() + noise(48_000, 0.01), 16_000), "talk")
    assert any("DeepFilterNet was not used" in note for note in made.notes)


@pytest.mark.parametrize(
    ("method", "volume"),
    [("talk", 0.001), ("film", 0.001), ("loudness", 0.001), ("talk", 0.02), ("film", 0.02)],
)
def test_noise_is_not_made_louder(method, volume):
    """A near-silent track came out at -16 LUFS, noise and all."""
    sound = Sound(noise(5 * 16_000, volume), 16_000)
    made = clean_audio(sound, method)
    assert np.abs(made.sound.samples).max() <= np.abs(sound.samples).max() * 1.05
    assert any("the loudness was left as it is" in note for note in made.notes)
    loud = clean_audio(sound, "loudness", loudness=-30)
    assert measure_loudness(loud.sound).integrated == pytest.approx(-30, abs=1)


@pytest.mark.parametrize("volume", [0.2, 1.0])
@pytest.mark.parametrize("hiss", [0.0, 0.03])
def test_a_voice_is_made_loud_however_quiet_and_noisy(volume, hiss):
    speech = voice(5.0)
    sound = Sound(volume * (speech + noise(speech.shape[1], hiss)), 16_000)
    made = clean_audio(sound, "talk")
    assert measure_loudness(made.sound).integrated == pytest.approx(-16, abs=1.5)
    assert not any("loudness" in note for note in made.notes)


def test_noise_that_swells_is_not_made_louder():
    """A fan's noise rises and falls, so that something seems to stand out from it."""
    time = np.arange(20 * 16_000) / 16_000
    swell = 1 + 0.5 * np.sin(2 * np.pi * 0.3 * time)
    sound = Sound((noise(len(time), 0.006) * swell).astype(np.float32), 16_000)
    made = clean_audio(sound, "talk").sound.samples
    assert made.std() < 2 * sound.samples.std()
