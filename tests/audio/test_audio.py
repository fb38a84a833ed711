"""Tests of cleaning sound: every track as long as it was and where it was, and cleaner."""

from __future__ import annotations

import math
import shutil
from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from helpers.audio import (
    METHODS,
    Cleaned,
    clean_audio,
    declick,
    measures,
    preview,
    replace_sound,
    spectral_denoise,
)
from helpers.audio.align import fit_music, matched
from helpers.audio.diagnose import diagnose
from helpers.audio.filters import (
    cut_hum,
    level,
    limit_peaks,
    measure_loudness,
    mend_clicks,
    mend_clipping,
    quiet_stretch,
)
from helpers.audio.reader import read_sound, track_count
from helpers.audio.track import Sound, SoundError, in_pieces, resampled
from helpers.catalog import fetch
from helpers.project.report import sound_offset_ms
from tests.support.films import ffmpeg
from tests.support.machine import use
from tests.support.paths import TALK, data_path, weights_path

WEIGHT_FREE = [name for name, method in METHODS.items() if not method.weights]


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    """Give every test a folder for models of its own, with nothing in it and nothing installed."""
    use(scratch=tmp_path / "scratch", cache=tmp_path / "cache")
    monkeypatch.setattr(fetch, "_installed", lambda *_: None)
    return tmp_path / "cache"


@pytest.fixture
def rnnoise(models):
    """Put RNNoise's weights where they are looked for; skips where they are absent."""
    models.mkdir(parents=True)
    shutil.copy(weights_path("rnnoise/sh.rnnn"), models)


def voice(seconds=3.0, rate=16_000, seed=0):
    """Something like speech, (1, N): a buzz of changing pitch in syllables, with pauses."""
    time = np.arange(round(seconds * rate)) / rate
    pitch = 110 + 25 * np.sin(2 * np.pi * 0.7 * time)
    turn = 2 * np.pi * np.cumsum(pitch) / rate
    tones = sum(np.sin(n * turn + n) / n for n in range(1, 18) if n * 140 < rate / 2)
    beat = np.clip(np.sin(2 * np.pi * 3.1 * time + seed), 0, 1) ** 0.7
    pauses = np.sin(2 * np.pi * 0.4 * time + 0.5 + seed) > -0.5
    return (0.12 * tones * beat * pauses)[None].astype(np.float32)


def noise(count, size, seed=1):
    return np.random.default_rng(seed).normal(0, size, (1, count)).astype(np.float32)


def gain(before, after, truth):
    """By how many decibels what is not the truth has become less."""
    wrong = [np.square((sound - truth).astype(float)).sum() + 1e-12 for sound in (before, after)]
    return 10 * math.log10(wrong[0] / wrong[1])


def noisy_film(path, *sounds, rate=16_000, late=0.0, codec="pcm_s16le", options=()):
    """Write a film of three seconds with sound tracks."""
    inputs, maps = [], ["-map", "0:v"]
    for number, sound in enumerate(sounds):
        file = Sound(sound, rate).save(path.parent / f"in{number}.wav")
        inputs += ["-itsoffset", late, "-i", file]
        maps += ["-map", f"{number + 1}:a"]
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=3", *inputs, *maps, "-c:v", "libx264"),
        *("-pix_fmt", "yuv420p", "-c:a", codec, *options, path),
    )
    return path


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "rate", "channels"),
    [
        ("pcm_s16le", 8_000, 1),
        ("pcm_s24le", 44_100, 2),
        ("pcm_f32le", 48_000, 6),
        ("flac", 96_000, 2),
        ("aac", 22_050, 2),
    ],
)
def test_every_sample_is_read(tmp_path, codec, rate, channels):
    sound = np.repeat(voice(rate=rate), channels, 0) * np.linspace(1, 0.3, channels)[:, None]
    path = noisy_film(tmp_path / "a.mkv", sound.astype(np.float32), rate=rate, codec=codec)
    found = read_sound(path)
    assert (found.rate, len(found.samples), found.track) == (rate, channels, 0)
    if codec == "aac":
        assert abs(len(found) - sound.shape[1]) <= 1024
    else:
        assert len(found) == sound.shape[1]
        assert np.abs(found.samples - sound).max() < (1e-4 if codec == "pcm_s16le" else 1e-6)


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_what_an_encoder_added_is_left_out(tmp_path, ending):
    path = noisy_film(tmp_path / f"a.{ending}", voice(2.9), codec="aac")
    assert len(read_sound(path)) == round(2.9 * 16_000)


