"""Tests of looking at sound and listening to it in a notebook."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from helpers.audio import preview
from helpers.audio.track import Sound, SoundError
from helpers.show.sound import SOUND_CAP, encode_mp3, listen, look_at, spectrogram, try_strengths
from tests.support.paths import TALK


def tone(hertz=1000.0, seconds=1.0, rate=16_000, channels=1):
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * hertz * time)
    return Sound(np.repeat(wave[None], channels, 0).astype(np.float32), rate)


def test_a_spectrogram_shows_a_tone_where_it_is():
    image = spectrogram(tone(2000))
    row = image[:, image.shape[1] // 2].argmax()
    assert row / (len(image) - 1) * 8000 == pytest.approx(2000, abs=30)
    assert image.max() == pytest.approx(-6, abs=1)


def test_sounds_are_looked_at(tmp_path):
    view = look_at(tone(), tone(500, channels=6), path=tmp_path / "look.png")
    assert "before; after" in repr(view) and (tmp_path / "look.png").stat().st_size > 5000
    assert base64.b64decode(view.outputs[0]["image/jpeg"])[:2] == b"\xff\xd8"
    assert look_at(Sound(np.zeros((1, 3), np.float32), 8000)).outputs


def test_what_is_heard_lies_in_the_page():
    view = listen(tone(), tone(500), labels=["<old>", "new"])
    page = view.outputs[0]["text/html"]
    assert page.count("data:audio/mpeg;base64,") == 4 and "&lt;old&gt;" in page
    assert not re.search(r"<script|https?://|<old>", page)


def test_strengths_are_heard_under_a_slider():
    page = try_strengths(TALK, "spectral", values=(0, 1), seconds=1).outputs[0]["text/html"]
    assert 'max="1"' in page and "untouched" in page and page.count("<audio") == 2


@pytest.mark.slow
def test_a_long_sound_is_made_small():
    dice = np.random.default_rng(0)
    noise = Sound(dice.normal(0, 0.2, (2, 48_000 * 40)).astype(np.float32), 48_000)
    assert len(encode_mp3(noise)) <= SOUND_CAP
    assert len(encode_mp3(Sound(noise.samples[:1, :100], 44_100))) > 100


def test_labels_must_fit():
    with pytest.raises(SoundError, match="1 labels were given for 2"):
        listen(tone(), tone(), labels=["one"])


def test_before_and_after_are_equally_long():
    before, after = preview(TALK, "repair", seconds=2)
    assert len(before) == len(after) == 2 * before.rate
