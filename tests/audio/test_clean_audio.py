"""Sound is cleaned, kept, previewed and put into the film in step."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from helpers import open_video
from helpers.audio import (
    Cleaned,
    clean_audio,
    preview,
    replace_sound,
)
from helpers.audio.align import fit_music
from helpers.audio.reader import read_sound, track_count
from helpers.audio.track import Sound, SoundError, UnreadableSoundError
from helpers.errors import ProjectError
from helpers.plan import SoundChoice, make_sound
from helpers.project.report import sound_offset_ms
from tests.support.films import ffmpeg
from tests.support.odd_films import spoiled, with_sound
from tests.support.sounds import noise, noisy_film, voice

pytestmark = pytest.mark.usefixtures("models")


def test_all_tracks_are_cleaned(tmp_path):
    tracks = voice() + noise(48_000, 0.02), voice(2.0, seed=3) + noise(32_000, 0.02)
    made = clean_audio(noisy_film(tmp_path / "a.mkv", *tracks), "spectral")
    assert [(len(sound), sound.track) for sound in made.tracks] == [(48_000, 0), (32_000, 1)]


def test_what_cannot_be_is_refused():
    sound = Sound(voice(), 16_000)
    refused = (("magic", None, r"neither a method .* one of talk"), ("talk", 2, "from 0 to 1"))
    for method, strength, message in refused:
        with pytest.raises(SoundError, match=message):
            clean_audio(sound, method, strength=strength)
    with pytest.raises(SoundError, match=r"sound file .* does not exist"):
        clean_audio(sound, "nothing.wav")
    with pytest.raises(SoundError, match="too short"):
        clean_audio(sound, "spectral", noise=(1.0, 1.01))
    with pytest.raises(SoundError, match="-70 to -5"):
        clean_audio(sound, "loudness", loudness=3)


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


@pytest.mark.parametrize("file", ["../film.mp4", "/etc/passwd", "track0.wav\n", 7])
def test_what_was_kept_leads_to_no_other_folder(tmp_path, file):
    sound = Sound(voice() + noise(48_000, 0.01), 16_000)
    folder = clean_audio(sound, "spectral").save(tmp_path / "06_audio")
    values = json.loads((folder / "sound.json").read_text())
    values["tracks"][0]["file"] = file
    (folder / "sound.json").write_text(json.dumps(values))
    with pytest.raises(ProjectError, match=r"sound\.json is damaged"):
        Cleaned.load(folder)


def test_a_preview_is_a_part_of_the_whole():
    sound = Sound(voice(20.0) + noise(320_000, 0.02), 16_000)
    before, after = preview(sound, "spectral", at=8, seconds=2)
    assert len(before) == len(after) == 32_000 and before.start == 8
    assert np.array_equal(before.samples, sound.cut(8, 10).samples)
    assert after.samples.std() < before.samples.std()


def test_a_track_that_cannot_be_decoded_is_left_and_the_others_are_cleaned(tmp_path):
    whole, broken = with_sound(tmp_path / "whole.ts", "mp2"), tmp_path / "broken.ts"
    both = ("-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy")
    ffmpeg("-i", whole, *both, tmp_path / "two.ts")
    spoiled(tmp_path / "two.ts", broken, 0x101)
    found = clean_audio(broken, "loudness")
    assert [sound.track for sound in found.tracks] == [1]
    assert "track 1: it was not cleaned. Sound track 1 of" in found.notes[0]


def test_a_film_whose_sound_cannot_be_decoded_is_restored_with_a_note(tmp_path):
    source = with_sound(tmp_path / "whole.ts", "mp2")
    broken = spoiled(source, tmp_path / "broken.ts", 0x101)
    with pytest.raises(UnreadableSoundError, match="cannot be decoded"):
        clean_audio(broken, "loudness")
    notes: list[str] = []
    assert make_sound(broken, open_video(broken), SoundChoice("loudness"), notes) == ()
    assert notes[0].startswith("The sound was not cleaned. Sound track 1 of")