def test_a_late_track_says_so(tmp_path):
    path = noisy_film(tmp_path / "a.mkv", voice(), late=0.37)
    assert read_sound(path).start == Fraction(37, 100)


def test_a_gap_becomes_silence(tmp_path):
    first = Sound(voice(1.0), 16_000).save(tmp_path / "a.wav")
    ffmpeg(
        *("-i", first, "-itsoffset", "1.5", "-i", first, "-map", "0:a", "-map", "1:a"),
        *("-c:a", "pcm_s16le", tmp_path / "two.mkv"),
    )
    ffmpeg(
        *("-i", first, "-af", "asetpts='PTS+if(gte(T,0.5),1,0)/TB'", "-c:a", "pcm_s16le"),
        tmp_path / "gap.mkv",
    )
    found = read_sound(tmp_path / "gap.mkv")
    assert abs(float(found.seconds) - 2) < 0.1 and "missing" in found.notes[0]
    assert track_count(tmp_path / "two.mkv") == 2


def test_what_is_no_sound_is_refused(tmp_path):
    with pytest.raises(SoundError, match="has no sound"):
        read_sound(noisy_film(tmp_path / "a.mkv"))
    with pytest.raises(SoundError, match="0 to 0"):
        read_sound(TALK, 3)


@pytest.mark.data
def test_a_damaged_track_is_read_as_far_as_it_goes():
    found = read_sound(data_path("clips/short_audio.mp4"))
    assert abs(float(found.seconds) - 11.2) < 0.1


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


def test_all_tracks_are_cleaned(tmp_path):
    tracks = voice() + noise(48_000, 0.02), voice(2.0, seed=3) + noise(32_000, 0.02)
    made = clean_audio(noisy_film(tmp_path / "a.mkv", *tracks), "spectral")
    assert [(len(sound), sound.track) for sound in made.tracks] == [(48_000, 0), (32_000, 1)]


def test_a_long_sound_is_worked_on_in_pieces():
    sound = Sound(noise(50_000, 0.1), 1000)
    made = in_pieces(sound, lambda samples: samples * 2, seconds=7, around=1)
    assert np.allclose(made.samples, sound.samples * 2, atol=1e-6)


def test_what_cannot_be_is_refused():
    sound = Sound(voice(), 16_000)
    for method, strength, said in (("magic", None, "allowed are talk"), ("talk", 2, "0 to 1")):
        with pytest.raises(SoundError, match=said):
            clean_audio(sound, method, strength=strength)
    with pytest.raises(SoundError, match="There is no file"):
        clean_audio(sound, "nothing.wav")
    with pytest.raises(SoundError, match="too short"):
        clean_audio(sound, "spectral", noise=(1.0, 1.01))
    with pytest.raises(SoundError, match="-70 to -5"):
        clean_audio(sound, "loudness", loudness=3)


# --- noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [None, "quiet", (0.05, 0.6)])
def test_noise_becomes_less_and_the_voice_stays(profile):
    truth = np.pad(voice(4.0), ((0, 0), (12_000, 0)))
    sound = Sound(truth + noise(truth.shape[1], 0.02), 16_000)
    made = clean_audio(sound, "spectral", noise=profile)
    assert gain(sound.samples, made.sound.samples, truth) > 6
    pause = np.s_[:, 1000:10_000]
    assert made.sound.samples[pause].std() < 0.35 * sound.samples[pause].std()


def test_the_quiet_stretch_is_found():
    samples = np.concatenate([voice(1.5) + 0, np.zeros((1, 12_000)), voice(1.5)], 1)
    sound = Sound((samples + noise(60_000, 0.003)).astype(np.float32), 16_000, Fraction(10))
    begin, end = quiet_stretch(sound)
    assert 11.3 < begin < end < 12.4


def test_spectra_untouched_are_the_sound_again():
    for rate, count in ((8000, 1), (16_000, 777), (44_100, 30_001)):
        samples = noise(count, 0.3)[0]
        spectra = spectral_denoise.Spectra(rate, count)
        assert np.allclose(spectra.back(spectra.of(samples)), samples, atol=1e-5)


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
        raise fetch.RefusedError("no network")

    monkeypatch.setattr(fetch, "_get", refuse)
    with pytest.raises(Exception, match=r"(?s)sh\.rnnn.*spectral"):
        clean_audio(Sound(voice(), 16_000), "rnnoise")


def test_talk_says_what_it_does_instead_of_the_best():
    made = clean_audio(Sound(voice() + noise(48_000, 0.01), 16_000), "talk")
    assert any("DeepFilterNet was not used" in note for note in made.notes)


# --- mending ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mains", [49.93, 60.08])
def test_hum_is_found_by_itself_and_taken_out(mains):
    truth, time = voice(6.0), np.arange(96_000) / 16_000
    hum = sum(0.03 / n * np.sin(2 * np.pi * n * mains * time + n) for n in (1, 2, 3, 5))
    sound = Sound((truth + hum).astype(np.float32), 16_000)
    found = declick.find_hum(sound.samples, 16_000)
    assert (
        found and found.base == pytest.approx(mains, abs=0.03) and {1, 2, 3} <= set(found.harmonics)
    )
    assert gain(sound.samples, cut_hum(sound).samples, truth) > 6


def test_no_hum_is_found_in_a_voice():
    assert declick.find_hum(voice(6.0), 16_000) is None
    assert declick.find_hum(noise(96_000, 0.1), 16_000) is None


PULSE = np.hanning(7)[1:-1]


def test_clicks_are_mended():
    truth, dice = voice(4.0) + noise(64_000, 0.001), np.random.default_rng(3)
    samples = truth.copy()
    for at in dice.choice(63_000, 40, replace=False):
        samples[0, at : at + 5] += dice.choice([-1, 1]) * dice.uniform(0.2, 0.6) * PULSE
    mended = mend_clicks(Sound(samples, 16_000)).samples
    assert gain(samples, mended, truth) > 6
    assert diagnose(Sound(samples, 16_000)).has_clicks


def test_cut_peaks_are_rounded_out():
    truth = voice(4.0)
    samples = np.clip(truth, -0.15, 0.15)
    found = diagnose(Sound(samples, 16_000))
    mended = mend_clipping(Sound(samples, 16_000)).samples
    assert found.clipped > 0.001 and gain(samples, mended, truth) > 2
    assert not diagnose(Sound(truth, 16_000)).clipped


def test_rumble_goes_and_the_voice_stays():
    truth, time = voice(4.0), np.arange(64_000) / 16_000
    samples = truth + (0.2 * np.sin(2 * np.pi * 17 * time)).astype(np.float32)
    assert gain(samples, spectral_denoise.cut_rumble(samples, 16_000, 60), truth) > 12


# --- loudness -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [-23.0, -16.0])
def test_loudness_is_reached_and_the_peak_held(target):
    sound = Sound(voice(6.0, 48_000) * 0.2, 48_000)
    found = measure_loudness(level(sound, target, -1.5))
    assert found.integrated == pytest.approx(target, abs=0.5) and found.peak <= -1.4


def test_the_limiter_holds_peaks_between_samples():
    time = np.arange(48_000) / 48_000
    tone = (0.9 * np.sin(2 * np.pi * 12_000 * time + np.pi / 4))[None].astype(np.float32)
    made = limit_peaks(tone, 48_000, 2.0, 0.5)
    assert np.abs(resampled(made, 48_000, 384_000)[:, 800:-800]).max() <= 0.505


# --- diagnosis ----------------------------------------------------------------------------------


def test_the_sample_talk_is_diagnosed():
    found = diagnose(TALK)
    assert found.preset == "talk" and found.hum and found.hum.base == pytest.approx(50, abs=0.1)
    assert 8 < found.snr < 20 and found.bandwidth < 8000 and "talk" in repr(found)


def test_the_noise_is_estimated():
    quiet, loud = (diagnose(Sound(voice(6.0) + noise(96_000, size), 16_000)).snr
                   for size in (0.001, 0.02))  # fmt: skip
    assert quiet > loud + 15
    dull = sosfiltfilt(butter(8, 4000, fs=48_000, output="sos"), noise(96_000, 0.1))
    assert 3000 < measures.bandwidth(dull, 48_000) < 7000
    assert measures.bandwidth(noise(96_000, 0.1), 48_000) == 24_000


# --- from elsewhere -----------------------------------------------------------------------------


@pytest.mark.parametrize("late", [0, 5000, -3217])
def test_a_file_from_elsewhere_is_laid_where_it_belongs(tmp_path, late):
    truth = voice(9.0) * np.linspace(0.5, 1.5, 144_000, dtype=np.float32)
    truth += noise(144_000, 0.004, 9)
    sound = Sound(truth + noise(144_000, 0.01), 16_000, Fraction(1, 7))
    other = np.pad(truth, ((0, 0), (late, 0))) if late >= 0 else truth[:, -late:]
    file = Sound(resampled(other, 16_000, 44_100), 44_100).save(tmp_path / "other.wav")
    made = clean_audio(sound, str(file)).sound
    assert (made.rate, made.start) == (44_100, sound.start)
    assert len(made) == math.ceil(sound.seconds * 44_100)
    wanted = resampled(truth, 16_000, 44_100)[:, 10_000:-10_000]
    assert np.abs(made.samples[:, 10_000 : 10_000 + wanted.shape[1]] - wanted).max() < 0.02


def test_another_recording_is_refused(tmp_path):
    file = Sound(noise(100_000, 0.1, 5), 16_000).save(tmp_path / "other.wav")
    with pytest.raises(SoundError, match="does not sound like it"):
        matched(Sound(voice(5.0), 16_000), file)


@pytest.mark.parametrize("seconds", [Fraction(1, 30), Fraction(3), Fraction(11)])
@pytest.mark.parametrize("loop", [True, False])
def test_music_is_as_long_as_the_film(seconds, loop):
    music = Sound(voice(3.0, 48_000), 48_000)
    made = fit_music(music, seconds, start=Fraction(1, 2), loop=loop)
    assert len(made) == round(seconds * 48_000) and made.start == Fraction(1, 2)
    assert abs(made.samples[0, -1]) < 0.01 and np.abs(made.samples).max() < 1
    if seconds == 11:
        assert bool(np.abs(made.samples[0, 5 * 48_000 :]).max() > 0.05) == loop


# --- into the film ------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_the_film_gets_its_new_sound_in_step(tmp_path, ending, keep):
    path = noisy_film(tmp_path / "a.mkv", voice() + noise(48_000, 0.01), late=0.2)
    made = clean_audio(path, "spectral")
    replace_sound(path, made, tmp_path / f"b.{ending}", keep=keep)
    assert track_count(tmp_path / f"b.{ending}") == 1 + keep
    assert abs(sound_offset_ms(path, tmp_path / f"b.{ending}")) < 1
    if ending == "mkv":
        found = read_sound(tmp_path / "b.mkv")
        assert found.start == made.sound.start
        assert np.abs(found.samples - made.sound.samples).max() < 1e-6


def test_a_silent_film_gets_music(tmp_path):
    path = noisy_film(tmp_path / "a.mp4")
    replace_sound(path, fit_music(Sound(voice(1.0), 16_000), 3), tmp_path / "b.mp4")
    assert len(read_sound(tmp_path / "b.mp4")) == 48_000


def test_several_tracks_keep_their_order(tmp_path):
    path = noisy_film(tmp_path / "a.mkv", voice() + noise(48_000, 0.01), noise(48_000, 0.1))
    made = clean_audio(path, "spectral", track=1)
    replace_sound(path, made, tmp_path / "b.mkv", keep=True)
    first, second, third = (read_sound(tmp_path / "b.mkv", number).samples for number in range(3))
    assert np.abs(first - read_sound(path).samples).max() < 1e-6
    assert np.abs(second - made.sound.samples).max() < 1e-6
    assert np.abs(third - read_sound(path, 1).samples).max() < 1e-6


def test_what_was_cleaned_can_be_kept(tmp_path):
    sound = Sound(voice() + noise(48_000, 0.01), 16_000, Fraction(1, 3))
    made = clean_audio(sound, "spectral")
    back = Cleaned.load(made.save(tmp_path / "06_audio"))
    assert np.array_equal(back.sound.samples, made.sound.samples)
    assert (back.sound.start, back.steps) == (sound.start, made.steps)
    with pytest.raises(SoundError, match="no cleaned sound"):
        Cleaned.load(tmp_path)


def test_a_preview_is_a_part_of_the_whole():
    sound = Sound(voice(20.0) + noise(320_000, 0.02), 16_000)
    before, after = preview(sound, "spectral", at=8, seconds=2)
    assert len(before) == len(after) == 32_000 and before.start == 8
    assert np.array_equal(before.samples, sound.cut(8, 10).samples)
    assert after.samples.std() < before.samples.std()
